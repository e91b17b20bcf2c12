/* tests/validate/test_truncation.c - the runtime's attention on truncated KV does what the paper's
 * tables 1 and 2 say of it. */
#include "validate/truncation.h"

#include "tests/support.h"

static struct paper_truncation measured(uint32_t layers)
{
    struct paper_truncation truncation = { .layers = layers };
    struct error err = { 0 };
    ck_assert_int_eq(truncation_measure(&truncation, &err), STATUS_OK);
    return truncation;
}

START_TEST(in_one_layer_decoupled_truncation_is_recomputing_and_naive_is_not)
{
    struct paper_truncation one = measured(1);
    ck_assert_double_lt(one.decoupled, 1e-5);
    ck_assert_double_gt(one.naive, 1e-2);
}
END_TEST

START_TEST(in_more_layers_decoupled_truncation_is_the_nearer)
{
    struct paper_truncation four = measured(4);
    ck_assert_double_gt(four.decoupled, 1e-5); /* deeper KV remembers what was cut */
    ck_assert_double_lt(four.decoupled, four.naive);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("truncation");
    TCase *tcase = tcase_create("truncation");
    tcase_add_test(tcase, in_one_layer_decoupled_truncation_is_recomputing_and_naive_is_not);
    tcase_add_test(tcase, in_more_layers_decoupled_truncation_is_the_nearer);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
