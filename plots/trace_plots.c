/* plots/trace_plots.c - see trace_plots.h. Data are written here, drawing is page_trace.gp's. */
#include "plots/trace_plots.h"

#include "plots/gnuplot.h"
#include "plots/plot_data.h"
#include "plots/workshop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "png" or "svg", as the name ends; NULL: neither. */
static const char *format_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot != NULL && (strcmp(dot, ".png") == 0 || strcmp(dot, ".svg") == 0))
        return dot + 1;
    return NULL;
}

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

static void write_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s = ", name);
    plot_data_write_text(out, text);
    fputc('\n', out);
}

static void write_data(FILE *out, const struct trace_info *info, const struct trace_info_view *view,
                       const char *path)
{
    const struct trace_reuse *reuse = &info->reuse;
    double block_bytes = (double)view->kv_bytes_per_token * info->facts.block_tokens;
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
    write_text(out, "model", view->model != NULL ? view->model : "");
    write_text(out, "scripts", workshop_scripts());
    write_text(out, "picture_format", format_of(path));
    write_text(out, "picture_file", path);
    fputs("load scripts.'/style.gp'\nload scripts.'/page_trace.gp'\nunset output\n", out);
}

static enum status draw_in(const struct workshop *workshop, const struct trace_info *info,
                           const struct trace_info_view *view, const char *path, struct error *err)
{
    FILE *out = fopen(workshop->script, "w");
    if (out == NULL)
        return error_io(err, workshop->script, "create", strerror(errno));
    write_data(out, info, view, path);
    bool written = ferror(out) == 0;
    if (fclose(out) != 0 || !written)
        return error_io(err, workshop->script, "write", strerror(errno));
    return gnuplot_run(workshop->script, workshop->log, err);
}

/* gnuplot goes on, and ends well, where its disk is full. */
static enum status check_picture(const char *path, struct error *err)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        return error_io(err, path, "write", strerror(errno));
    return facts.st_size > 0 ? STATUS_OK
                             : error_io(err, path, "write", "it came out empty: is the disk full?");
}

/* gnuplot says little of a picture that it cannot write. */
static enum status check_place(const char *path, struct error *err)
{
    FILE *file = fopen(path, "ab");
    if (file == NULL)
        return error_io(err, path, "create", strerror(errno));
    fclose(file);
    return STATUS_OK;
}

enum status trace_plots_draw(const struct trace_info *info, const struct trace_info_view *view,
                             const char *path, struct error *err)
{
    struct workshop workshop;
    if (format_of(path) == NULL)
        return error_input(err, NULL, 0, "--plot", "a name that ends in .png or .svg", path);
    if (info->blocks == 0)
        return error_input(err, NULL, 0, "--plot", "a trace that says which prefixes are shared",
                           info->facts.format);
    if (workshop_check_name("--plot", path, err) ||
        workshop_check_name("$REPRISE_PLOTS", workshop_scripts(), err) || check_place(path, err) ||
        workshop_open(&workshop, err))
        return err->status;
    enum status status = draw_in(&workshop, info, view, path, err);
    workshop_close(&workshop);
    if (status == STATUS_OK)
        status = check_picture(path, err);
    if (status != STATUS_OK)
        unlink(path);
    return status;
}
