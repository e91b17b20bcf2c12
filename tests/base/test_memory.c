/* tests/base/test_memory.c - memory is there, zeroed, or the process ends with 3. */
#include "base/memory.h"

#include "tests/support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(new_memory_is_zeroed)
{
    const size_t bytes = 1000;
    unsigned char *block = memory_new(bytes, 1);
    for (size_t i = 0; i < bytes; i++)
        ck_assert_uint_eq(block[i], 0);
    free(block);
}
END_TEST

START_TEST(nothing_may_be_asked_for_and_freed)
{
    void *none = memory_new(0, 8), *sizeless = memory_new(8, 0);
    ck_assert_ptr_nonnull(none);
    ck_assert_ptr_nonnull(sizeless);
    free(none);
    free(sizeless);
}
END_TEST

START_TEST(an_array_that_grows_keeps_its_elements_and_zeroes_new_ones)
{
    uint64_t *array = NULL;
    uint32_t capacity = 0;
    for (uint64_t i = 0; i < 5000; i++) {
        memory_grow(&array, &capacity, i + 1, sizeof *array);
        ck_assert_uint_gt(capacity, i);
        ck_assert_uint_eq(array[i], 0);
        array[i] = i + 1;
    }
    for (uint64_t i = 0; i < 5000; i++)
        ck_assert_uint_eq(array[i], i + 1);
    free(array);
}
END_TEST

START_TEST(appending_reallocates_a_logarithmic_number_of_times)
{
    char *array = NULL;
    uint32_t capacity = 0, changes = 0;
    for (uint64_t needed = 1; needed <= 1000000; needed++) {
        uint32_t before = capacity;
        memory_grow(&array, &capacity, needed, 1);
        changes += capacity != before;
    }
    ck_assert_uint_le(changes, 20);
    free(array);
}
END_TEST

START_TEST(one_jump_gives_room_for_all_that_is_needed)
{
    uint32_t *array = NULL;
    uint32_t capacity = 0;
    memory_grow(&array, &capacity, 12345, sizeof *array);
    ck_assert_uint_ge(capacity, 12345);
    ck_assert_uint_eq(array[12344], 0);
    free(array);
}
END_TEST

START_TEST(what_is_large_enough_is_left_alone)
{
    uint32_t *array = NULL;
    uint32_t capacity = 0;
    memory_grow(&array, &capacity, 0, sizeof *array);
    ck_assert_ptr_null(array);
    memory_grow(&array, &capacity, 10, sizeof *array);
    uint32_t *before = array;
    memory_grow(&array, &capacity, capacity, sizeof *array);
    ck_assert_ptr_eq(array, before);
    free(array);
}
END_TEST

START_TEST(a_text_is_copied)
{
    const char *text = "session";
    char *copy = memory_text(text);
    ck_assert_ptr_ne(copy, text);
    ck_assert_str_eq(copy, text);
    free(copy);
}
END_TEST

/* Each ends the process with 3. The sizes are volatile, or the compiler would refuse them. */

START_TEST(more_elements_than_a_capacity_can_count_end_the_process)
{
    uint64_t *array = NULL;
    uint32_t capacity = 0;
    memory_grow(&array, &capacity, (uint64_t)UINT32_MAX + 1, sizeof *array);
}
END_TEST

START_TEST(an_array_beyond_the_address_space_ends_the_process)
{
    void *array = NULL;
    uint32_t capacity = 0;
    const volatile size_t element_bytes = SIZE_MAX / 4;
    memory_grow(&array, &capacity, 5, element_bytes);
}
END_TEST

START_TEST(a_block_beyond_the_address_space_ends_the_process)
{
    const volatile size_t count = SIZE_MAX / 2;
    free(memory_new(count, 4));
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* which has taken more than any limit */
/* Half of what is wanted is there: before malloc is asked, which on many a machine would promise
 * it. */
static void grow_beyond_a_limit(void)
{
    enum { GROWN_BYTES = 400 << 20 };
    const struct rlimit limit = { UINT64_C(200) << 20, UINT64_C(200) << 20 };
    char *array = NULL;
    uint32_t capacity = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    memory_grow(&array, &capacity, GROWN_BYTES, 1);
}

START_TEST(an_array_larger_than_what_is_left_is_not_asked_for)
{
    char said[256] = "";
    int pipes[2], status;
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        grow_beyond_a_limit();
        _exit(0);
    }
    close(pipes[1]);
    ck_assert_int_gt(read(pipes[0], said, sizeof said - 1), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    ck_assert_msg(strstr(said, "0.419 GB more are wanted, 0.") != NULL, "%s", said);
    close(pipes[0]);
}
END_TEST
#endif

/* Each of the threads finds none; the process ends once, though standard error is locked by one
 * that works on. */
static void *find_none(void *argument)
{
    const volatile size_t count = SIZE_MAX / 2;
    (void)argument;
    return memory_block(count);
}

START_TEST(several_threads_without_memory_end_the_process_once)
{
    pthread_t threads[8];
    flockfile(stderr);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, find_none, NULL), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

/* As one that could not grow. */
START_TEST(a_stream_that_did_not_take_all_ends_the_process)
{
    char nothing[] = "", *text = nothing;
    FILE *full = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(full);
    setbuf(full, NULL);
    fputs("x", full);
    memory_stream_close(full, &text);
}
END_TEST

/* glibc's fclose() tells nobody when its last realloc() fails. */
START_TEST(a_stream_that_gives_no_text_ends_the_process)
{
    char *text = NULL;
    memory_stream_close(fopen("/dev/null", "w"), &text);
}
END_TEST

START_TEST(a_stream_gives_all_that_was_put_into_it)
{
    char *text;
    size_t bytes;
    FILE *stream = memory_stream(&text, &bytes);
    for (int i = 0; i < 10000; i++)
        fputs("0123456789", stream);
    memory_stream_close(stream, &text);
    ck_assert_uint_eq(bytes, 100000);
    ck_assert_uint_eq(strlen(text), 100000);
    free(text);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/memory");
    TCase *tcase = tcase_create("memory");
    tcase_add_test(tcase, a_stream_gives_all_that_was_put_into_it);
    tcase_add_exit_test(tcase, a_stream_that_did_not_take_all_ends_the_process, 3);
    tcase_add_exit_test(tcase, a_stream_that_gives_no_text_ends_the_process, 3);
    tcase_add_test(tcase, new_memory_is_zeroed);
    tcase_add_test(tcase, nothing_may_be_asked_for_and_freed);
    tcase_add_test(tcase, an_array_that_grows_keeps_its_elements_and_zeroes_new_ones);
    tcase_add_test(tcase, appending_reallocates_a_logarithmic_number_of_times);
    tcase_add_test(tcase, one_jump_gives_room_for_all_that_is_needed);
    tcase_add_test(tcase, what_is_large_enough_is_left_alone);
    tcase_add_test(tcase, a_text_is_copied);
    tcase_add_exit_test(tcase, more_elements_than_a_capacity_can_count_end_the_process, 3);
    tcase_add_exit_test(tcase, an_array_beyond_the_address_space_ends_the_process, 3);
    tcase_add_exit_test(tcase, a_block_beyond_the_address_space_ends_the_process, 3);
    tcase_add_exit_test(tcase, several_threads_without_memory_end_the_process_once, 3);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(tcase, an_array_larger_than_what_is_left_is_not_asked_for);
#endif
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
