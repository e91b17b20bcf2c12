/* cli/cmd_models.c - `reprise models`: what models, hardware and policies there are. */
#include "cli/commands.h"
#include "cli/options.h"
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

static enum status list(struct error *err)
{
    printf("models\n");
    enum status status = models_list("llm", print_name, NULL, err);
    if (status != STATUS_OK)
        return status;
    printf("hardware\n");
    status = models_list("hardware", print_name, NULL, err);
    printf("policies\n");
    sim_policies(print_policy, NULL);
    return status;
}

static enum status show(const char *name, const char *hardware_name, int gpus, struct error *err)
{
    struct model model;
    struct hardware hardware;
    char text[16];
    snprintf(text, sizeof text, "%d", gpus);
    if (gpus < 1)
        return error_input(err, NULL, 0, "--gpus", "1 or more", text);
    if (model_load(name, &model, err) || hardware_load(hardware_name, &hardware, err))
        return err->status;
    uint64_t budget_bytes;
    if (model_kv_budget_bytes(&model, &hardware, (uint32_t)gpus, &budget_bytes, err) != STATUS_OK)
        return err->status;
    models_print(stdout, &model, &hardware, (uint32_t)gpus);
    return STATUS_OK;
}

int cmd_models(int argc, const char **argv)
{
    const char *hardware = "paper-4xa100", *arguments[3];
    int gpus = 4, policies = 0;
    poptContext context;
    struct error err = { 0 };
    const struct poptOption table[] = {
        { "hardware", 'H', POPT_ARG_STRING, &hardware, 0, "on this server (default: paper-4xa100)",
          "NAME" },
        { "gpus", 'g', POPT_ARG_INT, &gpus, 0, "on this many of its GPUs (default: 4)", "N" },
        { "policies", 0, POPT_ARG_NONE, &policies, 0, "list the placement policies only", NULL },
        POPT_TABLEEND
    };
    const struct options options = {
        .usage = "models [show NAME] [OPTION...]",
        .summary = "Lists models, hardware and policies; `show NAME` describes a model on a server: KV "
                   "per token,\nroom for KV in HBM, and how long prefill and decode take.",
        .table = table,
        .arguments_max = 2,
    };
    enum options_step step = options_parse(&options, argc, argv, arguments, &context, &err);
    if (step == OPTIONS_RUN && policies)
        sim_policies(print_policy, NULL);
    else if (step == OPTIONS_RUN && arguments[0] == NULL)
        list(&err);
    else if (step == OPTIONS_RUN && (strcmp(arguments[0], "show") != 0 || arguments[1] == NULL))
        error_input(&err, NULL, 0, "models", "nothing, or show and a model's name", arguments[0]);
    else if (step == OPTIONS_RUN)
        show(arguments[1], hardware, gpus, &err);
    options_free(context, NULL);
    return err.status != STATUS_OK ? options_fail(&err) : 0;
}
