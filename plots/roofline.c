/* plots/roofline.c - see roofline.h. Numbers are written here, drawing is roofline.gp's. */
#include "plots/roofline.h"

#include "plots/gnuplot_text.h"
#include "plots/picture.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* What large products attain: the best tile's where there is a fit. */
static double attained_flop(const struct hardware *hardware)
{
    double share = 0;
    if (hardware->timing[0] == '\0')
        return hardware->flop_per_s * hardware->gemm_efficiency;
    for (uint32_t i = 0; i < TILES; i++)
        share = fmax(share, hardware->operators.gemm[FORMAT_BF16].efficiency[i]);
    return hardware->flop_per_s * share;
}

static void write_roof(FILE *out, const struct hardware *hardware)
{
    bool fitted = hardware->timing[0] != '\0';
    double memory =
        fitted ? hardware->operators.gemm[FORMAT_BF16].hbm_efficiency : hardware->hbm_efficiency;
    fprintf(out, "peak_flop = %.9g\npeak_bytes = %.9g\n", hardware->flop_per_s,
            hardware->hbm_bytes_per_s);
    fprintf(out, "attained_flop = %.9g\nattained_bytes = %.9g\n", attained_flop(hardware),
            hardware->hbm_bytes_per_s * memory);
    gnuplot_put_variable(out, "attained_name", fitted ? "attained (fitted)" : "attained (assumed)");
}

/* ---- points and where their names go ---- */

struct point {
    double x, y, share; /* FLOP a byte, FLOP a second, of the iteration */
    double name_x, name_y;
    const char *name;
};

/* Highest first. */
static int compare_points(const void *a, const void *b)
{
    double first = ((const struct point *)a)->y, second = ((const struct point *)b)->y;
    return (first < second) - (first > second);
}

static uint32_t collect(const struct breakdown *breakdown, struct point point[BREAKDOWN_ROWS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < breakdown->rows; i++) {
        const struct breakdown_row *row = &breakdown->row[i];
        if (row->flop > 0 && row->ns > 0)
            point[count++] =
                (struct point){ .x = row->flop / breakdown_bytes(row),
                                .y = row->flop / row->ns * 1e9,
                                .share = row->times * row->ns / breakdown->iteration_ns,
                                .name = row->name };
    }
    qsort(point, count, sizeof *point, compare_points);
    return count;
}

/* Names of points near the right-most stand in a column beside it, others beside their point; in
 * each group none is nearer to the one above, or the roof, than gap, a factor. */
static void place_names(struct point *point, uint32_t count, double gap, double roof)
{
    double right = 0, above[2] = { roof, roof };
    for (uint32_t i = 0; i < count; i++)
        right = fmax(right, point[i].x);
    for (uint32_t i = 0; i < count; i++) {
        int in_column = point[i].x > right / 8;
        point[i].name_x = in_column ? 1.7 * right : 1.3 * point[i].x;
        point[i].name_y = fmin(point[i].y, above[in_column] / gap);
        above[in_column] = point[i].name_y;
    }
}

static void write_points(FILE *out, const char *name, const struct point *point, uint32_t count)
{
    fprintf(out, "$%s << END\n", name);
    for (uint32_t i = 0; i < count; i++)
        fprintf(out, "%.9g %.9g %.9g \"%s\" %.9g %.9g\n", point[i].x, point[i].y, point[i].share,
                point[i].name, point[i].name_x, point[i].name_y);
    fputs("END\n", out);
}

/* Whole decades of both axes, with room for the roof's corner and the names. */
static void write_series(FILE *out, const struct hardware *hardware,
                         const struct breakdown *prefill, const struct breakdown *decode)
{
    struct point point[2][BREAKDOWN_ROWS_MAX];
    uint32_t count[2] = { collect(prefill, point[0]), collect(decode, point[1]) };
    double x_least = 1, x_most = 10 * hardware->flop_per_s / hardware->hbm_bytes_per_s;
    double y_least = hardware->flop_per_s / 100, name_height = 0.031;
    for (int s = 0; s < 2; s++)
        for (uint32_t i = 0; i < count[s]; i++) {
            x_least = fmin(x_least, point[s][i].x / 1.3);
            x_most = fmax(x_most, 20 * point[s][i].x);
            y_least = fmin(y_least, point[s][i].y / 1.5);
        }
    double y_most = 5 * hardware->flop_per_s;
    y_least = pow(10, floor(log10(y_least)));
    fprintf(out, "x_least = %.9g\nx_most = %.9g\ny_least = %.9g\ny_most = %.9g\n",
            pow(10, floor(log10(x_least))), x_most, y_least, y_most);
    for (int s = 0; s < 2; s++) {
        place_names(point[s], count[s], pow(y_most / y_least, name_height),
                    attained_flop(hardware));
        write_points(out, s == 0 ? "prefill" : "decode", point[s], count[s]);
    }
}

static void write_titles(FILE *out, const struct model *model, const struct hardware *hardware,
                         uint32_t ranks, const struct breakdown *prefill,
                         const struct breakdown *decode)
{
    char text[256];
    snprintf(text, sizeof text, "%.80s on %" PRIu32 " GPU%s of %.80s", model->name, ranks,
             ranks > 1 ? "s" : "", hardware->name);
    gnuplot_put_variable(out, "what", text);
    snprintf(text, sizeof text, "prefill, %" PRIu64 " tokens after %" PRIu64, prefill->new_tokens,
             prefill->cached_tokens);
    gnuplot_put_variable(out, "prefill_name", text);
    snprintf(text, sizeof text, "decode, %" PRIu32 " sequences of %" PRIu64, decode->batch,
             decode->context_tokens / decode->batch);
    gnuplot_put_variable(out, "decode_name", text);
}

struct page {
    const struct model *model;
    const struct hardware *hardware;
    uint32_t ranks;
    const struct breakdown *prefill, *decode;
};

static void put_page(FILE *out, const void *data)
{
    const struct page *page = data;
    write_titles(out, page->model, page->hardware, page->ranks, page->prefill, page->decode);
    write_roof(out, page->hardware);
    write_series(out, page->hardware, page->prefill, page->decode);
}

enum status roofline_draw(const char *file, const struct model *model,
                          const struct hardware *hardware, uint32_t ranks,
                          const struct breakdown *prefill, const struct breakdown *decode,
                          struct error *err)
{
    const struct page page = { model, hardware, ranks, prefill, decode };
    return picture_draw("--plot", file, "roofline.gp", put_page, &page, err);
}
