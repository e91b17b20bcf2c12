/* tests/sweep/test_compared_words.c - what is said of policies that were compared, before any
 * table. */
#include "sweep/compared_words.h"
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1e6

enum { SEEDS = 3 };

static struct compared setup_runs(const char *const names[3], uint32_t seeds)
{
    uint32_t count = 0;
    while (count < 3 && names[count] != NULL)
        count++;
    struct compared compared = compared_new(count, seeds);
    for (uint32_t i = 0; i < count; i++) {
        struct compared_run *run = &compared.run[i];
        run->name = names[i];
        run->metrics.ttft_mean_ns = 100 * MS;
        run->metrics.ttft_p99_ns = 900 * MS;
        run->metrics.cost_usd_per_mtok = 0.25;
        run->metrics.wanted_tokens = 1000;
        run->metrics.history_tokens = 800;
        for (uint32_t seed = 0; run->of_seed != NULL && seed < seeds; seed++)
            run->of_seed[seed] = run->metrics;
    }
    return compared;
}

static void hear(void *context, enum words_of of, const char *subject, const char *sentence)
{
    fprintf(context, "\n%d %s%s%s", of, subject, subject[0] != '\0' ? ": " : "", sentence);
}

/* All that is said, a line a sentence behind the number of its kind; to be freed. */
static char *words_of(const struct compared *compared)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    compared_words(compared, hear, out);
    fputc('\n', out);
    fclose(out);
    return text;
}

static bool says(const struct compared *compared, const char *text)
{
    char *words = words_of(compared);
    bool said = strstr(words, text) != NULL;
    free(words);
    return said;
}

/* One value of each seed's run of a policy, and their mean; differences are to be found anew. */
static void set_seeds(struct compared *compared, uint32_t policy, size_t offset,
                      const double values[SEEDS])
{
    struct compared_run *run = &compared->run[policy];
    for (uint32_t seed = 0; seed < SEEDS; seed++)
        *(double *)(void *)((char *)&run->of_seed[seed] + offset) = values[seed];
    run->metrics = metrics_mean(run->of_seed, SEEDS);
    free(compared->against);
    compared->against = NULL;
    compared->against_count = 0;
    compared_find_differences(compared, NULL, 0);
}

START_TEST(a_policy_has_a_sentence)
{
    struct compared it = setup_runs((const char *const[3]){ "lru" }, 1);
    struct metrics *metrics = &it.run[0].metrics;
    ck_assert(says(&it,
                   "\n0 lru: the first token comes after 100 ms (mean; P99 900 ms); none of the "
                   "history was reused; a million tokens cost $0.250 of busy server.\n"));
    metrics->hit_tokens_dram = 400;
    metrics->hit_tokens_ssd = 200;
    ck_assert(says(&it, "75 % of the history was reused: 50 % from DRAM, 25 % from SSD;"));
    metrics->history_tokens = 0; /* an open loop */
    ck_assert(says(&it, "60 % of the prompts was reused: 40 % from DRAM, 20 % from SSD;"));
    ck_assert(!says(&it, "is best"));
    compared_free(&it);
}
END_TEST

START_TEST(the_verdict_names_the_best_the_next_and_the_last)
{
    struct compared it = setup_runs((const char *const[3]){ "lru", "fifo", "none" }, 1);
    it.run[0].metrics.ttft_mean_ns = 200 * MS;
    it.run[2].metrics.ttft_mean_ns = 1000 * MS;
    it.run[0].metrics.ttft_p99_ns = 905 * MS; /* as good as 900 */
    it.run[2].metrics.ttft_p99_ns = 1000 * MS;
    ck_assert(says(&it, "\n1 Mean TTFT: fifo is best, 50 % below lru and 90 % below none.\n"));
    ck_assert(says(&it, "\n1 P99 TTFT: lru, fifo are best (within 1 % of each other), 10 % below "
                        "none.\n"));
    ck_assert(says(&it, "\n1 Cost, busy: all are within 1 %.\n"));
    compared_free(&it);
}
END_TEST

START_TEST(the_verdict_names_all_that_tie)
{
    struct compared it = setup_runs((const char *const[3]){ "lru", "none", "fifo" }, 1);
    it.run[1].metrics.cost_usd_per_mtok = 0.2;
    it.run[2].metrics.cost_usd_per_mtok = 0.2501;
    ck_assert(says(&it, "\n1 Cost, busy: none is best, 20 % below lru, fifo.\n"));
    it.run[2].metrics.cost_usd_per_mtok = 0.4;
    ck_assert(says(&it, "\n1 Cost, busy: none is best, 20 % below lru and 50 % below fifo.\n"));
    compared_free(&it);
}
END_TEST

START_TEST(a_lead_that_may_be_chance_is_called_so)
{
    const size_t mean = offsetof(struct metrics, ttft_mean_ns);
    struct compared it = setup_runs((const char *const[3]){ "lru", "fifo" }, SEEDS);
    it.run[1].metrics.ttft_mean_ns = 110 * MS;
    ck_assert(says(&it, "\n1 Mean TTFT: lru is best, 9 % below fifo.\n")); /* nothing is told */
    set_seeds(&it, 0, mean, (const double[SEEDS]){ 100, 100, 100 });
    set_seeds(&it, 1, mean, (const double[SEEDS]){ 110, 110.5, 109.5 });
    ck_assert(says(&it, "\n1 Mean TTFT: lru is best, 9 % below fifo.\n"));
    set_seeds(&it, 1, mean, (const double[SEEDS]){ 160, 60, 110 });
    ck_assert(says(&it, "\n1 Mean TTFT: lru is lowest, 9 % below fifo (not certain).\n"));
    ck_assert(says(&it, "\n1 (Not certain: 3 seeds differ too much to tell it from chance)\n"));
    it.may_replicate = true;
    ck_assert(says(&it, " from chance; --replications 10 may)\n"));
    set_seeds(&it, 1, mean, (const double[SEEDS]){ 102.9, 101, 102.2 }); /* narrow around 0 */
    ck_assert(says(&it, "\n1 Mean TTFT: lru is lowest, 2 % below fifo (no difference seen).\n"));
    ck_assert(!says(&it, "ot certain"));
    set_seeds(&it, 1, mean, (const double[SEEDS]){ 160, 60, 110 });
    it.against[0].row[0].doubt = PAIRED_ONE_SEED;
    ck_assert(
        says(&it, "\n1 Mean TTFT: lru is lowest, 9 % below fifo (cannot tell from one run).\n"));
    compared_free(&it);
}
END_TEST

/* As it holds for the nearest it holds for the last and for one between, and for every measure
 * told. */
START_TEST(chance_is_told_of_each_rival_and_measure)
{
    const size_t p99 = offsetof(struct metrics, ttft_p99_ns),
                 cost = offsetof(struct metrics, cost_usd_per_mtok);
    struct compared it = setup_runs((const char *const[3]){ "none", "lru", "fifo" }, SEEDS);
    set_seeds(&it, 0, p99, (const double[SEEDS]){ 2000, 100, 900 });
    set_seeds(&it, 1, p99, (const double[SEEDS]){ 500, 500, 500 });
    set_seeds(&it, 2, p99, (const double[SEEDS]){ 600, 601, 599 });
    ck_assert(says(&it, "\n1 P99 TTFT: lru is lowest, 17 % below fifo and 50 % below none (not "
                        "certain).\n"));
    set_seeds(&it, 0, cost, (const double[SEEDS]){ 5, 5, 5 });
    set_seeds(&it, 1, cost, (const double[SEEDS]){ 3, 5, 4 });
    set_seeds(&it, 2, cost, (const double[SEEDS]){ 8, 8.1, 7.9 });
    ck_assert(says(&it, " lru is lowest, 20 % below none (not certain) and 50 % below fifo.\n"));
    compared_free(&it);
}
END_TEST

/* As where one has tiers that are rented too. */
START_TEST(the_rent_has_a_verdict_of_its_own_where_all_have_one)
{
    struct compared it = setup_runs((const char *const[3]){ "lru", "none" }, 1);
    it.run[1].metrics.cost_usd_per_mtok = 0.5;
    it.run[0].metrics.rented_usd_per_mtok = 0.2;
    ck_assert(says(&it, " a million tokens cost $0.250 of busy server, $0.200 of a rented one.\n"));
    ck_assert(!says(&it, "Rented"));
    ck_assert(!says(&it, "Cost, rented"));
    it.run[1].metrics.rented_usd_per_mtok = 0.1;
    ck_assert(says(&it, "\n1 Cost, busy: lru is best, 50 % below none.\n1 Cost, rented: none is "
                        "best, 50 % below lru.\n1 (Busy: "));
    ck_assert(says(&it, "at the pace of the offered load, kept or not."));
    ck_assert(!says(&it, "too low"));
    it.run[1].finding[0] = FINDING_OVERLOADED "so";
    ck_assert(says(&it, "\n2 none: overloaded, so that the rented cost is too low"));
    it.run[0].finding[0] = FINDING_OVERLOADED "so";
    ck_assert(says(&it, "\n2 lru, none: overloaded, so that the rented cost is too low"));
    compared_free(&it);
}
END_TEST

START_TEST(fewer_hits_and_a_shorter_wait_are_explained_where_passing_over_explains_them)
{
    const size_t mean = offsetof(struct metrics, ttft_mean_ns);
    struct compared it = setup_runs((const char *const[3]){ "quick", "eager" }, SEEDS);
    struct metrics *quick = &it.run[0].metrics, *eager = &it.run[1].metrics;
    quick->hit_rate_tokens = 0.70;
    quick->passed_over_tokens = 100;
    eager->hit_rate_tokens = 0.80;
    eager->ttft_mean_ns = 150 * MS;
    ck_assert(says(&it,
                   "quick hits less than eager (70.0 % of all tokens against 80.0 %) and yet is "
                   "sooner: it found 10.0 % (against 0.0 %) that it computed again"));
    it.run[0].of_seed[0] = it.run[0].of_seed[1] = it.run[0].of_seed[2] = *quick;
    it.run[1].of_seed[0] = it.run[1].of_seed[1] = it.run[1].of_seed[2] = *eager;
    set_seeds(&it, 0, mean, (const double[SEEDS]){ 100 * MS, 100 * MS, 100 * MS });
    set_seeds(&it, 1, mean, (const double[SEEDS]){ 50 * MS, 250 * MS, 150 * MS });
    ck_assert(!says(&it, "hits less")); /* which is sooner may be chance */
    it.paired_by = PAIRED_BY_NOTHING;
    ck_assert(says(&it, "hits less"));
    eager->passed_over_tokens = 200; /* not by that */
    ck_assert(!says(&it, "hits less"));
    eager->passed_over_tokens = 0;
    eager->hit_rate_tokens = 0.60;
    ck_assert(!says(&it, "hits less"));
    compared_free(&it);
}
END_TEST

START_TEST(a_finding_of_several_runs_is_told_once_and_overload_of_all)
{
    struct compared it = setup_runs((const char *const[3]){ "lru", "fifo", "none" }, 1);
    it.run[0].finding[0] = it.run[2].finding[1] = "HBM is small";
    it.run[2].finding[0] = "other";
    ck_assert(says(&it, "\n3 lru, none: HBM is small\n3 none: other\n"));
    it.run[0].finding[1] = it.run[1].finding[0] = FINDING_OVERLOADED "so";
    ck_assert(!says(&it, "Overloaded whatever the policy"));
    it.run[2].finding[2] = FINDING_OVERLOADED "too";
    ck_assert(says(&it, "\n2 Overloaded whatever the policy"));
    compared_free(&it);
}
END_TEST

START_TEST(drives_that_wear_out_under_warranty_are_in_the_verdict)
{
    struct compared it = setup_runs((const char *const[3]){ "lru", "fifo", "none" }, 1);
    for (uint32_t i = 0; i < 3; i++)
        it.run[i].warranty_years = 5;
    it.run[0].metrics.ssd_years = 5;
    ck_assert(!says(&it, "SSD life")); /* 0: nothing is written */
    it.run[0].metrics.ssd_years = 4.26;
    it.run[1].metrics.ssd_years = 2;
    ck_assert(says(&it, "\n1 SSD life: drives reach their rated writes in 4.3 years under lru, in "
                        "2.0 years under fifo: before their warranty of 5 years is over. Write "
                        "less (tiers.ssd.admit_uses) or to more or more durable drives "
                        "(ssd.drives, ssd.drive).\n"));
    it.run[0].finding[0] = FINDING_WEARS_OUT "of the first seed";
    it.run[0].finding[1] = "other";
    ck_assert(!says(&it, FINDING_WEARS_OUT)); /* told already */
    ck_assert(says(&it, "\n3 lru: other\n"));
    compared_free(&it);
    it = setup_runs((const char *const[3]){ "lru" }, 1);
    it.run[0].warranty_years = 5;
    it.run[0].metrics.ssd_years = 1;
    it.run[0].finding[0] = FINDING_WEARS_OUT "soon";
    ck_assert(!says(&it, "SSD life"));
    ck_assert(says(&it, "\n3 lru: " FINDING_WEARS_OUT "soon\n"));
    compared_free(&it);
}
END_TEST

/* ---- differences ---- */

static struct turn_log log_of(const uint64_t ttft_ns[], uint32_t count, uint64_t apart_ns)
{
    struct turn_log log = { 0 };
    for (uint32_t i = 0; i < count; i++)
        turn_log_add(&log, &(struct turn_times){ .session = i,
                                                 .asked_ns = i * apart_ns,
                                                 .ttft_ns = ttft_ns[i],
                                                 .wanted_tokens = 10 });
    turn_log_sort(&log);
    return log;
}

static const char *method_of(const struct turn_log *base, const struct turn_log *run,
                             char text[COMPARED_TEXT_BYTES])
{
    struct compared it = setup_runs((const char *const[3]){ "lru", "fifo" }, 1);
    compared_find_differences(&it, (const struct turn_log *const[]){ base, run }, 0);
    compared_method_text(&it, text);
    compared_free(&it);
    return text;
}

START_TEST(a_time_that_cannot_be_resampled_is_said_in_words)
{
    const uint64_t one[] = { 1000, 2000 }, other[] = { 1500, 2500 };
    struct turn_log base = log_of(one, 1, 0), run = log_of(other, 1, 0);
    char text[COMPARED_TEXT_BYTES];
    ck_assert_str_eq(
        method_of(&base, &run, text),
        "difference to lru, the first policy named, and its 95 % interval, turn by turn "
        "(one pair of turns: there is no time to resample)");
    turn_log_free(&run);
    run = (struct turn_log){ 0 };
    ck_assert_ptr_nonnull(strstr(method_of(&base, &run, text), "(no turn that both measured"));
    turn_log_free(&base);
    base = log_of(one, 2, 0);
    run = log_of(other, 2, 0);
    ck_assert_ptr_nonnull(
        strstr(method_of(&base, &run, text), "(all turns were asked at one time"));
    turn_log_free(&base);
    turn_log_free(&run);
    base = log_of(one, 2, 1000000000);
    run = log_of(other, 2, 1000000000);
    ck_assert_ptr_nonnull(
        strstr(method_of(&base, &run, text), "(1000 resamples of their time in blocks of 100 ms)"));
    turn_log_free(&base);
    turn_log_free(&run);
}
END_TEST

/* The first against all others, and the best at a measure against all others; nothing else. */
START_TEST(differences_are_found_once_for_whoever_asks)
{
    const size_t mean = offsetof(struct metrics, ttft_mean_ns);
    struct compared it = setup_runs((const char *const[3]){ "a", "b", "c" }, SEEDS);
    set_seeds(&it, 0, mean, (const double[SEEDS]){ 2, 3, 4 });
    ck_assert_uint_eq(it.against_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(it.against[i].base, 0);
        ck_assert_uint_eq(it.against[i].run, i + 1);
    }
    set_seeds(&it, 2, mean, (const double[SEEDS]){ 1, 1, 1 });
    ck_assert_uint_eq(it.against_count, 3);
    ck_assert_ptr_nonnull(compared_against(&it, 1, 2));
    ck_assert_double_eq(compared_against(&it, 0, 2)->row[0].value, -2);
    compared_free(&it);
}
END_TEST

START_TEST(a_difference_is_written_as_exactly_as_it_is_known)
{
    const struct {
        int row;
        struct difference difference;
        const char *text;
    } cases[] = {
        { 0, { 4.2e6, 0.9e6, PAIRED_NO_DOUBT }, "4.20 ms, 3.30 to 5.10" },
        { 0, { 4.2e6, 9e6, PAIRED_NO_DOUBT }, "no difference seen: -4.8 to 13.2 ms" },
        { 2, { -0.5, NAN, PAIRED_LONG_MEMORY }, "-50 points, no interval" },
        { 2, { NAN, NAN, PAIRED_FEW_TURNS }, "-" },
        { 5, { -0.25, 0.013, PAIRED_NO_DOUBT }, "-$0.250, -$0.263 to -$0.237" },
        { 5, { 0, 0, PAIRED_NO_DOUBT }, "no difference seen: the same" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[DIFFERENCE_TEXT_BYTES];
        ck_assert_str_eq(difference_text(cases[i].row, &cases[i].difference, text), cases[i].text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compared_words");
    TCase *tcase = tcase_create("words");
    tcase_add_test(tcase, a_policy_has_a_sentence);
    tcase_add_test(tcase, the_verdict_names_the_best_the_next_and_the_last);
    tcase_add_test(tcase, the_verdict_names_all_that_tie);
    tcase_add_test(tcase, a_lead_that_may_be_chance_is_called_so);
    tcase_add_test(tcase, chance_is_told_of_each_rival_and_measure);
    tcase_add_test(tcase, the_rent_has_a_verdict_of_its_own_where_all_have_one);
    tcase_add_test(tcase,
                   fewer_hits_and_a_shorter_wait_are_explained_where_passing_over_explains_them);
    tcase_add_test(tcase, a_finding_of_several_runs_is_told_once_and_overload_of_all);
    tcase_add_test(tcase, drives_that_wear_out_under_warranty_are_in_the_verdict);
    tcase_add_test(tcase, a_time_that_cannot_be_resampled_is_said_in_words);
    tcase_add_test(tcase, differences_are_found_once_for_whoever_asks);
    tcase_add_test(tcase, a_difference_is_written_as_exactly_as_it_is_known);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
