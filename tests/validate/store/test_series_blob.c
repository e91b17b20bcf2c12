/* tests/validate/store/test_series_blob.c - what is packed comes back to the last bit, and damage
 * is seen.
 */
#include "base/random.h"
#include "tests/support.h"
#include "validate/store/series_blob.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(any_curve_comes_back_bit_for_bit)
{
    struct random random = random_from(test_seed(), 1);
    for (uint32_t count = 0; count < 300; count += 1 + count / 3) {
        double *x = calloc(count + 1, sizeof *x), *y = calloc(count + 1, sizeof *y);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t bits = random_u64(&random); /* NaN, infinities, denormals: all are doubles */
            memcpy(&x[i], &bits, sizeof bits);
            y[i] = i % 5 == 0 ? -0.0 : random_normal(&random);
        }
        size_t blob_bytes;
        void *blob = series_pack(x, y, count, &blob_bytes);
        double *x_back, *y_back;
        ck_assert(series_unpack(blob, blob_bytes, count, &x_back, &y_back));
        ck_assert_mem_eq(x, x_back, count * sizeof *x);
        ck_assert_mem_eq(y, y_back, count * sizeof *y);
        free(x), free(y), free(x_back), free(y_back), free(blob);
    }
}
END_TEST

START_TEST(a_blob_of_another_length_or_cut_short_is_refused)
{
    double x[100], y[100];
    for (int i = 0; i < 100; i++)
        x[i] = sqrt(i), y[i] = i;
    size_t blob_bytes;
    void *blob = series_pack(x, y, 100, &blob_bytes);
    double *x_back = NULL, *y_back = NULL;
    ck_assert(!series_unpack(blob, blob_bytes, 99, &x_back, &y_back));
    ck_assert(!series_unpack(blob, blob_bytes, UINT32_MAX, &x_back, &y_back));
    for (size_t cut = 0; cut < blob_bytes; cut++)
        ck_assert_msg(!series_unpack(blob, cut, 100, &x_back, &y_back), "cut at %zu", cut);
    ck_assert_ptr_null(x_back);
    free(blob);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("series_blob");
    TCase *tcase = tcase_create("series_blob");
    tcase_add_test(tcase, any_curve_comes_back_bit_for_bit);
    tcase_add_test(tcase, a_blob_of_another_length_or_cut_short_is_refused);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
