/* tests/traces/test_unpack_ahead.c - what a thread unpacks ahead is what is unpacked without one:
 * lines, hash, progress, and refusals at the same line. Small files start none, plain ones neither.
 */
#include "tests/support.h"
#include "traces/lines.h"
#include "traces/unpack_ahead.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

/* The linker brings the program's calls of pthread_create() here. */
static int threads_started;
static bool threads_fail;
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*work)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*work)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*work)(void *), void *argument)
{
    if (threads_fail)
        return EAGAIN;
    threads_started++;
    return __real_pthread_create(thread, attributes, work, argument);
}

static int threads_now(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* One that was joined may be listed a moment longer. */
static bool threads_become(int count)
{
    const struct timespec moment = { .tv_nsec = 1000000 };
    for (int tries = 0; threads_now() != count && tries < 2000; tries++)
        nanosleep(&moment, NULL);
    return threads_now() == count;
}

/* ---- files ---- */

static char *numbered_lines(size_t bytes, size_t *length)
{
    enum { LINE_MOST = 256 };
    char *text = malloc(bytes + LINE_MOST);
    size_t at = 0;
    for (unsigned i = 0; at < bytes; i++)
        at += (size_t)sprintf(text + at, "line %u, %0200u\n%s", i, i * 2654435769u,
                              i % 99 == 0 ? "\n" : "");
    *length = at;
    return text;
}

static char *zstd_of(const char *text, size_t length, size_t *size)
{
    size_t room = ZSTD_compressBound(length);
    char *packed = malloc(room);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
    *size = ZSTD_compress2(context, packed, room, text, length);
    ck_assert(!ZSTD_isError(*size));
    ZSTD_freeCCtx(context);
    return packed;
}

static char *gzip_of(const char *text, size_t length, size_t *size)
{
    z_stream stream = { 0 };
    ck_assert_int_eq(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, length) + 32;
    char *packed = malloc(room);
    stream.next_in = (unsigned char *)(uintptr_t)text;
    stream.avail_in = (uInt)length;
    stream.next_out = (unsigned char *)packed;
    stream.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *size = room - stream.avail_out;
    deflateEnd(&stream);
    return packed;
}

static char *(*const packers[])(const char *, size_t, size_t *) = { zstd_of, gzip_of };
enum { PACKERS = sizeof packers / sizeof *packers };

static char *file_of(const char *bytes, size_t size)
{
    char *path = test_temp_file("");
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* ---- reading ---- */

struct outcome {
    uint64_t lines, digest, hash; /* digest: of the lines, their numbers and the progress at each */
    struct error err;
};

static struct outcome read_lines(const char *path, uint64_t most)
{
    struct outcome outcome = { 0 };
    struct lines *lines;
    const char *text;
    size_t length;
    ck_assert_int_eq(lines_open(path, &lines, &outcome.err), STATUS_OK);
    while (outcome.lines < most && lines_view(lines, &text, &length, &outcome.err) == LINES_LINE) {
        const double progress = lines_progress(lines);
        const uint64_t number = lines_number(lines);
        outcome.digest = XXH64(text, length, outcome.digest);
        outcome.digest = XXH64(&number, sizeof number, outcome.digest);
        outcome.digest = XXH64(&progress, sizeof progress, outcome.digest);
        outcome.lines++;
    }
    outcome.hash = lines_hash(lines);
    lines_close(lines);
    return outcome;
}

/* Reads the file with a thread, and where none can be started. */
static struct outcome read_both(char *path, uint64_t most)
{
    int before = threads_now();
    threads_started = 0;
    struct outcome with = read_lines(path, most);
    ck_assert_int_eq(threads_started, 1);
    ck_assert(threads_become(before));
    threads_fail = true;
    struct outcome without = read_lines(path, most);
    threads_fail = false;
    ck_assert_uint_eq(with.lines, without.lines);
    ck_assert_uint_eq(with.digest, without.digest);
    ck_assert_uint_eq(with.hash, without.hash);
    ck_assert_int_eq(with.err.status, without.err.status);
    ck_assert_uint_eq(with.err.line, without.err.line);
    ck_assert_str_eq(with.err.file, without.err.file);
    ck_assert_str_eq(with.err.expected, without.err.expected);
    ck_assert_str_eq(with.err.found, without.err.found);
    unlink(path);
    free(path);
    return with;
}

#define MANY_BYTES (UNPACK_ALONE_BYTES + ((size_t)3 << 20))

START_TEST(what_is_unpacked_ahead_is_the_file)
{
    size_t length, size;
    char *text = numbered_lines(MANY_BYTES, &length), *packed = packers[_i](text, length, &size);
    struct outcome outcome = read_both(file_of(packed, size), UINT64_MAX);
    ck_assert_int_eq(outcome.err.status, STATUS_OK);
    ck_assert_uint_eq(outcome.hash, XXH64(text, length, 0));
    free(packed), free(text);
}
END_TEST

START_TEST(damage_behind_the_threads_start_is_told_at_its_line)
{
    size_t length, size;
    char *text = numbered_lines(MANY_BYTES, &length), *packed = packers[_i](text, length, &size);
    struct outcome cut = read_both(file_of(packed, size - size / 50), UINT64_MAX);
    ck_assert_int_eq(cut.err.status, STATUS_INPUT);
    ck_assert_uint_gt(cut.err.line, 35000);
    ck_assert_msg(strstr(cut.err.found, "ends in the middle") != NULL, "%s", cut.err.found);
    memset(packed + size - size / 50, 0xFF, 64);
    struct outcome damaged = read_both(file_of(packed, size), UINT64_MAX);
    ck_assert_int_eq(damaged.err.status, STATUS_INPUT);
    ck_assert_uint_gt(damaged.err.line, 35000);
    free(packed), free(text);
}
END_TEST

/* The thread waits for room, works, or has ended when nobody reads on. */
START_TEST(a_file_may_be_closed_wherever_its_thread_is)
{
    static const uint64_t behind[] = { 1, 2000, 12000 };
    size_t length, size, lines = 0;
    char *text = numbered_lines(MANY_BYTES, &length), *packed = packers[_i](text, length, &size);
    for (size_t i = 0; i < UNPACK_ALONE_BYTES + UNPACK_PIECE_BYTES; i++)
        lines += text[i] == '\n' && text[i + 1] != '\n';
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++)
        read_both(file_of(packed, size), lines + behind[i]);
    free(packed), free(text);
}
END_TEST

START_TEST(who_asks_behind_the_end_is_told_again)
{
    static char into[UNPACK_PIECE_BYTES];
    size_t length, size, got = 1;
    char *text = numbered_lines(MANY_BYTES, &length), *packed = packers[_i](text, length, &size);
    char *path = file_of(packed, size);
    struct unpack_ahead *ahead;
    struct error err = { 0 };
    ck_assert_int_eq(unpack_ahead_open(path, &ahead, &err), STATUS_OK);
    for (size_t at = 0; got > 0; at += got) {
        ck_assert_int_eq(unpack_ahead_read(ahead, into, &got, &err), STATUS_OK);
        ck_assert_mem_eq(into, text + at, got);
    }
    ck_assert_int_eq(unpack_ahead_read(ahead, into, &got, &err), STATUS_OK);
    ck_assert_uint_eq(got, 0);
    unpack_ahead_close(ahead);
    unlink(path);
    free(path), free(packed), free(text);
}
END_TEST

START_TEST(small_files_and_plain_ones_start_no_thread)
{
    size_t length, size;
    char *text = numbered_lines(UNPACK_ALONE_BYTES / 2, &length), *path;
    char *packed = packers[_i](text, length, &size);
    path = file_of(packed, size);
    threads_started = 0;
    ck_assert_uint_eq(read_lines(path, UINT64_MAX).hash, XXH64(text, length, 0));
    unlink(path);
    free(path), free(packed), free(text);
    text = numbered_lines(2 * MANY_BYTES, &length);
    path = file_of(text, length);
    ck_assert_uint_eq(read_lines(path, UINT64_MAX).hash, XXH64(text, length, 0));
    ck_assert_int_eq(threads_started, 0);
    unlink(path);
    free(path), free(text);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("unpack_ahead");
    TCase *tcase = tcase_create("files");
    tcase_add_loop_test(tcase, what_is_unpacked_ahead_is_the_file, 0, PACKERS);
    tcase_add_loop_test(tcase, damage_behind_the_threads_start_is_told_at_its_line, 0, PACKERS);
    tcase_add_loop_test(tcase, a_file_may_be_closed_wherever_its_thread_is, 0, PACKERS);
    tcase_add_loop_test(tcase, who_asks_behind_the_end_is_told_again, 0, PACKERS);
    tcase_add_loop_test(tcase, small_files_and_plain_ones_start_no_thread, 0, PACKERS);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
