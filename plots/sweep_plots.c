/* plots/sweep_plots.c - see sweep_plots.h. Data and labels are written here, drawing is
 * sweep_*.gp's. */
#include "plots/sweep_plots.h"

#include "base/memory.h"
#include "base/shown.h"
#include "base/units.h"
#include "plots/gnuplot_text.h"
#include "plots/ticks.h"
#include "plots/workshop.h"
#include "sweep/axis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_MOST 8
#define NAME_BYTES 512
#define TIC_BYTES 41
#define TICS_LETTERS_MOST 44 /* more do not fit side by side */

static const char *const formats[] = { "png", "svg" };
enum { FORMATS = sizeof formats / sizeof *formats };

/* ---- labels ---- */

static const char *axis_name(const struct sweep_view *view, int axis, char name[CONFIG_NAME_BYTES])
{
    return config_key_name(view->table.axis_keys[axis], name);
}

/* Equally wide columns with the values below them: a capacity of 0 has its place beside logarithmic
 * ones. NAME_label[i] is at place i - 1; NAME_aslant: they are too long to stand side by side. */
static void write_tics(FILE *out, const struct sweep_view *view, int axis, const char *name)
{
    const struct sweep_axis_view *values = &view->axes[axis];
    size_t letters = 0;
    fprintf(out, "array %s_label[%u]\n", name, values->count);
    for (uint32_t v = 0; v < values->count; v++) {
        char shown[CONFIG_TEXT_BYTES], label[TIC_BYTES], variable[64];
        axis_show(values->row, values->value[v], shown, sizeof shown);
        letters += strlen(shown) + 2;
        shown_text(shown, strlen(shown), label, sizeof label);
        snprintf(variable, sizeof variable, "%s_label[%u]", name, v + 1);
        ticks_put_label(out, variable, label);
    }
    fprintf(out, "%s_count = %u\n%s_aslant = %d\n", name, values->count, name,
            letters > TICS_LETTERS_MOST);
}

/* What the pictures along one axis leave as it is: the cheapest point's other values. */
static void write_fixed(FILE *out, const struct sweep_view *view, int a, int b, const char *name)
{
    char text[NAME_BYTES] = "";
    size_t used = 0;
    for (uint32_t axis = 0; axis < view->table.axes; axis++) {
        char shown[CONFIG_TEXT_BYTES], key[CONFIG_NAME_BYTES];
        if ((int)axis == a || (int)axis == b || view->axes[axis].count < 2)
            continue;
        axis_show(view->axes[axis].row, view->table.rows[view->reference].values[axis], shown,
                  sizeof shown);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %.60s",
                                 used > 0 ? ", " : "at ", axis_name(view, (int)axis, key), shown);
        if (used + 128 > sizeof text)
            break;
    }
    gnuplot_put_variable(out, name, text);
}

/* ---- curves ---- */

struct sum {
    double hits, ttft_s, cost;
    uint32_t count;
};

/* The mean over replications at one place; NaN: no run there. */
static struct sum mean_at(const struct sweep_view *view, int a, uint32_t va, int b, uint32_t vb)
{
    struct sum sum = { 0 };
    for (uint32_t i = 0; i < view->shown_count; i++) {
        uint32_t row = view->shown[i];
        if (!sweep_view_beside(view, row, a, b) || sweep_view_place(view, a, row) != va ||
            (b >= 0 && sweep_view_place(view, b, row) != vb))
            continue;
        const struct metrics *metrics = &view->table.rows[row].metrics;
        sum.hits += 100.0 * metrics->hit_rate_tokens;
        sum.ttft_s += metrics->ttft_p99_ns / (double)NS_PER_S;
        sum.cost += view->cost[row];
        sum.count++;
    }
    sum.hits /= sum.count; /* 0 / 0 is the NaN that is wanted */
    sum.ttft_s /= sum.count;
    sum.cost /= sum.count;
    return sum;
}

static void write_curve(FILE *out, const struct sweep_view *view, uint32_t series)
{
    fprintf(out, "$curve_%u << END\n", series + 1);
    for (uint32_t v = 0; v < view->axes[view->x].count; v++) {
        struct sum mean = mean_at(view, view->x, v, view->series, series);
        if (mean.count > 0)
            fprintf(out, "%u %.9g %.9g %.9g\n", v, mean.hits, mean.ttft_s, mean.cost);
    }
    fputs("END\n", out);
}

/* Of samples no two share all other values: each run is a dot. */
static void write_dots(FILE *out, const struct sweep_view *view)
{
    double most = 0.0;
    fputs("$curve_1 << END\n", out);
    for (uint32_t i = 0; i < view->shown_count; i++) {
        const struct sweep_row *row = &view->table.rows[view->shown[i]];
        double x = 0.0;
        units_parse(row->values[view->x], view->axes[view->x].row->unit, &x);
        most = fmax(most, x);
        fprintf(out, "%.9g %.9g %.9g %.9g\n", x, 100.0 * row->metrics.hit_rate_tokens,
                row->metrics.ttft_p99_ns / (double)NS_PER_S, view->cost[view->shown[i]]);
    }
    fprintf(out, "END\nx_large = %d\n", most >= 1e4);
}

static void write_curves(FILE *out, const struct sweep_view *view)
{
    uint32_t series = view->grid && view->series >= 0 ? view->axes[view->series].count : 1;
    series = series < SERIES_MOST ? series : SERIES_MOST;
    char key[CONFIG_NAME_BYTES];
    fprintf(out, "curves = %u\ngrid = %d\narray curve_name[%u]\n", series, view->grid, series);
    gnuplot_put_variable(out, "x_name", axis_name(view, view->x, key));
    gnuplot_put_variable(out, "series_name",
                         view->series >= 0 ? axis_name(view, view->series, key) : "");
    if (view->grid)
        write_tics(out, view, view->x, "x_tics");
    if (view->grid)
        write_fixed(out, view, view->x, view->series, "fixed");
    else
        gnuplot_put_variable(out, "fixed", "every sample");
    for (uint32_t s = 0; s < series; s++) {
        char name[32], shown[CONFIG_TEXT_BYTES] = "";
        if (view->grid && view->series >= 0)
            axis_show(view->axes[view->series].row, view->axes[view->series].value[s], shown,
                      sizeof shown);
        snprintf(name, sizeof name, "curve_name[%u]", s + 1);
        gnuplot_put_variable(out, name, shown);
        if (view->grid)
            write_curve(out, view, s);
    }
    if (!view->grid)
        write_dots(out, view);
}

/* ---- heat, front, tornado ---- */

static void write_heat(FILE *out, const struct sweep_view *view)
{
    char key[CONFIG_NAME_BYTES];
    gnuplot_put_variable(out, "y_name", axis_name(view, view->y, key));
    write_tics(out, view, view->y, "y_tics");
    write_fixed(out, view, view->x, view->y, "heat_fixed");
    fprintf(out, "x_count = %u\ny_count = %u\n$heat << END\n", view->axes[view->x].count,
            view->axes[view->y].count);
    for (uint32_t v = 0; v < view->axes[view->x].count; v++)
        for (uint32_t w = 0; w < view->axes[view->y].count; w++) {
            struct sum mean = mean_at(view, view->x, v, view->y, w);
            if (mean.count > 0)
                fprintf(out, "%u %u %.9g %.9g\n", v, w, mean.cost, mean.ttft_s);
        }
    fputs("END\n", out);
}

/* A map with holes says less than the curves do. */
static bool heat_is_full(const struct sweep_view *view)
{
    for (uint32_t v = 0; v < view->axes[view->x].count; v++)
        for (uint32_t w = 0; w < view->axes[view->y].count; w++)
            if (mean_at(view, view->x, v, view->y, w).count == 0)
                return false;
    return true;
}

static void write_dot(FILE *out, const struct sweep_view *view, uint32_t row)
{
    fprintf(out, "%.9g %.9g\n", view->cost[row],
            view->table.rows[row].metrics.ttft_p99_ns / (double)NS_PER_S);
}

static void write_pareto(FILE *out, const struct sweep_view *view)
{
    uint32_t *front = memory_new(view->shown_count, sizeof *front);
    uint32_t count = sweep_view_front(view, front);
    fputs("$all << END\n", out);
    for (uint32_t i = 0; i < view->shown_count; i++)
        write_dot(out, view, view->shown[i]);
    fputs("END\n$front << END\n", out);
    for (uint32_t i = 0; i < count; i++)
        write_dot(out, view, front[i]);
    fputs("END\n", out);
    free(front);
}

struct swing {
    int axis;
    double low, high;
    uint32_t low_row, high_row;
};

static int compare_swings(const void *a, const void *b)
{
    const struct swing *left = a, *right = b;
    double first = left->high - left->low, second = right->high - right->low;
    return first != second ? (first < second ? -1 : 1) : left->axis - right->axis;
}

/* What the axis alone does to the cost; false: nothing varies. */
static bool find_swing(const struct sweep_view *view, int axis, struct swing *swing)
{
    uint32_t beside = 0;
    *swing = (struct swing){ axis, INFINITY, -INFINITY, 0, 0 };
    for (uint32_t i = 0; i < view->shown_count; i++) {
        uint32_t row = view->shown[i];
        if (!sweep_view_beside(view, row, axis, -1) || isnan(view->cost[row]))
            continue;
        beside++;
        if (view->cost[row] < swing->low) {
            swing->low = view->cost[row];
            swing->low_row = row;
        }
        if (view->cost[row] > swing->high) {
            swing->high = view->cost[row];
            swing->high_row = row;
        }
    }
    return beside > 1 && view->axes[axis].count > 1 && swing->high > swing->low;
}

static void write_swing(FILE *out, const struct sweep_view *view, const struct swing *swing,
                        uint32_t place)
{
    char low[CONFIG_TEXT_BYTES], high[CONFIG_TEXT_BYTES], label[NAME_BYTES], key[CONFIG_NAME_BYTES];
    const struct config_row *row = view->axes[swing->axis].row;
    axis_show(row, view->table.rows[swing->low_row].values[swing->axis], low, sizeof low);
    axis_show(row, view->table.rows[swing->high_row].values[swing->axis], high, sizeof high);
    snprintf(label, sizeof label, "%.80s: %.60s to %.60s", axis_name(view, swing->axis, key), low,
             high);
    double now = view->cost[view->reference];
    fprintf(out, "swing_low[%u] = %.9g\nswing_high[%u] = %.9g\n", place,
            100.0 * (swing->low / now - 1.0), place, 100.0 * (swing->high / now - 1.0));
    char variable[32];
    snprintf(variable, sizeof variable, "swing_label[%u]", place);
    gnuplot_put_variable(out, variable, label);
}

static uint32_t write_tornado(FILE *out, const struct sweep_view *view)
{
    struct swing *swings = memory_new(view->table.axes, sizeof *swings);
    char name[NAME_BYTES];
    uint32_t count = 0;
    for (uint32_t a = 0; a < view->table.axes; a++)
        count += find_swing(view, (int)a, &swings[count]);
    if (count > 0)
        qsort(swings, count, sizeof *swings, compare_swings);
    if (count > 0)
        fprintf(out,
                "swings = %u\narray swing_low[%u]\narray swing_high[%u]\narray swing_label[%u]\n",
                count, count, count, count);
    double least = 0.0, most = 0.0, now = view->cost[view->reference];
    for (uint32_t i = 0; i < count; i++) {
        write_swing(out, view, &swings[i], i + 1);
        least = fmin(least, 100.0 * (swings[i].low / now - 1.0));
        most = fmax(most, 100.0 * (swings[i].high / now - 1.0));
    }
    fprintf(out, "swing_least = %.9g\nswing_most = %.9g\n", least, most);
    gnuplot_put_variable(out, "reference",
                         sweep_view_name(view, view->reference, name, sizeof name));
    free(swings);
    return count;
}

/* ---- pictures ---- */

/* A picture, whether there is something on it, and the column it draws where one script draws
 * several. */
struct picture {
    const char *name, *script;
    bool drawn;
};
enum { PICTURES = 6 };

static void add_picture(struct workshop *workshop, const struct picture *picture)
{
    char page[64];
    snprintf(page, sizeof page, "%s.gp", picture->script);
    for (int format = 0; format < FORMATS; format++)
        workshop_add(workshop, picture->name, formats[format], "sweep_canvas.gp", page);
}

static void write_script(struct workshop *workshop, const struct sweep_view *view,
                         struct picture pictures[PICTURES])
{
    FILE *out = workshop->out;
    gnuplot_put_variable(out, "billing", billing_name(view->billing));
    if (view->x >= 0)
        write_curves(out, view);
    if (pictures[3].drawn)
        write_heat(out, view);
    write_pareto(out, view);
    pictures[5].drawn = write_tornado(out, view) > 0;
    for (int i = 0; i < PICTURES; i++)
        if (pictures[i].drawn)
            add_picture(workshop, &pictures[i]);
}

static enum status give_pictures(const struct workshop *workshop, const char *folder,
                                 const struct picture pictures[PICTURES],
                                 void (*wrote)(const char *, void *), void *context,
                                 struct error *err)
{
    char path[WORKSHOP_PATH_BYTES];
    for (int i = 0; i < PICTURES; i++)
        for (int format = 0; pictures[i].drawn && format < FORMATS; format++) {
            snprintf(path, sizeof path, "%s/%s.%s", folder, pictures[i].name, formats[format]);
            if (workshop_give(workshop, pictures[i].name, formats[format], path, err) != STATUS_OK)
                return err->status;
            wrote(path, context);
        }
    return STATUS_OK;
}

enum status sweep_plots_draw(const struct sweep_view *view, const char *folder,
                             void (*wrote)(const char *path, void *context), void *context,
                             struct error *err)
{
    bool curves = view->x >= 0;
    bool heat = view->grid && view->y >= 0 && heat_is_full(view);
    struct picture pictures[PICTURES] = {
        { "sweep_hits", "sweep_curve", curves },  { "sweep_ttft", "sweep_curve", curves },
        { "sweep_cost", "sweep_curve", curves },  { "sweep_heat", "sweep_heat", heat },
        { "sweep_pareto", "sweep_pareto", true }, { "sweep_tornado", "sweep_tornado", false },
    };
    struct workshop workshop;
    enum status status = workshop_check_name("--out", folder, err);
    if (status == STATUS_OK)
        status = workshop_make_folder(folder, err);
    if (status == STATUS_OK)
        status = workshop_open(&workshop, err);
    if (status != STATUS_OK)
        return status;
    write_script(&workshop, view, pictures);
    status = workshop_draw(&workshop, err);
    if (status == STATUS_OK)
        status = give_pictures(&workshop, folder, pictures, wrote, context, err);
    workshop_close(&workshop);
    return status;
}
