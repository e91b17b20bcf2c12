/* sweep/lessons/lesson_turn.c - one turn of a lesson under some of its runs: which it is, what its
 * row says under each, and their timelines. Its runs are simulated again for that, since those of
 * the grid are not watched; they come out the same. */
#include "base/memory.h"
#include "sim/record/record.h"
#include "sweep/lessons/lesson_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which turn, under which runs ---- */

static const char *const turn_parts[] = { "session", "of_session", "panel", NULL };
static const char *const panel_parts[] = { "run", "label", NULL };

static enum status add_shown(void *context, const char *name, struct error *err)
{
    struct lesson *lesson = context;
    struct lesson_place place;
    const char *run;
    char key[64 + LESSON_NAME_BYTES];
    uint32_t i = lesson->shown_count;
    struct lesson_shown *shown = &lesson->shown[i % LESSON_SHOWN];
    if (lesson_copy_name(lesson, "turn.panel", name, i, LESSON_SHOWN, shown->name, err))
        return err->status;
    snprintf(key, sizeof key, "turn.panel.%s.", name);
    if (lesson_check_parts(lesson, key, panel_parts, err) != STATUS_OK)
        return err->status;
    snprintf(key, sizeof key, "turn.panel.%s.label", name);
    if (lesson_copy_text(lesson, key, shown->label, sizeof shown->label, err) != STATUS_OK)
        return err->status;
    snprintf(key, sizeof key, "turn.panel.%s.run", name);
    if (lesson_text(lesson, key, &run, err) || lesson_find(lesson, key, run, &place, err))
        return err->status;
    if (place.line < 0)
        return error_input(err, lesson->path, 0, key, "a run of the picture", run);
    shown->line = (uint32_t)place.line;
    shown->point = (uint32_t)place.point;
    lesson->shown_count++;
    return STATUS_OK;
}

static enum status read_number(const struct lesson *lesson, const char *key, uint64_t least,
                               uint64_t *number, struct error *err)
{
    const char *text;
    if (lesson_text(lesson, key, &text, err) != STATUS_OK)
        return err->status;
    if (!units_whole(text, number) || *number < least)
        return error_input(err, lesson->path, 0, key,
                           least > 0 ? "a number from 1 on" : "a number from 0 on", text);
    return STATUS_OK;
}

enum status lesson_read_turn(struct lesson *lesson, struct error *err)
{
    if (lesson_check_parts(lesson, "turn.", turn_parts, err) ||
        config_tree_children(lesson->tree, "turn.panel.", add_shown, lesson, err))
        return err->status;
    if (lesson->shown_count == 0)
        return STATUS_OK;
    if (read_number(lesson, "turn.session", 0, &lesson->session, err) != STATUS_OK)
        return err->status;
    return read_number(lesson, "turn.of_session", 1, &lesson->turn_of_session, err);
}

/* ---- its runs ---- */

/* A run that waits for one turn. Which turns' layers were told, and when the GPUs stood still, is
 * known before the turn's number is. */
struct seen {
    const struct lesson *lesson;
    struct turn_row row;
    uint64_t *told; /* turns, in the order in which their layers were told */
    struct stall {
        uint64_t begin_ns, end_ns;
    } * stall;
    uint32_t told_count, told_capacity, stalls, stall_capacity;
};

static void see_turn(void *context, const struct turn_row *row)
{
    struct seen *seen = context;
    if (row->session == seen->lesson->session &&
        row->turn_of_session == seen->lesson->turn_of_session)
        seen->row = *row;
}

static void see_layers(void *context, const struct watch_layers *layers)
{
    struct seen *seen = context;
    memory_grow(&seen->told, &seen->told_capacity, (uint64_t)seen->told_count + 1,
                sizeof *seen->told);
    seen->told[seen->told_count++] = layers->turn;
}

static void see_stall(void *context, uint32_t server, uint64_t begin_ns, uint64_t end_ns)
{
    struct seen *seen = context;
    (void)server; /* of one: lessons have no clusters */
    memory_grow(&seen->stall, &seen->stall_capacity, (uint64_t)seen->stalls + 1,
                sizeof *seen->stall);
    seen->stall[seen->stalls++] = (struct stall){ begin_ns, end_ns };
}

/* A turn that ran in an iteration of another's has no layers of its own: there is nothing to show.
 */
static bool was_told(const struct seen *seen)
{
    for (uint32_t i = 0; i < seen->told_count; i++)
        if (seen->told[i] == seen->row.turn)
            return true;
    return false;
}

static void note_seen(const struct seen *seen, struct lesson_shown *shown)
{
    shown->gpu_save_wait_ns = 0;
    shown->row = (struct turn_row){ 0 };
    if (seen->row.turn == 0 || !was_told(seen))
        return;
    shown->row = seen->row;
    for (uint32_t i = 0; i < seen->stalls; i++)
        if (seen->stall[i].begin_ns == seen->row.first_token_ns)
            shown->gpu_save_wait_ns += seen->stall[i].end_ns - seen->stall[i].begin_ns;
}

static enum status simulate(const struct lesson *lesson, const struct lesson_shown *shown,
                            const struct watch *watch, struct error *err)
{
    struct metrics metrics;
    char section[LESSON_SECTION_BYTES];
    const struct lesson_place place = { .line = (int)shown->line,
                                        .other = -1,
                                        .point = (int)shown->point };
    const struct lesson_choice choice = lesson_choice(lesson, place, section);
    const struct sim_progress progress = { .watch = watch };
    return lesson_simulate(lesson, &choice, &progress, &metrics, err);
}

/* Turns are numbered in their workload: in the reader's own, the number is another one's. */
static bool is_another_workload(const struct lesson *lesson)
{
    static const char workload[] = "workload.";
    bool another = false;
    for (uint32_t i = 0; i < lesson->set_count; i++)
        another = another || strncmp(lesson->set[i], workload, strlen(workload)) == 0;
    return another;
}

enum status lesson_run_turn(struct lesson *lesson, struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < lesson->shown_count; i++)
        lesson->shown[i].row = (struct turn_row){ 0 };
    if (is_another_workload(lesson))
        return STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < lesson->shown_count; i++) {
        struct seen seen = { .lesson = lesson };
        const struct watch watch = { .context = &seen,
                                     .turn_ended = see_turn,
                                     .computed_layers = see_layers,
                                     .stalled = see_stall };
        status = simulate(lesson, &lesson->shown[i], &watch, err);
        if (status == STATUS_OK)
            note_seen(&seen, &lesson->shown[i]);
        free(seen.told);
        free(seen.stall);
    }
    return status;
}

bool lesson_shows_turn(const struct lesson *lesson)
{
    bool shows = lesson->shown_count > 0;
    for (uint32_t i = 0; i < lesson->shown_count; i++)
        shows = shows && lesson->shown[i].row.turn > 0;
    return shows;
}

enum status lesson_record(const struct lesson *lesson, uint32_t i, const char *path,
                          struct error *err)
{
    const struct lesson_shown *shown = &lesson->shown[i];
    const struct record_asked asked = { .timeline = path,
                                        .span = { shown->row.prepared_ns, shown->row.end_ns } };
    struct record record;
    enum status status = record_open(&record, &asked, shown->label, err);
    if (status == STATUS_OK)
        status = simulate(lesson, shown, record_watch(&record), err);
    if (status == STATUS_OK)
        status = record_finish(&record, err);
    else
        record_abandon(&record);
    record_free(&record);
    return status;
}

/* ---- in words and claims ---- */

/* Columns of its row, and what they do not have. */
enum status lesson_turn_value(const struct lesson *lesson, const char *key, const char *name,
                              const struct lesson_shown *shown, double *value, bool *time,
                              struct error *err)
{
    const struct turn_row *row = &shown->row;
    *time = true;
    *value = NAN;
    if (strcmp(name, "prefill_ns") == 0) {
        *value = (double)(row->first_token_ns - row->prefill_start_ns);
    } else if (strcmp(name, "gpu_save_wait_ns") == 0) {
        *value = (double)shown->gpu_save_wait_ns;
    } else {
        const struct turn_column *column = turn_columns, *end = turn_columns + turn_column_count;
        while (column < end && (strcmp(column->name, name) != 0 || column->kind != TURN_COUNT))
            column++;
        if (column == end)
            return error_input(err, lesson->path, 0, key,
                               "prefill_ns, gpu_save_wait_ns or a number of docs/turns.md", name);
        *time = strcmp(column->unit, "ns") == 0;
        if (turn_value(row, column) != TURN_NOTHING)
            *value = (double)turn_value(row, column);
    }
    if (row->turn == 0)
        *value = NAN;
    return STATUS_OK;
}
