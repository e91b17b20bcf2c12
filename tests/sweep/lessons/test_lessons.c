/* tests/sweep/lessons/test_lessons.c - what sweep/lessons/lesson.h promises: faulty files are
 * refused by name, words get the numbers of their runs, claims that do not hold are told, points
 * are what they are called. */
#include "sim/engine/experiment.h"
#include "sweep/lessons/lesson.h"
#include "sweep/metric_show.h"
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with one lesson, 1-test.yaml, and the experiment that it begins with. */
struct school {
    char folder[64];
};

static void write_file(const struct school *school, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", school->folder, name);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
}

static struct school school_with(const char *lesson)
{
    struct school school = { "/tmp/reprise-lessons-XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(school.folder));
    write_file(&school, "base.yaml",
               "gpus: 1\nwarmup_turns: 0\nworkload: {sessions: 20, sessions_per_s: 0.2}\n");
    write_file(&school, "1-test.yaml", lesson);
    ck_assert_int_eq(setenv("REPRISE_LEARN", school.folder, 1), 0);
    return school;
}

static void school_end(const struct school *school)
{
    static const char *const names[] = { "1-test.yaml", "base.yaml" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", school->folder, names[i]);
        unlink(path);
    }
    rmdir(school->folder);
}

#define PARTS                                                                                      \
    "title: A test\nexperiment: base.yaml\nby_hand: kept@64GB\n"                                   \
    "line:\n"                                                                                      \
    "  again: {label: again, keys: {policy: none}}\n"                                              \
    "  kept: {label: kept, keys: {policy: lru}}\n"                                                 \
    "panel: {ttft_mean_ns: Wait}\n"                                                                \
    "question: q\nsurprise: s\nexercise: e\nanswer: a\n"
#define BY_DRAM "x: {key: tiers.dram.capacity, values: \"16GB,64GB\", label: DRAM}\n"

/* The lesson, read and run; its words are what `see` says. */
static struct lesson *run_lesson(const char *text)
{
    struct error err = { 0 };
    struct lesson *lesson = NULL;
    struct school school = school_with(text);
    ck_assert_msg(lesson_open(1, &lesson, &err) == STATUS_OK, "%s: %s, found %s", err.key,
                  err.expected, err.found);
    ck_assert_msg(lesson_run(lesson, NULL, 0, &err) == STATUS_OK, "%s: %s", err.key, err.expected);
    school_end(&school);
    return lesson;
}

static char *printed(const struct lesson *lesson, enum lesson_form form, struct error *err)
{
    enum { PAGE_BYTES = 16384 };
    char *text = calloc(PAGE_BYTES, 1);
    FILE *out = fmemopen(text, PAGE_BYTES, "w");
    lesson_print(out, lesson, form, err);
    fclose(out);
    return text;
}

/* Each filled-in number is of the metric and the run that the words name. */
START_TEST(words_get_the_numbers_of_the_runs_that_they_name)
{
    struct error err = { 0 };
    char expected[256], hits[32], wait[32];
    struct lesson *lesson =
        run_lesson(PARTS BY_DRAM "see: \"{hit_rate_tokens kept@16GB}; {ttft_mean_ns again@64GB}; "
                                 "{ttft_mean_ns again@16GB over ttft_mean_ns kept@16GB}; "
                                 "{ttft_mean_ns kept@16GB below ttft_mean_ns again@16GB}; "
                                 "{passed_over_tokens kept@16GB of wanted_tokens kept@16GB}; "
                                 "{hit_rate_tokens kept@64GB minus hit_rate_tokens kept@16GB}\"\n");
    const struct metrics *again = &lesson->line[0].at[0], *kept = &lesson->line[1].at[0];
    int metric;
    metric_find("", "hit_rate_tokens", &metric, &err);
    metric_show(metric, kept->hit_rate_tokens, hits, sizeof hits);
    metric_find("", "ttft_mean_ns", &metric, &err);
    metric_show(metric, lesson->line[0].at[1].ttft_mean_ns, wait, sizeof wait);
    double times = again->ttft_mean_ns / kept->ttft_mean_ns;
    double below = 100.0 * (1.0 - kept->ttft_mean_ns / again->ttft_mean_ns);
    double of = 100.0 * kept->passed_over_tokens / kept->wanted_tokens;
    snprintf(expected, sizeof expected, "%s; %s; %.*f; %.*f %%; %.*f %%; %.2f points", hits, wait,
             times < 9.95 ? 1 : 0, times, below < 9.95 ? 1 : 0, below, of < 9.95 ? 1 : 0, of,
             100.0 * (lesson->line[1].at[1].hit_rate_tokens - kept->hit_rate_tokens));
    char *text = printed(lesson, LESSON_TERMINAL, &err);
    ck_assert_int_eq(err.status, STATUS_OK);
    for (char *at = text; *at != '\0'; at++) /* where lines break is no matter */
        if (*at == '\n')
            *at = ' ';
    ck_assert_msg(strstr(text, expected) != NULL, "no \"%s\" in %s", expected, text);
    ck_assert_double_ne(kept->hit_rate_tokens, lesson->line[1].at[1].hit_rate_tokens);
    free(text);
    lesson_free(lesson);
}
END_TEST

START_TEST(words_that_ask_for_what_is_not_there_are_refused)
{
    static const struct {
        const char *words, *found;
    } cases[] = {
        { "{ttft_mean_ns kept@32GB}", "kept@32GB" },
        { "{ttft_mean_ns other}", "other" },
        { "{ttft_mean kept@16GB}", "ttft_mean" },
        { "{ttft_mean_ns}", "ttft_mean_ns" },
        { "{ttft_mean_ns kept@16GB times ttft_mean_ns kept@16GB}", "times" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        struct error err = { 0 };
        snprintf(text, sizeof text, "%ssee: \"%s\"\n", PARTS BY_DRAM, cases[i].words);
        struct lesson *lesson = run_lesson(text);
        free(printed(lesson, LESSON_TERMINAL, &err));
        ck_assert_int_eq(err.status, STATUS_INPUT);
        ck_assert_str_eq(err.key, "see");
        ck_assert_str_eq(err.found, cases[i].found);
        lesson_free(lesson);
    }
}
END_TEST

static void note_claim(const struct lesson_claim *claim, void *context)
{
    static const char *const states[] = {
        [CLAIM_HOLDS] = "holds", [CLAIM_BROKEN] = "broken", [CLAIM_UNTOLD] = "untold"
    };
    char *all = context;
    sprintf(all + strlen(all), "%s %s;", claim->says, states[claim->state]);
}

#define CLAIM(says, text) "  " says ": {says: " says ", if: \"" text "\"}\n"

START_TEST(claims_that_the_runs_do_not_bear_out_are_told)
{
    char told[512] = "";
    struct error err = { 0 };
    struct lesson *lesson = run_lesson(
        PARTS BY_DRAM
        "see: x\nclaim:\n" CLAIM("more", "hit_rate_tokens kept@64GB > hit_rate_tokens again@64GB")
            CLAIM("not_less", "hit_rate_tokens kept@64GB < hit_rate_tokens again@64GB")
                CLAIM("not_more", "hit_rate_tokens again@64GB > hit_rate_tokens kept@64GB")
                    CLAIM("same", "turns kept@64GB ~ turns kept@16GB")
                        CLAIM("not_less_than_same", "turns kept@64GB < turns kept@16GB")
                            CLAIM("near",
                                  "hit_rate_tokens kept@64GB ~ hit_rate_history_tokens kept@64GB"));
    ck_assert_int_eq(lesson_claims(lesson, note_claim, told, &err), STATUS_OK);
    ck_assert_str_eq(told, "more holds;not_less broken;not_more broken;same holds;"
                           "not_less_than_same broken;near broken;");
    lesson_free(lesson);
}
END_TEST

static struct lesson *open_lesson(const char *text, struct school *school)
{
    struct error err = { 0 };
    struct lesson *lesson = NULL;
    *school = school_with(text);
    ck_assert_msg(lesson_open(1, &lesson, &err) == STATUS_OK, "%s: %s, found %s", err.key,
                  err.expected, err.found);
    return lesson;
}

/* With the reader's keys: no word of the lesson but the sentences that are checked, first those
 * that do not hold; none on a run that keeps its own value of what the reader set. */
START_TEST(of_changed_runs_numbers_are_told_and_which_sentences_hold)
{
    static const char *const set[] = { "workload.sessions=10" };
    struct error err = { 0 };
    struct school school;
    struct lesson *lesson = open_lesson(
        PARTS BY_DRAM
        "see: SEEN {ttft_mean_ns kept@16GB}\n"
        "other: {few: {keys: {workload.sessions: 5}}, two: {keys: {gpus: 2}}}\nclaim:\n" CLAIM(
            "more reused", "hit_rate_tokens kept@64GB > hit_rate_tokens again@64GB")
            CLAIM("less reused", "hit_rate_tokens kept@64GB < hit_rate_tokens again@64GB")
                CLAIM("own", "turns few < turns kept@64GB")
                    CLAIM("two", "turns two ~ turns kept@64GB"),
        &school);
    ck_assert_int_eq(lesson_run(lesson, set, 1, &err), STATUS_OK);
    char *text = printed(lesson, LESSON_CHANGED, &err);
    ck_assert_int_eq(err.status, STATUS_OK);
    const char *changed = strstr(text, "workload.sessions=10 (the lesson: 20)");
    const char *table = strstr(text, "**Wait**"), *false_ones = strstr(text, "do NOT hold");
    const char *less = strstr(text, "- less reused: here "), *hold = strstr(text, "hold for");
    const char *more = strstr(text, "- more reused: "), *two = strstr(text, "- two: ");
    ck_assert(changed != NULL && changed < table && table < false_ones && false_ones < less);
    ck_assert(less < more && more < two && hold != NULL);
    ck_assert_ptr_null(strstr(text, "- own"));
    ck_assert_ptr_null(strstr(text, "SEEN"));
    free(text);
    lesson_free(lesson);
    school_end(&school);
}
END_TEST

/* A turn has a number in its conversation; with another workload it is another turn's. */
START_TEST(nothing_is_claimed_of_another_workloads_turn)
{
    static const char *const set[] = { "workload.seed=2", "engine.batch=23" };
    struct error err = { 0 };
    struct school school;
    struct lesson *lesson =
        open_lesson(PARTS BY_DRAM
                    "see: x\nturn: {session: 0, of_session: 1, panel: {p: {run: kept@64GB, label: "
                    "l}}}\nclaim:\n" CLAIM("long", "prefill_ns turn.p > load_wait_ns turn.p"),
                    &school);
    static const char *const expected[] = { "long untold;", "long holds;" };
    for (int i = 0; i < 2; i++) {
        char told[64] = "";
        ck_assert_int_eq(lesson_run(lesson, &set[i], 1, &err), STATUS_OK);
        ck_assert(lesson_shows_turn(lesson) == (i == 1));
        ck_assert_int_eq(lesson_claims(lesson, note_claim, told, &err), STATUS_OK);
        ck_assert_str_eq(told, expected[i]);
    }
    lesson_free(lesson);
    school_end(&school);
}
END_TEST

/* What words say of models, links, prices and keys is the run's: with other keys, other numbers. */
START_TEST(words_get_what_their_run_is_made_of)
{
    static const char *const set[] = { "hardware=paper-4xa100", "hardware=h100" };
    static const char *const expected[] = {
        "24 64.0 GB 40 4,096 819 kB 27.9 GB/s 34,079 5.00 GB/s $5 $0.0088 $0.000082 2,642",
        "1,024 64.0 GB 40 4,096 819 kB 52.0 GB/s"
    };
    struct error err = { 0 };
    struct school school;
    struct lesson *lesson = open_lesson(
        PARTS BY_DRAM
        "keys: {model: llama-13b}\nother: {many: {keys: {workload.sessions: 500}}}\n"
        "see: \"{engine.batch kept@64GB} {tiers.dram.capacity kept@64GB} {layers kept@64GB} "
        "{window_tokens kept@64GB} {kv_token_bytes kept@64GB} {dram_bytes_per_s kept@64GB} "
        "{dram_bytes_per_s kept@64GB per kv_token_bytes kept@64GB} {ssd_bytes_per_s kept@64GB} "
        "{gpu_hour_usd kept@64GB} {dram_gb_hour_usd kept@64GB} {ssd_gb_hour_usd kept@64GB} {turns "
        "many}\"\n",
        &school);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(lesson_run(lesson, &set[i], 1, &err), STATUS_OK);
        char *text = printed(lesson, LESSON_TERMINAL, &err);
        ck_assert_int_eq(err.status, STATUS_OK);
        for (char *at = text; *at != '\0'; at++) /* where lines break is no matter */
            if (*at == '\n')
                *at = ' ';
        ck_assert_msg(strstr(text, expected[i]) != NULL, "no \"%s\" in %s", expected[i], text);
        free(text);
    }
    lesson_free(lesson);
    school_end(&school);
}
END_TEST

START_TEST(a_line_with_its_own_value_of_x_is_the_same_at_every_point)
{
    struct lesson *lesson = run_lesson(
        "title: A test\nexperiment: base.yaml\nby_hand: kept@64GB\n" BY_DRAM
        "line:\n  kept: {label: l, keys: {policy: lru}}\n"
        "  own: {label: l, keys: {policy: lru, tiers.dram.capacity: 64GB}}\n"
        "panel: {ttft_mean_ns: Wait}\nquestion: q\nsurprise: s\nexercise: e\nanswer: a\nsee: x\n");
    const struct metrics *kept = lesson->line[0].at, *own = lesson->line[1].at;
    ck_assert_double_ne(kept[0].ttft_mean_ns, kept[1].ttft_mean_ns);
    for (int k = 0; k < 2; k++)
        ck_assert_double_eq(own[k].ttft_mean_ns, kept[1].ttft_mean_ns);
    lesson_free(lesson);
}
END_TEST

START_TEST(points_by_turn_are_the_means_of_that_turn)
{
    struct lesson *lesson =
        run_lesson(PARTS "x: {turns: 2, label: turn}\nsee: x\n"
                         "other: {beside: {keys: {policy: lru}}}\n"
                         "keys: {workload.multi_turn_share: 1, workload.mean_turns: 2, "
                         "workload.think_time.mean: 1s}\n");
    for (uint32_t i = 0; i < lesson->line_count; i++) {
        const struct metrics *first = &lesson->line[i].at[0], *second = &lesson->line[i].at[1];
        ck_assert_double_eq_tol(first->ttft_mean_ns, first->ttft_first_turn_ns, 1.0);
        ck_assert_double_eq(first->turns, 40.0); /* of 20 sessions, in two turns each */
        ck_assert_double_ne(first->ttft_mean_ns, second->ttft_mean_ns);
        ck_assert_double_lt(first->prefill_mean_ns, first->ttft_mean_ns);
        ck_assert_double_ne(first->prefill_mean_ns, second->prefill_mean_ns);
    }
    for (int k = 0; k < 2; k++) {
        ck_assert_double_eq(lesson->other[0].at[k].ttft_mean_ns,
                            lesson->line[1].at[k].ttft_mean_ns);
        ck_assert_double_eq(lesson->other[0].at[k].prefill_mean_ns,
                            lesson->line[1].at[k].prefill_mean_ns);
    }
    lesson_free(lesson);
}
END_TEST

START_TEST(faulty_lessons_are_refused_by_their_key)
{
    static const struct {
        const char *text, *key;
    } cases[] = {
        { PARTS BY_DRAM "sea: x\n", "sea" },
        { PARTS "x: {key: tiers.dram.size, values: \"1GB\", label: l}\n", "tiers.dram.size" },
        { PARTS BY_DRAM "other: {a: {key: {gpus: 2}}}\n", "other.a" },
        { PARTS "x: {turn: 2, label: l}\n", "x.turn" },
        { "title: t\n" BY_DRAM "line: {a: {label: l, key: {policy: lru}}}\n", "line.a" },
        { PARTS "x: {turns: 13, label: l}\n", "x.turns" },
        { PARTS "x: {turns: 2}\n", "x.label" },
        { "title: t\n" BY_DRAM "line: {a: {keys: {policy: none}}}\n", "line.a" },
        { "title: t\n" BY_DRAM "panel: {ttft_mean_ns: w}\n", "line" },
        { "title: t\n" BY_DRAM "line: {a: {label: l}}\npanel: {ttft: w}\n", "panel" },
        { BY_DRAM, "title" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = { 0 };
        struct lesson *lesson = NULL;
        struct school school = school_with(cases[i].text);
        ck_assert_int_eq(lesson_open(1, &lesson, &err), STATUS_INPUT);
        ck_assert_msg(strstr(err.key, cases[i].key) != NULL, "case %zu: key %s", i, err.key);
        ck_assert_ptr_null(lesson);
        school_end(&school);
    }
}
END_TEST

START_TEST(a_key_that_the_lesson_varies_cannot_be_set)
{
    static const char *const refused[] = { "tiers.dram.capacity=1GB", "policy=fifo" };
    static const char *const other[] = { "workload.sessions=10" };
    struct error err = { 0 };
    struct lesson *lesson = NULL;
    struct school school = school_with(PARTS BY_DRAM "see: x\n");
    ck_assert_int_eq(lesson_open(1, &lesson, &err), STATUS_OK);
    for (int i = 0; i < 2; i++) {
        struct error refusal = { 0 };
        ck_assert_int_eq(lesson_run(lesson, &refused[i], 1, &refusal), STATUS_INPUT);
        ck_assert_str_eq(refusal.found, refused[i]);
    }
    ck_assert_int_eq(lesson_run(lesson, other, 1, &err), STATUS_OK);
    double few = lesson->line[0].at[0].turns;
    ck_assert_int_eq(lesson_run(lesson, NULL, 0, &err), STATUS_OK);
    ck_assert_double_gt(lesson->line[0].at[0].turns, few);
    lesson_free(lesson);
    school_end(&school);
}
END_TEST

START_TEST(the_command_by_hand_has_the_keys_of_its_run_and_no_others)
{
    static const char *const set[] = { "workload.sessions=10", "workload.think_time.mean=2s" };
    struct error err = { 0 };
    struct lesson *lesson = NULL;
    struct school school =
        school_with(PARTS BY_DRAM "see: x\nkeys: {workload.think_time.mean: 1s}\n");
    ck_assert_int_eq(lesson_open(1, &lesson, &err), STATUS_OK);
    for (uint32_t set_count = 0; set_count <= 2; set_count += 2) {
        ck_assert_int_eq(lesson_run(lesson, set, set_count, &err), STATUS_OK);
        char *text = printed(lesson, LESSON_PAGE, &err);
        ck_assert_ptr_nonnull(strstr(text, set_count == 0 ? "base.yaml --set policy=lru "
                                                            "--set tiers.dram.capacity=64GB "
                                                            "--set workload.think_time.mean=1s\n"
                                                          : "base.yaml --set policy=lru "
                                                            "--set tiers.dram.capacity=64GB "
                                                            "--set workload.sessions=10 "
                                                            "--set workload.think_time.mean=2s\n"));
        free(text);
    }
    lesson_free(lesson);
    school_end(&school);
}
END_TEST

START_TEST(paragraphs_are_broken_and_code_is_left_as_it_is)
{
#define TEN_WORDS " word word word word word word word word word word"
    struct error err = { 0 };
    struct lesson *lesson =
        run_lesson(PARTS BY_DRAM "see: |\n  begin" TEN_WORDS TEN_WORDS TEN_WORDS TEN_WORDS
                                 "\n\n      code    stays\n  - one\n  - two\n");
    char *page = printed(lesson, LESSON_PAGE, &err);
    const char *line = strstr(page, "begin"), *end = strstr(page, "**Wait**");
    for (; line < end; line += strcspn(line, "\n") + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 100);
    ck_assert_ptr_nonnull(strstr(page, "\n\n    code    stays\n- one\n- two\n"));
    free(page);
    lesson_free(lesson);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lessons");
    TCase *cases = tcase_create("lesson");
    tcase_add_test(cases, words_get_the_numbers_of_the_runs_that_they_name);
    tcase_add_test(cases, words_that_ask_for_what_is_not_there_are_refused);
    tcase_add_test(cases, claims_that_the_runs_do_not_bear_out_are_told);
    tcase_add_test(cases, of_changed_runs_numbers_are_told_and_which_sentences_hold);
    tcase_add_test(cases, nothing_is_claimed_of_another_workloads_turn);
    tcase_add_test(cases, words_get_what_their_run_is_made_of);
    tcase_add_test(cases, a_line_with_its_own_value_of_x_is_the_same_at_every_point);
    tcase_add_test(cases, points_by_turn_are_the_means_of_that_turn);
    tcase_add_test(cases, faulty_lessons_are_refused_by_their_key);
    tcase_add_test(cases, a_key_that_the_lesson_varies_cannot_be_set);
    tcase_add_test(cases, the_command_by_hand_has_the_keys_of_its_run_and_no_others);
    tcase_add_test(cases, paragraphs_are_broken_and_code_is_left_as_it_is);
    suite_add_tcase(suite, cases);
    return test_main(suite);
}
