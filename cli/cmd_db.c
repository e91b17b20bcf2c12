/* cli/cmd_db.c - `reprise db`: databases as wholes. */
#include "base/shown.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "validate/store/store_sweep.h"

#include <inttypes.h>
#include <string.h>

static void tell_added(const char *from, uint64_t added)
{
    shown_put(stdout, from);
    printf(": %" PRIu64 " runs added\n", added);
}

/* Before INTO is made or changed: none of them is what nobody can read. */
static enum status check_all(const char *const *from, uint32_t count, struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        struct store *store = NULL;
        status = store_open(from[i], true, &store, err);
        store_close(store);
    }
    return status;
}

static enum status merge(const char *into, const char *const *from, uint32_t count,
                         struct error *err)
{
    struct store *store = NULL;
    enum status status = check_all(from, count, err);
    if (status == STATUS_OK)
        status = store_open(into, false, &store, err);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        uint64_t added = 0;
        status = store_merge(store, from[i], &added, err);
        if (status == STATUS_OK)
            tell_added(from[i], added);
    }
    store_close(store);
    return status;
}

static enum status dump(const char *path, struct error *err)
{
    struct store *store = NULL;
    enum status status = store_open(path, true, &store, err);
    if (status == STATUS_OK)
        status = store_dump(store, stdout, err);
    if (status == STATUS_OK)
        status = store_still(store, err);
    store_close(store);
    return status;
}

static void print_sweep(const struct sweep_summary *sweep, void *context)
{
    (void)context;
    printf("%6" PRId64 "  %6" PRIu32 " of %6" PRIu32 " runs done  %s\n", sweep->id, sweep->done,
           sweep->runs, sweep->command);
}

static enum status list(const char *path, struct error *err)
{
    struct store *store = NULL;
    enum status status = store_open(path, true, &store, err);
    if (status == STATUS_OK)
        status = store_list_sweeps(store, print_sweep, NULL, err);
    if (status == STATUS_OK)
        status = store_still(store, err);
    store_close(store);
    return status;
}

static enum status dispatch(const struct options *options, struct error *err)
{
    const char *what = options->argument_count > 0 ? options->arguments[0] : NULL;
    const char *path = options->argument_count > 1 ? options->arguments[1] : STORE_DEFAULT_PATH;
    if (what != NULL && strcmp(what, "merge") == 0 && options->argument_count > 2)
        return merge(path, options->arguments + 2, options->argument_count - 2, err);
    if (what != NULL && options->argument_count <= 2 && strcmp(what, "dump") == 0)
        return dump(path, err);
    if (what != NULL && options->argument_count <= 2 && strcmp(what, "list") == 0)
        return list(path, err);
    return error_input(err, NULL, 0, "db", "merge INTO FROM..., list [FILE] or dump [FILE]", what);
}

int cmd_db(int argc, const char **argv)
{
    const struct option table[] = { { 0 } };
    const struct command_line line = {
        .command = "reprise db",
        .usage = "merge INTO FROM... | list [FILE] | dump [FILE]",
        .summary =
            "merge: adds to INTO what the others hold and it does not: the shards of a sweep "
            "become one.\nlist: the sweeps and searches in a database. dump: its points as text, "
            "in an order that\ndepends on nothing but their content.",
        .table = table,
        .arguments_most = UINT32_MAX,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        dispatch(&options, &err);
    options_free(&options);
    return output_exit(&err);
}
