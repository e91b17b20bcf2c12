/* cli/cmd_plot.c - `reprise plot`: pictures of a comparison or a sweep in the database. */
#include "base/shown.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/price_options.h"
#include "plots/gantt.h"
#include "plots/plots.h"
#include "plots/sweep_plots.h"

#include <stdlib.h>

struct plot_options {
    const char *db, *folder;
    struct text_list timelines;
    int64_t run, sweep; /* 0: not given */
    uint64_t turn;
    struct price_options price;
};

static void tell_file(const char *path, void *context)
{
    (void)context;
    shown_line(stdout, "", path);
}

static enum status draw_sweep(struct plot_options *given, struct store *store, int64_t sweep,
                              struct error *err)
{
    struct pricing pricing = price_options_pricing(&given->price);
    struct sweep_view view = { 0 };
    enum status status = sweep_view_load(store, sweep, &pricing, &view, err);
    if (status == STATUS_OK)
        status = sweep_plots_draw(&view, given->folder, tell_file, NULL, err);
    sweep_view_free(&view);
    return status;
}

static enum status draw_comparison(const struct plot_options *given, struct store *store,
                                   int64_t run, struct error *err)
{
    struct compared_kept kept;
    enum status status = compared_read(store, run, &kept, err);
    if (status == STATUS_OK)
        status = plots_draw(store, &kept, PLOTS_PICTURES, given->folder, tell_file, NULL, err);
    compared_kept_free(&kept);
    return status;
}

static enum status draw_timelines(const struct plot_options *given, struct error *err)
{
    uint32_t files = given->timelines.count;
    if (files > GANTT_FILES_MOST)
        return error_input(err, NULL, 0, "--timeline", "at most 4 files", "more");
    return gantt_draw(given->timelines.text, files, given->turn, given->folder, tell_file, NULL,
                      err);
}

static enum status check_given(const struct plot_options *given, struct error *err)
{
    enum status status =
        options_check_idle(given->timelines.count > 0 && (given->run > 0 || given->sweep > 0),
                           "--timeline", "no --run or --sweep beside it", err);
    if (status == STATUS_OK)
        status = options_check_idle(given->timelines.count == 0 && given->turn > 0, "--turn",
                                    "--timeline FILE beside it", err);
    return status == STATUS_OK ? options_check_idle(given->run > 0 && given->sweep > 0, "--run",
                                                    "no --sweep beside it", err)
                               : status;
}

/* Without --sweep and --run: what was begun last, be it a comparison or a sweep. */
static enum status draw(struct plot_options *given, struct error *err)
{
    struct store *store = NULL;
    if (check_given(given, err) != STATUS_OK)
        return err->status;
    if (given->timelines.count > 0)
        return draw_timelines(given, err);
    int64_t run = given->run, sweep = given->sweep;
    enum status status = store_open(given->db, true, &store, err);
    if (status == STATUS_OK && sweep == 0)
        status = store_sweep_of(store, run, &sweep, err);
    if (status == STATUS_OK)
        status = sweep > 0 ? draw_sweep(given, store, sweep, err)
                           : draw_comparison(given, store, run, err);
    if (status == STATUS_OK)
        status = store_still(store, err);
    store_close(store);
    return status;
}

int cmd_plot(int argc, const char **argv)
{
    struct plot_options given = { .db = STORE_DEFAULT_PATH, .folder = "out" };
    const struct option table[] = {
        { "db", 0, OPTION_READS, &given.db, "FILE", "the results (" STORE_DEFAULT_PATH ")" },
        { "run", 'r', OPTION_ID, &given.run, "ID",
          "the comparison that this run belongs to (default: the latest comparison or sweep)" },
        { "sweep", 0, OPTION_ID, &given.sweep, "ID", "a sweep; `reprise db list` lists them" },
        { "timeline", 0, OPTION_TEXTS, &given.timelines, "FILE",
          "one turn's layers, loading, computing and saving, of what `sim` or `run` --timeline "
          "wrote; "
          "may be given again, to lay them side by side" },
        { "turn", 0, OPTION_U64, &given.turn, "N",
          "that turn of the first timeline (default: the one that loads most)" },
        { "out", 'o', OPTION_WRITES, &given.folder, "FOLDER", "where the pictures go (out)" },
        PRICE_OPTIONS(&given.price),
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise plot",
        .usage = "[OPTION...]",
        .summary =
            "Draws a comparison as PNG and SVG: waits, where KV came from and cost as bars, TTFT "
            "distribution,\nhits by tier over time, bytes by link; of several seeds their means, "
            "with "
            "intervals.\nOr a sweep: hit rate, TTFT and cost along its axes, a heat map, cost "
            "against TTFT, a tornado.\nOr, with --timeline, one turn layer by layer.",
        .table = table,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        draw(&given, &err);
    price_options_free(&given.price);
    free(given.timelines.text);
    options_free(&options);
    return output_exit(&err);
}
