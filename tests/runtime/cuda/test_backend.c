/* tests/runtime/cuda/test_backend.c - what the CUDA backend promises in runtime/backend.h, on an
 * emulated GPU whose streams run as late, as early or as randomly as CUDA allows. */
#include "base/clock.h"
#include "base/memory.h"
#include "runtime/executor.h"
#include "tests/runtime/cuda/fake_cuda.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct backend backend_cuda;
static const struct backend *const cuda = &backend_cuda;

enum { WIDTH = 16, MEGABYTE = 1 << 20 };

static struct device *open_on(const struct fake_cuda *machine)
{
    struct backend_config config = { .hbm_bytes = 16 * MEGABYTE, .dram_bytes = 16 * MEGABYTE };
    struct device *device;
    struct error err = { 0 };
    fake_cuda_is(machine);
    enum status status = cuda->open(&config, &device, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s", err.expected, err.found);
    return device;
}

static struct device *open_lazy(void)
{
    struct fake_cuda machine = fake_cuda_default();
    return open_on(&machine);
}

static enum status open_fails(const struct fake_cuda *machine, struct error *err)
{
    struct backend_config config = { .hbm_bytes = MEGABYTE, .dram_bytes = MEGABYTE };
    struct device *device;
    fake_cuda_is(machine);
    return cuda->open(&config, &device, err);
}

static void *take(struct device *device, enum tier tier, uint64_t bytes)
{
    void *memory = NULL;
    struct error err = { 0 };
    ck_assert_int_eq(cuda->allocate(device, tier, bytes, &memory, &err), STATUS_OK);
    return memory;
}

/* ---- opening ---- */

START_TEST(without_a_gpu_it_says_that_there_is_none)
{
    struct fake_cuda machine = fake_cuda_default();
    struct error err = { 0 };
    machine.no_gpu = true;
    ck_assert_int_eq(open_fails(&machine, &err), STATUS_IO);
    ck_assert_ptr_nonnull(strstr(err.found, "no such device here: no NVIDIA driver is installed"));
}
END_TEST

START_TEST(a_gpu_older_than_the_kernels_is_refused_by_what_it_is)
{
    struct fake_cuda machine = fake_cuda_default();
    struct error err = { 0 };
    machine.major = 7;
    ck_assert_int_eq(open_fails(&machine, &err), STATUS_IO);
    ck_assert_ptr_nonnull(strstr(err.found, "Fake GPU has compute capability 7.0"));
}
END_TEST

START_TEST(without_cublas_it_says_what_was_looked_for_and_leaves_nothing_open)
{
    struct fake_cuda machine = fake_cuda_default();
    struct error err = { 0 };
    machine.no_cublas = true;
    ck_assert_int_eq(open_fails(&machine, &err), STATUS_IO);
    ck_assert_ptr_nonnull(strstr(err.expected, "load cuBLAS"));
    ck_assert_ptr_nonnull(strstr(err.found, "libcublasLt"));
    ck_assert_uint_eq(fake_cuda_counts().streams, 0);
}
END_TEST

START_TEST(closing_gives_everything_back)
{
    struct device *device = open_lazy();
    const struct sequence sequence = { .pages = (uint32_t[]){ 0 }, 1, 0, 0, 1 };
    take(device, TIER_HBM, 1000);
    take(device, TIER_DRAM, 1000);
    cuda->set_batch(device, &sequence, 1);
    cuda->upload(device, take(device, TIER_HBM, 8), (float[]){ 1, 2, 3, 4 }, 4);
    cuda->close(device);
    struct fake_counts left = fake_cuda_counts();
    ck_assert_uint_eq(left.streams + left.events, 0);
    ck_assert_uint_eq(left.device_bytes + left.pinned_ranges, 0);
}
END_TEST

/* ---- memory ---- */

START_TEST(memory_of_both_tiers_is_zeroed_and_aligned_for_o_direct)
{
    struct device *device = open_lazy();
    static const char zeros[10000];
    for (int tier = TIER_HBM; tier <= TIER_DRAM; tier++)
        for (int i = 0; i < 3; i++) {
            void *memory = take(device, (enum tier)tier, sizeof zeros);
            ck_assert_uint_eq((uintptr_t)memory % 4096, 0);
            ck_assert_mem_eq(memory, zeros, sizeof zeros);
        }
    cuda->close(device);
}
END_TEST

/* Whose pages are touched by several threads, and may be huge. */
START_TEST(a_large_tier_begins_at_a_huge_page_and_is_pinned_whole)
{
    struct device *device = open_lazy();
    const uint64_t bytes = 9 * (uint64_t)MEGABYTE + 5000;
    char *memory = take(device, TIER_DRAM, bytes);
    ck_assert_uint_eq((uintptr_t)memory % (2 * (uint64_t)MEGABYTE), 0);
    ck_assert(memory[0] == 0 && memcmp(memory, memory + 1, bytes - 1) == 0);
    void *hbm = take(device, TIER_HBM, bytes);
    uint32_t before = fake_cuda_counts().pageable_copies;
    cuda->copy(device, STREAM_SAVE, COPY_D2H, &(struct copy){ memory, hbm, bytes }, 1);
    ck_assert_uint_eq(fake_cuda_counts().pageable_copies, before);
    cuda->release(device, TIER_DRAM, take(device, TIER_DRAM, 4 * (uint64_t)MEGABYTE));
    cuda->close(device);
    ck_assert_uint_eq(fake_cuda_counts().pinned_ranges, 0);
}
END_TEST

START_TEST(what_is_released_can_be_had_again)
{
    struct device *device = open_lazy();
    for (int tier = TIER_HBM; tier <= TIER_DRAM; tier++)
        for (int i = 0; i < 5; i++)
            cuda->release(device, (enum tier)tier,
                          take(device, (enum tier)tier, 10 * (uint64_t)MEGABYTE));
    cuda->close(device);
}
END_TEST

START_TEST(a_gpu_with_less_memory_than_it_was_given_says_so)
{
    struct fake_cuda machine = fake_cuda_default();
    struct error err = { 0 };
    void *memory;
    machine.memory_bytes = 40 * (uint64_t)MEGABYTE; /* of which cuBLAS has 32 */
    struct device *device = open_on(&machine);
    ck_assert_int_eq(cuda->allocate(device, TIER_HBM, 9 * (uint64_t)MEGABYTE, &memory, &err),
                     STATUS_IO);
    ck_assert_ptr_nonnull(strstr(err.expected, "9.44 MB of HBM"));
    ck_assert_ptr_nonnull(strstr(err.found, "out of memory"));
    cuda->close(device);
}
END_TEST

START_TEST(floats_go_up_and_come_down_rounded_to_the_nearest_bf16)
{
    struct device *device = open_lazy();
    enum { COUNT = (1 << 20) + 5 }; /* more than are converted at once, and not a multiple of 8 */
    float *up = memory_new(COUNT, sizeof *up), *down = memory_new(COUNT, sizeof *down);
    for (uint32_t i = 0; i < COUNT; i++)
        up[i] = (float)i * 1.234567F - 1000.0F;
    void *elements = take(device, TIER_HBM, COUNT * sizeof(uint16_t));
    cuda->upload(device, elements, up, COUNT);
    memset(down, 0, COUNT * sizeof *down);
    cuda->download(device, down, elements, COUNT);
    for (uint32_t i = 0; i < COUNT; i++)
        ck_assert(down[i] == element_value(ELEMENT_BF16, element_bits(ELEMENT_BF16, up[i])));
    free(up);
    free(down);
    cuda->close(device);
}
END_TEST

/* ---- the host runs ahead ---- */

/* table[i] is i in every element. */
static void *number_table(struct device *device, uint32_t rows)
{
    float *values = memory_new((uint64_t)rows * WIDTH, sizeof *values);
    for (uint32_t i = 0; i < rows * WIDTH; i++)
        values[i] = (float)(i / WIDTH);
    void *table = take(device, TIER_HBM, (uint64_t)rows * WIDTH * sizeof(uint16_t));
    cuda->upload(device, table, values, (uint64_t)rows * WIDTH);
    free(values);
    return table;
}

START_TEST(tokens_may_change_as_soon_as_the_call_has_returned)
{
    struct device *device = open_lazy();
    enum { CALLS = 50, ROWS = 3 }; /* several times round the ring of staging memory */
    void *table = number_table(device, 200), *out[CALLS];
    float found[ROWS * WIDTH];
    for (uint32_t i = 0; i < CALLS; i++) {
        uint32_t tokens[ROWS] = { i, i + 1, 2 * i };
        out[i] = take(device, TIER_HBM, sizeof found);
        (i % 2 ? cuda->embed(device, table, WIDTH, tokens, ROWS, out[i])
               : cuda->gather_rows(device, table, WIDTH, tokens, ROWS, out[i]));
        memset(tokens, 0, sizeof tokens);
    }
    for (uint32_t i = 0; i < CALLS; i++) {
        const uint32_t expected[ROWS] = { i, i + 1, 2 * i };
        cuda->download(device, found, out[i], ROWS * WIDTH);
        for (uint32_t r = 0; r < ROWS; r++)
            ck_assert(found[r * WIDTH + 3] == (float)expected[r]);
    }
    cuda->close(device);
}
END_TEST

/* One head of 16: the new token's KV of batch i goes to page i, and so must its attention's sum:
 * with one key, it is the value. */
static const struct attention_dims one_head = { .heads = 1,
                                                 .kv_heads = 1,
                                                 .head_dim = WIDTH,
                                                 .layers = 1,
                                                 .page_tokens = 16,
                                                 .rope = { .theta = 10000.0F } };

START_TEST(a_batch_may_change_as_soon_as_the_call_has_returned)
{
    struct device *device = open_lazy();
    enum { BATCHES = 40 };
    float qkv[3 * WIDTH], found[WIDTH];
    void *pool = take(device, TIER_HBM, BATCHES * 16 * 2 * WIDTH * sizeof(uint16_t)), *in[BATCHES],
         *out[BATCHES];
    for (uint32_t i = 0; i < BATCHES; i++) { /* uploads wait: all before */
        for (uint32_t e = 0; e < 3 * WIDTH; e++)
            qkv[e] = (float)i + (float)e / 16;
        in[i] = take(device, TIER_HBM, sizeof qkv);
        out[i] = take(device, TIER_HBM, sizeof found);
        cuda->upload(device, in[i], qkv, 3 * WIDTH);
    }
    for (uint32_t i = 0; i < BATCHES; i++) {
        uint32_t page = i;
        struct sequence sequence = { &page, 1, i % 16, 0, 1 };
        cuda->set_batch(device, &sequence, 1);
        page = 0;
        sequence = (struct sequence){ 0 };
        cuda->store_kv(device, &one_head, 0, in[i], pool);
        cuda->attention(device, &one_head, 0, in[i], pool, out[i]);
    }
    for (uint32_t i = 0; i < BATCHES; i++) {
        cuda->download(device, found, out[i], WIDTH);
        uint16_t value = element_bits(ELEMENT_BF16, (float)i + 2.0F + 3.0F / 16);
        ck_assert(found[3] == element_value(ELEMENT_BF16, value));
        /* Behind the page's keys, in the row that the batch named. */
        const uint16_t *page = (uint16_t *)pool + (uint64_t)i * 2 * 16 * WIDTH;
        cuda->download(device, found, page + (16 + i % 16) * WIDTH, WIDTH);
        ck_assert(found[3] == element_value(ELEMENT_BF16, value));
    }
    cuda->close(device);
}
END_TEST

START_TEST(a_batch_serves_one_shape_after_the_other)
{
    struct device *device = open_lazy();
    struct attention_dims two_heads = one_head;
    two_heads.heads = 2;
    float qkv[4 * WIDTH], found[2 * WIDTH];
    for (uint32_t e = 0; e < 4 * WIDTH; e++)
        qkv[e] = (float)e;
    void *pool = take(device, TIER_HBM, 8192), *in = take(device, TIER_HBM, 1024),
         *out = take(device, TIER_HBM, 1024);
    cuda->upload(device, in, qkv, 4 * WIDTH);
    cuda->set_batch(device, &(struct sequence){ (uint32_t[]){ 0 }, 1, 0, 0, 1 }, 1);
    for (uint32_t heads = 1; heads <= 2; heads++) {
        const struct attention_dims *shape = heads == 1 ? &one_head : &two_heads;
        cuda->store_kv(device, shape, 0, in, pool);
        cuda->attention(device, shape, 0, in, pool, out);
        cuda->download(device, found, out, heads * WIDTH);
        for (uint32_t h = 0; h < heads; h++) /* the value follows heads' queries and a key */
            ck_assert(found[h * WIDTH] == (float)((heads + 1) * WIDTH));
    }
    cuda->close(device);
}
END_TEST

/* Both plans are in one slot of staging, made once: layers one after the other do not plan anew. */
START_TEST(layers_with_and_without_a_window_share_a_batch)
{
    struct device *device = open_lazy();
    struct attention_dims shape = one_head;
    shape.layers = 4;
    shape.window.layers = 2; /* layers 0 and 2: a token sees itself alone */
    shape.window.tokens = 1;
    float qkv[2 * 3 * WIDTH], found[2 * WIDTH];
    for (uint32_t e = 0; e < 2 * 3 * WIDTH; e++)
        qkv[e] = e % (3 * WIDTH) < 2 * WIDTH ? 0.0F : e < 3 * WIDTH ? 1.0F : 3.0F;
    void *pool = take(device, TIER_HBM, 4 * 16 * 2 * WIDTH * sizeof(uint16_t));
    void *in = take(device, TIER_HBM, sizeof qkv), *out[4];
    for (uint32_t layer = 0; layer < 4; layer++)
        out[layer] = take(device, TIER_HBM, sizeof found);
    cuda->upload(device, in, qkv, 2 * 3 * WIDTH);
    cuda->set_batch(device, &(struct sequence){ (uint32_t[]){ 0 }, 1, 0, 0, 2 }, 1);
    uint32_t launches = 0;
    for (uint32_t layer = 0; layer < 4; layer++) {
        uint32_t before = fake_cuda_counts().launches;
        cuda->store_kv(device, &shape, layer, in, pool);
        cuda->attention(device, &shape, layer, in, pool, out[layer]);
        uint32_t its = fake_cuda_counts().launches - before;
        ck_assert(layer == 0 || its == launches - (layer == 1 ? 1 : 0)); /* the first sends */
        launches = its;
    }
    for (uint32_t layer = 0; layer < 4; layer++) {
        cuda->download(device, found, out[layer], 2 * WIDTH);
        ck_assert(found[0] == 1.0F);
        ck_assert(found[WIDTH] == (layer % 2 == 0 ? 3.0F : 2.0F)); /* or the mean of both */
    }
    cuda->close(device);
}
END_TEST

/* `value` count times, in elements. */
static void fill(struct device *device, void *to, uint64_t count, float value)
{
    float *values = memory_new(count, sizeof *values);
    for (uint64_t i = 0; i < count; i++)
        values[i] = value;
    cuda->upload(device, to, values, count);
    free(values);
}

/* Contexts whose keys are cut in parts, layer after layer and in batches that grow: all values are
 * 3, and so must be their mean. Who joins the parts counts them in memory that begins with any
 * bits and that the layer before has used. */
START_TEST(parts_of_long_contexts_are_joined_in_every_layer_and_batch)
{
    struct device *device = open_lazy();
    enum { TOKENS = 700, PAGES = (TOKENS + 15) / 16, SEQUENCES = 3, LAYERS = 2 };
    struct attention_dims shape = one_head;
    shape.layers = LAYERS;
    const uint64_t pool_values = PAGES * 16 * 2 * WIDTH * LAYERS;
    void *pool = take(device, TIER_HBM, pool_values * sizeof(uint16_t));
    void *in = take(device, TIER_HBM, SEQUENCES * 3 * WIDTH * sizeof(uint16_t));
    void *out = take(device, TIER_HBM, SEQUENCES * WIDTH * sizeof(uint16_t));
    uint32_t pages[PAGES];
    float found[SEQUENCES * WIDTH];
    struct sequence sequences[SEQUENCES];
    for (uint32_t p = 0; p < PAGES; p++)
        pages[p] = p;
    for (uint32_t i = 0; i < SEQUENCES; i++) /* one context, as often as asked */
        sequences[i] = (struct sequence){ pages, PAGES, 0, TOKENS - 1, 1 };
    fill(device, pool, pool_values, 3.0F);
    fill(device, in, SEQUENCES * 3 * WIDTH, 3.0F);
    for (uint32_t count = 1; count <= SEQUENCES; count++) {
        cuda->set_batch(device, sequences, count);
        for (uint32_t layer = 0; layer < LAYERS; layer++) {
            fill(device, out, SEQUENCES * WIDTH, NAN);
            cuda->attention(device, &shape, layer, in, pool, out);
            cuda->download(device, found, out, count * WIDTH);
            for (uint32_t e = 0; e < count * WIDTH; e++)
                ck_assert(found[e] == 3.0F);
        }
    }
    cuda->close(device);
}
END_TEST

/* Ten heads; a prefill whose keys are cut in two, one row that decodes and is cut, and both. Once
 * each has run alone, both have what they need: joining a prefill's 128 rows counts nothing. */
START_TEST(a_batch_that_prefills_and_decodes_needs_no_more_than_both_alone)
{
    struct device *device = open_lazy();
    enum { TOKENS = 2032, PAGES = TOKENS / 16, NEW = 128, ROWS = NEW + 1, HEADS = 10 };
    struct attention_dims shape = one_head;
    shape.heads = HEADS;
    void *pool = take(device, TIER_HBM, PAGES * 16 * 2 * WIDTH * sizeof(uint16_t));
    void *in = take(device, TIER_HBM, ROWS * (HEADS + 2) * WIDTH * sizeof(uint16_t));
    void *out = take(device, TIER_HBM, ROWS * HEADS * WIDTH * sizeof(uint16_t));
    uint32_t pages[PAGES], allocations = 0;
    for (uint32_t p = 0; p < PAGES; p++)
        pages[p] = p;
    const struct sequence both[] = { { pages, PAGES, 0, TOKENS - NEW, NEW },
                                     { pages, PAGES, 0, TOKENS - 1, 1 } };
    const struct {
        uint32_t first, count, launches;
    } batches[] = { { 0, 1, 2 }, { 1, 1, 1 }, { 0, 2, 3 } }; /* a prefill, and its merge */
    for (int i = 0; i < 3; i++) {
        cuda->set_batch(device, &both[batches[i].first], batches[i].count);
        cuda->store_kv(device, &shape, 0, in, pool);
        const uint32_t before = fake_cuda_counts().launches;
        cuda->attention(device, &shape, 0, in, pool, out);
        ck_assert_uint_eq(fake_cuda_counts().launches - before, batches[i].launches);
        ck_assert(i < 2 || fake_cuda_counts().allocations == allocations);
        allocations = fake_cuda_counts().allocations;
    }
    cuda->close(device);
}
END_TEST

/* ---- what is slow the first time ---- */

/* Memory begins as NaN, and rows of slack stay so; but not the pool, which is the first: attention
 * reads whole pages, and weighs with 0 what is beyond the context. */
static bool pool_is_taken;
static enum status allocate_poisoned(struct device *device, enum tier tier, uint64_t size_bytes,
                                     void **memory, struct error *err)
{
    enum status status = cuda->allocate(device, tier, size_bytes, memory, err);
    if (status == STATUS_OK && tier == TIER_HBM && pool_is_taken)
        memset(*memory, 0xff, size_bytes);
    pool_is_taken = true;
    return status;
}

enum { WINDOW = 200, CONTEXTS = 3, PAGE_TOKENS = 16, PAGES_EACH = 14, VOCABULARY = 40 };

static struct model small_model(void)
{
    return (struct model){ .layers = 2,
                           .hidden = 64,
                           .heads = 2,
                           .kv_heads = 1,
                           .head_dim = 32,
                           .ffn = 64,
                           .gated_ffn = true,
                           .vocabulary = VOCABULARY,
                           .kv_bytes_per_value = 2 };
}

static struct model small_latent_model(void)
{
    struct model model = small_model();
    model.attention = ATTENTION_LATENT;
    model.kv_heads = model.heads;
    model.latent_dim = 40;
    model.rope_dim = 16;
    model.query_latent_dim = 24;
    return model;
}

/* A dense layer, then one with experts and a shared one. */
static struct model small_expert_model(void)
{
    struct model model = small_model();
    model.dense_layers = 1;
    model.experts = 5;
    model.experts_per_token = 2;
    model.shared_experts = 1;
    model.expert_ffn = 40;
    return model;
}

static struct executor *small_executor(const struct backend *backend, struct device *device,
                                       const struct model *model)
{
    struct executor_config config = { .backend = backend,
                                      .device = device,
                                      .model = *model,
                                      .page_tokens = PAGE_TOKENS,
                                      .pages = CONTEXTS * PAGES_EACH,
                                      .rows = WINDOW + 2 * CONTEXTS,
                                      .contexts = CONTEXTS,
                                      .seed = 5 };
    struct executor *executor = NULL;
    struct error err = { 0 };
    pool_is_taken = false;
    ck_assert_int_eq(executor_new(&config, &executor, &err), STATUS_OK);
    return executor;
}

/* `count` contexts, each in pages of its own. */
static void iteration(struct executor *executor, uint32_t count, uint32_t cached,
                      uint32_t new_tokens, float *logits)
{
    uint32_t pages[CONTEXTS][PAGES_EACH], tokens[WINDOW + 2 * CONTEXTS];
    struct sequence sequences[CONTEXTS];
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t p = 0; p < PAGES_EACH; p++)
            pages[i][p] = i * PAGES_EACH + p;
        sequences[i] = (struct sequence){ pages[i], PAGES_EACH, 0, cached, new_tokens };
    }
    for (uint32_t i = 0; i < count * new_tokens; i++)
        tokens[i] = (cached + i) * 7 % VOCABULARY;
    executor_forward(executor, sequences, count, tokens);
    executor_logits(executor, count, logits);
}

enum { STEPS = 11 };

/* A prefill, a turn behind it, replies. */
static uint32_t serve_a_little(struct executor *executor, float *logits)
{
    static const uint32_t steps[STEPS][3] = { { 1, 0, 70 },  { 1, 70, 33 },  { 1, 0, WINDOW },
                                              { 3, 0, 1 },   { 3, 1, 2 },    { 2, 3, 1 },
                                              { 1, 4, 111 }, { 1, 199, 1 },  { 1, 115, 5 },
                                              { 2, 6, 100 }, { 1, 100, 100 } };
    uint32_t given = 0;
    for (int i = 0; i < STEPS; i++) {
        iteration(executor, steps[i][0], steps[i][1], steps[i][2], logits + given);
        given += steps[i][0] * VOCABULARY;
    }
    return given;
}

START_TEST(a_warm_executor_prepares_nothing_more_and_computes_the_same)
{
    struct device *device = open_lazy();
    struct backend poisoned = *cuda;
    const struct model model = _i == 0   ? small_model()
                               : _i == 1 ? small_expert_model()
                                         : small_latent_model();
    static float cold_logits[40 * VOCABULARY], warm_logits[40 * VOCABULARY];
    poisoned.allocate = allocate_poisoned;
    struct executor *executor = small_executor(&poisoned, device, &model);
    uint32_t given = serve_a_little(executor, cold_logits);
    executor_free(executor);
    cuda->close(device);

    device = open_lazy();
    executor = small_executor(&poisoned, device, &model);
    executor_warm(executor, WINDOW);
    float first[VOCABULARY];
    executor_logits(executor, 1, first); /* downloads have a workspace too */
    struct fake_counts before = fake_cuda_counts();
    serve_a_little(executor, warm_logits);
    struct fake_counts after = fake_cuda_counts();
    ck_assert_uint_gt(before.heuristics, 0);
    ck_assert_uint_eq(after.heuristics, before.heuristics);
    ck_assert_uint_eq(after.allocations, before.allocations);
    /* The logits' downloads only: the host's arrays do not wait for a copy engine, which loads and
     * saves keep busy. */
    ck_assert_uint_eq(after.copies - before.copies, STEPS);
    for (uint32_t i = 0; i < given; i++)
        ck_assert(isfinite(cold_logits[i]));
    ck_assert_mem_eq(warm_logits, cold_logits, given * sizeof *cold_logits);
    executor_free(executor);
    cuda->close(device);
}
END_TEST

START_TEST(sums_with_their_norms_are_fewer_launches_and_the_same_bits)
{
    static float logits[2][40 * VOCABULARY];
    uint32_t given = 0, launches[2];
    for (int two = 0; two < 2; two++) {
        struct device *device = open_lazy();
        struct backend backend = *cuda;
        if (two)
            backend.add_norm = NULL;
        const struct model model = small_model();
        struct executor *executor = small_executor(&backend, device, &model);
        uint32_t before = fake_cuda_counts().launches;
        given = serve_a_little(executor, logits[two]);
        launches[two] = fake_cuda_counts().launches - before;
        executor_free(executor);
        cuda->close(device);
    }
    ck_assert_mem_eq(logits[0], logits[1], given * sizeof **logits);
    /* Two sums in each of two layers of 11 iterations, without the last where rows are left out
     * behind it, as in all but three. */
    ck_assert_uint_eq(launches[1] - launches[0], 11 * 4 - 8);
}
END_TEST

/* ---- copies and events ---- */

struct trip { /* numbers are made on the GPU, saved to DRAM and loaded again elsewhere */
    struct device *device;
    char *made, *dram, *back;
    struct backend_event *computed, *saved, *loaded;
};
enum { TRIP_ROWS = 64, TRIP_BYTES = TRIP_ROWS * WIDTH * 2, PIECE_BYTES = 4 * WIDTH * 2 };

static struct trip trip_new(unsigned eager, unsigned seed, bool no_batches)
{
    struct fake_cuda machine = fake_cuda_default();
    machine.eager = eager;
    machine.seed = seed;
    machine.no_batches = no_batches;
    struct trip trip = { .device = open_on(&machine) };
    trip.made = take(trip.device, TIER_HBM, TRIP_BYTES);
    trip.back = take(trip.device, TIER_HBM, TRIP_BYTES);
    trip.dram = take(trip.device, TIER_DRAM, 2 * TRIP_BYTES);
    trip.computed = cuda->event_new(trip.device);
    trip.saved = cuda->event_new(trip.device);
    trip.loaded = cuda->event_new(trip.device);
    return trip;
}

/* In pieces with gaps between them in DRAM, as pages are. */
static void pieces(const struct trip *trip, struct copy *copies, bool load)
{
    for (uint32_t i = 0; i < TRIP_BYTES / PIECE_BYTES; i++) {
        char *dram = trip->dram + 2 * (uint64_t)i * PIECE_BYTES;
        char *hbm = (load ? trip->back : trip->made) + (uint64_t)i * PIECE_BYTES;
        copies[i] = (struct copy){ load ? hbm : dram, load ? dram : hbm, PIECE_BYTES };
    }
}

/* wait_for_each: false leaves out the waits between the streams. Whether all came back. */
static bool trip_once(struct trip *trip, bool wait_for_each)
{
    struct copy copies[TRIP_BYTES / PIECE_BYTES];
    enum { PIECES = sizeof copies / sizeof *copies };
    uint32_t tokens[TRIP_ROWS];
    float found[TRIP_ROWS * WIDTH];
    void *table = number_table(trip->device, 2 * TRIP_ROWS);
    for (uint32_t i = 0; i < TRIP_ROWS; i++)
        tokens[i] = TRIP_ROWS + i;
    cuda->embed(trip->device, table, WIDTH, tokens, TRIP_ROWS, trip->made);
    cuda->record(trip->device, STREAM_COMPUTE, trip->computed);
    if (wait_for_each)
        cuda->wait(trip->device, STREAM_SAVE, trip->computed);
    pieces(trip, copies, false);
    cuda->copy(trip->device, STREAM_SAVE, COPY_D2H, copies, PIECES);
    cuda->record(trip->device, STREAM_SAVE, trip->saved);
    if (wait_for_each)
        cuda->wait(trip->device, STREAM_LOAD, trip->saved);
    pieces(trip, copies, true);
    cuda->copy(trip->device, STREAM_LOAD, COPY_H2D, copies, PIECES);
    cuda->record(trip->device, STREAM_LOAD, trip->loaded);
    if (wait_for_each)
        cuda->wait(trip->device, STREAM_COMPUTE, trip->loaded);
    memset(copies, 0, sizeof copies);
    cuda->download(trip->device, found, trip->back, TRIP_ROWS * WIDTH);
    bool all = true;
    for (uint32_t i = 0; i < TRIP_ROWS * WIDTH; i++)
        all &= found[i] == (float)(TRIP_ROWS + i / WIDTH);
    return all;
}

static void trip_end(struct trip *trip)
{
    cuda->event_free(trip->device, trip->computed);
    cuda->event_free(trip->device, trip->saved);
    cuda->event_free(trip->device, trip->loaded);
    cuda->close(trip->device);
}

static const unsigned hurries[] = { 0,         FAKE_COMPUTE,          FAKE_LOAD,
                                    FAKE_SAVE, FAKE_LOAD | FAKE_SAVE, FAKE_COMPUTE | FAKE_LOAD,
                                    FAKE_ALL };
enum { HURRIES = sizeof hurries / sizeof *hurries };

START_TEST(waits_order_streams_however_they_run)
{
    for (unsigned seed = 0; seed < 4; seed++) {
        struct trip trip = trip_new(hurries[_i], seed, false);
        ck_assert(trip_once(&trip, true));
        ck_assert_uint_eq(fake_cuda_counts().batches, 2);
        trip_end(&trip);
    }
}
END_TEST

START_TEST(a_missing_wait_is_seen) /* of the emulation: else the test above could not fail */
{
    struct trip trip = trip_new(FAKE_LOAD | FAKE_SAVE, 0, false);
    ck_assert(!trip_once(&trip, false));
    trip_end(&trip);
}
END_TEST

START_TEST(a_driver_without_batches_copies_one_by_one)
{
    struct trip trip = trip_new(0, 0, true);
    ck_assert(trip_once(&trip, true));
    ck_assert_uint_eq(fake_cuda_counts().batches, 0);
    trip_end(&trip);
}
END_TEST

START_TEST(copies_of_neighbours_are_one)
{
    struct trip trip = trip_new(0, 0, false);
    struct copy copies[4];
    uint32_t before = fake_cuda_counts().copies;
    for (uint32_t i = 0; i < 4; i++)
        copies[i] = (struct copy){ trip.back + 64 * i, trip.dram + 64 * i, 64 };
    for (uint32_t i = 0; i < 256; i++)
        trip.dram[i] = (char)i;
    cuda->copy(trip.device, STREAM_LOAD, COPY_H2D, copies, 4);
    cuda->record(trip.device, STREAM_LOAD, trip.loaded);
    cuda->synchronise(trip.device, trip.loaded);
    ck_assert_mem_eq(trip.back, trip.dram, 256);
    ck_assert_uint_eq(fake_cuda_counts().copies - before, 1);
    ck_assert_uint_eq(fake_cuda_counts().batches, 0);
    trip_end(&trip);
}
END_TEST

START_TEST(copies_between_the_tiers_are_never_of_pageable_memory)
{
    struct trip trip = trip_new(0, 0, false);
    struct copy copy = { trip.back, trip.dram, TRIP_BYTES };
    uint32_t before = fake_cuda_counts().pageable_copies;
    cuda->copy(trip.device, STREAM_LOAD, COPY_H2D, &copy, 1);
    copy = (struct copy){ trip.dram, trip.made, TRIP_BYTES };
    cuda->copy(trip.device, STREAM_SAVE, COPY_D2H, &copy, 1);
    ck_assert_uint_eq(fake_cuda_counts().pageable_copies, before);
    trip_end(&trip);
}
END_TEST

START_TEST(an_event_has_happened_when_its_stream_came_to_it_and_not_before)
{
    struct trip trip = trip_new(0, 0, false);
    ck_assert(!cuda->happened(trip.device, trip.loaded, NULL));
    struct copy copy = { trip.back, trip.dram, 64 };
    for (int round = 0; round < 3; round++) {
        cuda->copy(trip.device, STREAM_LOAD, COPY_H2D, &copy, 1);
        cuda->record(trip.device, STREAM_LOAD, trip.loaded);
        ck_assert(!cuda->happened(trip.device, trip.loaded, NULL));
        for (int asked = 0; !cuda->happened(trip.device, trip.loaded, NULL); asked++)
            ck_assert_int_lt(asked, 10);
    }
    trip_end(&trip);
}
END_TEST

/* The emulated GPU's clock began elsewhere and is 8 ms a second faster: far more than any is. */
START_TEST(the_time_of_an_event_is_the_hosts_monotonic_clock)
{
    struct trip trip = trip_new(FAKE_ALL, 0, false);
    uint64_t last_ns = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t time_ns, before_ns = clock_now_ns();
        cuda->record(trip.device, STREAM_SAVE, trip.saved);
        uint64_t after_ns = clock_now_ns();
        nanosleep(&(struct timespec){ .tv_nsec = 120000000 }, NULL);
        ck_assert(cuda->happened(trip.device, trip.saved, &time_ns));
        /* A machine that is busy widens the bracket in which the clock was read. */
        ck_assert_msg(time_ns >= before_ns && time_ns < after_ns + 2000000,
                      "%+g us from its record", ((double)time_ns - (double)before_ns) / 1000);
        ck_assert(time_ns > last_ns);
        last_ns = time_ns;
    }
    trip_end(&trip);
}
END_TEST

static void wait_ms(long ms)
{
    nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* 80 ms behind a base the emulated GPU's clock is 0.64 ms ahead, and an event as late. The best
 * of some tries: a machine that is busy is late by more. */
static uint64_t least_late_ns(struct trip *trip, int tries)
{
    uint64_t least_ns = UINT64_MAX;
    for (int i = 0; i < tries; i++) {
        uint64_t time_ns;
        cuda->record(trip->device, STREAM_SAVE, trip->saved);
        wait_ms(110);
        ck_assert(cuda->happened(trip->device, trip->saved, NULL)); /* a new base */
        wait_ms(80);
        cuda->record(trip->device, STREAM_SAVE, trip->saved);
        uint64_t after_ns = clock_now_ns();
        wait_ms(5);
        ck_assert(cuda->happened(trip->device, trip->saved, &time_ns));
        uint64_t late_ns = time_ns > after_ns ? time_ns - after_ns : 0;
        least_ns = late_ns < least_ns ? late_ns : least_ns;
    }
    return least_ns;
}

START_TEST(how_fast_the_gpus_clock_runs_is_learned)
{
    struct trip trip = trip_new(FAKE_ALL, 0, false);
    uint64_t late_ns = least_late_ns(&trip, 5);
    ck_assert_msg(late_ns < 200000, "%g us late", (double)late_ns / 1000);
    trip_end(&trip);
}
END_TEST

/* Each bracket takes many times as long as the first ones did. */
START_TEST(a_clock_that_comes_to_take_longer_to_read_is_learned_too)
{
    struct trip trip = trip_new(FAKE_COMPUTE | FAKE_LOAD | FAKE_SAVE, 0, false);
    fake_cuda_delay_events(60);
    uint64_t late_ns = least_late_ns(&trip, 10);
    ck_assert_msg(late_ns < 200000, "%g us late", (double)late_ns / 1000);
    trip_end(&trip);
}
END_TEST

/* ---- failures ---- */

START_TEST(a_failure_in_a_stream_is_told_once_and_nobody_waits_for_ever)
{
    struct trip trip = trip_new(0, 0, false);
    struct error err = { 0 }, again = { 0 };
    fake_cuda_fail_after(1);
    struct copy copy = { trip.back, trip.dram, 64 };
    for (int i = 0; i < 3; i++)
        cuda->copy(trip.device, STREAM_LOAD, COPY_H2D, &copy, 1);
    cuda->record(trip.device, STREAM_LOAD, trip.loaded);
    cuda->synchronise(trip.device, trip.loaded);
    ck_assert(cuda->happened(trip.device, trip.loaded, NULL));
    ck_assert_int_eq(cuda->check(trip.device, &err), STATUS_IO);
    ck_assert_ptr_nonnull(strstr(err.found, "illegal memory access"));
    ck_assert_int_eq(cuda->check(trip.device, &again), STATUS_OK);
    cuda->record(trip.device, STREAM_COMPUTE, trip.computed); /* behind it, on any stream */
    ck_assert(cuda->happened(trip.device, trip.computed, NULL));
    float value = 0;
    cuda->download(trip.device, &value, trip.made, 1);
    trip_end(&trip);
}
END_TEST

START_TEST(a_question_answered_not_yet_is_no_failure)
{
    struct trip trip = trip_new(0, 0, false);
    struct error err = { 0 };
    struct copy copy = { trip.back, trip.dram, 64 };
    cuda->copy(trip.device, STREAM_LOAD, COPY_H2D, &copy, 1);
    cuda->record(trip.device, STREAM_LOAD, trip.loaded);
    ck_assert(!cuda->happened(trip.device, trip.loaded, NULL));
    cuda->add(trip.device, WIDTH, trip.made, trip.back); /* whose launch asks for the last error */
    ck_assert_int_eq(cuda->check(trip.device, &err), STATUS_OK);
    trip_end(&trip);
}
END_TEST

START_TEST(widths_that_the_kernels_cannot_take_are_refused_by_key)
{
    struct attention_dims shape = one_head;
    const uint32_t widths[] = { 64, 100 };
    struct error err = { 0 }, other = { 0 }, third = { 0 };
    ck_assert_int_eq(cuda->supports(&shape, widths, 1, &err), STATUS_OK);
    ck_assert_int_eq(cuda->supports(&shape, widths, 2, &err), STATUS_INPUT);
    ck_assert_str_eq(err.found, "100");
    shape.head_dim = 256;
    ck_assert_int_eq(cuda->supports(&shape, widths, 1, &other), STATUS_INPUT);
    ck_assert_str_eq(other.key, "head_dim");
    shape.head_dim = 72;
    ck_assert_int_eq(cuda->supports(&shape, widths, 1, &err), STATUS_OK);
    shape.kv = KV_FP8_E4M3;
    ck_assert_int_eq(cuda->supports(&shape, widths, 1, &third), STATUS_INPUT);
    ck_assert_ptr_nonnull(strstr(third.expected, "fp8"));
    struct attention_dims latent = {
        .heads = 1, .head_dim = 128, .latent_dim = 520, .rope.dims = 64
    };
    struct error wide = { 0 }, odd = { 0 };
    ck_assert_int_eq(cuda->supports(&latent, widths, 1, &wide), STATUS_INPUT);
    ck_assert_str_eq(wide.key, "latent_dim");
    ck_assert_str_eq(wide.found, "520");
    latent.latent_dim = 512;
    ck_assert_int_eq(cuda->supports(&latent, widths, 1, &odd), STATUS_OK);
    latent.rope.dims = 20;
    ck_assert_int_eq(cuda->supports(&latent, widths, 1, &odd), STATUS_INPUT);
    ck_assert_str_eq(odd.key, "rope_dim");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("backend");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, without_a_gpu_it_says_that_there_is_none);
    tcase_add_test(tests, a_gpu_older_than_the_kernels_is_refused_by_what_it_is);
    tcase_add_test(tests, without_cublas_it_says_what_was_looked_for_and_leaves_nothing_open);
    tcase_add_test(tests, closing_gives_everything_back);
    tcase_add_test(tests, memory_of_both_tiers_is_zeroed_and_aligned_for_o_direct);
    tcase_add_test(tests, a_large_tier_begins_at_a_huge_page_and_is_pinned_whole);
    tcase_add_test(tests, what_is_released_can_be_had_again);
    tcase_add_test(tests, a_gpu_with_less_memory_than_it_was_given_says_so);
    tcase_add_test(tests, floats_go_up_and_come_down_rounded_to_the_nearest_bf16);
    tcase_add_test(tests, tokens_may_change_as_soon_as_the_call_has_returned);
    tcase_add_test(tests, a_batch_may_change_as_soon_as_the_call_has_returned);
    tcase_add_test(tests, a_batch_serves_one_shape_after_the_other);
    tcase_add_test(tests, layers_with_and_without_a_window_share_a_batch);
    tcase_add_test(tests, parts_of_long_contexts_are_joined_in_every_layer_and_batch);
    tcase_add_test(tests, a_batch_that_prefills_and_decodes_needs_no_more_than_both_alone);
    tcase_add_loop_test(tests, a_warm_executor_prepares_nothing_more_and_computes_the_same, 0,
                        TRIES(3));
    tcase_add_test(tests, sums_with_their_norms_are_fewer_launches_and_the_same_bits);
    tcase_add_loop_test(tests, waits_order_streams_however_they_run, 0, HURRIES);
    tcase_add_test(tests, a_missing_wait_is_seen);
    tcase_add_test(tests, a_driver_without_batches_copies_one_by_one);
    tcase_add_test(tests, copies_of_neighbours_are_one);
    tcase_add_test(tests, copies_between_the_tiers_are_never_of_pageable_memory);
    tcase_add_test(tests, an_event_has_happened_when_its_stream_came_to_it_and_not_before);
    tcase_add_test(tests, the_time_of_an_event_is_the_hosts_monotonic_clock);
    tcase_add_test(tests, how_fast_the_gpus_clock_runs_is_learned);
    tcase_add_test(tests, a_clock_that_comes_to_take_longer_to_read_is_learned_too);
    tcase_add_test(tests, a_failure_in_a_stream_is_told_once_and_nobody_waits_for_ever);
    tcase_add_test(tests, a_question_answered_not_yet_is_no_failure);
    tcase_add_test(tests, widths_that_the_kernels_cannot_take_are_refused_by_key);
    Suite *suite = suite_create("CUDA backend, emulated");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
