/* tests/runtime/cuda/test_launches.c - how many kernels an iteration is, operator by operator: each
 * launch is some microseconds of a decode iteration, so that one more shall be noticed. A product
 * is one launch here; cublasLt's may be two, where it splits the sum. */
#include "base/memory.h"
#include "runtime/executor.h"
#include "tests/runtime/cuda/fake_cuda.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct backend backend_cuda;
static const struct backend *const cuda = &backend_cuda;

/* ---- a backend that counts ---- */

#define OPERATORS(X)                                                                               \
    X(set_batch)                                                                                   \
    X(embed) X(norm) X(add_norm) X(gemm) X(store_kv) X(attention) X(activate) X(add) X(gather_rows)
#define NUMBER(name) OPERATOR_##name,
enum operator_number { OPERATORS(NUMBER) OPERATOR_COUNT };
#define NAME(name) #name,
static const char *const names[] = { OPERATORS(NAME) };

struct tally {
    uint32_t calls, launches;
};
static struct tally tally[OPERATOR_COUNT]; /* since it was last cleared */

#define COUNTED(name, parameters, arguments)                                                       \
    static void counted_##name parameters                                                          \
    {                                                                                              \
        uint32_t before = fake_cuda_counts().launches;                                             \
        cuda->name arguments;                                                                      \
        tally[OPERATOR_##name].calls++;                                                            \
        tally[OPERATOR_##name].launches += fake_cuda_counts().launches - before;                   \
    }
COUNTED(set_batch, (struct device * device, const struct sequence *sequences, uint32_t count),
        (device, sequences, count))
COUNTED(embed,
        (struct device * device, const void *table, uint32_t width, const uint32_t *tokens,
         uint32_t rows, void *out),
        (device, table, width, tokens, rows, out))
COUNTED(norm,
        (struct device * device, enum norm_kind kind, uint32_t rows, uint32_t width, float epsilon,
         const void *in, const void *weight, const void *bias, void *out),
        (device, kind, rows, width, epsilon, in, weight, bias, out))
COUNTED(add_norm,
        (struct device * device, enum norm_kind kind, uint32_t rows, uint32_t width, float epsilon,
         const void *in, void *sum, const void *weight, const void *bias, void *out),
        (device, kind, rows, width, epsilon, in, sum, weight, bias, out))
COUNTED(gemm,
        (struct device * device, uint32_t rows, uint32_t inputs, uint32_t outputs, const void *in,
         const void *weights, void *out),
        (device, rows, inputs, outputs, in, weights, out))
COUNTED(store_kv,
        (struct device * device, const struct attention_dims *shape, uint32_t layer,
         const void *qkv, void *pool),
        (device, shape, layer, qkv, pool))
COUNTED(attention,
        (struct device * device, const struct attention_dims *shape, uint32_t layer,
         const void *qkv, const void *pool, void *out),
        (device, shape, layer, qkv, pool, out))
COUNTED(activate,
        (struct device * device, enum activation_kind kind, uint32_t rows, uint32_t width,
         const void *in, void *out),
        (device, kind, rows, width, in, out))
COUNTED(add, (struct device * device, uint64_t count, const void *in, void *sum),
        (device, count, in, sum))
COUNTED(gather_rows,
        (struct device * device, const void *from, uint32_t width, const uint32_t *row,
         uint32_t rows, void *to),
        (device, from, width, row, rows, to))

static struct backend counting(void)
{
    struct backend backend = *cuda;
#define COUNT(name) backend.name = counted_##name;
    OPERATORS(COUNT)
#undef COUNT
    return backend;
}

/* ---- iterations ---- */

enum { LAYERS = 4, CONTEXTS = 2, PAGE = 16, PAGES_EACH = 70, MOST_NEW = 100, VOCABULARY = 40 };

struct iteration {
    const char *name;
    uint32_t count, cached, new_tokens;
    /* What is expected: of layers 1 and on, each; and of the iteration. */
    struct tally layer[OPERATOR_COUNT], all[OPERATOR_COUNT];
};

#define OF(name) [OPERATOR_##name]
static const struct iteration iterations[] = {
    { .name = "decode of 2 contexts of 601 tokens, whose keys are cut in parts",
      .count = 2,
      .cached = 600,
      .new_tokens = 1,
      .layer = { OF(gemm) = { 4, 4 }, OF(store_kv) = { 1, 1 }, OF(attention) = { 1, 1 },
                 OF(activate) = { 1, 1 }, OF(add_norm) = { 2, 2 } },
      .all = { OF(set_batch) = { 1, 0 }, OF(embed) = { 1, 2 }, /* the tokens' way to the GPU */
               OF(norm) = { 1, 1 }, OF(gemm) = { 4 * LAYERS + 1, 4 * LAYERS + 1 },
               OF(store_kv) = { LAYERS, LAYERS + 1 }, /* the plan's */
               OF(attention) = { LAYERS, LAYERS },
               OF(activate) = { LAYERS, LAYERS }, OF(add_norm) = { 2 * LAYERS, 2 * LAYERS } } },
    { .name = "prefill of 100 tokens over 1,000",
      .count = 1,
      .cached = 1000,
      .new_tokens = 100,
      .layer = { OF(gemm) = { 4, 4 }, OF(store_kv) = { 1, 1 },
                 OF(attention) = { 1, 3 }, /* keys turned, attention, parts merged */
                 OF(activate) = { 1, 1 }, OF(add_norm) = { 2, 2 } },
      .all = { OF(set_batch) = { 1, 0 }, OF(embed) = { 1, 2 }, OF(norm) = { 2, 2 },
               OF(gemm) = { 4 * LAYERS + 1, 4 * LAYERS + 1 }, OF(store_kv) = { LAYERS, LAYERS + 1 },
               OF(attention) = { LAYERS, 3 * LAYERS }, OF(activate) = { LAYERS, LAYERS },
               OF(add_norm) = { 2 * LAYERS - 1, 2 * LAYERS - 1 }, OF(add) = { 1, 1 },
               OF(gather_rows) = { 1, 2 } } },
};

static struct executor *open_executor(const struct backend *backend, struct device *device)
{
    struct executor_config config = { .backend = backend,
                                      .device = device,
                                      .model = { .layers = LAYERS,
                                                 .hidden = 64,
                                                 .heads = 2,
                                                 .kv_heads = 1,
                                                 .head_dim = 32,
                                                 .ffn = 64,
                                                 .gated_ffn = true,
                                                 .vocabulary = VOCABULARY,
                                                 .kv_bytes_per_value = 2 },
                                      .page_tokens = PAGE,
                                      .pages = CONTEXTS * PAGES_EACH,
                                      .rows = MOST_NEW,
                                      .contexts = CONTEXTS,
                                      .seed = 5 };
    struct executor *executor = NULL;
    struct error err = { 0 };
    ck_assert_int_eq(executor_new(&config, &executor, &err), STATUS_OK);
    return executor;
}

static void begin(struct executor *executor, const struct iteration *it)
{
    uint32_t pages[CONTEXTS][PAGES_EACH], tokens[MOST_NEW] = { 0 };
    struct sequence sequences[CONTEXTS];
    for (uint32_t i = 0; i < it->count; i++) {
        for (uint32_t p = 0; p < PAGES_EACH; p++)
            pages[i][p] = i * PAGES_EACH + p;
        sequences[i] = (struct sequence){ pages[i], PAGES_EACH, 0, it->cached, it->new_tokens };
    }
    executor_begin(executor, sequences, it->count, tokens);
}

/* Tallies of layer 1 alone, and of the whole iteration. */
static void run(struct executor *executor, const struct iteration *it, struct tally *layer)
{
    memset(tally, 0, sizeof tally);
    begin(executor, it);
    for (uint32_t i = 0; i < LAYERS; i++) {
        struct tally before[OPERATOR_COUNT];
        memcpy(before, tally, sizeof before);
        executor_layer(executor, i);
        for (int o = 0; o < OPERATOR_COUNT && i == 1; o++)
            layer[o] = (struct tally){ tally[o].calls - before[o].calls,
                                       tally[o].launches - before[o].launches };
    }
    executor_end(executor);
}

static void print(const char *name, const struct tally *layer)
{
    uint32_t of_layer = 0, all = 0;
    printf("%s\n  %-12s %14s %14s\n", name, "", "a layer", "the iteration");
    for (int o = 0; o < OPERATOR_COUNT; o++) {
        printf("  %-12s %14u %14u\n", names[o], layer[o].launches, tally[o].launches);
        of_layer += layer[o].launches;
        all += tally[o].launches;
    }
    printf("  %-12s %14u %14u\n", "all", of_layer, all);
}

START_TEST(an_iteration_is_as_many_launches_as_its_operators_need)
{
    const struct iteration *it = &iterations[_i];
    struct fake_cuda machine = fake_cuda_default();
    struct backend_config config = { .hbm_bytes = 16 << 20, .dram_bytes = 1 << 20 };
    struct backend backend = counting();
    struct device *device;
    struct error err = { 0 };
    struct tally layer[OPERATOR_COUNT];
    fake_cuda_is(&machine);
    ck_assert_int_eq(cuda->open(&config, &device, &err), STATUS_OK);
    struct executor *executor = open_executor(&backend, device);
    run(executor, it, layer); /* the table of angles is made once */
    run(executor, it, layer);
    print(it->name, layer);
    for (int o = 0; o < OPERATOR_COUNT; o++) {
        ck_assert_msg(
            layer[o].calls == it->layer[o].calls && layer[o].launches == it->layer[o].launches,
            "%s: %u launches a layer of %u calls", names[o], layer[o].launches, layer[o].calls);
        ck_assert_msg(tally[o].calls == it->all[o].calls &&
                          tally[o].launches == it->all[o].launches,
                      "%s: %u launches an iteration of %u calls", names[o], tally[o].launches,
                      tally[o].calls);
    }
    float logits[CONTEXTS * VOCABULARY];
    executor_logits(executor, it->count, logits); /* waits */
    ck_assert_int_eq(cuda->check(device, &err), STATUS_OK);
    executor_free(executor);
    cuda->close(device);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("launches");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, an_iteration_is_as_many_launches_as_its_operators_need, 0,
                        sizeof iterations / sizeof *iterations);
    Suite *suite = suite_create("CUDA launches, emulated");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
