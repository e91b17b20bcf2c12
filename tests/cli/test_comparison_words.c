/* tests/cli/test_comparison_words.c - what a comparison says before its table. */
#include "cli/comparison_words.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1e6

/* Runs made up, as many as have names. */
struct words_case {
    struct run runs[3];
    struct comparison comparison;
};

static void setup_runs(struct words_case *it, const char *const names[3])
{
    memset(it, 0, sizeof *it);
    it->comparison.runs = it->runs;
    for (uint32_t i = 0; i < 3 && names[i] != NULL; i++) {
        struct metrics *metrics = &it->runs[i].result.metrics;
        snprintf(it->runs[i].experiment.policy, sizeof it->runs[i].experiment.policy, "%s",
                 names[i]);
        metrics->ttft_mean_ns = 100 * MS;
        metrics->ttft_p99_ns = 900 * MS;
        metrics->cost_usd_per_mtok = 0.25;
        metrics->wanted_tokens = 1000;
        metrics->history_tokens = 800;
        it->comparison.count++;
    }
}

/* All that is said, to be freed; line: with its breaks taken out. */
static char *words_of(const struct words_case *it, bool line)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    comparison_print_words(out, &it->comparison);
    fclose(out);
    for (char *at = strstr(text, "\n    "); line && at != NULL; at = strstr(at, "\n    ")) {
        *at = ' ';
        memmove(at + 1, at + 5, strlen(at + 5) + 1);
    }
    return text;
}

static bool says(const struct words_case *it, const char *text)
{
    char *words = words_of(it, true);
    bool said = strstr(words, text) != NULL;
    free(words);
    return said;
}

START_TEST(a_policy_has_a_sentence)
{
    struct words_case it;
    setup_runs(&it, (const char *const[3]){ "lru" });
    ck_assert(says(&it, "lru: the first token comes after 100 ms (mean; P99 900 ms); none of the "
                        "history was reused; a million tokens cost $0.250 of busy server.\n"));
    it.runs[0].result.metrics.hit_tokens_dram = 400;
    it.runs[0].result.metrics.hit_tokens_ssd = 200;
    ck_assert(says(&it, "75 % of the history was reused: 50 % from DRAM, 25 % from SSD;"));
    it.runs[0].result.metrics.history_tokens = 0; /* an open loop */
    ck_assert(says(&it, "60 % of the prompts was reused: 40 % from DRAM, 20 % from SSD;"));
    ck_assert(!says(&it, "is best"));
}
END_TEST

START_TEST(the_verdict_names_the_best_the_next_and_the_last)
{
    struct words_case it;
    setup_runs(&it, (const char *const[3]){ "lru", "fifo", "none" });
    it.runs[0].result.metrics.ttft_mean_ns = 200 * MS;
    it.runs[2].result.metrics.ttft_mean_ns = 1000 * MS;
    it.runs[0].result.metrics.ttft_p99_ns = 905 * MS; /* as good as 900 */
    it.runs[2].result.metrics.ttft_p99_ns = 1000 * MS;
    ck_assert(says(&it, "\nMean TTFT: fifo is best, 50 % below lru and 90 % below none.\n"));
    ck_assert(says(&it, "\nP99 TTFT: lru, fifo are best (within 1 % of each other), 10 % below "
                        "none.\n"));
    ck_assert(says(&it, "\nCost, busy: all are within 1 %.\n"));
}
END_TEST

enum { SEEDS = 3 };

/* One value of each seed's run of a policy; runs[] hold their mean. */
static void set_seeds(struct words_case *it, struct run *seed_runs, uint32_t policy, size_t offset,
                      const double values[SEEDS])
{
    double sum = 0.0;
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        struct run *run = &seed_runs[it->comparison.count * seed + policy];
        *(double *)(void *)((char *)&run->result.metrics + offset) = values[seed];
        sum += values[seed];
    }
    *(double *)(void *)((char *)&it->runs[policy].result.metrics + offset) = sum / SEEDS;
    it->comparison.seed_runs = seed_runs;
    it->comparison.seeds = SEEDS;
}

START_TEST(a_lead_that_may_be_chance_is_called_so)
{
    static struct run seed_runs[2 * SEEDS];
    const size_t mean = offsetof(struct metrics, ttft_mean_ns);
    struct words_case it;
    setup_runs(&it, (const char *const[3]){ "lru", "fifo" });
    it.runs[1].result.metrics.ttft_mean_ns = 110 * MS;
    ck_assert(says(&it, "\nMean TTFT: lru is best, 9 % below fifo.\n")); /* nothing to pair */
    set_seeds(&it, seed_runs, 0, mean, (const double[SEEDS]){ 100, 100, 100 });
    set_seeds(&it, seed_runs, 1, mean, (const double[SEEDS]){ 110, 110.5, 109.5 });
    ck_assert(says(&it, "\nMean TTFT: lru is best, 9 % below fifo.\n"));
    set_seeds(&it, seed_runs, 1, mean, (const double[SEEDS]){ 160, 60, 110 });
    ck_assert(says(&it, "\nMean TTFT: lru is lowest, 9 % below fifo (no difference seen).\n"));
    it.comparison.seeds = 1;
    ck_assert(
        says(&it, "\nMean TTFT: lru is lowest, 9 % below fifo (cannot tell from one run).\n"));
}
END_TEST

/* As it holds for the nearest it holds for the last and for one between, and for every measure
 * told. */
START_TEST(chance_is_told_of_each_rival_and_measure)
{
    static struct run seed_runs[3 * SEEDS];
    const size_t p99 = offsetof(struct metrics, ttft_p99_ns),
                 cost = offsetof(struct metrics, cost_usd_per_mtok);
    struct words_case it;
    setup_runs(&it, (const char *const[3]){ "none", "lru", "fifo" });
    set_seeds(&it, seed_runs, 0, p99, (const double[SEEDS]){ 2000, 100, 900 });
    set_seeds(&it, seed_runs, 1, p99, (const double[SEEDS]){ 500, 500, 500 });
    set_seeds(&it, seed_runs, 2, p99, (const double[SEEDS]){ 600, 601, 599 });
    ck_assert(says(&it, "\nP99 TTFT: lru is lowest, 17 % below fifo and 50 % below none (no "
                        "difference seen).\n"));
    set_seeds(&it, seed_runs, 0, cost, (const double[SEEDS]){ 5, 5, 5 });
    set_seeds(&it, seed_runs, 1, cost, (const double[SEEDS]){ 3, 5, 4 });
    set_seeds(&it, seed_runs, 2, cost, (const double[SEEDS]){ 8, 8.1, 7.9 });
    ck_assert(
        says(&it, " lru is lowest, 20 % below none (no difference seen) and 50 % below fifo.\n"));
}
END_TEST

/* As where one has tiers that are rented too. */
START_TEST(the_rent_has_a_verdict_of_its_own_where_all_have_one)
{
    struct words_case it;
    setup_runs(&it, (const char *const[3]){ "lru", "none" });
    it.runs[1].result.metrics.cost_usd_per_mtok = 0.5;
    it.runs[0].result.metrics.rented_usd_per_mtok = 0.2;
    ck_assert(says(&it, " a million tokens cost $0.250 of busy server, $0.200 of a rented one.\n"));
    ck_assert(!says(&it, "Rented"));
    ck_assert(!says(&it, "Cost, rented"));
    it.runs[1].result.metrics.rented_usd_per_mtok = 0.1;
    ck_assert(says(&it, "\nCost, busy: lru is best, 50 % below none.\nCost, rented: none is best, "
                        "50 % below lru.\n(Busy: "));
}
END_TEST

START_TEST(fewer_hits_and_a_shorter_wait_are_explained_where_passing_over_explains_them)
{
    struct words_case it;
    setup_runs(&it, (const char *const[3]){ "quick", "eager" });
    struct metrics *quick = &it.runs[0].result.metrics, *eager = &it.runs[1].result.metrics;
    quick->hit_rate_tokens = 0.70;
    quick->passed_over_tokens = 100;
    eager->hit_rate_tokens = 0.80;
    eager->ttft_mean_ns = 150 * MS;
    ck_assert(says(&it,
                   "quick hits less than eager (70.0 % of all tokens against 80.0 %) and yet is "
                   "sooner: it found 10.0 % (against 0.0 %) that it computed again"));
    static struct run seed_runs[2 * SEEDS];
    const size_t mean = offsetof(struct metrics, ttft_mean_ns);
    set_seeds(&it, seed_runs, 0, mean, (const double[SEEDS]){ 100 * MS, 100 * MS, 100 * MS });
    set_seeds(&it, seed_runs, 1, mean, (const double[SEEDS]){ 50 * MS, 250 * MS, 150 * MS });
    ck_assert(!says(&it, "hits less")); /* which is sooner may be chance */
    it.comparison.seed_runs = NULL;
    eager->passed_over_tokens = 200; /* not by that */
    ck_assert(!says(&it, "hits less"));
    eager->passed_over_tokens = 0;
    eager->hit_rate_tokens = 0.60;
    ck_assert(!says(&it, "hits less"));
}
END_TEST

START_TEST(a_finding_of_several_runs_is_told_once_and_overload_of_all)
{
    struct words_case it;
    setup_runs(&it, (const char *const[3]){ "lru", "fifo", "none" });
    strcpy(it.runs[0].result.finding[0], "HBM is small");
    strcpy(it.runs[2].result.finding[1], "HBM is small");
    strcpy(it.runs[2].result.finding[0], "other");
    ck_assert(says(&it, "\nlru, none: HBM is small\nnone: other\n"));
    it.runs[0].result.overloaded = it.runs[1].result.overloaded = true;
    ck_assert(!says(&it, "Overloaded whatever the policy"));
    it.runs[2].result.overloaded = true;
    ck_assert(says(&it, "\nOverloaded whatever the policy"));
}
END_TEST

/* As wide as a terminal, and no number parted from its sign. */
START_TEST(lines_are_broken_between_words)
{
    struct words_case it;
    char text[SIM_FINDING_BYTES] = "", *rest = NULL;
    setup_runs(&it, (const char *const[3]){ "lru" });
    for (int i = 0; i < 60; i++)
        strcat(text, i % 2 == 0 ? "12 % " : "a ");
    strcpy(it.runs[0].result.finding[0], text);
    char *words = words_of(&it, false);
    for (char *line = strtok_r(words, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        ck_assert_uint_le(strlen(line), 100);
        ck_assert_int_ne(line[strspn(line, " ")], '%');
    }
    free(words);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("comparison_words");
    TCase *tcase = tcase_create("words");
    tcase_add_test(tcase, a_policy_has_a_sentence);
    tcase_add_test(tcase, the_verdict_names_the_best_the_next_and_the_last);
    tcase_add_test(tcase, a_lead_that_may_be_chance_is_called_so);
    tcase_add_test(tcase, chance_is_told_of_each_rival_and_measure);
    tcase_add_test(tcase, the_rent_has_a_verdict_of_its_own_where_all_have_one);
    tcase_add_test(tcase,
                   fewer_hits_and_a_shorter_wait_are_explained_where_passing_over_explains_them);
    tcase_add_test(tcase, a_finding_of_several_runs_is_told_once_and_overload_of_all);
    tcase_add_test(tcase, lines_are_broken_between_words);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
