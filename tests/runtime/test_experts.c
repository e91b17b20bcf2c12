/* tests/runtime/test_experts.c - mixtures of experts on a backend: against the reference in double
 * and with reused KV. The backend is the one that the first argument names (numerics_backend.h).
 *
 * Where two experts have all but the same score, a rounding makes another choice, and all that
 * follows is another result. So what a device computed is compared with what the reference computes
 * through the same experts (reference_token_through), as closely as a dense model's; and each
 * choice must be one of the reference's own, but for experts whose scores differ by no more than
 * their rounding. Neither depends on how near a tie the test's numbers happen to come. */
#include "base/memory.h"
#include "tests/runtime/cases.h"
#include "tests/runtime/numerics_backend.h"
#include "tests/runtime/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct backend *backend; /* under test */

enum { TEXT = 160, CHOSEN_MOST = 3 * 3 };

/* Logits of the last of some tokens, and the experts that each token of the text went through,
 * [token][layer][i]. */
struct run {
    float *logits;
    uint32_t chosen[TEXT][CHOSEN_MOST];
};

/* Scores have a deviation of about 1. bf16: the hidden state that the router reads is off by that
 * much, relative to its length. */
static double score_tolerance(void)
{
    return backend->element_bytes == 4 ? 1e-4 : 0.05;
}

/* From HBM: the iteration's, of the layer that was run last. */
static void read_chosen(struct runtime_case *c, uint32_t layer, uint32_t from, uint32_t rows,
                        struct run *run)
{
    const struct routing *routing = executor_routing(c->executor);
    uint32_t each = c->model.experts_per_token;
    uint64_t bytes = (uint64_t)rows * each * sizeof(uint32_t);
    struct error err = { 0 };
    void *chosen = NULL;
    ck_assert_int_eq(backend->allocate(c->device, TIER_DRAM, bytes, &chosen, &err), STATUS_OK);
    struct backend_event *copied = backend->event_new(c->device);
    backend->copy(c->device, STREAM_COMPUTE, COPY_D2H,
                  &(struct copy){ chosen, routing->chosen, bytes }, 1);
    backend->record(c->device, STREAM_COMPUTE, copied);
    backend->synchronise(c->device, copied);
    for (uint32_t i = 0; i < rows; i++)
        memcpy(&run->chosen[from + i][layer * each], (uint32_t *)chosen + i * each,
               each * sizeof(uint32_t));
    backend->event_free(c->device, copied);
    backend->release(c->device, TIER_DRAM, chosen);
}

/* An iteration's layers, one by one; the experts of its rows go to run->chosen[from]... */
static void run_layers(struct runtime_case *c, const struct sequence *sequences, uint32_t count,
                       const uint32_t *tokens, uint32_t from, uint32_t rows, struct run *run)
{
    executor_begin(c->executor, sequences, count, tokens);
    for (uint32_t layer = 0; layer < c->model.layers; layer++) {
        executor_layer(c->executor, layer);
        if (layer >= c->model.dense_layers)
            read_chosen(c, layer, from, rows, run);
    }
    executor_end(c->executor);
    free(run->logits);
    run->logits = memory_new(count * (size_t)c->model.vocabulary, sizeof *run->logits);
    executor_logits(c->executor, count, run->logits);
}

/* As case_run(), with the experts of each token. */
static void run_text(struct runtime_case *c, uint32_t first_page, uint32_t skip, uint32_t cached,
                     uint32_t from, uint32_t new_tokens, struct run *run)
{
    uint32_t pages[CASE_PAGES], tokens[TEXT];
    for (uint32_t i = 0; i < CASE_PAGES; i++)
        pages[i] = first_page + i;
    for (uint32_t i = 0; i < new_tokens; i++)
        tokens[i] = case_token(&c->model, from + i);
    struct sequence sequence = { pages, CASE_PAGES - first_page, skip, cached, new_tokens };
    run_layers(c, &sequence, 1, tokens, from, new_tokens, run);
}

static const double *reference_text(struct reference *reference, const struct model *model,
                                    const struct run *run, uint32_t from, uint32_t end)
{
    const double *logits = NULL;
    for (uint32_t i = from; i < end; i++)
        logits = reference_token_through(reference, case_token(model, i), run->chosen[i]);
    return logits;
}

static double distance_of(const struct model *model, const struct run *run, uint32_t tokens)
{
    struct reference *reference = reference_new(model, NULL, CASE_SEED);
    double distance =
        case_distance(model, run->logits, reference_text(reference, model, run, 0, tokens));
    double gap = reference_gap(reference);
    printf("%s, %s: against the reference %.1e (tolerance %.0e); the farthest choice of another "
           "expert: %.1e (tolerance %.0e)\n",
           backend->name, model->name, distance, case_tolerance(backend), gap, score_tolerance());
    ck_assert_double_le(gap, score_tolerance());
    reference_free(reference);
    return distance;
}

START_TEST(a_prefill_is_what_the_reference_computes_through_the_same_experts)
{
    struct model model = case_expert_model(_i);
    struct runtime_case c = case_open(backend, &model, NULL, false);
    struct run run = { 0 };
    run_text(&c, 0, 0, 0, 0, 100, &run);
    ck_assert_double_lt(distance_of(&model, &run, 100), case_tolerance(backend));
    free(run.logits);
    case_close(&c);
}
END_TEST

/* Two turns and two tokens decoded between them. In fp32 no near tie is near enough: the same
 * experts, and the same logits as a prefill of everything. */
START_TEST(reused_kv_gives_what_computing_all_again_gives)
{
    struct model model = case_expert_model(_i);
    struct runtime_case c = case_open(backend, &model, NULL, false);
    static struct run whole, reused;
    whole = reused = (struct run){ 0 };
    run_text(&c, 0, 0, 0, 0, 110, &whole);
    run_text(&c, 20, 0, 0, 0, 50, &reused);
    run_text(&c, 20, 0, 50, 50, 1, &reused);
    run_text(&c, 20, 0, 51, 51, 1, &reused);
    run_text(&c, 20, 0, 52, 52, 58, &reused);
    ck_assert_double_lt(distance_of(&model, &reused, 110), case_tolerance(backend));
    ck_assert_double_lt(distance_of(&model, &whole, 110), case_tolerance(backend));
    if (backend->element_bytes == 4) {
        ck_assert_mem_eq(whole.chosen, reused.chosen, sizeof whole.chosen);
        ck_assert_double_lt(case_distance_f(&model, reused.logits, whole.logits),
                            case_tolerance(backend));
    }
    free(whole.logits);
    free(reused.logits);
    case_close(&c);
}
END_TEST

/* Rows of other contexts stand between an expert's own. */
START_TEST(each_context_of_a_batch_gets_what_the_reference_computes_for_it_alone)
{
    struct model model = case_expert_model(_i);
    struct runtime_case c = case_open(backend, &model, NULL, false);
    enum { CONTEXTS = 3, CACHED = 20 };
    const uint32_t new_tokens[CONTEXTS] = { 1, 30, 5 };
    uint32_t pages[CONTEXTS][16], tokens[TEXT], rows = 0;
    struct sequence sequences[CONTEXTS];
    static struct run alone[CONTEXTS], together;
    together = (struct run){ 0 };
    for (uint32_t i = 0; i < CONTEXTS; i++) {
        alone[i] = (struct run){ 0 };
        run_text(&c, 16 * i, 0, 0, 0, CACHED, &alone[i]);
        for (uint32_t p = 0; p < 16; p++)
            pages[i][p] = 16 * i + p;
        sequences[i] = (struct sequence){ pages[i], 16, 0, CACHED, new_tokens[i] };
        for (uint32_t t = 0; t < new_tokens[i]; t++)
            tokens[rows++] = case_token(&model, CACHED + t);
    }
    run_layers(&c, sequences, CONTEXTS, tokens, 0, rows, &together);
    for (uint32_t i = 0, row = 0; i < CONTEXTS; row += new_tokens[i++]) {
        memcpy(alone[i].chosen[CACHED], together.chosen[row],
               new_tokens[i] * sizeof *together.chosen);
        memcpy(alone[i].logits, together.logits + (size_t)i * model.vocabulary,
               model.vocabulary * sizeof(float));
        ck_assert_double_lt(distance_of(&model, &alone[i], CACHED + new_tokens[i]),
                            case_tolerance(backend));
        free(alone[i].logits);
    }
    free(together.logits);
    case_close(&c);
}
END_TEST

START_TEST(kv_through_dram_comes_back_bit_by_bit_and_gives_the_same_logits)
{
    struct model model = case_expert_model(_i);
    struct runtime_case c = case_open(backend, &model, NULL, false);
    uint64_t bytes = slice_bytes(backend, executor_shape(c.executor)) * model.layers * 3;
    char *pool = executor_pool(c.executor);
    void *dram;
    struct error err = { 0 };
    ck_assert_int_eq(backend->allocate(c.device, TIER_DRAM, bytes, &dram, &err), STATUS_OK);
    free(case_run(&c, 0, 0, 0, 0, 40));
    struct backend_event *done = backend->event_new(c.device);
    backend->record(c.device, STREAM_COMPUTE, done);
    backend->synchronise(c.device, done);
    backend->copy(c.device, STREAM_SAVE, COPY_D2H, &(struct copy){ dram, pool, bytes }, 1);
    backend->record(c.device, STREAM_SAVE, done);
    backend->synchronise(c.device, done);
    float *stayed = case_run(&c, 0, 0, 40, 40, 8);
    backend->copy(c.device, STREAM_LOAD, COPY_H2D, &(struct copy){ pool + bytes * 4, dram, bytes },
                  1);
    backend->record(c.device, STREAM_LOAD, done);
    backend->synchronise(c.device, done);
    float *moved = case_run(&c, 12, 0, 40, 40, 8);
    ck_assert_mem_eq(moved, stayed, model.vocabulary * sizeof *moved);
    backend->event_free(c.device, done);
    free(stayed);
    free(moved);
    case_close(&c);
}
END_TEST

START_TEST(truncated_kv_is_the_references_over_the_same_kv)
{
    struct model model = case_expert_model(_i);
    struct runtime_case c = case_open(backend, &model, NULL, false);
    struct reference *reference = reference_new(&model, NULL, CASE_SEED);
    const uint32_t context = 90, cut = 40, fresh = 10; /* the cut is within a page */
    struct run run = { 0 };
    run_text(&c, 0, 0, 0, 0, context, &run);
    run_text(&c, cut / CASE_PAGE_TOKENS, cut % CASE_PAGE_TOKENS, context - cut, context, fresh,
             &run);
    reference_text(reference, &model, &run, 0, context);
    reference_cut(reference, cut);
    const double *truth = reference_text(reference, &model, &run, context, context + fresh);
    ck_assert_double_lt(case_distance(&model, run.logits, truth), case_tolerance(backend));
    ck_assert_double_le(reference_gap(reference), score_tolerance());
    free(run.logits);
    reference_free(reference);
    case_close(&c);
}
END_TEST

/* ---- operators ---- */

/* What is in HBM, as 32-bit words. */
static void words_from(struct device *device, void *to, const void *from, uint64_t words)
{
    struct error err = { 0 };
    void *dram = NULL;
    struct backend_event *done = backend->event_new(device);
    ck_assert_int_eq(backend->allocate(device, TIER_DRAM, words * 4, &dram, &err), STATUS_OK);
    backend->copy(device, STREAM_COMPUTE, COPY_D2H, &(struct copy){ dram, from, words * 4 }, 1);
    backend->record(device, STREAM_COMPUTE, done);
    backend->synchronise(device, done);
    memcpy(to, dram, words * 4);
    backend->event_free(device, done);
    backend->release(device, TIER_DRAM, dram);
}

enum { ROWS = 37, WIDTH = 24, EXPERTS = 40, EACH = 5 };

struct routed {
    struct device *device;
    struct routing routing;
    uint32_t first[EXPERTS + 1], chosen[ROWS * EACH], slot[ROWS * EACH], row[ROWS * EACH];
    float weight[ROWS * EACH], score[ROWS * EXPERTS];
};

/* Routes ROWS rows; value(i): of the router's matrix. */
static void route(struct routed *r, float (*value)(uint32_t expert, uint32_t column))
{
    struct error err = { 0 };
    struct backend_config config = { .hbm_bytes = 1 << 20, .dram_bytes = 1 << 20, .threads = 1 };
    float in[ROWS * WIDTH], router[EXPERTS * WIDTH];
    void *memory = NULL, *gpu_in = NULL, *gpu_router = NULL;
    ck_assert_int_eq(backend->open(&config, &r->device, &err), STATUS_OK);
    backend->allocate(r->device, TIER_HBM, routing_bytes(ROWS, EXPERTS, EACH), &memory, &err);
    backend->allocate(r->device, TIER_HBM, sizeof in, &gpu_in, &err);
    ck_assert_int_eq(backend->allocate(r->device, TIER_HBM, sizeof router, &gpu_router, &err),
                     STATUS_OK);
    r->routing = routing_in(memory, ROWS, EXPERTS, EACH);
    for (uint32_t i = 0; i < ROWS * WIDTH; i++) /* multiples of 1/8: exact in bf16, and sums too */
        in[i] = (float)((int32_t)(i * 2654435761U >> 28) - 8) / 8;
    for (uint32_t i = 0; i < EXPERTS * WIDTH; i++)
        router[i] = value(i / WIDTH, i % WIDTH);
    backend->upload(r->device, gpu_in, in, ROWS * WIDTH);
    backend->upload(r->device, gpu_router, router, EXPERTS * WIDTH);
    backend->route(r->device, &r->routing, ROWS, WIDTH, gpu_in, gpu_router);
    words_from(r->device, r->first, r->routing.first, EXPERTS + 1);
    words_from(r->device, r->chosen, r->routing.chosen, ROWS * EACH);
    words_from(r->device, r->slot, r->routing.slot, ROWS * EACH);
    words_from(r->device, r->row, r->routing.row, ROWS * EACH);
    words_from(r->device, r->weight, r->routing.weight, ROWS * EACH);
    words_from(r->device, r->score, r->routing.score, ROWS * EXPERTS);
    ck_assert_int_eq(backend->check(r->device, &err), STATUS_OK);
}

static float few_values(uint32_t expert, uint32_t column) /* many scores are equal */
{
    return column == expert % 3 ? 1.0F : 0.0F;
}

static float many_values(uint32_t expert, uint32_t column)
{
    return (float)((int32_t)((expert * WIDTH + column) * 2246822519U >> 27) - 16) / 16;
}

START_TEST(the_best_experts_are_chosen_and_of_equals_the_lower)
{
    static struct routed r;
    route(&r, _i == 0 ? few_values : many_values);
    for (uint32_t row = 0; row < ROWS; row++) {
        const float *score = r.score + row * EXPERTS;
        bool taken[EXPERTS] = { false };
        for (uint32_t i = 0; i < EACH; i++) {
            uint32_t best = EXPERTS;
            for (uint32_t e = 0; e < EXPERTS; e++)
                if (!taken[e] && (best == EXPERTS || score[e] > score[best]))
                    best = e;
            ck_assert_uint_eq(r.chosen[row * EACH + i], best);
            taken[best] = true;
        }
    }
    backend->close(r.device);
}
END_TEST

START_TEST(weights_are_the_softmax_of_the_chosen_scores)
{
    static struct routed r;
    route(&r, many_values);
    for (uint32_t row = 0; row < ROWS; row++) {
        const uint32_t *chosen = r.chosen + row * EACH;
        const float *score = r.score + row * EXPERTS;
        double sum = 0;
        for (uint32_t i = 0; i < EACH; i++)
            sum += exp((double)score[chosen[i]]);
        for (uint32_t i = 0; i < EACH; i++)
            ck_assert_double_eq_tol((double)r.weight[row * EACH + i],
                                    exp((double)score[chosen[i]]) / sum, 1e-6);
    }
    backend->close(r.device);
}
END_TEST

START_TEST(slots_are_in_order_of_expert_and_row_and_lead_back_to_both)
{
    static struct routed r;
    route(&r, _i == 0 ? few_values : many_values);
    uint32_t slot = 0;
    for (uint32_t e = 0; e < EXPERTS; e++) {
        ck_assert_uint_eq(r.first[e], slot);
        for (uint32_t i = 0; i < ROWS * EACH; i++)
            if (r.chosen[i] == e) {
                ck_assert_uint_eq(r.slot[i], slot);
                ck_assert_uint_eq(r.row[slot], i / EACH);
                slot++;
            }
    }
    ck_assert_uint_eq(r.first[EXPERTS], ROWS * EACH);
    backend->close(r.device);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("experts");
    TCase *tcase = tcase_create(backend->name);
    tcase_set_timeout(tcase, numerics_is_slow() ? 200 : 60);
    tcase_add_loop_test(tcase, a_prefill_is_what_the_reference_computes_through_the_same_experts, 0,
                        CASE_EXPERT_MODELS);
    tcase_add_loop_test(tcase, reused_kv_gives_what_computing_all_again_gives, 0,
                        CASE_EXPERT_MODELS);
    tcase_add_loop_test(tcase,
                        each_context_of_a_batch_gets_what_the_reference_computes_for_it_alone, 0,
                        CASE_EXPERT_MODELS);
    tcase_add_loop_test(tcase, kv_through_dram_comes_back_bit_by_bit_and_gives_the_same_logits, 0,
                        CASE_EXPERT_MODELS);
    tcase_add_loop_test(tcase, truncated_kv_is_the_references_over_the_same_kv, 0,
                        CASE_EXPERT_MODELS);
    tcase_add_loop_test(tcase, the_best_experts_are_chosen_and_of_equals_the_lower, 0, 2);
    tcase_add_test(tcase, weights_are_the_softmax_of_the_chosen_scores);
    tcase_add_loop_test(tcase, slots_are_in_order_of_expert_and_row_and_lead_back_to_both, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(int argc, char **argv)
{
    struct error err = { 0 };
    struct backend_config config = { .hbm_bytes = 1 << 20, .dram_bytes = 1 << 20 };
    struct device *device = NULL;
    const char *name = argc > 1 ? argv[1] : "host";
    backend = numerics_backend(name);
    if (backend == NULL || backend->open(&config, &device, &err) != STATUS_OK) {
        printf("backend %s: skipped, it does not open on this machine\n", name);
        return TEST_SKIPPED;
    }
    backend->close(device);
    return test_main(suite());
}
