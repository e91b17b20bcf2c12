/* tests/traces/test_unpack.c - what a trace may come in: gzip of one member or several, a byte
 * order mark, CRLF, blank lines, no newline at the end. And what it may not: damaged or cut-off
 * gzip, other compression, files of other programs; said so without showing what is in them. */
#include "base/random.h"
#include "tests/traces/samples.h"
#include "traces/unpack.h"

#include <sys/resource.h>
#include <zlib.h>
#include <zstd.h>

enum { TEXT_BYTES = 4096 };

static char *file_of(const void *bytes, size_t length)
{
    char *path = test_temp_file("");
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* Appends a gzip member of text to *packed. */
static void add_member(char **packed, size_t *size, const char *text, size_t length)
{
    z_stream stream = { 0 };
    ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, length) + 32;
    *packed = realloc(*packed, *size + room);
    stream.next_in = (unsigned char *)(uintptr_t)text;
    stream.avail_in = (uInt)length;
    stream.next_out = (unsigned char *)*packed + *size;
    stream.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *size += room - stream.avail_out;
    deflateEnd(&stream);
}

/* The file is taken away again. */
static enum status read_and_unlink(char *path, char *text, struct error *err)
{
    struct trace_facts facts;
    enum status status = read_sessions(path, NULL, text, TEXT_BYTES, &facts, err);
    unlink(path);
    free(path);
    return status;
}

static void ck_reads_as_the_sample(const char *sample, char *path)
{
    char plain_path[512], text[TEXT_BYTES], other[TEXT_BYTES];
    struct trace_facts facts;
    struct error err = { 0 };
    snprintf(plain_path, sizeof plain_path, "%s/%s", TRACE_SAMPLES, sample);
    ck_assert_int_eq(read_sessions(plain_path, NULL, text, sizeof text, &facts, &err), STATUS_OK);
    ck_assert_msg(read_and_unlink(path, other, &err) == STATUS_OK, "%s: %s, found %s", sample,
                  err.expected, err.found);
    ck_assert_str_eq(text, other);
}

START_TEST(gzip_of_several_members_and_padding_reads_as_the_plain_file)
{
    size_t length, size = 0;
    char *content = sample_bytes(sample_names[_i], &length), *packed = NULL;
    add_member(&packed, &size, content, length / 3);
    add_member(&packed, &size, "", 0);
    add_member(&packed, &size, content + length / 3, length - length / 3);
    packed = realloc(packed, size + 512);
    memset(packed + size, 0, 512);
    ck_reads_as_the_sample(sample_names[_i], file_of(packed, size + 512));
    free(packed), free(content);
}
END_TEST

/* With a byte order mark, two line ends for each, blank lines between, no newline at the end. */
START_TEST(marks_carriage_returns_and_blank_lines_change_nothing)
{
    size_t length, at = 0;
    char *content = sample_bytes(sample_names[_i], &length), *other = malloc(length * 8 + 16);
    if (memchr(content, '\0', length) != NULL)
        length = 0; /* no text: it has no lines */
    at += (size_t)sprintf(other, "\xEF\xBB\xBF\r\n \t\r\n");
    for (size_t i = 0; i < length; i++) {
        if (content[i] != '\n')
            other[at++] = content[i];
        else if (i + 1 < length)
            at += (size_t)sprintf(other + at, "\r\n\n \r\n");
    }
    if (length > 0)
        ck_reads_as_the_sample(sample_names[_i], file_of(other, at));
    free(other), free(content);
}
END_TEST

/* Long enough for many pieces, and so alike that a few packed bytes hold much of it. */
static char *many_lines(uint32_t count)
{
    static const char line[] =
        "{\"timestamp\": 7, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [1, 2]}\n";
    char *text = malloc(count * (sizeof line - 1) + 1);
    for (uint32_t i = 0; i < count; i++)
        memcpy(text + i * (sizeof line - 1), line, sizeof line);
    return text;
}

static uint64_t requests_of(char *path, struct error *err)
{
    struct trace *trace;
    struct trace_session session;
    uint64_t requests = 0;
    ck_assert_int_eq(open_trace(path, NULL, &trace, err), STATUS_OK);
    while (trace_next(trace, &session, err) == TRACE_ITEM)
        requests++;
    trace_close(trace);
    unlink(path);
    free(path);
    return requests;
}

START_TEST(what_a_few_packed_bytes_hold_is_given_whole)
{
    char *text = many_lines(40000), *packed = NULL;
    size_t size = 0;
    struct error err = { 0 };
    add_member(&packed, &size, text, strlen(text));
    add_member(&packed, &size, text, strlen(text));
    ck_assert_uint_lt(size, strlen(text) / 50);
    ck_assert_uint_eq(requests_of(file_of(packed, size), &err), 80000);
    ck_assert_int_eq(err.status, STATUS_OK);
    free(packed), free(text);
}
END_TEST

START_TEST(a_cut_or_damaged_gzip_is_refused_by_its_line)
{
    struct random random = random_from(test_seed(), 17);
    char *content = sample_text("example.jsonl"), *packed = NULL;
    size_t size = 0;
    add_member(&packed, &size, content, strlen(content));
    struct error cut_err = { 0 }, crc_err = { 0 };
    char ignored[TEXT_BYTES];
    ck_assert_int_eq(read_and_unlink(file_of(packed, size / 2), ignored, &cut_err), STATUS_INPUT);
    ck_assert_uint_gt(cut_err.line, 100);
    ck_assert_uint_lt(cut_err.line, 200);
    ck_assert_msg(strstr(cut_err.expected, "gzip") != NULL, "%s", cut_err.expected);
    packed[size - 6] ^= 1; /* of its CRC-32 */
    ck_assert_int_eq(read_and_unlink(file_of(packed, size), ignored, &crc_err), STATUS_INPUT);
    packed[size - 6] ^= 1;
    for (int round = 0; round < 200; round++) {
        char text[TEXT_BYTES], *bad = malloc(size);
        struct error err = { 0 };
        memcpy(bad, packed, size);
        bad[10 + random_below(&random, size - 10)] ^= (char)(1 + random_below(&random, 255));
        ck_assert_int_eq(read_and_unlink(file_of(bad, size), text, &err), STATUS_INPUT);
        free(bad);
    }
    free(packed), free(content);
}
END_TEST

/* Each: how such a file begins; what it is called, and a word of the way on. */
static const struct {
    const char *bytes;
    size_t length;
    const char *name, *way_on;
} refused[] = {
    { "\xFD\x37zXZ\0\0\4", 8, "xz", "xz -dc" },
    { "BZh91AY&SY", 10, "bzip2", "bzip2 -dc" },
    { "\x04\x22\x4D\x18\x64", 5, "lz4", "lz4 -dc" },
    { "7z\xBC\xAF\x27\x1C\0\4", 8, "7z", "7z x" },
    { "PK\x03\x04\x14\0\0", 7, "zip", "unzip" },
    { "PAR1\x15\x04", 6, "Parquet", "JSON lines" },
    { "\x89HDF\r\n\x1A\n", 8, "HDF5", "JSON lines" },
    { "SQLite format 3\0", 16, "SQLite", "sqlite3" },
    { "\xFF\xFE{\0\"\0", 6, "UTF-16", "iconv" },
    { "\xFE\xFF\0{\0\"", 6, "UTF-16", "iconv" },
    { "\xFF\xFE\0\0{\0\0\0", 8, "UTF-32", "iconv" },
};

START_TEST(other_files_are_refused_by_name_also_within_gzip)
{
    char text[TEXT_BYTES], *packed = NULL;
    size_t size = 0;
    add_member(&packed, &size, refused[_i].bytes, refused[_i].length);
    for (int within = 0; within < 2; within++) {
        struct error err = { 0 };
        char *path =
            within ? file_of(packed, size) : file_of(refused[_i].bytes, refused[_i].length);
        ck_assert_int_eq(read_and_unlink(path, text, &err), STATUS_INPUT);
        ck_assert_str_eq(err.found, refused[_i].name);
        ck_assert_msg(strstr(err.expected, refused[_i].way_on) != NULL, "%s", err.expected);
    }
    free(packed);
}
END_TEST

/* ---- bombs ---- */

/* `size` bytes of the same lines over and over, zstd: a frame of some kB. */
static char *zstd_of_lines(size_t size, size_t *packed_size)
{
    char *lines = many_lines(16384), *packed = NULL;
    size_t length = strlen(lines), room = 0, at = 0;
    ZSTD_CStream *stream = ZSTD_createCStream();
    ZSTD_outBuffer out = { NULL, 0, 0 };
    while (true) {
        ZSTD_inBuffer in = { lines, at < size ? length : 0, 0 };
        size_t rest = 1;
        while (in.pos < in.size || (in.size == 0 && rest > 0)) {
            if (out.size - out.pos < 65536)
                out = (ZSTD_outBuffer){ packed = realloc(packed, room += 1 << 20), room, out.pos };
            rest =
                ZSTD_compressStream2(stream, &out, &in, in.size > 0 ? ZSTD_e_continue : ZSTD_e_end);
            ck_assert(!ZSTD_isError(rest));
        }
        if (in.size == 0)
            break;
        at += length;
    }
    ZSTD_freeCStream(stream);
    free(lines);
    *packed_size = out.pos;
    return packed;
}

static size_t peak_kb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss;
}

/* Bytes that the file unpacks to, as far as it is read; what it is refused for in err. */
static uint64_t unpacked_bytes(char *path, struct error *err)
{
    static char into[1 << 20];
    struct unpack *unpack;
    uint64_t total = 0;
    size_t got = 1;
    ck_assert_int_eq(unpack_open(path, &unpack, err), STATUS_OK);
    while (got > 0 && unpack_read(unpack, into, sizeof into, &got, err) == STATUS_OK)
        total += got;
    unpack_close(unpack);
    unlink(path);
    free(path);
    return total;
}

/* 1 GiB in some 100 kB: read to the bound, in memory that does not grow, and refused with the way
 * on; frame by frame, with nothing and with what is passed over between, likewise. */
START_TEST(what_grows_without_end_is_refused_at_a_bound)
{
    size_t size, before = peak_kb();
    char *frame = zstd_of_lines((size_t)64 << 20, &size), *bomb = malloc(17 * (size + 40));
    static const char between[] = "\x50\x2A\x4D\x18\x04\0\0\0skip\x28\xB5\x2F\xFD\x20\0\1\0\0";
    size_t at = 0;
    for (int i = 0; i < 16; i++) {
        memcpy(bomb + at, frame, size);
        memcpy(bomb + at + size, between, sizeof between - 1);
        at += size + sizeof between - 1;
    }
    ck_assert_uint_lt(at, 1 << 20);
    struct error err = { 0 };
    uint64_t bytes = unpacked_bytes(file_of(bomb, at), &err);
    ck_assert_int_eq(err.status, STATUS_INPUT);
    ck_assert_msg(strstr(err.expected, "zstd -dc FILE") != NULL, "%s", err.expected);
    ck_assert_uint_ge(bytes, (uint64_t)63 << 20);
    ck_assert_uint_le(bytes, 1000 * (uint64_t)at + ((uint64_t)65 << 20));
    ck_assert_uint_lt(peak_kb() - before, 64 << 10);
    free(bomb), free(frame);
}
END_TEST

/* Below the bound, or where there is as much to read: whatever it grows by. */
START_TEST(what_is_alike_is_read_within_the_bound)
{
    size_t size;
    char *frame = zstd_of_lines((size_t)50 << 20, &size);
    struct error err = { 0 };
    ck_assert_uint_ge(unpacked_bytes(file_of(frame, size), &err), (uint64_t)50 << 20);
    ck_assert_int_eq(err.status, STATUS_OK);
    free(frame);
}
END_TEST

/* A frame that wants 2 GiB of history to be kept. */
START_TEST(a_window_beyond_the_bound_is_refused)
{
    static const char head[] = "\x28\xB5\x2F\xFD\x00\xA8\x01\0\0";
    struct error err = { 0 };
    size_t before = peak_kb();
    unpacked_bytes(file_of(head, sizeof head - 1), &err);
    ck_assert_int_eq(err.status, STATUS_INPUT);
    ck_assert_msg(strstr(err.found, "memory") != NULL, "%s", err.found);
    ck_assert_uint_lt(peak_kb() - before, 64 << 10);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("unpack");
    TCase *tcase = tcase_create("container");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, gzip_of_several_members_and_padding_reads_as_the_plain_file, 0,
                        SAMPLES);
    tcase_add_loop_test(tcase, marks_carriage_returns_and_blank_lines_change_nothing, 0, SAMPLES);
    tcase_add_test(tcase, what_a_few_packed_bytes_hold_is_given_whole);
    tcase_add_test(tcase, a_cut_or_damaged_gzip_is_refused_by_its_line);
    tcase_add_loop_test(tcase, other_files_are_refused_by_name_also_within_gzip, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tcase, what_grows_without_end_is_refused_at_a_bound);
    tcase_add_test(tcase, what_is_alike_is_read_within_the_bound);
    tcase_add_test(tcase, a_window_beyond_the_bound_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
