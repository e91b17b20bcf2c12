/* tests/runtime/serve_case.c - see serve_case.h. */
#include "tests/runtime/serve_case.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char model_yaml[] = "name: tiny\nsource: made up\nlayers: 4\nhidden: 64\nheads: 4\n"
                                 "kv_heads: 4\nhead_dim: 16\nffn: 128\ngated_ffn: true\n"
                                 "vocabulary: 128\ncontext_window_tokens: 1024\n"
                                 "weight_bytes_per_parameter: 4\nkv_bytes_per_value: 4\n";
static const char narrow_model_yaml[] =
    "name: tiny\nsource: made up\nlayers: 2\nhidden: 64\nheads: 4\n"
    "kv_heads: 2\nhead_dim: 32\nffn: 64\ngated_ffn: true\n"
    "vocabulary: 128\ncontext_window_tokens: 1024\n"
    "weight_bytes_per_parameter: 2\nkv_bytes_per_value: 2\n";

/* Twice the rate of copies from HBM, twice that of the SSD. */
static const char hardware_format[] =
    "name: here\nsource: made up\ngpus: 1\n"
    "gpu: {hbm_bytes: 24MB, hbm_bytes_per_s: 10GB/s, flop_per_s: 20GFLOP/s, gemm_efficiency: 0.5,\n"
    "      attention_efficiency: 0.2, hbm_efficiency: 0.5, kernel_launch: 20us}\n"
    "allreduce: {bytes_per_s: 1GB/s, latency: 0}\n"
    "engine: {iteration_overhead: 20us, hbm_utilisation: 1, hbm_reserved_bytes: 0}\n"
    "pcie: {h2d_bytes_per_s: 500MB/s, d2h_bytes_per_s: %s, h2d_bytes_per_s_per_gpu: 500MB/s,\n"
    "       d2h_bytes_per_s_per_gpu: %s, latency: 0}\n"
    "dram: {bytes: 1MB}\n"
    "ssd: {bytes: 6MB, read_bytes_per_s: %s, write_bytes_per_s: %s, latency: 0}\n"
    "price: {usd_per_gpu_hour: 1, usd_per_dram_gb_hour: 0.01, usd_per_ssd_gb_hour: 0.0001}\n";

static char *model_path, *hardware_path;

static char *yaml_file(const char *text)
{
    char *plain = test_temp_file(text), *path = memory_new(strlen(plain) + 6, 1);
    sprintf(path, "%s.yaml", plain);
    ck_assert_int_eq(rename(plain, path), 0);
    free(plain);
    return path;
}

char *serve_case_hardware(const char *d2h_rate, const char *ssd_rate)
{
    char yaml[sizeof hardware_format + 128];
    snprintf(yaml, sizeof yaml, hardware_format, d2h_rate, d2h_rate, ssd_rate, ssd_rate);
    return yaml_file(yaml);
}

void serve_case_open(const struct backend *backend)
{
    model_path = yaml_file(backend->element_bytes == 4 ? model_yaml : narrow_model_yaml);
    hardware_path = serve_case_hardware("500MB/s", "200MB/s");
}

void serve_case_close(void)
{
    unlink(model_path);
    unlink(hardware_path);
    free(model_path);
    free(hardware_path);
}

char *serve_case_large_model(void)
{
    return yaml_file("name: large\nsource: made up\nlayers: 2\nhidden: 64\nheads: 4\nkv_heads: 4\n"
                     "head_dim: 16\nffn: 128\ngated_ffn: true\nvocabulary: 30000\n"
                     "context_window_tokens: 256\nweight_bytes_per_parameter: 4\n"
                     "kv_bytes_per_value: 4\n");
}

struct experiment serve_case_yaml(const char *yaml)
{
    struct experiment experiment;
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    ck_assert_int_eq(config_tree_parse(yaml, "test", &tree, &err), STATUS_OK);
    enum status status = experiment_from_tree(tree, NULL, &experiment, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s, %s", err.key, err.expected, err.found);
    config_tree_free(tree);
    snprintf(experiment.model, sizeof experiment.model, "%s", model_path);
    snprintf(experiment.hardware, sizeof experiment.hardware, "%s", hardware_path);
    return experiment;
}

struct experiment serve_case_experiment(const char *policy)
{
    struct experiment experiment;
    struct error err = { 0 };
    ck_assert_int_eq(experiment_from_tree(NULL, NULL, &experiment, &err), STATUS_OK);
    snprintf(experiment.model, sizeof experiment.model, "%s", model_path);
    snprintf(experiment.hardware, sizeof experiment.hardware, "%s", hardware_path);
    snprintf(experiment.policy, sizeof experiment.policy, "%s", policy);
    experiment.gpus = 1;
    experiment.warmup_turns = 0;
    experiment.reuse = REUSE_ALWAYS;
    experiment.batch = 4;
    experiment.read_buffer_layers = 2;
    experiment.workload.sessions = 10;
    experiment.workload.sessions_per_s = 60;
    experiment.workload.mean_turns = 4;
    experiment.workload.prompt_tokens_mean = 30;
    experiment.workload.reply_tokens_mean = 12;
    experiment.workload.think_mean_ns = 20000000;
    experiment.context_window_tokens = 256;
    experiment.dram_bytes = 400000;
    return experiment;
}

struct serve_config serve_case_config(const struct backend *backend)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/reprise-test-serve-%d", (int)getpid());
    return (struct serve_config){ .backend = backend, .threads = 1, .ssd_path = path };
}

struct served serve_case_run(const struct experiment *experiment, const struct serve_config *config)
{
    struct served served;
    struct error err = { 0 };
    enum status status = serve_run(experiment, config, NULL, &served.result, &served.report, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s, %s", err.key, err.expected, err.found);
    sim_result_free(&served.result);
    return served;
}

/* Each value counts for or against each sum, by a pattern of its own. */
static void add_up(const float *logits, float sums[SERVE_CASE_SUMS + 1])
{
    double length = 0;
    for (int i = 0; i < SERVE_CASE_SUMS; i++)
        sums[i] = 0.0F;
    for (uint32_t v = 0; v < SERVE_CASE_VOCABULARY; v++) {
        uint32_t mixed = (v + 1) * UINT32_C(0x9E3779B1);
        for (int i = 0; i < SERVE_CASE_SUMS; i++)
            sums[i] += (mixed >> (20 + i) & 1) != 0 ? logits[v] : -logits[v];
        length += (double)logits[v] * logits[v];
    }
    sums[SERVE_CASE_SUMS] = (float)sqrt(length);
}

static void see(void *context, uint64_t session, uint32_t turn, uint32_t token, const float *logits)
{
    struct serve_case_seen *seen = context;
    ck_assert(session < SERVE_CASE_SESSIONS && turn < SERVE_CASE_TURNS);
    if (token == 0)
        memcpy(seen->logits[session][turn], logits, sizeof seen->logits[session][turn]);
    if (token < SERVE_CASE_TOKENS)
        add_up(logits, seen->sums[session][turn][token]);
    seen->count++;
}

static double distance_of(const float *x, const float *y, int count)
{
    double difference = 0;
    for (int i = 0; i < count; i++)
        difference += (double)(x[i] - y[i]) * (x[i] - y[i]);
    return sqrt(difference);
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

double serve_case_furthest(const struct serve_case_seen *a, const struct serve_case_seen *b)
{
    enum { REPLIES = SERVE_CASE_SESSIONS * SERVE_CASE_TURNS };
    double most = 0;
    for (int i = 0; i < REPLIES * SERVE_CASE_TOKENS; i++) {
        int session = i / SERVE_CASE_TOKENS / SERVE_CASE_TURNS;
        int turn = i / SERVE_CASE_TOKENS % SERVE_CASE_TURNS, token = i % SERVE_CASE_TOKENS;
        const float *x = a->sums[session][turn][token], *y = b->sums[session][turn][token];
        double length = y[SERVE_CASE_SUMS];
        if (length > 0)
            most = larger(most, distance_of(x, y, SERVE_CASE_SUMS) / length / 2.0);
        if (length > 0 && token == 0)
            most = larger(most, distance_of(a->logits[session][turn], b->logits[session][turn],
                                            SERVE_CASE_VOCABULARY) /
                                    length);
    }
    return most;
}

struct experiment serve_case_short_turns(const char *policy)
{
    struct experiment experiment = serve_case_experiment(policy);
    experiment.workload.prompt_tokens_mean = 20;
    experiment.workload.prompt_tokens_cv = 0.3;
    experiment.workload.reply_tokens_cv = 0.3;
    experiment.workload.session_length_cv = 0;
    experiment.context_window_tokens = 0;
    experiment.dram_bytes = 250000;
    experiment.placement.dram_reserve_share = 0.3;
    return experiment;
}

struct served serve_case_run_seen(const struct experiment *experiment, struct serve_config config,
                                  struct serve_case_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    config.observe = see;
    config.observe_context = seen;
    return serve_case_run(experiment, &config);
}
