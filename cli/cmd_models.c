/* cli/cmd_models.c - `reprise models`: what models, hardware and policies there are. */
#include "cli/commands.h"
#include "cli/models_import.h"
#include "cli/options.h"
#include "cli/output.h"
#include "models/models.h"
#include "sim/sim.h"

#include <string.h>

static void print_name(const char *name, void *context)
{
    (void)context;
    printf("  %s\n", name);
}

static void print_policy(const char *name, const char *summary, void *context)
{
    (void)context;
    printf("  %-16s %s\n", name, summary);
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
        printf("  %-39s %s\n", name, summary);
}

static enum status list_policies(struct error *err)
{
    struct preset_list list = { err };
    printf("policies\n");
    sim_policies(print_policy, NULL);
    printf("presets: an engine's policy with the rest of what it does\n");
    enum status status = models_list("engines", print_preset, &list, err);
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
    return status == STATUS_OK ? list_policies(err) : status;
}

static enum status show(const char *name, const char *hardware_name, uint64_t gpus,
                        struct error *err)
{
    struct model model;
    struct hardware hardware;
    uint64_t budget_bytes;
    if (model_load(name, &model, err) || hardware_load(hardware_name, &hardware, err))
        return err->status;
    if (gpus < 1 || gpus > hardware.gpus) {
        char expected[64], found[32];
        snprintf(expected, sizeof expected, "1 to the hardware's %u", hardware.gpus);
        snprintf(found, sizeof found, "%llu", (unsigned long long)gpus);
        return error_input(err, NULL, 0, "--gpus", expected, found);
    }
    if (model_kv_budget_bytes(&model, &hardware, (uint32_t)gpus, &budget_bytes, err) != STATUS_OK)
        return err->status;
    models_print(stdout, &model, &hardware, (uint32_t)gpus);
    return STATUS_OK;
}

static enum status list_or_show(const struct options *options, const char *hardware, uint64_t gpus,
                                const char *out, struct error *err)
{
    const char *const *arguments = options->arguments;
    if (options->argument_count == 0)
        return list(err);
    if (options->argument_count == 2 && strcmp(arguments[0], "import") == 0)
        return models_import(arguments[1], out, err);
    if (options->argument_count != 2 || strcmp(arguments[0], "show") != 0)
        return error_input(err, NULL, 0, "models",
                           "nothing, show and a model's name, or import and a config.json",
                           arguments[0]);
    return show(arguments[1], hardware, gpus, err);
}

int cmd_models(int argc, const char **argv)
{
    const char *hardware = "paper-4xa100", *out = "";
    uint64_t gpus = 4;
    bool policies = false;
    const struct option table[] = {
        { "hardware", 'H', OPTION_TEXT, &hardware, "NAME", "on this server (paper-4xa100)" },
        { "gpus", 'g', OPTION_U64, &gpus, "N", "on this many of its GPUs (4)" },
        { "output", 'o', OPTION_TEXT, &out, "FILE", "import: write the YAML there, not to stdout" },
        { "policies", 0, OPTION_FLAG, &policies, NULL, "list the policies and presets only" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise models",
        .usage = "[show NAME | import CONFIG.json] [OPTION...]",
        .summary =
            "Lists models, hardware, policies and presets; `show NAME` describes a model on a "
            "server: KV per\ntoken, room for KV in HBM, and how long prefill and decode take. "
            "`import` writes a Hugging Face\nconfig.json (or a folder's) as a YAML like those of "
            "models/llm; such a path is also taken wherever\na model is named.",
        .table = table,
        .arguments_most = 2,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help) {
        if (policies)
            list_policies(&err);
        else
            list_or_show(&options, hardware, gpus, out, &err);
    }
    options_free(&options);
    return output_exit(&err);
}
