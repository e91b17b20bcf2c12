/* tests/sim/engines/stream.c - see stream.h. */
#include "tests/sim/engines/stream.h"

#include "base/memory.h"
#include "base/random.h"
#include "tests/support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOTS = 30, BRANCHES = 3, BUSHY_MOST = 8, GAP_S = 1000, LINE_BYTES = 512 };
#define FIRST_TAIL UINT64_C(1000000000) /* keys of the last blocks, which no other request has */

/* Keys are numbers of nodes in a tree that is numbered by levels. */
static void draw_bushy(struct random *random, struct request *request)
{
    uint64_t key = 1 + random_below(random, ROOTS);
    request->blocks = 1 + (uint32_t)random_below(random, BUSHY_MOST);
    for (uint32_t i = 0; i < request->blocks; i++) {
        request->key[i] = key;
        key = ROOTS + 1 + (key - 1) * BRANCHES + random_below(random, BRANCHES);
    }
}

/* Half of them by when they came. */
static const struct request *draw_earlier(struct random *random, const struct stream *stream)
{
    uint64_t back = 1 + random_below(random, stream->count);
    if (random_below(random, 2) == 0)
        back = 1 + (uint64_t)random_exponential(random, 7.0) % stream->count;
    return &stream->request[stream->count - back];
}

static void draw_long(struct random *random, const struct stream *stream, uint32_t most,
                      uint64_t *last_key, struct request *request)
{
    if (stream->count > 0 && random_below(random, 4) < 3) {
        const struct request *earlier = draw_earlier(random, stream);
        request->blocks = 1 + (uint32_t)random_below(random, earlier->blocks);
        memcpy(request->key, earlier->key, request->blocks * sizeof *request->key);
    }
    uint32_t more = (uint32_t)random_below(random, 10);
    more = request->blocks == 0 && more == 0 ? 1 : more;
    while (more-- > 0 && request->blocks < most)
        request->key[request->blocks++] = ++*last_key;
}

struct stream stream_draw(const struct stream_recipe *recipe)
{
    struct random random = random_from(recipe->seed, 3);
    struct stream stream = { memory_new(recipe->requests, sizeof *stream.request), 0 };
    uint64_t last_key = 0;
    while (stream.count < recipe->requests) {
        struct request *request = &stream.request[stream.count];
        if (recipe->is_bushy)
            draw_bushy(&random, request);
        else
            draw_long(&random, &stream, recipe->blocks_most, &last_key, request);
        bool is_exact = recipe->has_exact && random_below(&random, 2) == 0;
        request->tail = is_exact ? 0 : 1 + (uint32_t)random_below(&random, 4);
        request->reply = recipe->reply;
        stream.count++;
    }
    return stream;
}

void stream_free(struct stream *stream)
{
    free(stream->request);
    *stream = (struct stream){ 0 };
}

static int print_request(char *line, const struct request *request, uint32_t number)
{
    int at = snprintf(line, LINE_BYTES,
                      "{\"chat_id\": %u, \"parent_chat_id\": -1, \"timestamp\": %u, "
                      "\"input_length\": %u, \"output_length\": %u, \"type\": \"text\", "
                      "\"turn\": 1, \"hash_ids\": [",
                      number, number * GAP_S, request_prompt(request), request->reply);
    for (uint32_t i = 0; i < request->blocks; i++)
        at += snprintf(line + at, LINE_BYTES - (size_t)at, "%s%" PRIu64, i > 0 ? ", " : "",
                       request->key[i]);
    if (request->tail > 0)
        at += snprintf(line + at, LINE_BYTES - (size_t)at, ", %" PRIu64, FIRST_TAIL + number);
    return at + snprintf(line + at, LINE_BYTES - (size_t)at, "]}\n");
}

char *stream_file(const struct stream *stream)
{
    char *text = memory_new((size_t)stream->count * LINE_BYTES + 1, 1), *end = text;
    for (uint32_t i = 0; i < stream->count; i++)
        end += print_request(end, &stream->request[i], i);
    char *path = test_temp_file(text);
    free(text);
    return path;
}

static uint64_t number_behind(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    if (at == NULL)
        ck_abort_msg("a trace's line has no %s", name);
    return strtoull(at + strlen(name), NULL, 10);
}

static void read_request(const char *line, uint32_t reply, struct request *request)
{
    uint32_t prompt = (uint32_t)number_behind(line, "\"input_length\": ");
    const char *at = strchr(line, '[');
    request->blocks = prompt / BLOCK;
    request->tail = prompt % BLOCK;
    request->reply = reply > 0 ? reply : (uint32_t)number_behind(line, "\"output_length\": ");
    ck_assert(at != NULL && request->blocks > 0 && request->blocks <= REQUEST_BLOCKS_MOST);
    for (uint32_t i = 0; i < request->blocks; i++) {
        char *end;
        request->key[i] = 1 + strtoull(at + 1, &end, 10);
        at = end;
    }
}

struct stream stream_read(const char *path, uint32_t reply)
{
    struct stream stream = { 0 };
    uint32_t capacity = 0;
    char line[LINE_BYTES];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        ck_abort_msg("cannot open %s", path);
    while (fgets(line, sizeof line, file) != NULL) {
        memory_grow(&stream.request, &capacity, (uint64_t)stream.count + 1, sizeof *stream.request);
        read_request(line, reply, &stream.request[stream.count++]);
    }
    fclose(file);
    return stream;
}
