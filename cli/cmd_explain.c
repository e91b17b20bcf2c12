/* cli/cmd_explain.c - `reprise explain`: one turn of a run in words, or which turns are worth a
 * look. */
#include "cli/commands.h"
#include "cli/explain.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "validate/store/store.h"

#include <stdio.h>
#include <stdlib.h>

static enum status explain(const char *db, const char *const *arguments, uint32_t count,
                           struct error *err)
{
    struct store *store = NULL;
    struct explained turns = { 0 };
    enum status status = store_open(db, true, &store, err);
    if (status == STATUS_OK)
        interrupt_catch();
    if (status == STATUS_OK)
        status = explain_open(store, count > 0 ? arguments[0] : NULL, &turns, err);
    if (status == STATUS_OK && count < 2)
        explain_list(stdout, &turns);
    else if (status == STATUS_OK)
        status = explain_turn(stdout, &turns, arguments[1], err);
    explain_close(&turns);
    store_close(store);
    return status;
}

int cmd_explain(int argc, const char **argv)
{
    const char *db = STORE_DEFAULT_PATH;
    const struct option table[] = {
        { "db", 0, OPTION_READS, &db, "FILE", "the database (" STORE_DEFAULT_PATH ")" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise explain",
        .usage = "[OPTION...] [RUN [TURN]]",
        .summary =
            "Tells one turn's story: what it waited for, what of its context was reused and from "
            "where, why the\nrest was not. RUN: a policy of the latest comparison, or a run's id "
            "(none: "
            "its first run). TURN: its\nnumber, or SESSION:TURN. Without TURN: which turns are "
            "worth "
            "a look. A run that kept no turns\n(--keep-turns) is simulated again.",
        .table = table,
        .arguments_most = 2,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        explain(db, options.arguments, options.argument_count, &err);
    options_free(&options);
    return output_exit(&err);
}
