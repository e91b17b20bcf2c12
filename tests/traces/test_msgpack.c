/* tests/traces/test_msgpack.c - MessagePack's values become JSON's, and bytes that are none cost no
 * more than they are long. */
#include "base/random.h"
#include "tests/support.h"
#include "traces/msgpack.h"

#include <stdlib.h>
#include <string.h>

#define BYTES(text) text, sizeof text - 1

/* By msgpack/msgpack, spec.md. */
static const struct {
    const char *bytes;
    size_t length;
    const char *json;
} values[] = {
    { BYTES("\x00"), "0" },
    { BYTES("\x7f"), "127" },
    { BYTES("\xff"), "-1" },
    { BYTES("\xe0"), "-32" },
    { BYTES("\xc0"), "null" },
    { BYTES("\xc2"), "false" },
    { BYTES("\xc3"), "true" },
    { BYTES("\xcc\xff"), "255" },
    { BYTES("\xcd\x01\x00"), "256" },
    { BYTES("\xce\xff\xff\xff\xff"), "4294967295" },
    { BYTES("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), "9223372036854775807" },
    { BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "\"18446744073709551615\"" },
    { BYTES("\xd0\x80"), "-128" },
    { BYTES("\xd1\x80\x00"), "-32768" },
    { BYTES("\xd2\x80\x00\x00\x00"), "-2147483648" },
    { BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), "-9223372036854775808" },
    { BYTES("\xca\x3f\xc0\x00\x00"), "1.5" },
    { BYTES("\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"), "1.5" },
    { BYTES("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), "null" },
    { BYTES("\xa2hi"), "\"hi\"" },
    { BYTES("\xd9\x02hi"), "\"hi\"" },
    { BYTES("\xda\x00\x02hi"), "\"hi\"" },
    { BYTES("\xdb\x00\x00\x00\x02hi"), "\"hi\"" },
    { BYTES("\xa2\xff\x01"), "\"ff01\"" },
    { BYTES("\xc4\x02\xab\x01"), "\"ab01\"" },
    { BYTES("\xc5\x00\x02\xab\x01"), "\"ab01\"" },
    { BYTES("\xc6\x00\x00\x00\x02\xab\x01"), "\"ab01\"" },
    { BYTES("\xd4\x05\xff"), "null" },
    { BYTES("\xd8\x05"
            "0123456789abcdef"),
      "null" },
    { BYTES("\xc7\x03\x05\x01\x02\x03"), "null" },
    { BYTES("\x93\x01\x90\xa1x"), "[1,[],\"x\"]" },
    { BYTES("\xdc\x00\x02\x01\x02"), "[1,2]" },
    { BYTES("\xdd\x00\x00\x00\x02\x01\x02"), "[1,2]" },
    { BYTES("\x82\xa1"
            "a\x01\xa1"
            "b\x80"),
      "{\"a\":1,\"b\":{}}" },
    { BYTES("\xde\x00\x01\xa1"
            "a\x91\x01"),
      "{\"a\":[1]}" },
    { BYTES("\xdf\x00\x00\x00\x01\xa1"
            "a\x01"),
      "{\"a\":1}" },
};
enum { VALUES = sizeof values / sizeof *values };

static const unsigned char *bytes_of(int i)
{
    return (const unsigned char *)values[i].bytes;
}

START_TEST(a_value_is_read_as_json)
{
    size_t used;
    ck_assert_int_eq(msgpack_measure(bytes_of(_i), values[_i].length, &used), MSGPACK_VALUE);
    ck_assert_uint_eq(used, values[_i].length);
    json_t *value = msgpack_json(bytes_of(_i), used);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    ck_assert_str_eq(text, values[_i].json);
    free(text);
    json_decref(value);
}
END_TEST

START_TEST(a_value_that_is_cut_off_is_short)
{
    size_t used;
    for (size_t length = 0; length < values[_i].length; length++) {
        /* A copy of just these bytes: the sanitized build sees a byte too much read. */
        unsigned char *copy = malloc(length + (length == 0));
        memcpy(copy, values[_i].bytes, length);
        ck_assert_int_eq(msgpack_measure(copy, length, &used), MSGPACK_SHORT);
        free(copy);
    }
}
END_TEST

/* What a header claims is refused before it is waited or paid for. */
START_TEST(claims_beyond_the_bound_are_wrong)
{
    static const struct {
        const char *bytes;
        size_t length;
    } claims[] = {
        { BYTES("\xdd\xff\xff\xff\xff") },
        { BYTES("\xdf\xff\xff\xff\xff") },
        { BYTES("\xdb\xff\xff\xff\xff") },
        { BYTES("\xc6\x01\x00\x00\x01") },
        { BYTES("\xc9\xff\xff\xff\xff\x01") },
        { BYTES("\x91\x91\xdd\x01\x00\x00\x00") },
        { BYTES("\xc1") },
    };
    size_t used;
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
        ck_assert_int_eq(
            msgpack_measure((const unsigned char *)claims[i].bytes, claims[i].length, &used),
            MSGPACK_WRONG);
}
END_TEST

START_TEST(deep_nesting_and_odd_keys_are_no_value)
{
    unsigned char deep[64];
    size_t used;
    memset(deep, 0x91, sizeof deep);
    deep[63] = 0x01;
    ck_assert_int_eq(msgpack_measure(deep, sizeof deep, &used), MSGPACK_VALUE);
    ck_assert_ptr_null(msgpack_json(deep, used));
    json_t *value = msgpack_json(deep + 63 - MSGPACK_DEPTH_MOST, MSGPACK_DEPTH_MOST + 1);
    ck_assert_ptr_nonnull(value);
    json_decref(value);
    ck_assert_ptr_null(msgpack_json((const unsigned char *)"\x81\x01\x01", 3));
    ck_assert_ptr_null(msgpack_json((const unsigned char *)"\x82\xa1"
                                                           "a\x01\xa1"
                                                           "a\x01",
                                    7));
}
END_TEST

START_TEST(any_bytes_are_measured_within_them)
{
    struct random random = random_from(test_seed(), 0);
    for (int round = 0; round < 200000; round++) {
        size_t length = random_below(&random, 24), used;
        unsigned char *bytes = malloc(length + (length == 0));
        for (size_t i = 0; i < length; i++)
            bytes[i] = (unsigned char)random_below(&random, 256);
        if (msgpack_measure(bytes, length, &used) == MSGPACK_VALUE) {
            ck_assert_uint_le(used, length);
            json_decref(msgpack_json(bytes, used));
        }
        free(bytes);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("msgpack");
    TCase *tcase = tcase_create("values");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_value_is_read_as_json, 0, VALUES);
    tcase_add_loop_test(tcase, a_value_that_is_cut_off_is_short, 0, VALUES);
    tcase_add_test(tcase, claims_beyond_the_bound_are_wrong);
    tcase_add_test(tcase, deep_nesting_and_odd_keys_are_no_value);
    tcase_add_test(tcase, any_bytes_are_measured_within_them);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
