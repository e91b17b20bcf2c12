/* cli/explore/asks_report.c - the page of `reprise report`, of what the page shows: runs once more,
 * stored in a folder of their own that is gone at the end. */
#include "cli/explore/asks_parts.h"

#include "base/memory.h"
#include "base/scratch.h"
#include "plots/report.h"
#include "sweep/point_key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    char folder[SCRATCH_PATH_BYTES], database[SCRATCH_PATH_BYTES + 16],
        page[SCRATCH_PATH_BYTES + 16];
};

static enum status place_make(struct place *place, struct error *err)
{
    if (scratch_make("explore", place->folder, err) != STATUS_OK)
        return err->status;
    snprintf(place->database, sizeof place->database, "%s/runs.db", place->folder);
    snprintf(place->page, sizeof place->page, "%s/report.html", place->folder);
    return STATUS_OK;
}

/* ---- runs ---- */

struct runs {
    uint32_t count;
    char name[ASKS_SETS_MOST][CONFIG_TEXT_BYTES + 8];
    char *yaml[ASKS_SETS_MOST];
    uint64_t seed[ASKS_SETS_MOST];
    struct sim_result result[ASKS_SETS_MOST];
};

static void runs_free(struct runs *runs)
{
    for (uint32_t i = 0; i < runs->count; i++) {
        free(runs->yaml[i]);
        sim_result_free(&runs->result[i]);
    }
    free(runs);
}

/* Two runs of one policy are told apart by the page's letters. */
static enum job_end run_one(const struct asks *asks, const struct job_place *place,
                            const json_t *set, bool lettered, struct runs *runs, struct error *err)
{
    static const char *const letters[ASKS_SETS_MOST] = { "A: ", "B: " };
    struct experiment experiment;
    uint32_t at = runs->count;
    if (asks_experiment(asks, set, NULL, &experiment, err) != STATUS_OK)
        return JOB_FAILED;
    enum job_end end = jobs_run(asks->jobs, place, &experiment, NULL, &runs->result[at], err);
    if (end != JOB_DONE)
        return end;
    snprintf(runs->name[at], sizeof runs->name[at], "%s%s", lettered ? letters[at] : "",
             experiment.policy);
    runs->yaml[at] = experiment_text(&experiment);
    runs->seed[at] = experiment.workload.seed;
    runs->count++;
    return JOB_DONE;
}

static enum status keep(struct store *store, const struct runs *runs, int64_t *first,
                        struct error *err)
{
    struct store_run stored[ASKS_SETS_MOST];
    for (uint32_t i = 0; i < runs->count; i++)
        stored[i] = (struct store_run){ .name = runs->name[i],
                                        .config_yaml = runs->yaml[i],
                                        .seed = runs->seed[i],
                                        .result = &runs->result[i] };
    return store_put_runs(store, stored, runs->count, first, err);
}

/* ---- the page ---- */

static enum status read_page(const char *path, struct door_answer *answer, struct error *err)
{
    FILE *file = fopen(path, "rb");
    long size = file != NULL && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    char *bytes = size > 0 ? memory_new((size_t)size, 1) : NULL;
    bool whole = bytes != NULL && fseek(file, 0, SEEK_SET) == 0 &&
                 fread(bytes, 1, (size_t)size, file) == (size_t)size;
    if (file != NULL)
        fclose(file);
    if (!whole) {
        free(bytes);
        return error_io(err, path, "read", strerror(errno));
    }
    *answer = (struct door_answer){ .status = 200,
                                    .type = "text/html; charset=utf-8",
                                    .bytes = bytes,
                                    .size = (size_t)size,
                                    .owned = bytes };
    return STATUS_OK;
}

static enum status write_page(const struct place *place, const struct runs *runs,
                              struct door_answer *answer, struct error *err)
{
    struct store *store = NULL;
    int64_t first = 0;
    enum status status = store_open(place->database, false, &store, err);
    if (status == STATUS_OK)
        status = keep(store, runs, &first, err);
    const struct report_question question = { .runs = &first, .run_count = 1 };
    if (status == STATUS_OK)
        status = report_write(store, &question, place->page, err);
    store_close(store);
    return status == STATUS_OK ? read_page(place->page, answer, err) : status;
}

static struct door_answer page_of(const struct runs *runs)
{
    struct place place;
    struct door_answer answer;
    struct error err = { 0 };
    enum status status = place_make(&place, &err);
    if (status == STATUS_OK) {
        status = write_page(&place, runs, &answer, &err);
        scratch_remove(place.folder);
    }
    return status == STATUS_OK ? answer : asks_error(200, &err);
}

struct door_answer asks_report(const struct asks *asks, const struct job_place *place,
                               const json_t *sets)
{
    struct runs *runs = memory_new(1, sizeof *runs);
    struct error err = { 0 };
    enum job_end end = JOB_DONE;
    for (size_t i = 0; end == JOB_DONE && i < json_array_size(sets); i++)
        end = run_one(asks, place, json_array_get(sets, i), json_array_size(sets) > 1, runs, &err);
    const struct door_answer answer =
        end == JOB_DONE ? page_of(runs) : asks_run_answer(end, NULL, &err);
    runs_free(runs);
    return answer;
}
