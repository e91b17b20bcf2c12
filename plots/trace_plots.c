/* plots/trace_plots.c - see trace_plots.h. Data are written here, drawing is page_trace.gp's. */
#include "plots/trace_plots.h"

#include "plots/gnuplot_text.h"
#include "plots/picture.h"

#include <inttypes.h>
#include <stdio.h>

/* $curve: blocks, % of hits, % of hits as sampled, whether the first is exact. Up to the first
 * capacity that holds all blocks. */
static void write_curve(FILE *out, const struct trace_info *info)
{
    const struct trace_reuse *reuse = &info->reuse;
    double all = (double)info->blocks;
    fputs("$curve << EOD\n", out);
    for (uint32_t i = 0; i < reuse->capacities; i++) {
        fprintf(out, "%" PRIu64 " %.6f %.6f %d\n", reuse->capacity[i], 100.0 * reuse->hits[i] / all,
                100.0 * reuse->sampled[i] / all,
                reuse->whole || reuse->capacity[i] <= reuse->exact_blocks);
        if ((double)reuse->capacity[i] >= reuse->distinct_blocks)
            break;
    }
    fputs("EOD\n", out);
}

/* $distances: an octave's lower end, % of references. */
static void write_distances(FILE *out, const struct trace_info *info)
{
    const struct trace_reuse *reuse = &info->reuse;
    fputs("$distances << EOD\n", out);
    for (uint32_t k = 0; k < TRACE_OCTAVES; k++)
        if ((UINT64_C(1) << k) <= (uint64_t)reuse->distinct_blocks)
            fprintf(out, "%" PRIu64 " %.6f\n", UINT64_C(1) << k,
                    100.0 * reuse->octave[k] / (double)info->blocks);
    fputs("EOD\n", out);
}

struct page {
    const struct trace_info *info;
    const struct trace_info_view *view;
};

static void put_page(FILE *out, const void *data)
{
    const struct page *page = data;
    const struct trace_info *info = page->info;
    const struct trace_reuse *reuse = &info->reuse;
    double block_bytes = (double)page->view->kv_bytes_per_token * info->facts.block_tokens;
    write_curve(out, info);
    write_distances(out, info);
    fprintf(out,
            "unbounded = %.6f\nblocks_most = %.0f\nblock_tokens = %u\nblock_gb = %.9g\n"
            "exact_blocks = %.0f\n",
            100.0 * reuse->unbounded_hits / (double)info->blocks, reuse->distinct_blocks,
            info->facts.block_tokens, block_bytes / 1e9,
            reuse->whole ? 0.0 : (double)reuse->exact_blocks);
    fprintf(out, "sampled = %" PRIu64 "\nreferences = %" PRIu64 "\n", reuse->sampled_blocks,
            info->blocks);
    gnuplot_put_variable(out, "model", page->view->model != NULL ? page->view->model : "");
}

enum status trace_plots_draw(const struct trace_info *info, const struct trace_info_view *view,
                             const char *path, struct error *err)
{
    if (info->blocks == 0)
        return error_input(err, NULL, 0, "--plot", "a trace that says which prefixes are shared",
                           info->facts.format);
    return picture_draw("--plot", path, "page_trace.gp", put_page, &(struct page){ info, view },
                        err);
}
