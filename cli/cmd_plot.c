/* cli/cmd_plot.c - `reprise plot`: pictures of a comparison in the database. */
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "plots/plots.h"

static void tell_file(const char *path, void *context)
{
    (void)context;
    printf("%s\n", path);
}

static enum status draw(const char *db, int64_t run, const char *folder, struct error *err)
{
    struct store *store = NULL;
    enum status status = store_open(db, true, &store, err);
    if (status == STATUS_OK)
        status = plots_draw(store, run, folder, tell_file, NULL, err);
    store_close(store);
    return status;
}

int cmd_plot(int argc, const char **argv)
{
    const char *db = STORE_DEFAULT_PATH, *folder = "out";
    uint64_t run = 0;
    const struct option table[] = {
        { "db", 0, OPTION_TEXT, &db, "FILE", "the results (" STORE_DEFAULT_PATH ")" },
        { "run", 'r', OPTION_U64, &run, "ID",
          "the comparison that this run belongs to (default: the latest)" },
        { "out", 'o', OPTION_TEXT, &folder, "FOLDER", "where the pictures go (out)" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise plot",
        .usage = "[OPTION...]",
        .summary =
            "Draws a comparison as PNG and SVG: TTFT distribution, hits by tier over time, bytes "
            "by link.",
        .table = table,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        draw(db, (int64_t)(run & INT64_MAX), folder, &err);
    options_free(&options);
    return output_exit(&err);
}
