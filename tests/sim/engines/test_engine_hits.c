/* tests/sim/engines/test_engine_hits.c - an engine's preset hits, request by request, what the
 * engine does: the simulator beside its manager written down once more, on random streams. */
#include "tests/sim/engines/hits.h"
#include "tests/support.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEEDS = TRIES(2), REQUESTS = TRIES(400) };
enum { SEVERAL = 9, LONGEST = 18 };

struct source {
    struct stream stream;
    char *trace;
    uint64_t seed;
};

static struct source source_of(const struct stream_recipe *recipe)
{
    struct source source = { .stream = stream_draw(recipe), .seed = recipe->seed };
    source.trace = stream_file(&source.stream);
    return source;
}

static void source_free(struct source *source)
{
    unlink(source->trace);
    free(source->trace);
    stream_free(&source->stream);
}

/* What a run is of: sizes in blocks. */
struct run {
    const struct engine *engine;
    const struct source *source;
    uint32_t hbm, dram;
};

static bool are_equal(const struct run *run, uint32_t requests, struct hits *fast,
                      struct hits *slow)
{
    *fast = simulated_hits(run->engine, run->source->trace, run->hbm, run->dram, requests);
    *slow = slow_hits(run->engine, &run->source->stream, run->hbm, run->dram, requests, true);
    return fast->hbm == slow->hbm && fast->dram == slow->dram;
}

static void compare(const struct run *run)
{
    const char *setting = run->engine->setting;
    struct hits fast, slow;
    uint32_t first = 1;
    if (are_equal(run, 0, &fast, &slow))
        return;
    while (are_equal(run, first, &fast, &slow))
        first++;
    ck_abort_msg("%s %s, %u + %u blocks, seed %" PRIu64 ", at request %u: %" PRIu64 " + %" PRIu64
                 " tokens hit so far, the engine %" PRIu64 " + %" PRIu64,
                 run->engine->preset, setting != NULL ? setting : "", run->hbm, run->dram,
                 run->source->seed, first, fast.hbm, fast.dram, slow.hbm, slow.dram);
}

/* Ended by one without blocks. HBM takes the longest prompt, and SGLang's spare block. */
static const struct size {
    uint32_t hbm, dram;
} sizes[] = { { 20, 15 }, { 20, 22 }, { 20, 37 }, { 25, 100 }, { 37, 60 }, { 60, 500 },
              { 40, 8 },  { 0, 15 },  { 0, 37 },  { 0, 100 },  { 0, 500 }, { 0, 0 } };

static void compare_sizes(const struct engine *engine, const struct stream_recipe *recipe)
{
    struct source source = source_of(recipe);
    bool is_hbm_alone = strcmp(engine->preset, "vllm-lru") == 0;
    for (int i = 0; sizes[i].hbm + sizes[i].dram > 0; i++) {
        struct run run = { engine, &source, sizes[i].hbm, is_hbm_alone ? 0 : sizes[i].dram };
        if (run.hbm > 0 || (engine->kind != ENGINE_SGLANG && !is_hbm_alone))
            compare(&run);
    }
    source_free(&source);
}

/* Of one engine, on both shapes of streams. */
static void compare_streams(const struct engine *engine, bool has_exact, uint32_t reply)
{
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct stream_recipe recipe = { .seed = test_seed() + i,
                                        .requests = REQUESTS,
                                        .reply = reply,
                                        .blocks_most = LONGEST,
                                        .is_bushy = i % 2 == 0,
                                        .has_exact = has_exact };
        compare_sizes(engine, &recipe);
    }
}

START_TEST(prompts_that_end_within_a_block)
{
    compare_streams(&engines[_i], false, 1);
}
END_TEST

START_TEST(with_replies_of_several_tokens)
{
    compare_streams(&engines[_i], false, SEVERAL);
}
END_TEST

/* Where vLLM computes a block again that HBM has, it keeps both until they are taken: here one is
 * free at once. */
START_TEST(prompts_that_end_with_a_block)
{
    compare_streams(&engines[_i], true, 1);
    compare_streams(&engines[_i], true, SEVERAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_hits");
    TCase *tests = tcase_create("every preset");
    int count = 0;
    while (engines[count].preset != NULL)
        count++;
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, prompts_that_end_within_a_block, 0, count);
    tcase_add_loop_test(tests, with_replies_of_several_tokens, 0, count);
    tcase_add_loop_test(tests, prompts_that_end_with_a_block, 0, count);
    return test_main(suite);
}
