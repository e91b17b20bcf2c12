/* tests/random/long_runs.c - runs as long as one likes: that their memory stays flat, that what
 * they measure is at the end as at the beginning, that a queue whose answer is known has it, and
 * that sums lose nothing. Ten million turns by hand, fewer in a test. docs/attacks.md. */
#include "base/clock.h"
#include "models/models.h"
#include "tests/random/settings.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__extension__ typedef unsigned __int128 uint128; /* ISO C11 has none so wide */

enum { PARTS = 10, LOADS_MOST = 24 };

struct load {
    const char *name, *about;
    double turns_a_session;
    const char *set[LOADS_MOST]; /* KEY=VALUE; NULL: no more */
};

/* A chat on one GPU that its server sustains (docs/examples/first.yaml). */
#define CHAT                                                                                       \
    "model=llama-3.1-8b", "hardware=h100", "gpus=1", "tiers.dram.capacity=32GB",                   \
        "tiers.ssd.capacity=256GB", "workload.sessions_per_s=0.25"
/* The same with short turns: blocks are many, and cost time. */
#define SHORT_CHAT                                                                                 \
    "model=llama-3.1-8b", "hardware=h100", "gpus=1", "tiers.dram.capacity=4GB",                    \
        "workload.sessions_per_s=2", "workload.prompt_tokens.mean=40",                             \
        "workload.reply_tokens.mean=30", "engine.context_window=4096"
#define CHAT_TURNS 5.75 /* of a session, about: workload.mean_turns' default */

static const struct load loads[] = {
    { "queue",
      "M/D/1: single turns, a server that takes one at a time",
      1.0,
      { "policy=none", "engine.batch=1", "workload.sessions_per_s=9", "workload.mean_turns=1",
        "workload.multi_turn_share=0", "workload.session_length_cv=0",
        "workload.prompt_tokens.mean=600", "workload.prompt_tokens.cv=0",
        "workload.reply_tokens.mean=1", "workload.reply_tokens.cv=0" } },
    { "none", "chat, nothing kept", CHAT_TURNS, { CHAT, "policy=none" } },
    { "scheduler-aware",
      "chat, CachedAttention's tiers",
      CHAT_TURNS,
      { CHAT, "policy=scheduler-aware" } },
    { "vllm-lru",
      "short chat, HBM's blocks",
      CHAT_TURNS,
      { SHORT_CHAT, "policy=vllm-lru", "engine.hbm_tokens=60000" } },
    { "sglang",
      "short chat, a radix tree over HBM and DRAM",
      CHAT_TURNS,
      { SHORT_CHAT, "policy=sglang-hicache-write_through", "engine.hbm_tokens=60000" } },
    { "replicas",
      "chat on 100 servers behind a router, with a pool",
      CHAT_TURNS,
      { CHAT, "workload.sessions_per_s=25", "policy=lru", "cluster.replicas=100",
        "tiers.ssd.capacity=0", "tiers.remote.capacity=2TB", "cluster.router=session-sticky" } },
};
enum { LOADS = sizeof loads / sizeof *loads };

/* ---- what is watched ---- */

struct part {
    uint64_t turns, ttft_ns, wanted_tokens, reused_tokens, resident_bytes, asked_ns;
};

struct watching {
    uint64_t turns, turns_expected;
    uint128 ttft_ns, e2e_ns;     /* the slow, exact sums */
    struct part part[PARTS + 1]; /* the last: more turns came than were expected */
};

static uint64_t resident_bytes(void)
{
    unsigned long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &pages, &resident) != 2)
        resident = 0;
    if (file != NULL)
        fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void note_turn(void *context, const struct turn_times *turn)
{
    struct watching *watching = context;
    uint64_t at = watching->turns++ * PARTS / watching->turns_expected;
    struct part *part = &watching->part[at < PARTS ? at : PARTS];
    if (part->turns++ % 4096 == 0)
        part->resident_bytes = resident_bytes();
    part->ttft_ns += turn->ttft_ns;
    part->wanted_tokens += turn->wanted_tokens;
    part->reused_tokens += turn->reused_tokens;
    part->asked_ns = turn->asked_ns;
    watching->ttft_ns += turn->ttft_ns;
    watching->e2e_ns += turn->ttft_ns + turn->decode_ns;
}

/* ---- what must hold ---- */

static int failures;

static void check(bool holds, const char *what, double left, double right)
{
    if (holds)
        return;
    failures++;
    printf("    FAILED: %s: %.9g, %.9g\n", what, left, right);
}

static double mean_ttft_ns(const struct part *part)
{
    return part->turns > 0 ? (double)part->ttft_ns / (double)part->turns : 0.0;
}

/* Live sessions, tiers' entries, histograms: all there in the first half. */
static void check_memory(const struct watching *watching)
{
    const double slack_bytes = 4e6, slack_share = 0.1;
    double half = (double)watching->part[PARTS / 2 - 1].resident_bytes,
           end = (double)watching->part[PARTS - 1].resident_bytes;
    check(end <= half * (1.0 + slack_share) + slack_bytes, "memory grows in the second half", half,
          end);
}

/* The first part warms up; the others are two halves of the same load, whose means differ by
 * chance: by how much, their spread tells. */
static void check_drift(const struct watching *watching)
{
    enum { FIRST = 1, MIDDLE = 5, LAST = 9 };
    const double deviations_most = 6.0;
    double sum[2] = { 0.0, 0.0 }, squares = 0.0;
    for (int i = FIRST; i < LAST; i++)
        sum[i >= MIDDLE] += mean_ttft_ns(&watching->part[i]);
    double early = sum[0] / (MIDDLE - FIRST), late = sum[1] / (LAST - MIDDLE);
    for (int i = FIRST; i < LAST; i++) {
        double off = mean_ttft_ns(&watching->part[i]) - (i >= MIDDLE ? late : early);
        squares += off * off;
    }
    double deviation = sqrt(squares / (LAST - FIRST - 2) * 2.0 / (MIDDLE - FIRST));
    check(fabs(late - early) <= deviations_most * deviation + 1.0, "TTFT drifts", early, late);
}

static void check_sums(const struct watching *watching, const struct metrics *metrics)
{
    double turns = (double)watching->turns;
    double ttft = (double)watching->ttft_ns / turns, e2e = (double)watching->e2e_ns / turns;
    check(metrics->turns == turns, "turns", metrics->turns, turns);
    check(fabs(metrics->ttft_mean_ns - ttft) <= 1e-15 * ttft, "the mean TTFT of exact sums",
          metrics->ttft_mean_ns, ttft);
    check(fabs(metrics->e2e_mean_ns - e2e) <= 1e-15 * e2e, "the mean latency of exact sums",
          metrics->e2e_mean_ns, e2e);
}

/* Pollaczek and Khinchine. The mean's own chance error at this load is some 2 over the root of the
 * turns. */
static void check_queue(const struct experiment *experiment, const struct metrics *metrics)
{
    const double prompt_tokens = 600.0;
    struct model model;
    struct hardware hardware;
    struct error err = { 0 };
    if (model_load(experiment->model, &model, &err) != STATUS_OK ||
        hardware_load(experiment->hardware, &hardware, &err) != STATUS_OK)
        exit(3);
    struct timing timing = timing_new(&model, &hardware, experiment->gpus);
    struct prefill_time prefill = timing_prefill(&timing, (uint64_t)prompt_tokens, 0);
    double service_ns = (double)(prefill.layer_ns * model.layers + prefill.overhead_ns);
    double load = experiment->workload.sessions_per_s * service_ns * 1e-9;
    double wait_ns = load * service_ns / (2.0 * (1.0 - load));
    double chance = 10.0 / sqrt(metrics->turns);
    check(fabs(metrics->queueing_mean_ns - wait_ns) <= chance * wait_ns, "M/D/1's wait",
          metrics->queueing_mean_ns, wait_ns);
    check(fabs(metrics->gpu_utilisation - load) <= 0.4 * chance * load + 1e-4, "M/D/1's load",
          metrics->gpu_utilisation, load);
}

/* ---- running ---- */

static struct experiment experiment_of(const struct load *load, uint64_t turns)
{
    struct settings settings = { .count = 0 };
    struct experiment experiment;
    struct error err = { 0 };
    char sessions[32];
    snprintf(sessions, sizeof sessions, "%.0f", ceil((double)turns / load->turns_a_session));
    settings_set(&settings, "workload.sessions", sessions);
    settings_set(&settings, "warmup_turns", "0");
    for (int i = 0; i < LOADS_MOST && load->set[i] != NULL; i++) {
        char key[SETTING_KEY_BYTES];
        size_t length = strcspn(load->set[i], "=");
        snprintf(key, sizeof key, "%.*s", (int)length, load->set[i]);
        settings_set(&settings, key, load->set[i] + length + 1);
    }
    if (settings_experiment(&settings, &experiment, &err) != STATUS_OK) {
        error_print(stderr, &err);
        exit(error_exit_code(err.status));
    }
    return experiment;
}

static void print_parts(const struct watching *watching)
{
    static const int shown[] = { 0, 2, 4, 9 };
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const struct part *part = &watching->part[shown[i]];
        double wanted = (double)part->wanted_tokens;
        printf("    tenth %2d: day %6.2f, TTFT %9.3f ms, reused %5.1f %%, memory %7.1f MB\n",
               shown[i] + 1, (double)part->asked_ns / 86400e9, mean_ttft_ns(part) / 1e6,
               wanted > 0.0 ? 100.0 * (double)part->reused_tokens / wanted : 0.0,
               (double)part->resident_bytes / 1e6);
    }
}

static void run_load(const struct load *load, uint64_t turns)
{
    static struct watching watching;
    struct experiment experiment = experiment_of(load, turns);
    const struct sim_progress progress = { .context = &watching, .turn_ended = note_turn };
    struct sim_result result;
    struct error err = { 0 };
    memset(&watching, 0, sizeof watching);
    watching.turns_expected = turns;
    uint64_t begin_ns = clock_now_ns();
    if (sim_run(&experiment, &progress, &result, &err) != STATUS_OK) {
        error_print(stderr, &err);
        exit(error_exit_code(err.status));
    }
    double seconds = (double)(clock_now_ns() - begin_ns) * 1e-9;
    printf("%s: %s\n    %" PRIu64 " turns in %.1f s, %.0f a second; GPUs %.0f %% busy\n",
           load->name, load->about, watching.turns, seconds, (double)watching.turns / seconds,
           100.0 * result.metrics.gpu_utilisation);
    print_parts(&watching);
    check_memory(&watching);
    check_drift(&watching);
    check_sums(&watching, &result.metrics);
    if (strcmp(load->name, "queue") == 0)
        check_queue(&experiment, &result.metrics);
    fflush(stdout);
    sim_result_free(&result);
}

int main(int argc, char **argv)
{
    uint64_t turns = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    int ran = 0;
    for (int i = 0; i < LOADS && turns >= PARTS; i++)
        if (argc < 3 || strcmp(argv[2], loads[i].name) == 0) {
            run_load(&loads[i], turns);
            ran++;
        }
    if (ran == 0) {
        fputs("usage: long_runs TURNS [LOAD]\nloads:", stderr);
        for (int i = 0; i < LOADS; i++)
            fprintf(stderr, " %s", loads[i].name);
        fputc('\n', stderr);
        return 2;
    }
    return failures > 0 ? 1 : 0;
}
