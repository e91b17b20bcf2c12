/* tests/sim/test_tenants.c - runs of several tenants: what each of them had, on the plain server to
 * the last digit, and that their counts add up to the run's. */
#include "sim/sim.h"
#include "tests/sim/plain_server.h"
#include "tests/sim/runs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MS 1e6
#define KV 1e3 /* bytes a token */

/* On the plain server under LRU with 1 GB of DRAM, without an SSD. */
#define PLAIN                                                                                      \
    "model: ./model.yaml\nhardware: ./plain.yaml\ngpus: 1\nwarmup_turns: 0\npolicy: lru\n"         \
    "placement.ttl: 0\nengine: {preloading: none, reuse: always}\n"                                \
    "tiers: {dram: {capacity: 1GB, reserve: 0}, ssd: {capacity: 0}}\n"

static struct sim_result result_of(const char *yaml, const char *settings)
{
    char text[1024];
    const char *parts[33] = { NULL };
    size_t count = 0;
    struct error err = { 0 };
    struct sim_result result;
    snprintf(text, sizeof text, "%s", settings);
    for (char *part = strtok(text, " "); part != NULL && count < 32; part = strtok(NULL, " "))
        parts[count++] = part;
    struct experiment experiment = experiment_of(yaml, parts);
    ck_assert_msg(sim_run(&experiment, NULL, &result, &err) == STATUS_OK, "%s: %s", err.key,
                  err.expected);
    sim_result_free(&result);
    return result;
}

/* Rows of a session CSV with a column tenant. */
static struct sim_result plain_run(const char *turns, const char *settings)
{
    char with[1024];
    FILE *file = fopen("trace.csv", "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "session,arrival_s,think_s,prompt_tokens,reply_tokens,tenant\n%s", turns);
    ck_assert_int_eq(fclose(file), 0);
    snprintf(with, sizeof with, "trace=./trace.csv %s", settings);
    return result_of(PLAIN, with);
}

static const struct tenant_metrics *of(const struct sim_result *result, const char *tenant)
{
    for (uint32_t i = 0; i < result->tenant_count; i++)
        if (strcmp(result->tenant[i].name, tenant) == 0)
            return &result->tenant[i].metrics;
    ck_abort_msg("no tenant %s", tenant);
    return NULL;
}

/* ---- what is measured ---- */

/* The chat's first turn computes 100 tokens (1.1 ms); its second finds 111 in DRAM, loads them (111
 * us) and computes 100. The batch's one turn finds nothing. Replies are 11 tokens. */
START_TEST(each_tenant_has_its_own_numbers)
{
    struct sim_result result =
        plain_run("a,0,,100,11,chat\na,,0.1,100,11,\nb,1,,200,21,batch\n", "slo.ttft=1.2ms");
    ck_assert_uint_eq(result.tenant_count, 2);
    ck_assert_str_eq(result.tenant[0].name, "chat");
    const struct tenant_metrics *chat = of(&result, "chat"), *batch = of(&result, "batch");
    ck_assert_double_eq(chat->turns, 2);
    ck_assert_double_eq_tol(chat->ttft_mean_ns, (1.1 * MS + 1.211 * MS) / 2, 1);
    ck_assert_double_eq_tol(chat->ttft_p99_ns, 1.211 * MS, 0.003 * MS);
    ck_assert_double_eq(chat->slo_attainment, 0.5);
    ck_assert_double_eq(chat->wanted_tokens, 100 + 211);
    ck_assert_double_eq(chat->hit_tokens_dram, 111);
    ck_assert_double_eq(chat->computed_tokens, 200);
    ck_assert_double_eq_tol(chat->hit_rate_tokens, 111.0 / 311.0, 1e-12);
    ck_assert_double_eq(chat->reply_tokens, 22);
    ck_assert_double_eq(chat->stored_bytes, 222 * KV);
    ck_assert_double_eq(batch->turns, 1);
    ck_assert_double_eq_tol(batch->ttft_mean_ns, 2.1 * MS, 1);
    ck_assert_double_eq(batch->hit_rate_tokens, 0);
    ck_assert_double_eq(batch->slo_attainment, 0);
    ck_assert_double_eq(batch->stored_bytes, 221 * KV);
}
END_TEST

START_TEST(one_tenant_is_the_run)
{
    struct sim_result result = plain_run("a,0,,100,11,chat\n", "");
    ck_assert_uint_eq(result.tenant_count, 0);
    result = result_of(SMALL, "workload.tenants=1");
    ck_assert_uint_eq(result.tenant_count, 0);
}
END_TEST

static const char *const mixes[] = {
    "",
    "policy=none",
    "placement.unit=block tiers.hbm.cache=30GB tiers.dram.write=back",
    "engine.allocation=grow engine.batch=48 engine.scheduling=chunked engine.hbm_tokens=30000",
    "cluster.replicas=3 tiers.remote.capacity=100GB placement.unit=block "
    "cluster.router=round-robin",
    "workload.shape=chat model=mistral-7b hardware=h100 gpus=1 warmup_turns=20",
};

START_TEST(counts_of_tenants_add_up_to_the_run_s)
{
    char settings[512];
    snprintf(settings, sizeof settings, "workload.tenants=x=3/y=2/z=1 %s", mixes[_i]);
    struct sim_result result = result_of(SMALL, settings);
    const struct metrics *all = &result.metrics;
    struct tenant_metrics sum = { 0 };
    ck_assert_uint_eq(result.tenant_count, 3);
    double ttft_ns = 0.0;
    for (uint32_t i = 0; i < 3; i++) {
        const struct tenant_metrics *one = &result.tenant[i].metrics;
        ck_assert_double_gt(one->turns, 0);
        sum.turns += one->turns;
        sum.hit_tokens_hbm += one->hit_tokens_hbm;
        sum.hit_tokens_dram += one->hit_tokens_dram;
        sum.hit_tokens_ssd += one->hit_tokens_ssd;
        sum.hit_tokens_remote += one->hit_tokens_remote;
        sum.wanted_tokens += one->wanted_tokens;
        sum.computed_tokens += one->computed_tokens;
        sum.reply_tokens += one->reply_tokens;
        sum.preemptions += one->preemptions;
        sum.stored_bytes += one->stored_bytes;
        ttft_ns += one->ttft_mean_ns * one->turns;
    }
    ck_assert_double_eq(sum.turns, all->turns);
    ck_assert_double_eq(sum.hit_tokens_hbm, all->hit_tokens_hbm);
    ck_assert_double_eq(sum.hit_tokens_dram, all->hit_tokens_dram);
    ck_assert_double_eq(sum.hit_tokens_ssd, all->hit_tokens_ssd);
    ck_assert_double_eq(sum.hit_tokens_remote, all->hit_tokens_remote);
    ck_assert_double_eq(sum.wanted_tokens, all->wanted_tokens);
    ck_assert_double_eq(sum.computed_tokens, all->computed_tokens);
    ck_assert_double_eq(sum.reply_tokens, all->reply_tokens);
    ck_assert_double_eq(sum.preemptions, all->preemptions);
    ck_assert_double_eq_tol(sum.stored_bytes, all->stored_bytes, 3);
    ck_assert_double_eq_tol(ttft_ns / sum.turns, all->ttft_mean_ns, 1e-9 * all->ttft_mean_ns);
}
END_TEST

/* ---- what they are given ---- */

/* While a's prompt is prefilled (10.1 ms) b is asked, and then c; each of the two takes 1.1 ms. */
#define WAITING "a,0,,1000,2,low\nb,0.001,,100,2,low\nc,0.002,,100,2,high\n"

START_TEST(a_higher_priority_is_next)
{
    struct sim_result fcfs = plain_run(WAITING, "tenants.priority=high=60");
    struct sim_result given = plain_run(WAITING, "engine.order=priority tenants.priority=high=60");
    struct sim_result taken = plain_run(WAITING, "engine.order=priority tenants.priority=low=60");
    struct sim_result by_place = plain_run(WAITING, "engine.order=priority tenants.priority=10/11");
    ck_assert_double_eq_tol(of(&fcfs, "high")->ttft_mean_ns, (10.1 + 2 * 1.1 - 2) * MS, 1);
    ck_assert_double_eq_tol(of(&given, "high")->ttft_mean_ns, (10.1 + 1.1 - 2) * MS, 1);
    ck_assert_double_eq_tol(of(&taken, "high")->ttft_mean_ns, (10.1 + 2 * 1.1 - 2) * MS, 1);
    ck_assert_double_eq_tol(of(&by_place, "high")->ttft_mean_ns, (10.1 + 1.1 - 2) * MS, 1);
    ck_assert_double_eq_tol(given.metrics.ttft_urgent_mean_ns, (10.1 + 1.1 - 2) * MS, 1);
    ck_assert_double_eq(by_place.metrics.ttft_urgent_mean_ns, 0); /* both are below the usual 35 */
}
END_TEST

/* One who comes back each second, with 111 tokens more; between his turns four others come once,
 * with 311 tokens each, more than DRAM has beside his. */
static void write_turns(char *turns, size_t bytes, bool others)
{
    size_t used = 0;
    for (int turn = 0; turn < 4; turn++)
        used += (size_t)snprintf(turns + used, bytes - used,
                                 turn == 0 ? "a,0,,100,11,x\n" : "a,,1,100,11,\n");
    for (int i = 0; others && i < 16; i++)
        used += (size_t)snprintf(turns + used, bytes - used, "s%d,%d.%d,,300,11,y\n", i, i / 4,
                                 20 * (i % 4) + 20);
}

START_TEST(a_quota_keeps_what_a_tenant_would_have_alone)
{
    char both[1024] = "", one[256] = "";
    write_turns(both, sizeof both, true);
    write_turns(one, sizeof one, false);
    struct sim_result without = plain_run(both, "tiers.dram.capacity=1MB");
    struct sim_result with =
        plain_run(both, "tiers.dram.capacity=1MB tenants.dram_quota=x=0.6/y=0.4");
    struct sim_result alone = plain_run(one, "tiers.dram.capacity=600kB");
    double hits = 111 + 222 + 333;
    ck_assert_double_eq(alone.metrics.hit_tokens_dram, hits);
    ck_assert_double_eq(of(&with, "x")->hit_tokens_dram, hits);
    ck_assert_double_eq(of(&without, "x")->hit_tokens_dram, 0);
    ck_assert_double_eq(of(&with, "x")->stored_bytes, alone.metrics.stored_bytes);
    ck_assert_double_le(with.metrics.peak_dram_bytes, 1e6);
}
END_TEST

static const struct {
    const char *setting, *key;
} refused[] = {
    { "tenants.priority=101", "tenants.priority" },
    { "tenants.priority=1.5", "tenants.priority" },
    { "tenants.dram_quota=1.1", "tenants.dram_quota" },
    { "tenants.ssd_quota=-0.1/0.5", "tenants.ssd_quota" },
    { "tenants.ssd_quota=a=0.1/0.5", "tenants.ssd_quota" },
    { "workload.tenants=0/1", "workload.tenants" },
};

START_TEST(what_is_no_list_is_refused)
{
    const char *settings[] = { refused[_i].setting, NULL };
    struct experiment experiment = experiment_of(SMALL, settings);
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, NULL, &result, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, refused[_i].key);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tenants of runs");
    TCase *tcase = tcase_create("tenants");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, plain_server_write, plain_server_remove);
    tcase_add_test(tcase, each_tenant_has_its_own_numbers);
    tcase_add_test(tcase, one_tenant_is_the_run);
    tcase_add_loop_test(tcase, counts_of_tenants_add_up_to_the_run_s, 0,
                        sizeof mixes / sizeof *mixes);
    tcase_add_test(tcase, a_higher_priority_is_next);
    tcase_add_test(tcase, a_quota_keeps_what_a_tenant_would_have_alone);
    tcase_add_loop_test(tcase, what_is_no_list_is_refused, 0, sizeof refused / sizeof *refused);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
