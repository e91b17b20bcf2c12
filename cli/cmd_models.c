/* cli/cmd_models.c - `reprise models`: what models, hardware, drives and policies there are. */
#include "base/shown.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/models_import.h"
#include "cli/models_show.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/table.h"
#include "models/versions.h"
#include "sim/sim.h"

#include <string.h>

#define WIDTH_MOST 120

static void print_name(const char *name, void *context)
{
    (void)context;
    shown_line(stdout, "  ", name);
}

struct drive_list {
    struct table table;
    struct error *err;
};

/* What a sheet does not say is left open; a drive that cannot be read is told once, at the end. */
static void add_drive(const char *name, void *context)
{
    struct drive_list *list = context;
    struct drive drive;
    char text[4][32];
    if (list->err->status != STATUS_OK || drive_load(name, &drive, list->err) != STATUS_OK)
        return;
    units_format((double)drive.capacity_bytes, UNIT_BYTES, text[0], sizeof text[0]);
    units_format(drive.read_bytes_per_s, UNIT_BYTES_PER_S, text[1], sizeof text[1]);
    units_format(drive.write_bytes_per_s, UNIT_BYTES_PER_S, text[2], sizeof text[2]);
    units_format((double)drive.endurance_bytes, UNIT_BYTES, text[3], sizeof text[3]);
    table_add(&list->table, "  %s", name);
    table_add(&list->table, "%s", text[0]);
    table_add(&list->table, "%s", drive.read_bytes_per_s > 0.0 ? text[1] : "-");
    table_add(&list->table, "%s", drive.write_bytes_per_s > 0.0 ? text[2] : "-");
    table_add(&list->table, "%s", text[3]);
    if (drive.usd > 0.0)
        table_add(&list->table, "$%.0f, %.20s", drive.usd, drive.usd_date);
    else
        table_add(&list->table, "-");
}

static enum status list_drives(struct error *err)
{
    static const char *const heading[] = { "drives", "holds",        "read",
                                           "write",  "rated writes", "price" };
    struct drive_list list = { .err = err };
    table_init(&list.table, 6);
    for (size_t i = 0; i < sizeof heading / sizeof *heading; i++)
        table_add(&list.table, "%s", heading[i]);
    enum status status = models_list("drive", add_drive, &list, err);
    if (status == STATUS_OK && err->status == STATUS_OK)
        table_print(stdout, &list.table, WIDTH_MOST);
    table_end(&list.table);
    return err->status;
}

/* A file's name and what is in it. */
static void print_row(int width, const char *name, const char *summary)
{
    char shown[CONFIG_TEXT_BYTES];
    shown_fit(name, shown, sizeof shown);
    printf("  %-*s", width, shown);
    shown_line(stdout, " ", summary);
}

static void print_policy(const char *name, const char *summary, void *context)
{
    (void)context;
    print_row(16, name, summary);
}

struct preset_list {
    struct error *err;
};

/* A preset that cannot be read is told once, at the end. */
static void print_preset(const char *name, void *context)
{
    struct preset_list *list = context;
    char summary[CONFIG_TEXT_BYTES];
    if (list->err->status == STATUS_OK && preset_summary(name, summary, list->err) == STATUS_OK)
        print_row(39, name, summary);
}

static void print_version(const char *name, void *context)
{
    struct preset_list *list = context;
    char summary[CONFIG_TEXT_BYTES];
    if (list->err->status == STATUS_OK &&
        engine_version_summary(name, summary, list->err) == STATUS_OK)
        print_row(16, name, summary);
}

static enum status list_policies(struct error *err)
{
    struct preset_list list = { err };
    printf("policies\n");
    sim_policies(print_policy, NULL);
    printf("presets: an engine's policy with the rest of what it does\n");
    enum status status = models_list("engines", print_preset, &list, err);
    if (status == STATUS_OK && err->status == STATUS_OK) {
        printf("versions: an engine's limits and times on the GPU at hand (engine.version)\n");
        status = models_list("versions", print_version, &list, err);
    }
    return status == STATUS_OK ? err->status : status;
}

static enum status list(struct error *err)
{
    printf("models\n");
    enum status status = models_list("llm", print_name, NULL, err);
    if (status != STATUS_OK)
        return status;
    printf("hardware\n");
    status = models_list("hardware", print_name, NULL, err);
    if (status == STATUS_OK)
        status = list_drives(err);
    return status == STATUS_OK ? list_policies(err) : status;
}

struct import_to {
    const char *out, *assume; /* NULL: not given */
};

static bool is_verb(const struct options *options, const char *verb)
{
    return options->argument_count > 0 && strcmp(options->arguments[0], verb) == 0;
}

static enum status check_asked(const struct options *options, const struct models_show *given,
                               struct import_to to, bool policies, struct error *err)
{
    bool shows = is_verb(options, "show"), imports = is_verb(options, "import");
    enum status status =
        options_check_idle(policies && (shows || imports), "--policies", "no show or import", err);
    if (status == STATUS_OK)
        status = options_check_idle(!shows && given->json, "--json", "show NAME beside it", err);
    if (status == STATUS_OK)
        status =
            options_check_idle(!shows && given->plot != NULL, "--plot", "show NAME beside it", err);
    if (status == STATUS_OK)
        status = options_check_idle(!imports && to.out != NULL, "--output",
                                    "import CONFIG.json beside it", err);
    if (status == STATUS_OK)
        status = options_check_idle(!imports && to.assume != NULL, "--assume",
                                    "import CONFIG.json beside it", err);
    return status;
}

static enum status list_or_show(const struct options *options, const struct models_show *given,
                                struct import_to to, struct error *err)
{
    const char *const *arguments = options->arguments;
    if (options->argument_count == 0)
        return list(err);
    if (options->argument_count == 2 && strcmp(arguments[0], "import") == 0)
        return models_import(arguments[1], to.out != NULL ? to.out : "",
                             to.assume != NULL ? to.assume : "", err);
    if (options->argument_count != 2 || strcmp(arguments[0], "show") != 0)
        return error_input(err, NULL, 0, "models",
                           "nothing, show and a model's name, or import and a config.json",
                           arguments[0]);
    return models_show(arguments[1], given, err);
}

int cmd_models(int argc, const char **argv)
{
    struct models_show given = {
        .hardware = "paper-4xa100", .gpus = 4, .engine = ENGINE_VERSION_CURRENT, .batch = 32
    };
    struct import_to to = { 0 };
    bool policies = false;
    const struct option table[] = {
        { "hardware", 'H', OPTION_READS, &given.hardware, "NAME", "on this server (paper-4xa100)" },
        { "gpus", 'g', OPTION_U64, &given.gpus, "N", "on this many of its GPUs (4)" },
        { "engine", 'e', OPTION_TEXT, &given.engine, "VERSION",
          "show: with the HBM that this version leaves for KV (" ENGINE_VERSION_CURRENT ")" },
        { "tokens", 't', OPTION_U64, &given.tokens, "N", "show: a prefill of N new tokens (2048)" },
        { "cached", 'c', OPTION_U64, &given.cached, "N", "show: after N cached ones (0)" },
        { "batch", 'b', OPTION_U64, &given.batch, "N", "show: a decode step of N sequences (32)" },
        { "context", 0, OPTION_U64, &given.context, "N",
          "show: of N tokens of context each (2048)" },
        { "plot", 'p', OPTION_WRITES, &given.plot, "FILE", "show: the roofline, .png or .svg" },
        { "json", 0, OPTION_FLAG, &given.json, NULL, "show: one JSON object" },
        { "output", 'o', OPTION_WRITES, &to.out, "FILE",
          "import: write the YAML there, not to stdout" },
        { "assume", 0, OPTION_TEXT, &to.assume, "WORDS",
          "import: take for granted what a refused file does not say: known-fields (fields that "
          "are "
          "not known change no size), dense-gqa, gated-ffn, plain-ffn" },
        { "policies", 0, OPTION_FLAG, &policies, NULL, "list policies, presets and versions only" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise models",
        .usage = "[show NAME | import CONFIG.json] [OPTION...]",
        .summary = "Lists models, hardware, drives, policies and presets; `show NAME` describes a "
                   "model on a server: KV "
                   "per token,\nroom for KV in HBM, how long prefill and decode take, operator by "
                   "operator, what "
                   "each is bound by,\nand from which tier loading KV is sooner than computing it. "
                   "`import` writes a Hugging Face config.json\n(or a folder's) as a YAML like "
                   "those of models/llm; such a path is also taken wherever a model is named.",
        .table = table,
        .arguments_most = 2,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help) {
        if (check_asked(&options, &given, to, policies, &err) == STATUS_OK)
            (void)(policies ? list_policies(&err) : list_or_show(&options, &given, to, &err));
    }
    options_free(&options);
    return output_exit(&err);
}
