/* tests/sim/engines/test_engine_hits_real.c - the hits that engines' own managers gave (hits.txt,
 * whose head says how each was run), in the simulator and in what is written down of them here. */
#include "tests/sim/engines/hits.h"
#include "tests/support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beside $REPRISE_DATA. */
#define HITS "../engines/hits.txt"
#define REQUESTS "../engines/rnd0.bail.jsonl"
enum { ROWS = 57, SGLANG_REPLY = 2 };

struct row {
    char preset[64];
    uint32_t hbm, dram;
    struct hits hits;
};

/* The last five words of a line; the engine's, before them, may be several. */
static bool read_row(char *line, struct row *row)
{
    char *preset = strstr(line, ") ") != NULL ? strstr(line, ") ") + 2 : strchr(line, ' ') + 1;
    unsigned long long hbm, dram;
    if (line[0] == '#' || sscanf(preset, "%63s %u %u %llu %llu", row->preset, &row->hbm, &row->dram,
                                 &hbm, &dram) != 5)
        return false;
    row->hits = (struct hits){ hbm * BLOCK, dram * BLOCK };
    return true;
}

static const struct engine *engine_of(const char *preset)
{
    const struct engine *engine = engines;
    while (engine->preset != NULL && strcmp(engine->preset, preset) != 0)
        engine++;
    if (engine->preset == NULL)
        ck_abort_msg("no engine is written down for %s", preset);
    return engine;
}

struct source {
    struct stream stream;
    char *trace;
};

static struct source source_with_reply(uint32_t reply)
{
    struct source source = { stream_read(test_data(REQUESTS), reply), NULL };
    source.trace = stream_file(&source.stream);
    return source;
}

static void source_free(struct source *source)
{
    unlink(source->trace);
    free(source->trace);
    stream_free(&source->stream);
}

static void check_row(const struct row *row, const struct source *source)
{
    const struct engine *engine = engine_of(row->preset);
    struct hits fast = simulated_hits(engine, source->trace, row->hbm, row->dram, 0);
    struct hits slow = slow_hits(engine, &source->stream, row->hbm, row->dram, 0, false);
    const struct hits *all[] = { &fast, &slow };
    for (int i = 0; i < 2; i++)
        if (all[i]->hbm != row->hits.hbm || all[i]->dram != row->hits.dram)
            ck_abort_msg("%s, %u + %u blocks: %s hits %" PRIu64 " + %" PRIu64
                         " tokens, the engine %" PRIu64 " + %" PRIu64,
                         row->preset, row->hbm, row->dram,
                         i == 0 ? "the preset" : "the slow engine", all[i]->hbm, all[i]->dram,
                         row->hits.hbm, row->hits.dram);
}

START_TEST(every_row_that_an_engine_gave_is_ours)
{
    struct source one = source_with_reply(0), several = source_with_reply(SGLANG_REPLY);
    FILE *file = fopen(test_data(HITS), "r");
    char line[256];
    uint32_t rows = 0;
    struct row row;
    while (fgets(line, sizeof line, file) != NULL) {
        if (!read_row(line, &row))
            continue;
        check_row(&row, engine_of(row.preset)->kind == ENGINE_SGLANG ? &several : &one);
        rows++;
    }
    fclose(file);
    source_free(&one);
    source_free(&several);
    ck_assert_uint_eq(rows, ROWS);
}
END_TEST

int main(void)
{
    if (test_data(HITS) == NULL || test_data(REQUESTS) == NULL)
        return TEST_SKIPPED;
    Suite *suite = suite_create("engine_hits_real");
    TCase *tests = tcase_create("rows");
    tcase_set_timeout(tests, 100);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, every_row_that_an_engine_gave_is_ours);
    return test_main(suite);
}
