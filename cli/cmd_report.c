/* cli/cmd_report.c - `reprise report`: runs or a sweep as one HTML page. */
#include "base/memory.h"
#include "base/shown.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/price_options.h"
#include "plots/live.h"
#include "plots/report.h"

#include <stdlib.h>

struct report_options {
    const char *db, *path;
    int64_t sweep; /* 0: not given */
    bool live;
    struct price_options price;
};

static enum status parse_runs(const struct options *options, int64_t *runs, struct error *err)
{
    for (uint32_t i = 0; i < options->argument_count; i++)
        if (options_id("RUN", options->arguments[i], &runs[i], err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

/* Without a run and a sweep: what was begun last, be it a comparison or a sweep. */
static enum status choose(struct store *store, const struct report_options *given,
                          struct report_question *question, struct error *err)
{
    static const int64_t latest = 0;
    question->sweep = given->sweep;
    if (question->run_count > 0 || question->sweep > 0)
        return STATUS_OK;
    enum status status = store_sweep_of(store, 0, &question->sweep, err);
    if (status == STATUS_OK && question->sweep == 0) {
        question->runs = &latest;
        question->run_count = 1;
    }
    return status;
}

static enum status write_report(struct store *store, const struct report_options *given,
                                struct report_question *question, struct error *err)
{
    enum status status = choose(store, given, question, err);
    return status == STATUS_OK ? report_write(store, question, given->path, err) : status;
}

static enum status report(struct report_options *given, const struct options *options,
                          struct error *err)
{
    int64_t *runs = memory_new(options->argument_count, sizeof *runs);
    struct report_question question = { .runs = runs,
                                        .run_count = options->argument_count,
                                        .pricing = price_options_pricing(&given->price) };
    struct store *store = NULL;
    enum status status = parse_runs(options, runs, err);
    if (status == STATUS_OK)
        status = options_check_idle(given->sweep > 0 && options->argument_count > 0, "--sweep",
                                    "no RUN beside it", err);
    if (status == STATUS_OK && given->live && options->argument_count > 0)
        status = error_input(err, NULL, 0, "--live", "a sweep, and no runs", options->arguments[0]);
    if (status == STATUS_OK)
        status = store_open(given->db, true, &store, err);
    if (status == STATUS_OK && given->live)
        status = live_write(store, given->sweep, &question.pricing, given->path, err);
    else if (status == STATUS_OK)
        status = write_report(store, given, &question, err);
    if (status == STATUS_OK)
        status = store_still(store, err);
    if (status == STATUS_OK)
        shown_line(stdout, "", given->path);
    store_close(store);
    free(runs);
    return status;
}

int cmd_report(int argc, const char **argv)
{
    struct report_options given = { .db = STORE_DEFAULT_PATH, .path = "report.html" };
    const struct option table[] = {
        { "db", 0, OPTION_READS, &given.db, "FILE", "the results (" STORE_DEFAULT_PATH ")" },
        { "sweep", 0, OPTION_ID, &given.sweep, "ID", "a sweep; `reprise db list` lists them" },
        { "live", 0, OPTION_FLAG, &given.live, NULL,
          "a sweep's points behind sliders, still in one file without a server" },
        { "out", 'o', OPTION_WRITES, &given.path, "FILE", "the page (report.html)" },
        PRICE_OPTIONS(&given.price),
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise report",
        .usage = "[RUN...] [OPTION...]",
        .summary =
            "Writes one HTML page, readable on a phone and on paper, without any other file: what "
            "`sim` says\nfirst, how policies differ and whether that is more than chance, "
            "pictures, "
            "configuration,\nassumptions, and what is not modelled. Of the comparisons that the "
            "runs "
            "belong to, of a sweep,\nor of what was begun last. Several seeds of a policy are "
            "shown as "
            "their mean, with its interval.",
        .table = table,
        .arguments_most = 64,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        report(&given, &options, &err);
    price_options_free(&given.price);
    options_free(&options);
    return output_exit(&err);
}
