/* tests/runtime/test_held.c - attention that is held to a rate of bytes (backend.h, held_rates) is
 * held to those that it reads: of the format that KV is stored in, of a window only. */
#include "base/clock.h"
#include "runtime/backend.h"
#include "tests/support.h"

static const double BYTES_PER_S = 1e8;
enum { CACHED = 1999, PAGE = 16, HEADS = 4, DIM = 64, ROW = 3 * HEADS * DIM, REPEATS = 6 };

/* The shortest of some decodes, in seconds. */
static double decode_s(const struct attention_dims *shape)
{
    const struct backend *host = backend_find("host");
    const struct backend_config config = { .hbm_bytes = 64 << 20,
                                           .dram_bytes = 1 << 20,
                                           .threads = 1,
                                           .held = { .flop_per_s = 1e12,
                                                     .bytes_per_s = BYTES_PER_S } };
    struct error err = { 0 };
    struct device *device;
    void *pool, *row, *out;
    uint32_t pages[(CACHED + PAGE) / PAGE];
    uint32_t count = sizeof pages / sizeof *pages;
    for (uint32_t i = 0; i < count; i++)
        pages[i] = i;
    ck_assert_int_eq(host->open(&config, &device, &err), STATUS_OK);
    uint64_t pool_bytes = count * slice_bytes(host, shape);
    ck_assert_int_eq(host->allocate(device, TIER_HBM, pool_bytes, &pool, &err), STATUS_OK);
    ck_assert_int_eq(host->allocate(device, TIER_HBM, ROW * sizeof(float), &row, &err), STATUS_OK);
    ck_assert_int_eq(host->allocate(device, TIER_HBM, ROW * sizeof(float), &out, &err), STATUS_OK);
    const struct sequence sequence = { pages, count, 0, CACHED, 1 };
    struct backend_event *end = host->event_new(device);
    double best = 1e9;
    for (int i = 0; i < REPEATS; i++) {
        uint64_t begin_ns = clock_now_ns();
        host->set_batch(device, &sequence, 1);
        host->attention(device, shape, 0, row, pool, out);
        host->record(device, STREAM_COMPUTE, end);
        host->synchronise(device, end);
        double taken = (double)(clock_now_ns() - begin_ns) / 1e9;
        best = taken < best ? taken : best;
    }
    host->event_free(device, end);
    host->close(device);
    return best;
}

/* At a quarter of the bytes fp8 takes a quarter of the time, and so does a quarter of the tokens.
 */
START_TEST(attention_is_held_to_the_bytes_of_kv_that_it_reads)
{
    static const struct {
        enum kv_format kv;
        uint32_t window, value_bytes, tokens;
    } cases[] = { { KV_AS_ELEMENTS, 0, 4, CACHED + 1 },
                  { KV_BF16, 0, 2, CACHED + 1 },
                  { KV_FP8_E4M3, 0, 1, CACHED + 1 },
                  { KV_AS_ELEMENTS, 500, 4, 500 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct attention_dims shape = { .heads = HEADS,
                                              .kv_heads = HEADS,
                                              .head_dim = DIM,
                                              .layers = 1,
                                              .page_tokens = PAGE,
                                              .kv = cases[i].kv,
                                              .window = { .layers = cases[i].window > 0,
                                                          .tokens = cases[i].window } };
        double expected = 2.0 * cases[i].tokens * HEADS * DIM * cases[i].value_bytes / BYTES_PER_S;
        double most = 1.4 * expected + 2e-3, taken = decode_s(&shape);
        for (int again = 0; taken >= most && again < 10; again++)
            taken = decode_s(&shape); /* others on a busy machine only lengthen it */
        ck_assert_double_ge(taken, expected);
        ck_assert_double_lt(taken, most);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("held");
    tcase_add_test(tests, attention_is_held_to_the_bytes_of_kv_that_it_reads);
    Suite *suite = suite_create("held");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
