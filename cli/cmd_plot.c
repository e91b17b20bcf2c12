/* cli/cmd_plot.c - `reprise plot`: pictures of a comparison in the database. */
#include "cli/commands.h"
#include "cli/options.h"
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
    const char *db = "reprise.db", *folder = "out", *arguments[1];
    long long run = 0;
    poptContext context;
    struct error err = { 0 };
    const struct poptOption table[] = {
        { "db", 0, POPT_ARG_STRING, &db, 0, "the results (default: reprise.db)", "FILE" },
        { "run", 'r', POPT_ARG_LONGLONG, &run, 0,
          "the comparison that this run belongs to (default: the latest)", "ID" },
        { "out", 'o', POPT_ARG_STRING, &folder, 0, "where the pictures go (default: out)", "FOLDER" },
        POPT_TABLEEND
    };
    const struct options options = {
        .usage = "plot [OPTION...]",
        .summary = "Draws a comparison as PNG and SVG: TTFT distribution, hits by tier over time, bytes "
                   "by link.",
        .table = table,
    };
    enum options_step step = options_parse(&options, argc, argv, arguments, &context, &err);
    if (step == OPTIONS_RUN)
        draw(db, (int64_t)run, folder, &err);
    options_free(context, NULL);
    return err.status != STATUS_OK ? options_fail(&err) : 0;
}
