/* validate/accuracy/timed_read.c - JSON lines of single requests. */
#include "validate/accuracy/timed.h"

#include "base/memory.h"
#include "base/plain_file.h"
#include "base/read_end.h"
#include "base/units.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LINE_BYTES 4096
#define REQUESTS_MOST 10000000

/* In seconds, before the first one is taken off. */
struct times {
    double queued, first, last;
};

struct reading {
    const char *path;
    uint64_t line;
    struct timed_requests *requests;
    struct times *times; /* one a request */
    uint32_t capacity;
    struct error *err;
};

static enum status refuse(const struct reading *reading, const char *key, const char *expected)
{
    return error_input(reading->err, reading->path, reading->line, key, expected, NULL);
}

static enum status read_number(const struct reading *reading, const json_t *object, const char *key,
                               double *value)
{
    const json_t *number = json_object_get(object, key);
    if (!json_is_number(number))
        return refuse(reading, key, "a number");
    *value = json_number_value(number);
    return STATUS_OK;
}

static enum status read_tokens(const struct reading *reading, const json_t *object, const char *key,
                               uint32_t *tokens)
{
    double value = 0.0;
    if (read_number(reading, object, key, &value) != STATUS_OK)
        return reading->err->status;
    if (value < 1.0 || value > 1e6)
        return refuse(reading, key, "1 to 1,000,000 tokens");
    *tokens = (uint32_t)value;
    return STATUS_OK;
}

/* Seconds of a clock, of which whole nanoseconds are made. */
static enum status read_time(const struct reading *reading, const json_t *object, const char *key,
                             double *time_s)
{
    const double most_s = (double)TIME_END_NS / (double)NS_PER_S;
    if (read_number(reading, object, key, time_s) != STATUS_OK)
        return reading->err->status;
    return *time_s >= 0.0 && *time_s < most_s ? STATUS_OK
                                              : refuse(reading, key, "seconds, within 292 years");
}

static enum status add_request(struct reading *reading, const json_t *object)
{
    struct timed_requests *requests = reading->requests;
    struct timed_request request = { 0 };
    struct times times = { 0 };
    if (read_tokens(reading, object, "input_toks", &request.prompt_tokens) != STATUS_OK ||
        read_tokens(reading, object, "output_toks", &request.reply_tokens) != STATUS_OK ||
        read_time(reading, object, "queued_ts", &times.queued) != STATUS_OK ||
        read_time(reading, object, "first_token_ts", &times.first) != STATUS_OK ||
        read_time(reading, object, "last_token_ts", &times.last) != STATUS_OK)
        return reading->err->status;
    if (!(times.queued < times.first && times.first <= times.last))
        return refuse(reading, "first_token_ts", "a time between queued_ts and last_token_ts");
    memory_grow(&requests->request, &requests->capacity, requests->count + 1,
                sizeof *requests->request);
    memory_grow(&reading->times, &reading->capacity, requests->count + 1, sizeof *reading->times);
    reading->times[requests->count] = times;
    requests->request[requests->count++] = request;
    return STATUS_OK;
}

static enum status read_lines(struct reading *reading, gzFile file)
{
    char line[LINE_BYTES];
    while (gzgets(file, line, sizeof line) != NULL) {
        reading->line++;
        if (line[strspn(line, " \t\r\n")] == '\0')
            continue;
        if (reading->requests->count == REQUESTS_MOST)
            return refuse(reading, NULL, "at most 10,000,000 requests");
        json_error_t why;
        json_t *object = json_loads(line, 0, &why);
        enum status status = json_is_object(object) ? add_request(reading, object)
                                                    : refuse(reading, NULL, "a JSON object");
        json_decref(object);
        if (status != STATUS_OK)
            return status;
    }
    reading->line = 0;
    return reading->requests->count == 0 ? refuse(reading, NULL, "a request") : STATUS_OK;
}

static int by_queued(const void *one, const void *other)
{
    const struct timed_request *a = one, *b = other;
    return (a->queued_ns > b->queued_ns) - (a->queued_ns < b->queued_ns);
}

static uint64_t since(double first, double time)
{
    return (uint64_t)((time - first) * (double)NS_PER_S + 0.5);
}

static void set_times(const struct reading *reading)
{
    struct timed_requests *requests = reading->requests;
    double first = HUGE_VAL;
    assert(requests->count > 0 && reading->times != NULL);
    for (uint32_t i = 0; i < requests->count; i++)
        first = fmin(first, reading->times[i].queued);
    for (uint32_t i = 0; i < requests->count; i++) {
        const struct times *times = &reading->times[i];
        requests->request[i].queued_ns = since(first, times->queued);
        requests->request[i].first_token_ns = since(first, times->first);
        requests->request[i].last_token_ns = since(first, times->last);
    }
    qsort(requests->request, requests->count, sizeof *requests->request, by_queued);
}

enum status timed_read(const char *path, struct timed_requests *requests, struct error *err)
{
    struct reading reading = { .path = path, .requests = requests, .err = err };
    *requests = (struct timed_requests){ 0 };
    gzFile file;
    if (plain_file_open_gzip(path, &file, err) != STATUS_OK)
        return err->status;
    enum status status = read_lines(&reading, file);
    struct error read = { 0 }; /* comes first: a line that the disk cut is not malformed */
    if (read_end_gzip(file, path, &read) != STATUS_OK) {
        *err = read;
        status = err->status;
    }
    if (status == STATUS_OK)
        set_times(&reading);
    free(reading.times);
    return status;
}

void timed_free(struct timed_requests *requests)
{
    free(requests->request);
    *requests = (struct timed_requests){ 0 };
}
