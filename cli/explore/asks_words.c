/* cli/explore/asks_words.c - what `reprise sim` says of one experiment or of two beside each other
 * (sweep/compared_words). */
#include "cli/explore/asks_parts.h"

#include "base/memory.h"
#include "sweep/compared_store.h"
#include "sweep/compared_words.h"
#include "sweep/turn_log.h"

#include <stdlib.h>
#include <string.h>

/* As the page calls them. */
static const char *const of_words[] = { [WORDS_POLICY] = "policy",
                                        [WORDS_VERDICT] = "verdict",
                                        [WORDS_OVERLOAD] = "overload",
                                        [WORDS_FINDING] = "finding" };

static void add_words(void *context, enum words_of of, const char *subject, const char *sentence)
{
    json_array_append_new(context, json_pack("{s:s, s:s, s:s}", "of", of_words[of], "subject",
                                             subject, "sentence", sentence));
}

static json_t *words_json(const struct compared *compared)
{
    json_t *words = json_array();
    compared_words(compared, add_words, words);
    return words;
}

static enum status fill(struct compared_run *run, const char *name,
                        const struct experiment *experiment, const struct sim_result *result,
                        struct error *err)
{
    run->name = name;
    run->metrics = result->metrics;
    for (int k = 0; k < SIM_FINDINGS_MAX && result->finding[k][0] != '\0'; k++)
        run->finding[k] = result->finding[k];
    return compared_warranty(experiment, &run->warranty_years, err);
}

enum status asks_words(const struct experiment *experiment, const struct sim_result *result,
                       json_t **words, struct error *err)
{
    struct compared one = compared_new(1, 1);
    enum status status = fill(&one.run[0], experiment->policy, experiment, result, err);
    compared_find_differences(&one, NULL, 0);
    *words = status == STATUS_OK ? words_json(&one) : NULL;
    compared_free(&one);
    return status;
}

/* ---- two ---- */

struct pair {
    uint32_t count; /* that ran */
    struct experiment experiment[ASKS_SETS_MOST];
    struct sim_result result[ASKS_SETS_MOST];
    struct turn_log log[ASKS_SETS_MOST];
};

static enum job_end run_next(const struct asks *asks, const struct job_place *place,
                             const json_t *set, struct pair *pair, struct error *err)
{
    uint32_t at = pair->count;
    const struct job_heard heard = { .log = &pair->log[at] };
    if (asks_experiment(asks, set, NULL, &pair->experiment[at], err) != STATUS_OK)
        return JOB_FAILED;
    enum job_end end =
        jobs_run(asks->jobs, place, &pair->experiment[at], &heard, &pair->result[at], err);
    pair->count += end == JOB_DONE;
    turn_log_sort(&pair->log[at]);
    return end;
}

/* Turns are paired where they are the same turns: under other loads a difference is also the
 * load's. */
static enum job_end compare(const struct pair *pair, json_t **object, struct error *err)
{
    static const char *const letters[ASKS_SETS_MOST] = { "A", "B" };
    const struct turn_log *logs[ASKS_SETS_MOST] = { &pair->log[0], &pair->log[1] };
    bool same_load = pair->result[0].trace_hash == pair->result[1].trace_hash;
    bool named = strcmp(pair->experiment[0].policy, pair->experiment[1].policy) != 0;
    struct compared two = compared_new(ASKS_SETS_MOST, 1);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < ASKS_SETS_MOST; i++)
        status = fill(&two.run[i], named ? pair->experiment[i].policy : letters[i],
                      &pair->experiment[i], &pair->result[i], err);
    if (status == STATUS_OK) {
        compared_find_differences(&two, same_load ? logs : NULL, 0);
        *object = json_pack("{s:o, s:b}", "words", words_json(&two), "same_load", same_load);
    }
    compared_free(&two);
    return status == STATUS_OK ? JOB_DONE : JOB_FAILED;
}

struct door_answer asks_compare(const struct asks *asks, const struct job_place *place,
                                const json_t *sets)
{
    struct pair *pair = memory_new(1, sizeof *pair);
    struct error err = { 0 };
    json_t *object = NULL;
    enum job_end end = JOB_DONE;
    for (size_t i = 0; end == JOB_DONE && i < ASKS_SETS_MOST; i++)
        end = run_next(asks, place, json_array_get(sets, i), pair, &err);
    if (end == JOB_DONE)
        end = compare(pair, &object, &err);
    for (uint32_t i = 0; i < pair->count; i++)
        sim_result_free(&pair->result[i]);
    for (uint32_t i = 0; i < ASKS_SETS_MOST; i++)
        turn_log_free(&pair->log[i]);
    free(pair);
    return asks_run_answer(end, object, &err);
}
