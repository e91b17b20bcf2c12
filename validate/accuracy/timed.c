/* validate/accuracy/timed.c - a run's requests simulated at the times at which they reached the
 * scheduler. */
#include "validate/accuracy/timed.h"

#include "base/memory.h"
#include "base/scratch.h"
#include "sim/sim.h"
#include "validate/accuracy/points.h"
#include "validate/accuracy/served.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* LLMServingSim's bench (bench/examples/RTXPRO6000/.../vllm/meta.json): vLLM's AsyncLLM, in
 * process, with limits of its own in place of the 1,024 and 8,192 that 0.19 takes on such a card.
 * The run itself says so: from 12 to 49 s 128 requests are scheduled and others wait; ten requests
 * of 13,908 tokens that wait at 1.6 s are prefilled in seven iterations of 91 to 95 ms, 1,987
 * tokens each beside some 20 that decode. Two iterations pass from scheduled_ts to first_token_ts:
 * asynchronous scheduling. HBM holds the KV of all 128 (0.2 of 0.58 million tokens at most).
 * All its times are the engine core's (v1/metrics/stats.py: first_token_ts is
 * engine_core_timestamp, queued_ts an event of the scheduler), so nothing of the front end's is in
 * them. */
#define BATCH 128
#define CHUNK_TOKENS 2048

/* What the simulation said of each request, in the order of the requests. */
struct told {
    uint32_t count;
    struct turn_times *turn;
    bool *there;
};

static void note_turn(void *context, const struct turn_times *turn)
{
    struct told *told = context;
    if (turn->session < told->count) {
        told->turn[turn->session] = *turn;
        told->there[turn->session] = true;
    }
}

/* The requests as a trace that the simulator reads. */
static enum status write_trace(const struct timed_requests *requests, const char *path,
                               struct error *err)
{
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return error_io(err, path, "create", strerror(errno));
    fprintf(out, "session,arrival_s,think_s,prompt_tokens,reply_tokens\n");
    for (uint32_t i = 0; i < requests->count; i++) {
        const struct timed_request *request = &requests->request[i];
        fprintf(out, "%u,%" PRIu64 ".%09" PRIu64 ",,%u,%u\n", i, request->queued_ns / 1000000000,
                request->queued_ns % 1000000000, request->prompt_tokens, request->reply_tokens);
    }
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed)
        return error_io(err, path, "write", strerror(errno));
    return STATUS_OK;
}

static enum status make_experiment(const struct folder_file *file, const char *model,
                                   const char *trace, struct experiment *experiment,
                                   struct error *err)
{
    char text[1024], version[ACCURACY_NAME_BYTES];
    struct config_tree *tree = NULL;
    if (!served_version("vllm", "0.19", "", version))
        return error_input(err, file->path, 0, "engine.version", "a version of vLLM", NULL);
    snprintf(text, sizeof text,
             "model: %s\n"
             "hardware: %s\n"
             "gpus: 1\n"
             "trace: %s\n"
             "warmup_turns: 0\n"
             "policy: %s\n"
             "engine.version: %s\n"
             "engine.batch: %d\n"
             "engine.chunk_tokens: %d\n"
             "engine.overlap_schedule: true\n"
             "engine.request_cpu: 0\n"
             "engine.request_cpu_per_1024_tokens: 0\n"
             "engine.reply_cpu: 0\n",
             model, folder_hardware(file->gpu), trace, served_preset("vllm"), version, BATCH,
             CHUNK_TOKENS);
    enum status status = config_tree_parse(text, file->path, &tree, err);
    if (status == STATUS_OK)
        status = experiment_from_tree(tree, NULL, experiment, err);
    config_tree_free(tree);
    return status;
}

static enum status simulate(const struct folder_file *file, const char *model, const char *trace,
                            struct told *told, struct error *err)
{
    struct experiment experiment;
    struct sim_result result;
    const struct sim_progress progress = { .turn_ended = note_turn, .context = told };
    if (make_experiment(file, model, trace, &experiment, err) != STATUS_OK ||
        sim_run(&experiment, &progress, &result, err) != STATUS_OK)
        return err->status;
    sim_result_free(&result);
    return STATUS_OK;
}

/* ---- beside what was measured ---- */

static void add_point(struct accuracy *accuracy, struct accuracy_key *key, const char *quantity,
                      double measured, double predicted, uint32_t number,
                      const struct timed_request *request)
{
    snprintf(key->quantity, sizeof key->quantity, "%s", quantity);
    struct accuracy_point *point =
        points_add(accuracy, points_group(accuracy, key), measured, predicted);
    if (point == NULL)
        return;
    snprintf(point->shape, sizeof point->shape, "request %u, %u + %u tokens", number,
             request->prompt_tokens, request->reply_tokens);
    snprintf(point->cause, sizeof point->cause,
             measured < 20e6 ? "under 20 ms: less than an iteration" : "not explained");
}

static void add_request(struct accuracy *accuracy, struct accuracy_key *key,
                        const struct turn_times *told, uint32_t number,
                        const struct timed_request *request)
{
    double ttft = (double)(request->first_token_ns - request->queued_ns);
    double decode = (double)(request->last_token_ns - request->first_token_ns);
    add_point(accuracy, key, "TTFT", ttft, (double)told->ttft_ns, number, request);
    add_point(accuracy, key, "E2E", ttft + decode, (double)(told->ttft_ns + told->decode_ns),
              number, request);
    if (request->reply_tokens > 1)
        add_point(accuracy, key, "TPOT", decode / (request->reply_tokens - 1),
                  (double)told->decode_ns / (request->reply_tokens - 1), number, request);
}

static void add_requests(struct accuracy *accuracy, const struct folder_file *file,
                         const char *model, const struct timed_requests *requests,
                         const struct told *told)
{
    struct accuracy_key key = {
        .family = ACCURACY_REQUESTS, .ranks = 1, .format = "bf16", .engine = "vllm 0.19"
    };
    snprintf(key.gpu, sizeof key.gpu, "%s", file->gpu);
    snprintf(key.model, sizeof key.model, "%s", model);
    for (uint32_t i = 0; i < requests->count; i++)
        if (told->there[i])
            add_request(accuracy, &key, &told->turn[i], i, &requests->request[i]);
}

static enum status measure(const struct folder_file *file, const char *model,
                           const struct timed_requests *requests, struct accuracy *accuracy,
                           struct error *err)
{
    char folder[SCRATCH_PATH_BYTES], trace[SCRATCH_PATH_BYTES + 16];
    struct told told = { .count = requests->count };
    told.turn = memory_new(requests->count, sizeof *told.turn);
    told.there = memory_new(requests->count, sizeof *told.there);
    enum status status = scratch_make("requests", folder, err);
    snprintf(trace, sizeof trace, "%s/requests.csv", folder);
    if (status == STATUS_OK)
        status = write_trace(requests, trace, err);
    if (status == STATUS_OK)
        status = simulate(file, model, trace, &told, err);
    scratch_remove(folder);
    if (status == STATUS_OK)
        add_requests(accuracy, file, model, requests, &told);
    free(told.turn);
    free(told.there);
    return status;
}

enum status timed_measure(const struct folder_file *file, struct accuracy *accuracy,
                          struct error *err)
{
    char model[ACCURACY_NAME_BYTES];
    struct timed_requests requests;
    if (folder_hardware(file->gpu) == NULL || !served_model(file->model, model)) {
        points_note(accuracy, "%s: GPU %s or model %s is not shipped, passed over", file->path,
                    file->gpu, file->model);
        return STATUS_OK;
    }
    enum status status = timed_read(file->path, &requests, err);
    if (status == STATUS_OK)
        status = measure(file, model, &requests, accuracy, err);
    timed_free(&requests);
    return status;
}
