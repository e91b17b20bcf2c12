/* tests/runtime/test_scale.c - what a model is scaled down to: which heads it keeps. */
#include "runtime/calibrate.h"
#include "tests/support.h"

#include <stdio.h>

static enum status up_to_128(const struct attention_shape *shape, const uint32_t *widths,
                             uint32_t count, struct error *err)
{
    (void)widths, (void)count;
    return shape->head_dim <= 128 ? STATUS_OK : error_input(err, NULL, 0, "head_dim", "128", "256");
}

static const struct backend any = { .element_bytes = 2 };
static const struct backend narrow = { .element_bytes = 2, .supports = up_to_128 };

static struct model shipped(const char *name)
{
    struct model model;
    struct error err = { 0 };
    ck_assert_int_eq(model_load(name, &model, &err), STATUS_OK);
    return model;
}

START_TEST(heads_keep_their_width_where_four_fit)
{
    static const struct {
        const char *model;
        uint32_t hidden, head_dim, heads, kv_heads;
    } cases[] = {
        { "llama-2-7b", 4096, 128, 32, 32 }, { "llama-3-8b", 4096, 128, 32, 8 },
        { "llama-2-7b", 512, 128, 4, 4 },    { "llama-2-7b", 256, 64, 4, 4 },
        { "llama-2-7b", 128, 32, 4, 4 },     { "llama-2-7b", 64, 32, 2, 2 },
        { "llama-2-7b", 576, 64, 9, 9 },  /* of which it is a multiple */
        { "llama-2-7b", 520, 128, 4, 4 }, /* of none: rounded down to 512 */
        { "falcon-40b", 8192, 64, 128, 8 },  { "gemma-2-9b", 3584, 256, 14, 7 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model = shipped(cases[i].model);
        struct model small = model_scaled(&model, &any, 2, cases[i].hidden, 100, 512);
        ck_assert_msg(small.head_dim == cases[i].head_dim && small.heads == cases[i].heads &&
                          small.kv_heads == cases[i].kv_heads,
                      "%s to %u: %u heads of %u, %u of KV", cases[i].model, cases[i].hidden,
                      small.heads, small.head_dim, small.kv_heads);
        ck_assert_uint_eq(small.hidden, small.heads * small.head_dim);
    }
}
END_TEST

START_TEST(a_width_that_the_backend_cannot_take_is_passed_over)
{
    struct model model = shipped("gemma-2-9b");
    struct model small = model_scaled(&model, &narrow, 2, 3584, 100, 512);
    ck_assert_uint_eq(small.head_dim, 128);
    ck_assert_uint_eq(small.heads, 28);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("scale");
    tcase_add_test(tests, heads_keep_their_width_where_four_fit);
    tcase_add_test(tests, a_width_that_the_backend_cannot_take_is_passed_over);
    Suite *suite = suite_create("scale");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
