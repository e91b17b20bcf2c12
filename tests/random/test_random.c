/* tests/random/test_random.c - what the generator of random experiments promises: the same seed is
 * the same experiment, all of the schema is drawn, no invariant holds of everything, a planted
 * fault is found and shrunk to its key. */
#include "tests/random/draw.h"
#include "tests/random/shrink.h"
#include "tests/random/trial.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 3e5

static struct names names;

/* ---- drawing ---- */

static char *command_of(uint64_t seed)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    struct settings settings = draw_experiment(seed, STEPS, &names);
    ck_assert_ptr_nonnull(out);
    settings_print(out, &settings);
    fclose(out);
    return text;
}

START_TEST(the_same_seed_is_the_same_experiment)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        char *first = command_of(seed), *again = command_of(seed), *next = command_of(seed + 1);
        ck_assert_str_eq(first, again);
        ck_assert_str_ne(first, next);
        free(first);
        free(again);
        free(next);
    }
}
END_TEST

enum { DRAWN = 1000 };
static struct settings *drawn; /* seeds from 0 on, once for all tests that look at many */

static void draw_many(void)
{
    drawn = malloc(DRAWN * sizeof *drawn);
    ck_assert_ptr_nonnull(drawn);
    for (uint64_t seed = 0; seed < DRAWN; seed++)
        drawn[seed] = draw_experiment(seed, STEPS, &names);
}

static void free_drawn(void)
{
    free(drawn);
    drawn = NULL;
}

START_TEST(no_value_is_refused_by_its_row)
{
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct experiment experiment;
        struct error err = { 0 };
        enum status status = settings_experiment(&drawn[seed], &experiment, &err);
        ck_assert_msg(status == STATUS_OK, "seed %d: %s: expected %s, found %s", (int)seed, err.key,
                      err.expected, err.found);
    }
}
END_TEST

/* How often the key was set, and whether always to the same. */
struct seen_key {
    uint32_t times;
    char value[CONFIG_TEXT_BYTES];
    bool varies;
};

static void look_for_key(const char *key, const struct config_row *row, void *context)
{
    struct seen_key seen = { 0 };
    (void)row;
    (void)context;
    for (uint32_t i = 0; i < DRAWN; i++) {
        const char *value = settings_value(&drawn[i], key);
        if (value == NULL)
            continue;
        seen.varies |= seen.times++ > 0 && strcmp(seen.value, value) != 0;
        snprintf(seen.value, sizeof seen.value, "%s", value);
    }
    ck_assert_msg(seen.varies, "%s: drawn %u times, not with two values", key, seen.times);
}

START_TEST(every_key_of_the_schema_is_drawn)
{
    settings_rows(look_for_key, NULL);
    ck_assert_msg(draw_unknown_key() == NULL, "%s is no key any more", draw_unknown_key());
}
END_TEST

/* Whether the text, or what begins with it and goes on behind a plus, is drawn for the key. */
static bool is_drawn(const char *key, const char *text)
{
    for (uint32_t i = 0; i < DRAWN; i++) {
        const char *value = settings_value(&drawn[i], key);
        size_t length = strlen(text);
        if (value != NULL && strncmp(value, text, length) == 0 &&
            (value[length] == '\0' || value[length] == '+'))
            return true;
    }
    return false;
}

static void all_are_drawn(const char *key, const struct name_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        ck_assert_msg(is_drawn(key, list->name[i]), "%s: %s", key, list->name[i]);
}

START_TEST(every_name_is_drawn)
{
    ck_assert_uint_ge(names.presets.count, 13);
    all_are_drawn("policy", &names.policies);
    all_are_drawn("policy", &names.presets);
    all_are_drawn("model", &names.models);
    all_are_drawn("hardware", &names.hardware);
    all_are_drawn("engine.version", &names.versions);
    all_are_drawn("trace", &names.samples);
}
END_TEST

START_TEST(the_work_is_bounded)
{
    uint32_t sessions_most = 0;
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct settings small = draw_experiment(seed, 1e4, &names);
        struct settings large = draw_experiment(seed, 1e9, &names);
        if (settings_value(&large, "workload.shape") != NULL)
            continue; /* what is bounded there has other keys */
        const char *few = settings_value(&small, "workload.sessions"),
                   *many = settings_value(&large, "workload.sessions");
        ck_assert_uint_le(strtoul(few, NULL, 10), strtoul(many, NULL, 10));
        if (settings_value(&small, "trace") == NULL)
            ck_assert_uint_le(strtoul(few, NULL, 10), 500); /* 20 steps a turn, a turn or more */
        sessions_most = strtoul(many, NULL, 10) > sessions_most ? (uint32_t)strtoul(many, NULL, 10)
                                                                : sessions_most;
    }
    ck_assert_uint_gt(sessions_most, 1500);
}
END_TEST

/* ---- shrinking ---- */

struct planted {
    const char *key, *value, *other_key;
    uint32_t calls;
};

static bool has_planted(const struct settings *settings, void *context)
{
    struct planted *planted = context;
    const char *value = settings_value(settings, planted->key);
    planted->calls++;
    return value != NULL && (planted->value == NULL || strcmp(value, planted->value) == 0) &&
           (planted->other_key == NULL || settings_value(settings, planted->other_key) != NULL);
}

/* Thirty keys of some seed's, and the planted ones among them. */
static struct settings many_keys(void)
{
    struct settings settings = { 0 };
    for (int i = 0; i < 30; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%d", i);
        settings_set(&settings, key, "12345");
    }
    return settings;
}

START_TEST(a_planted_key_is_what_is_left)
{
    struct settings settings = many_keys();
    struct planted planted = { .key = "key17", .value = "12345" };
    shrink(&settings, &(struct shrink_test){ has_planted, &planted, 1000 });
    ck_assert_uint_eq(settings.count, 1);
    ck_assert_str_eq(settings.item[0].key, "key17");
    ck_assert_uint_lt(planted.calls, 100);
}
END_TEST

START_TEST(two_keys_that_need_each_other_are_left)
{
    struct settings settings = many_keys();
    struct planted planted = { .key = "key3", .other_key = "key28" };
    shrink(&settings, &(struct shrink_test){ has_planted, &planted, 1000 });
    ck_assert_uint_eq(settings.count, 2);
    ck_assert_str_eq(settings_value(&settings, "key3"), "0"); /* any value does: the plainest */
    ck_assert_ptr_nonnull(settings_value(&settings, "key28"));
}
END_TEST

START_TEST(shrinking_stops_after_so_many_tries)
{
    struct settings settings = many_keys();
    struct planted planted = { .key = "key17" };
    shrink(&settings, &(struct shrink_test){ has_planted, &planted, 3 });
    ck_assert_uint_eq(planted.calls, 3);
    ck_assert(has_planted(&settings, &planted));
}
END_TEST

/* ---- trials ---- */

/* No fault is known of it, and every tier and several servers are used. */
static struct settings healthy(void)
{
    struct settings settings = { 0 };
    settings_set(&settings, "warmup_turns", "0");
    settings_set(&settings, "model", "llama-13b");
    settings_set(&settings, "gpus", "4");
    settings_set(&settings, "workload.sessions", "60");
    settings_set(&settings, "workload.tenants", "2/1");
    settings_set(&settings, "workload.prompt_tokens.mean", "150");
    settings_set(&settings, "workload.reply_tokens.mean", "60");
    settings_set(&settings, "workload.session_length_cv", "0");
    settings_set(&settings, "engine.context_window", "32768");
    settings_set(&settings, "cluster.replicas", "2");
    settings_set(&settings, "cluster.router", "round-robin"); /* so that servers need the pool */
    settings_set(&settings, "tiers.dram.capacity", "4GB");
    settings_set(&settings, "tiers.ssd.capacity", "8GB");
    settings_set(&settings, "tiers.remote.capacity", "40GB");
    return settings;
}

static enum status abort_at_batch_7(const struct experiment *experiment,
                                    const struct sim_progress *progress, struct sim_result *result,
                                    struct error *err)
{
    if (experiment->batch == 7) {
        fputs("x: /a/b/queue.c:12: take: Assertion `batch != 7' failed.\n", stderr);
        abort();
    }
    return sim_run(experiment, progress, result, err);
}

static enum status fail_to_read(const struct experiment *experiment,
                                const struct sim_progress *progress, struct sim_result *result,
                                struct error *err)
{
    (void)experiment;
    (void)progress;
    (void)result;
    return error_io(err, "disk", "read", "it is gone");
}

static enum status lose_a_turn(const struct experiment *experiment,
                               const struct sim_progress *progress, struct sim_result *result,
                               struct error *err)
{
    enum status status = sim_run(experiment, progress, result, err);
    result->metrics.turns -= 1.0;
    return status;
}

static enum status count_runs(const struct experiment *experiment,
                              const struct sim_progress *progress, struct sim_result *result,
                              struct error *err)
{
    static uint32_t runs;
    enum status status = sim_run(experiment, progress, result, err);
    result->series[0].y[1] += 0.001 * runs++;
    return status;
}

static enum status never_end(const struct experiment *experiment,
                             const struct sim_progress *progress, struct sim_result *result,
                             struct error *err)
{
    (void)experiment;
    (void)progress;
    (void)result;
    (void)err;
    volatile bool waits = true;
    while (waits)
        ;
    return STATUS_OK;
}

static struct trial trial_of(run_experiment *run)
{
    struct settings settings = healthy();
    settings_set(&settings, "engine.batch", "7");
    return trial_run(&settings, (struct trial_options){ .run = run, .most_cpu_s = 1.0 });
}

START_TEST(a_healthy_experiment_has_no_fault)
{
    struct settings settings = healthy();
    struct trial trial = trial_run(&settings, (struct trial_options){ .twice = true });
    ck_assert_msg(trial.faults == 0 && !trial.is_refused, "%s: %s", trial.fault[0].kind,
                  trial.fault[0].detail);
    ck_assert_uint_gt(trial.events, 0);
}
END_TEST

START_TEST(a_refusal_is_no_fault)
{
    struct settings settings = healthy();
    settings_set(&settings, "gpus", "64");
    struct trial trial = trial_run(&settings, (struct trial_options){ 0 });
    ck_assert(trial.is_refused);
    ck_assert_uint_eq(trial.faults, 0);
    ck_assert_ptr_nonnull(strstr(trial.refusal, "gpus"));
}
END_TEST

START_TEST(deaths_errors_and_wrong_results_are_faults)
{
    struct trial trial = trial_of(abort_at_batch_7);
    ck_assert_str_eq(trial.fault[0].kind,
                     "assertion: queue.c:12: take: Assertion `batch != 7' failed.");
    trial = trial_of(fail_to_read);
    ck_assert_str_eq(trial.fault[0].kind, "an error that is no refusal");
    trial = trial_of(lose_a_turn);
    ck_assert(trial_has(&trial, "every_turn_ended: turns that never ended"));
    trial = trial_of(never_end);
    ck_assert_str_eq(trial.fault[0].kind, "no end: within an event, or few");
}
END_TEST

START_TEST(a_second_run_that_differs_is_a_fault)
{
    struct settings settings = healthy();
    struct trial_options options = { .run = count_runs, .twice = true };
    struct trial trial = trial_run(&settings, options);
    ck_assert(trial_has(&trial, "the second run differs"));
}
END_TEST

static bool dies(const struct settings *settings, void *context)
{
    (void)context;
    struct trial trial = trial_run(settings, (struct trial_options){ .run = abort_at_batch_7 });
    return trial.faults > 0 && strncmp(trial.fault[0].kind, "assertion", 9) == 0;
}

START_TEST(a_planted_death_is_shrunk_to_its_key)
{
    struct settings settings = healthy();
    settings_set(&settings, "engine.batch", "7");
    shrink(&settings, &(struct shrink_test){ dies, NULL, 100 });
    ck_assert_uint_eq(settings.count, 1);
    ck_assert_str_eq(settings.item[0].key, "engine.batch");
    ck_assert_str_eq(settings.item[0].value, "7");
}
END_TEST

/* ---- invariants ---- */

/* What a run is changed to so that the invariant of that name is broken; a new one needs its own.
 */
#define METRIC (outcome->result.metrics)
#define DOCTORS(X)                                                                                 \
    X(every_number_is_one, METRIC.queue_mean = NAN)                                                \
    X(every_turn_ended, METRIC.turns -= 1)                                                         \
    X(every_session_began, METRIC.sessions += 1)                                                   \
    X(tokens_are_the_trace_s, METRIC.reply_tokens -= 1)                                            \
    X(hits_and_computed_are_wanted, METRIC.hit_tokens_dram += 1)                                   \
    X(shares_are_at_most_one, METRIC.hit_rate_found = 1.01)                                        \
    X(no_hits_without_a_tier, outcome->experiment.hbm_cache_bytes = 0; METRIC.hit_tokens_hbm = 1)  \
    X(hits_are_loaded, METRIC.load_ssd_hbm_bytes *= 0.99)                                          \
    X(times_add_up, METRIC.prefill_mean_ns *= 1.001)                                               \
    X(quantiles_are_in_order, METRIC.tbt_p90_ns = METRIC.tbt_p99_ns + 1)                           \
    X(quantiles_are_the_turns, METRIC.ttft_p99_ns *= 1.01)                                         \
    X(promises_are_kept_by_turns, METRIC.slo_attainment += 1 / METRIC.turns)                       \
    X(time_is_that_of_the_turns, METRIC.elapsed_ns += 1e6)                                         \
    X(queue_has_its_waiting, METRIC.queue_mean *= 1.01)                                            \
    X(no_more_are_in_flight_than_asked, outcome->experiment.workload.concurrency = 1;              \
      METRIC.e2e_mean_ns = METRIC.elapsed_ns)                                                      \
    X(busy_adds_up, METRIC.gpu_decode_ns *= 1.01)                                                  \
    X(iterations_hold_the_batch, METRIC.batch_mean = outcome->experiment.batch + 1)                \
    X(rates_are_counts_over_time, METRIC.turns_per_s *= 1.001)                                     \
    X(curves_are_the_totals, METRIC.hit_tokens_ssd -= 1)                                           \
    X(ssd_bytes_have_causes, METRIC.ssd_written_bytes += 100)                                      \
    X(pcie_bytes_have_causes, METRIC.d2h_bytes -= 100)                                             \
    X(network_bytes_have_causes, METRIC.remote_read_bytes += 100)                                  \
    X(tiers_keep_their_capacity, METRIC.peak_ssd_bytes = 2 * 8e9 + 1)                              \
    X(fetches_are_used_or_not, METRIC.fetched_unused_bytes = METRIC.fetch_ssd_dram_bytes +         \
                                                             METRIC.fetch_remote_dram_bytes + 1)   \
    X(stored_is_loaded_or_not, METRIC.stored_never_loaded_bytes = METRIC.stored_bytes + 1)         \
    X(lost_kv_was_made, METRIC.dropped_bytes = 1e15)                                               \
    X(only_growth_preempts, METRIC.preemptions = 1)                                                \
    X(tenants_add_up, outcome->result.tenant[1].metrics.wanted_tokens += 1)                        \
    X(servers_share_the_turns, METRIC.router_imbalance = 2.01)                                     \
    X(costs_add_up, METRIC.cost_ssd_usd += 0.01)                                                   \
    X(rows_are_whole, outcome->rows.broken = "it is")                                              \
    X(rows_are_the_metrics, outcome->rows.link_bytes[LINK_SSD_READ] += 1)                          \
    X(tiers_hold_what_came_and_has_not_gone, outcome->rows.least_bytes[TIER_SSD] = -1)             \
    X(links_move_what_they_can, outcome->rows.server[1].link_bytes[LINK_H2D] += UINT64_C(1) << 50) \
    X(wear_is_what_was_written, METRIC.ssd_written_per_day_bytes *= 1.001)

#define DOCTOR(name, change)                                                                       \
    static void doctor_##name(struct outcome *outcome)                                             \
    {                                                                                              \
        change;                                                                                    \
    }
DOCTORS(DOCTOR)

typedef void doctor(struct outcome *outcome);
/* One for each invariant, by its name: it does not compile without. */
#define DOCTOR_OF(name, reason) doctor_##name,
static doctor *const doctors[] = { INVARIANTS(DOCTOR_OF) };

static void run_healthy(struct outcome *outcome)
{
    struct settings settings = healthy();
    struct experiment experiment;
    struct error err = { 0 };
    ck_assert_int_eq(settings_experiment(&settings, &experiment, &err), STATUS_OK);
    ck_assert_int_eq(outcome_expect(&experiment, outcome, &err), STATUS_OK);
    const struct watch watch = rows_watch(&outcome->rows);
    const struct sim_progress progress = { .watch = &watch };
    ck_assert_int_eq(sim_run(&outcome->experiment, &progress, &outcome->result, &err), STATUS_OK);
}

/* The invariants that do not hold, as bits. */
static uint64_t broken(const struct outcome *outcome)
{
    uint64_t bits = 0;
    for (int i = 0; i < INVARIANT_COUNT; i++) {
        struct seen seen = { 0 };
        if (invariants[i].holds(outcome, &seen))
            continue;
        ck_assert_ptr_nonnull(seen.what);
        bits |= UINT64_C(1) << i;
    }
    return bits;
}

START_TEST(each_invariant_fails_on_a_doctored_result)
{
    struct outcome outcome;
    run_healthy(&outcome);
    ck_assert_uint_eq(broken(&outcome), 0);
    struct sim_result healthy_result = outcome.result;
    struct row_sums healthy_rows = outcome.rows;
    struct experiment experiment = outcome.experiment;
    for (int i = 0; i < INVARIANT_COUNT; i++) {
        doctors[i](&outcome);
        ck_assert_msg(broken(&outcome) >> i & 1, "%s holds of anything", invariants[i].name);
        outcome.result = healthy_result;
        outcome.rows = healthy_rows;
        outcome.experiment = experiment;
    }
    sim_result_free(&outcome.result);
}
END_TEST

START_TEST(the_healthy_run_uses_what_the_invariants_compare)
{
    struct outcome outcome;
    run_healthy(&outcome);
    const struct metrics *metrics = &outcome.result.metrics;
    ck_assert_double_gt(metrics->hit_tokens_dram, 0);
    ck_assert_double_gt(metrics->hit_tokens_ssd, 0);
    ck_assert_double_gt(metrics->load_ssd_hbm_bytes, 0);
    ck_assert_double_gt(metrics->remote_read_bytes, 0);
    ck_assert_double_gt(metrics->queueing_mean_ns, 0);
    ck_assert_double_gt(metrics->stored_never_loaded_bytes, 0);
    sim_result_free(&outcome.result);
}
END_TEST

int main(void)
{
    names = names_read();
    Suite *suite = suite_create("random");
    TCase *drawing = tcase_create("drawing");
    tcase_add_unchecked_fixture(drawing, draw_many, free_drawn);
    tcase_add_test(drawing, the_same_seed_is_the_same_experiment);
    tcase_add_test(drawing, no_value_is_refused_by_its_row);
    tcase_add_test(drawing, every_key_of_the_schema_is_drawn);
    tcase_add_test(drawing, every_name_is_drawn);
    tcase_add_test(drawing, the_work_is_bounded);
    TCase *shrinking = tcase_create("shrinking");
    tcase_add_test(shrinking, a_planted_key_is_what_is_left);
    tcase_add_test(shrinking, two_keys_that_need_each_other_are_left);
    tcase_add_test(shrinking, shrinking_stops_after_so_many_tries);
    TCase *trials = tcase_create("trials");
    tcase_add_test(trials, a_healthy_experiment_has_no_fault);
    tcase_add_test(trials, a_refusal_is_no_fault);
    tcase_add_test(trials, deaths_errors_and_wrong_results_are_faults);
    tcase_add_test(trials, a_second_run_that_differs_is_a_fault);
    tcase_add_test(trials, a_planted_death_is_shrunk_to_its_key);
    TCase *results = tcase_create("invariants");
    tcase_add_test(results, each_invariant_fails_on_a_doctored_result);
    tcase_add_test(results, the_healthy_run_uses_what_the_invariants_compare);
    suite_add_tcase(suite, drawing);
    suite_add_tcase(suite, shrinking);
    suite_add_tcase(suite, trials);
    suite_add_tcase(suite, results);
    int failed = test_main(suite);
    names_free(&names);
    return failed;
}
