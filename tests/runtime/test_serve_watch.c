/* tests/runtime/test_serve_watch.c - a run in real time is watched as a simulated one is: its rows
 * add up, and where turns come one after the other each says of its tokens what the simulator's
 * says. */
#include "sim/sim.h"
#include "tests/random/rows.h"
#include "tests/runtime/serve_case.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS_MOST = 256 };

struct heard {
    struct row_sums sums;
    struct turn_row row[ROWS_MOST];
    uint32_t rows, layers, iterations, bad_layers;
    uint64_t last_end_ns;
};

static void hear_turn(void *context, const struct turn_row *row)
{
    struct heard *heard = context;
    struct watch sums = rows_watch(&heard->sums);
    sums.turn_ended(sums.context, row);
    ck_assert_uint_lt(heard->rows, ROWS_MOST);
    heard->row[heard->rows++] = *row;
}

static void hear_copy(void *context, const struct watch_copy *copy)
{
    struct watch sums = rows_watch(&((struct heard *)context)->sums);
    sums.copied(sums.context, copy);
}

/* Layers are computed one after the other, none before its KV has come. */
static void hear_layers(void *context, const struct watch_layers *layers)
{
    struct heard *heard = context;
    uint64_t before_ns = 0;
    for (uint32_t i = 0; i < layers->layers; i++) {
        bool in_order = layers->begin_ns[i] >= before_ns &&
                        layers->begin_ns[i] >= layers->arrival_ns[i] &&
                        layers->end_ns[i] >= layers->begin_ns[i];
        heard->bad_layers += !in_order;
        before_ns = layers->end_ns[i];
    }
    heard->last_end_ns = before_ns;
    heard->layers += layers->layers;
}

static void hear_iteration(void *context, const struct watch_iteration *iteration)
{
    struct heard *heard = context;
    heard->iterations++;
    if (iteration->chunks > 0 && heard->last_end_ns > iteration->end_ns)
        heard->bad_layers++;
}

static struct watch listen(struct heard *heard)
{
    memset(heard, 0, sizeof *heard);
    return (struct watch){ .context = heard,
                           .turn_ended = hear_turn,
                           .copied = hear_copy,
                           .computed_layers = hear_layers,
                           .iterated = hear_iteration };
}

static int by_number(const void *a, const void *b)
{
    uint64_t first = ((const struct turn_row *)a)->turn,
             second = ((const struct turn_row *)b)->turn;
    return first < second ? -1 : first > second;
}

static void make_files(void)
{
    serve_case_open(backend_find("host"));
}

/* In their order of asking. */
static struct metrics serve(const struct experiment *experiment, struct heard *heard)
{
    const struct watch watch = listen(heard);
    const struct sim_progress progress = { .watch = &watch };
    struct serve_config config = serve_case_config(backend_find("host"));
    struct sim_result result;
    struct serve_report report;
    struct error err = { 0 };
    config.links_free = true;
    ck_assert_int_eq(serve_run(experiment, &config, &progress, &result, &report, &err), STATUS_OK);
    qsort(heard->row, heard->rows, sizeof *heard->row, by_number);
    struct metrics metrics = result.metrics;
    sim_result_free(&result);
    return metrics;
}

static void simulate(const struct experiment *experiment, struct heard *heard)
{
    const struct watch watch = listen(heard);
    const struct sim_progress progress = { .watch = &watch };
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(experiment, &progress, &result, &err), STATUS_OK);
    qsort(heard->row, heard->rows, sizeof *heard->row, by_number);
    sim_result_free(&result);
}

START_TEST(rows_of_a_real_run_are_whole_and_sum_to_its_metrics)
{
    static struct heard heard;
    struct experiment experiment = serve_case_experiment("lru");
    experiment.warmup_turns = 0;
    struct metrics metrics = serve(&experiment, &heard);
    ck_assert_msg(heard.sums.broken == NULL, "%s", heard.sums.broken);
    ck_assert_uint_gt(heard.rows, 10);
    ck_assert_double_eq(heard.rows, metrics.turns);
    ck_assert_double_eq((double)heard.sums.sum.wanted_tokens, metrics.wanted_tokens);
    ck_assert_double_eq((double)heard.sums.sum.reused_dram_tokens, metrics.hit_tokens_dram);
    ck_assert_double_eq((double)heard.sums.sum.reused_ssd_tokens, metrics.hit_tokens_ssd);
    ck_assert_double_eq((double)heard.sums.link_bytes[LINK_H2D], metrics.h2d_bytes);
    ck_assert_double_eq((double)heard.sums.link_bytes[LINK_D2H], metrics.d2h_bytes);
    ck_assert_double_eq((double)heard.sums.link_bytes[LINK_SSD_WRITE], metrics.ssd_written_bytes);
    ck_assert_double_eq(heard.sums.all_load_wait_ns, metrics.gpu_load_wait_ns);
    ck_assert_uint_gt(heard.layers, heard.rows);
    ck_assert_uint_eq(heard.bad_layers, 0);
    ck_assert_double_eq(heard.iterations, metrics.iterations);
}
END_TEST

/* Times are its own; which tokens were found where, and what became of the others, is not. The name
 * of the first column that differs, or NULL. */
static const char *different(const struct turn_row *real, const struct turn_row *simulated)
{
    for (uint32_t i = 0; i < turn_column_count; i++) {
        const struct turn_column *column = &turn_columns[i];
        size_t length = strlen(column->name);
        bool is_time = length > 3 && strcmp(column->name + length - 3, "_ns") == 0;
        if (!is_time && turn_value(real, column) != turn_value(simulated, column))
            return column->name;
    }
    return NULL;
}

/* Four sessions whose turns take turns, so far apart, and grow to more than DRAM and SSD hold. The
 * caller unlinks and frees it. */
static char *turns_in_turn(int apart_ms)
{
    enum { SESSIONS = 4, TURNS = 4 };
    char text[2048] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n";
    size_t used = strlen(text);
    for (int session = 0; session < SESSIONS; session++)
        for (int turn = 0; turn < TURNS; turn++) {
            double s = 1e-3 * apart_ms * (turn == 0 ? session : SESSIONS);
            used += (size_t)snprintf(text + used, sizeof text - used,
                                     turn == 0 ? "s%d,%.3f,0,%d,%d\n" : "s%d,,%.3f,%d,%d\n",
                                     session, s, 20 + 11 * ((session + turn) % 3), 4);
        }
    return test_temp_file(text);
}

/* Both, of turns so far apart. Gives the first difference, or NULL. */
static const char *compare(int apart_ms, uint64_t *evicted, uint64_t *reused)
{
    static struct heard real, simulated;
    struct experiment experiment = serve_case_experiment("lru");
    char *path = turns_in_turn(apart_ms);
    const char *what = NULL;
    snprintf(experiment.trace, sizeof experiment.trace, "%s", path);
    experiment.saving = SAVING_SYNCHRONOUS; /* or the order within a turn hangs on microseconds */
    experiment.dram_bytes = 100000;
    experiment.ssd_bytes = 200000;
    serve(&experiment, &real);
    simulate(&experiment, &simulated);
    unlink(path);
    free(path);
    ck_assert_uint_eq(real.rows, simulated.rows);
    for (uint32_t i = 0; i < real.rows && what == NULL; i++)
        what = different(&real.row[i], &simulated.row[i]);
    *evicted = real.sums.sum.evicted_tokens;
    *reused = real.sums.sum.reused_tokens;
    return what;
}

/* A machine so slow that turns meet all the same is asked again with more time between them. */
START_TEST(one_turn_at_a_time_a_row_is_the_simulator_s)
{
    const char *what = "";
    uint64_t evicted = 0, reused = 0;
    for (int apart_ms = 60; apart_ms <= 960 && what != NULL; apart_ms *= 2)
        what = compare(apart_ms, &evicted, &reused);
    ck_assert_msg(what == NULL, "%s differs", what);
    ck_assert_uint_gt(evicted, 0);
    ck_assert_uint_gt(reused, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve watch");
    TCase *tcase = tcase_create("serve watch");
    tcase_add_unchecked_fixture(tcase, make_files, serve_case_close);
    tcase_add_test(tcase, rows_of_a_real_run_are_whole_and_sum_to_its_metrics);
    tcase_add_test(tcase, one_turn_at_a_time_a_row_is_the_simulator_s);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
