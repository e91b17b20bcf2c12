/* cli/trace_verbs.c - see trace_verbs.h. */
#include "cli/trace_verbs.h"

#include "base/shown.h"
#include "cli/interrupt.h"
#include "traces/write.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- values ---- */

enum status trace_verb_whole(const char *option, const char *text, uint64_t least, uint64_t most,
                             uint64_t *value, struct error *err)
{
    double parsed = 0.0;
    char expected[96];
    if (text == NULL)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "a whole number from %" PRIu64 " to %" PRIu64, least, most);
    if (!units_parse(text, UNIT_PLAIN, &parsed) || parsed < (double)least ||
        parsed > (double)most || parsed != (double)(uint64_t)parsed)
        return error_input(err, NULL, 0, option, expected, text);
    *value = (uint64_t)parsed;
    return STATUS_OK;
}

enum status trace_verb_positive(const char *option, const char *text, double most, double *value,
                                struct error *err)
{
    double parsed = 0.0;
    char expected[96];
    if (text == NULL)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "a number above 0, to %g", most);
    if (!units_parse(text, UNIT_PLAIN, &parsed) || parsed <= 0.0 || parsed > most)
        return error_input(err, NULL, 0, option, expected, text);
    *value = parsed;
    return STATUS_OK;
}

enum status trace_verb_duration(const char *option, const char *text, uint64_t *ns,
                                struct error *err)
{
    double parsed = 0.0;
    if (text == NULL)
        return STATUS_OK;
    if (!units_parse(text, UNIT_DURATION, &parsed) || parsed < 0.0 || parsed > 1e17)
        return error_input(err, NULL, 0, option, units_expected(UNIT_DURATION), text);
    *ns = (uint64_t)parsed;
    return STATUS_OK;
}

/* ---- reading ---- */

static enum status open_documents(const struct trace_source *given, struct trace **trace,
                                  struct error *err)
{
    const struct config_section sections[] = { { "documents.", block_workload_rows, 0 }, { 0 } };
    struct block_workload workload;
    struct config_tree *tree = NULL;
    enum status status = experiment_tree(&given->experiment, &tree, err);
    if (status == STATUS_OK)
        status = config_load(sections, tree, &workload, err);
    config_tree_free(tree);
    return status == STATUS_OK ? trace_generate_blocks(&workload, trace, err) : status;
}

/* Loads and opens; *experiment says how turns become requests. */
static enum status open_experiment(const struct trace_source *given, const char *path,
                                   struct experiment *experiment, struct trace **trace,
                                   struct error *err)
{
    struct experiment_options options = given->experiment;
    bool generated = given->generated || given->shape != NULL;
    options.trace = path == NULL && generated ? "" : path;
    options.format = given->format;
    options.shape = given->shape;
    if (experiment_load(&options, experiment, err) != STATUS_OK ||
        trace_verb_duration("--token-time", given->token_time, &experiment->shape.token_ns, err) !=
            STATUS_OK)
        return err->status;
    uint64_t told = experiment->import.block_tokens;
    if (trace_verb_whole("--block-tokens", given->block_tokens, 1, 65536, &told, err) != STATUS_OK)
        return err->status;
    experiment->import.block_tokens = (uint32_t)told;
    experiment->import.sort |= given->sort;
    if (experiment->workload.concurrency > 0)
        fprintf(stderr, "note: workload.concurrency is of runs; a trace has its arrivals\n");
    return experiment_open_trace(experiment, trace, err);
}

/* What is generated has no file, and is one thing. */
static enum status check_source(const struct trace_source *given, const char *path,
                                struct error *err)
{
    if (path != NULL && given->documents)
        return error_input(err, NULL, 0, "--documents", "no file: they are generated", path);
    if (options_check_idle(path != NULL && given->token_time != NULL && !given->open_loop,
                           "--token-time", "--open-loop beside it", err) != STATUS_OK)
        return err->status;
    if (path != NULL && given->shape != NULL)
        return error_input(err, NULL, 0, "--shape", "no file: it is generated", path);
    if (given->documents && given->shape != NULL)
        return error_input(err, NULL, 0, "--shape", "not --documents as well", given->shape);
    return STATUS_OK;
}

enum status trace_source_open(const struct trace_source *given, const char *path,
                              struct trace **opened, struct error *err)
{
    struct trace *trace = NULL;
    struct experiment experiment = { 0 };
    enum status status = check_source(given, path, err);
    if (status == STATUS_OK)
        status = given->documents ? open_documents(given, &trace, err)
                                  : open_experiment(given, path, &experiment, &trace, err);
    if (status == STATUS_OK && given->open_loop && trace_facts(trace).open_loop) {
        trace_close(trace);
        return error_input(err, path, 0, "--open-loop", "a closed loop",
                           "an open one: it needs none of it");
    }
    const struct trace_unrolling how = { .block_tokens =
                                             trace_import_block_tokens(&experiment.import),
                                         .token_ns = experiment.shape.token_ns };
    if (status == STATUS_OK)
        *opened = given->open_loop ? trace_unroll(trace, &how) : trace;
    return status;
}

/* ---- writing ---- */

static void tell(const char *path, const char *format, const struct trace_written *written)
{
    char unit[32];
    shown_put(stdout, path);
    printf(": %s, %" PRIu64 " %s", format, written->sessions,
           written->turns > written->sessions ? "sessions" : "requests");
    if (written->turns > written->sessions)
        printf(", %" PRIu64 " turns", written->turns);
    printf("\n");
    if (written->loss.blocks)
        printf("dropped: which prefixes are shared\n");
    if (written->loss.tenants)
        printf("dropped: whose requests they are\n");
    if (written->loss.loop)
        printf("a request is now a session of one turn (closed loop)\n");
    if (written->loss.begin)
        printf("times count from the first request\n");
    if (written->loss.time_ns > 0)
        printf("times are rounded to %s\n",
               units_format((double)written->loss.time_ns, UNIT_DURATION, unit, sizeof unit));
}

static bool not_interrupted(void *context)
{
    (void)context;
    return !interrupt_asked();
}

enum status trace_verb_write(struct trace *trace, const char *path, const char *format, bool lossy,
                             struct error *err)
{
    struct trace_written written;
    const struct trace_writing how = { .format = format, .lossy = lossy, .go_on = not_interrupted };
    interrupt_catch();
    enum status status = trace_write(trace, path, &how, &written, err);
    if (status == STATUS_OK)
        tell(path, format, &written);
    return status;
}
