/* cli/explain.c - see explain.h. */
#include "cli/explain.h"

#include "base/memory.h"
#include "base/units.h"
#include "cli/interrupt.h"
#include "sim/record/record.h"
#include "sim/record/story.h"
#include "sim/sim.h"
#include "validate/store/store_sweep.h"
#include "validate/store/store_turns.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- which run ---- */

static enum status find_policy(struct store *store, const char *policy, struct explained *turns,
                               struct error *err)
{
    enum { RUNS_MOST = 256 };
    int64_t id[RUNS_MOST];
    uint32_t count = 0;
    enum status status = store_comparison(store, 0, id, RUNS_MOST, &count, err);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = store_run_name(store, id[i], turns->policy, sizeof turns->policy, err);
        turns->run = id[i];
        if (status == STATUS_OK && (policy == NULL || strcmp(turns->policy, policy) == 0))
            return STATUS_OK;
    }
    if (status != STATUS_OK)
        return status;
    return error_input(err, NULL, 0, "RUN", "a policy of the latest comparison, or a run's id",
                       policy);
}

static enum status find_run(struct store *store, const char *named, struct explained *turns,
                            struct error *err)
{
    uint64_t number;
    if (named == NULL || !units_whole(named, &number))
        return find_policy(store, named, turns, err);
    turns->run = number > 0 && number < INT64_MAX ? (int64_t)number : INT64_MAX;
    return store_run_name(store, turns->run, turns->policy, sizeof turns->policy, err);
}

/* ---- its turns ---- */

static int by_number(const void *a, const void *b)
{
    uint64_t first = ((const struct turn_row *)a)->turn,
             second = ((const struct turn_row *)b)->turn;
    return first < second ? -1 : first > second;
}

static bool go_on(void *context, uint64_t done, uint64_t expected, double share_read)
{
    (void)context, (void)done, (void)expected, (void)share_read;
    return !interrupt_asked();
}

/* Whether what was stored is what came out again, of all that was measured then. */
static bool is_same(const struct metrics *stored, const struct metrics *now)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        double before = metric_value(stored, i), value = metric_value(now, i);
        if (before == before && before != value) /* NaN: its reprise did not measure it */
            return false;
    }
    return true;
}

static enum status simulate(const struct experiment *experiment, struct record *record,
                            struct metrics *metrics, struct error *err)
{
    const struct record_asked asked = { .keep_turns = true };
    struct sim_result result;
    enum status status = record_open(record, &asked, experiment->policy, err);
    const struct sim_progress progress = { .tell = go_on, .watch = record_watch(record) };
    if (status == STATUS_OK)
        status = sim_run(experiment, &progress, &result, err);
    if (status != STATUS_OK)
        return status;
    *metrics = result.metrics;
    bool interrupted = result.interrupted;
    sim_result_free(&result);
    return interrupted ? error_interrupted(err) : STATUS_OK;
}

static enum status load_experiment(struct store *store, int64_t run, struct experiment *experiment,
                                   struct error *err)
{
    struct config_tree *tree = NULL;
    char *yaml;
    enum status status = store_run_config(store, run, &yaml, err);
    if (status == STATUS_OK)
        status = config_tree_parse(yaml, "the run's configuration", &tree, err);
    if (status == STATUS_OK)
        status = experiment_from_tree(tree, NULL, experiment, err);
    config_tree_free(tree);
    free(yaml);
    return status;
}

static enum status make_again(struct store *store, struct explained *turns, struct error *err)
{
    struct experiment experiment;
    struct record record = { 0 };
    struct metrics stored, now;
    enum status status = load_experiment(store, turns->run, &experiment, err);
    if (status == STATUS_OK)
        status = store_metrics(store, turns->run, &stored, err);
    if (status == STATUS_OK)
        status = store_still(store, err);
    if (status == STATUS_OK)
        status = simulate(&experiment, &record, &now, err);
    if (status == STATUS_OK && !is_same(&stored, &now))
        status = error_input(
            err, NULL, 0, "RUN",
            "a run that kept its turns (--keep-turns), or one that simulating gives again",
            "other metrics: it was done in real time, by another version, or its files have "
            "changed");
    if (status != STATUS_OK) {
        record_free(&record);
        return status;
    }
    turns->row = record.row;
    turns->count = record.rows;
    qsort(turns->row, turns->count, sizeof *turns->row, by_number);
    return STATUS_OK;
}

enum status explain_open(struct store *store, const char *named, struct explained *turns,
                         struct error *err)
{
    enum status status = find_run(store, named, turns, err);
    if (status == STATUS_OK)
        status = store_turns(store, turns->run, &turns->row, &turns->count, err);
    if (status == STATUS_OK)
        status = store_still(store, err);
    if (status == STATUS_OK && turns->count == 0)
        status = make_again(store, turns, err);
    return status;
}

void explain_close(struct explained *turns)
{
    free(turns->row);
    turns->row = NULL;
}

/* ---- one turn ---- */

static const struct turn_row *turn_numbered(const struct explained *turns, uint64_t number)
{
    const struct turn_row key = { .turn = number };
    return turns->count > 0 ? bsearch(&key, turns->row, turns->count, sizeof *turns->row, by_number)
                            : NULL;
}

static const struct turn_row *turn_of_session(const struct explained *turns, uint64_t session,
                                              uint64_t turn)
{
    for (uint32_t i = 0; i < turns->count; i++)
        if (turns->row[i].session == session && turns->row[i].turn_of_session == turn)
            return &turns->row[i];
    return NULL;
}

static const struct turn_row *find_turn(const struct explained *turns, const char *which)
{
    uint64_t first, second;
    char session[32];
    const char *colon = strchr(which, ':');
    if (colon == NULL)
        return units_whole(which, &first) ? turn_numbered(turns, first) : NULL;
    snprintf(session, sizeof session, "%.*s", (int)(colon - which), which);
    if (!units_whole(session, &first) || !units_whole(colon + 1, &second))
        return NULL;
    return turn_of_session(turns, first, second);
}

enum status explain_turn(FILE *out, const struct explained *turns, const char *which,
                         struct error *err)
{
    const struct turn_row *row = find_turn(turns, which), *before = NULL, *cause = NULL;
    if (row == NULL)
        return error_input(err, NULL, 0, "TURN",
                           "the number of one of the run's turns, or SESSION:TURN", which);
    if (row->turn_of_session > 1)
        before = turn_of_session(turns, row->session, row->turn_of_session - 1);
    if (row->lost_for_turn != TURN_NOTHING)
        cause = turn_numbered(turns, row->lost_for_turn);
    fprintf(out, "Run %" PRId64 ", %s.\n", turns->run, turns->policy);
    story_tell(out, row, before, cause);
    return STATUS_OK;
}

/* ---- which are worth a look ---- */

static uint64_t queue_ns(const struct turn_row *row)
{
    return row->prefill_start_ns - row->queued_ns;
}

#define VALUE(name)                                                                                \
    static uint64_t value_of_##name(const struct turn_row *row)                                    \
    {                                                                                              \
        return row->name;                                                                          \
    }
VALUE(ttft_ns)
VALUE(load_wait_ns)
VALUE(reused_tokens)
VALUE(evicted_tokens)
VALUE(too_slow_tokens)
VALUE(unsaved_tokens)
VALUE(preemptions)
#undef VALUE

static const struct looked_for {
    const char *what, *unit;
    uint64_t (*value)(const struct turn_row *row);
} looked_for[] = {
    { "longest time to first token", "ns", value_of_ttft_ns },
    { "longest in the queue", "ns", queue_ns },
    { "longest wait for KV within its prefills", "ns", value_of_load_wait_ns },
    { "most tokens reused", "tokens", value_of_reused_tokens },
    { "most tokens evicted before it came", "tokens", value_of_evicted_tokens },
    { "most tokens found, but computed since that was sooner", "tokens", value_of_too_slow_tokens },
    { "most tokens that no tier had room for", "tokens", value_of_unsaved_tokens },
    { "most often pushed out of HBM", "times", value_of_preemptions },
};

/* The first of those with the most. */
static const struct turn_row *with_most(const struct explained *turns,
                                        const struct looked_for *what)
{
    const struct turn_row *most = NULL;
    for (uint32_t i = 0; i < turns->count; i++)
        if (turns->row[i].measured != 0 && what->value(&turns->row[i]) > 0 &&
            (most == NULL || what->value(&turns->row[i]) > what->value(most)))
            most = &turns->row[i];
    return most;
}

void explain_list(FILE *out, const struct explained *turns)
{
    fprintf(out,
            "Run %" PRId64 ", %s: %" PRIu32 " turns. Worth a look, of those that are measured:\n\n",
            turns->run, turns->policy, turns->count);
    for (size_t i = 0; i < sizeof looked_for / sizeof *looked_for; i++) {
        const struct turn_row *row = with_most(turns, &looked_for[i]);
        char value[48];
        if (row == NULL)
            continue;
        if (strcmp(looked_for[i].unit, "ns") == 0)
            units_format((double)looked_for[i].value(row), UNIT_DURATION, value, sizeof value);
        else
            snprintf(value, sizeof value, "%" PRIu64 " %s", looked_for[i].value(row),
                     looked_for[i].unit);
        fprintf(out, "  turn %-8" PRIu64 " %s (%s)\n", row->turn, looked_for[i].what, value);
    }
    fprintf(out,
            "\n`reprise explain %" PRId64
            " TURN` tells its story. In another run a turn of that number may be "
            "another:\nSESSION:TURN names the same one in all that serve the same sessions.\n",
            turns->run);
}
