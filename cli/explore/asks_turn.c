/* cli/explore/asks_turn.c - a turn's prefill as `reprise plot --timeline` draws it: its experiment
 * is run once to know when the turn was served, and once to tell a timeline of that time, in a
 * folder that is gone at the end. */
#include "cli/explore/asks_parts.h"

#include "base/scratch.h"
#include "plots/gantt_blocks.h"
#include "plots/timeline_turn.h"
#include "sim/record/record.h"

#include <stdio.h>
#include <string.h>

/* ---- when it was served ---- */

struct sought {
    struct asks_turn turn;
    bool found;
    struct turn_row row;
};

static void hear_turn(void *context, const struct turn_row *row)
{
    struct sought *sought = context;
    if (row->session != sought->turn.session ||
        row->turn_of_session != sought->turn.turn_of_session)
        return;
    sought->found = true;
    sought->row = *row;
}

static enum job_end find(const struct asks *asks, const struct job_place *place,
                         const struct experiment *experiment, struct sought *sought,
                         struct error *err)
{
    const struct watch watch = { .context = sought, .turn_ended = hear_turn };
    const struct job_heard heard = { .watch = &watch };
    struct sim_result result;
    enum job_end end = jobs_run(asks->jobs, place, experiment, &heard, &result, err);
    if (end == JOB_DONE)
        sim_result_free(&result);
    return end;
}

/* ---- its timeline ---- */

static enum job_end record(const struct asks *asks, const struct job_place *place,
                           const struct experiment *experiment, const struct turn_row *row,
                           const char *path, struct error *err)
{
    const struct record_asked asked = { .timeline = path,
                                        .span = { row->prepared_ns, row->end_ns } };
    struct record record;
    struct sim_result result;
    enum job_end end = JOB_FAILED;
    if (record_open(&record, &asked, experiment->policy, err) == STATUS_OK)
        end = jobs_run(asks->jobs, place, experiment,
                       &(struct job_heard){ .watch = record_watch(&record) }, &result, err);
    if (end != JOB_DONE) {
        record_abandon(&record);
        return end;
    }
    sim_result_free(&result);
    enum status status = record_finish(&record, err);
    record_free(&record);
    return status == STATUS_OK ? JOB_DONE : JOB_FAILED;
}

static enum job_end tell(const struct asks *asks, const struct job_place *place,
                         const struct experiment *experiment, const struct turn_row *row,
                         struct timeline_turn *told, struct error *err)
{
    char folder[SCRATCH_PATH_BYTES], path[SCRATCH_PATH_BYTES + 16];
    if (scratch_make("explore", folder, err) != STATUS_OK)
        return JOB_FAILED;
    snprintf(path, sizeof path, "%s/turn.json", folder);
    enum job_end end = record(asks, place, experiment, row, path, err);
    if (end == JOB_DONE && timeline_turn_read(path, row->turn, NULL, told, err) != STATUS_OK)
        end = JOB_FAILED;
    scratch_remove(folder);
    return end;
}

/* ---- JSON ---- */

static void add_block(void *context, const struct gantt_block *block)
{
    json_array_append_new(context, json_pack("[i, i, f, f, i]", (int)block->lane, (int)block->kind,
                                             block->begin_ms, block->end_ms, (int)block->layer));
}

static json_t *panel_json(const struct timeline_turn *turn, struct gantt_range range)
{
    char title[GANTT_TEXT_BYTES], facts[GANTT_TEXT_BYTES], before[GANTT_TEXT_BYTES];
    json_t *blocks = json_array();
    gantt_blocks(turn, range, add_block, blocks);
    return json_pack("{s:s, s:s, s:s, s:f, s:o}", "title", gantt_title(turn, title), "facts",
                     gantt_facts(turn, facts), "before", gantt_before(turn, range, before),
                     "first_token_ms", gantt_first_token_ms(turn), "blocks", blocks);
}

/* ---- of one experiment or two ---- */

struct pictures {
    struct timeline_turn told[ASKS_SETS_MOST];
    bool found[ASKS_SETS_MOST]; /* the experiment serves the turn and tells its layers */
};

static json_t *pictures_json(const struct pictures *pictures, size_t count)
{
    const struct timeline_turn *turn[ASKS_SETS_MOST];
    uint32_t turns = 0;
    json_t *panels = json_array();
    for (size_t i = 0; i < count; i++)
        if (pictures->found[i])
            turn[turns++] = &pictures->told[i];
    const struct gantt_range range = gantt_range(turn, turns);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(panels, pictures->found[i] ? panel_json(&pictures->told[i], range)
                                                         : json_null());
    return json_pack("{s:f, s:f, s:o}", "least_ms", range.least_ms, "most_ms", range.most_ms,
                     "panels", panels);
}

/* A turn that an experiment does not serve, or of which it tells no layers, is not drawn there: no
 * mistake. */
static enum job_end picture(const struct asks *asks, const struct job_place *place,
                            const json_t *set, const struct asks_turn *turn,
                            struct timeline_turn *told, bool *found, struct error *err)
{
    struct sought sought = { .turn = *turn };
    struct experiment experiment;
    if (asks_experiment(asks, set, NULL, &experiment, err) != STATUS_OK)
        return JOB_FAILED;
    enum job_end end = find(asks, place, &experiment, &sought, err);
    if (end != JOB_DONE || !sought.found)
        return end;
    end = tell(asks, place, &experiment, &sought.row, told, err);
    *found = end == JOB_DONE;
    if (end == JOB_FAILED && err->status == STATUS_INPUT) {
        memset(err, 0, sizeof *err);
        end = JOB_DONE;
    }
    return end;
}

struct door_answer asks_turn(const struct asks *asks, const struct job_place *place,
                             const json_t *sets, const struct asks_turn *turn)
{
    struct pictures pictures = { 0 };
    struct error err = { 0 };
    size_t count = json_array_size(sets);
    enum job_end end = JOB_DONE;
    for (size_t i = 0; end == JOB_DONE && i < count; i++)
        end = picture(asks, place, json_array_get(sets, i), turn, &pictures.told[i],
                      &pictures.found[i], &err);
    const struct door_answer answer =
        asks_run_answer(end, end == JOB_DONE ? pictures_json(&pictures, count) : NULL, &err);
    for (size_t i = 0; i < count; i++)
        timeline_turn_free(&pictures.told[i]);
    return answer;
}

json_t *asks_gantt_look(void)
{
    json_t *lanes = json_array();
    for (int lane = 0; lane < GANTT_LANE_COUNT; lane++)
        json_array_append_new(lanes,
                              json_pack("{s:s, s:s, s:s}", "name", gantt_lanes[lane].name, "dark",
                                        gantt_lanes[lane].dark, "light", gantt_lanes[lane].light));
    return json_pack("{s:o, s:s, s:s}", "lanes", lanes, "waits", GANTT_WAIT_COLOUR, "other",
                     GANTT_OTHER_COLOUR);
}
