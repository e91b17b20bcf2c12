/* tests/traces/kv_log.h - logs of KV events that a test writes, as JSON lines or as MessagePack by
 * an encoder of the tests' own; and what is read of one, as a text. */
#ifndef REPRISE_TESTS_TRACES_KV_LOG_H
#define REPRISE_TESTS_TRACES_KV_LOG_H

#include "tests/support.h"
#include "traces/traces.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- MessagePack ---- */

static inline void pack_number(FILE *out, int first, uint64_t number, int bytes)
{
    fputc(first, out);
    for (int i = bytes - 1; i >= 0; i--)
        fputc((int)(number >> (8 * i) & 255), out);
}

/* The widest form of everything, and the shortest of small numbers: readers must take both. */
static inline void pack(FILE *out, const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    uint64_t bits;
    double real = json_real_value(value);
    switch (json_typeof(value)) {
    case JSON_INTEGER:
        if (json_integer_value(value) >= -32 && json_integer_value(value) < 128)
            fputc((int)(json_integer_value(value) & 255), out);
        else
            pack_number(out, 0xd3, (uint64_t)json_integer_value(value), 8);
        break;
    case JSON_REAL:
        memcpy(&bits, &real, sizeof bits);
        pack_number(out, 0xcb, bits, 8);
        break;
    case JSON_STRING:
        pack_number(out, 0xda, json_string_length(value), 2);
        fwrite(json_string_value(value), 1, json_string_length(value), out);
        break;
    case JSON_ARRAY:
        if (json_array_size(value) < 16)
            fputc(0x90 | (int)json_array_size(value), out);
        else
            pack_number(out, 0xdd, json_array_size(value), 4);
        json_array_foreach(value, i, item) pack(out, item);
        break;
    case JSON_OBJECT:
        fputc(0x80 | (int)json_object_size(value), out);
        json_object_foreach((json_t *)(uintptr_t)value, key, item)
        {
            pack_number(out, 0xd9, strlen(key), 1);
            fputs(key, out);
            pack(out, item);
        }
        break;
    default:
        fputc(json_is_true(value) ? 0xc3 : json_is_false(value) ? 0xc2 : 0xc0, out);
    }
}

/* A temporary file of these bytes; the caller's to unlink() and free(). */
static inline char *file_of_bytes(const void *bytes, size_t length)
{
    char *path = test_temp_file("");
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* ---- reading ---- */

static inline struct trace_import default_import(void)
{
    const struct config_section sections[] = { { "", trace_import_rows, 0 }, { 0 } };
    struct trace_import import;
    struct error err = { 0 };
    ck_assert_int_eq(config_load(sections, NULL, &import, &err), STATUS_OK);
    return import;
}

static inline enum status open_log(const char *path, const struct trace_import *import,
                                   struct trace **trace, struct error *err)
{
    const struct config_section sections[] = { { "", workload_rows, 0 }, { 0 } };
    struct workload workload;
    ck_assert_int_eq(config_load(sections, NULL, &workload, err), STATUS_OK);
    return trace_open(path, &workload, import, trace, err);
}

struct log_read {
    char text[1024]; /* "arrival_ms:hits[+below]/blocks " of each request */
    uint64_t keys;   /* all keys, in order, mixed */
    uint64_t hits, blocks, requests;
    struct trace_facts facts;
    struct error err;
};

static inline struct log_read read_log(const char *path, const struct trace_import *import)
{
    struct log_read read = { .keys = 1 };
    struct trace *trace;
    struct trace_session session;
    size_t at = 0;
    if (open_log(path, import, &trace, &read.err) != STATUS_OK)
        return read;
    while (trace_next(trace, &session, &read.err) == TRACE_ITEM) {
        char below[16] = "";
        if (session.measured_hits_below > 0)
            snprintf(below, sizeof below, "+%u", session.measured_hits_below);
        if (at + 64 < sizeof read.text)
            at += (size_t)snprintf(read.text + at, sizeof read.text - at, "%" PRIu64 ":%u%s/%u ",
                                   session.arrival_ns / 1000000, session.measured_hits, below,
                                   session.block_count);
        ck_assert_uint_le(session.measured_hits + session.measured_hits_below, session.block_count);
        for (uint32_t i = 0; i < session.block_count; i++)
            read.keys = (read.keys ^ session.block_keys[i]) * UINT64_C(0x9E3779B97F4A7C15);
        read.hits += session.measured_hits;
        read.blocks += session.block_count;
        read.requests++;
    }
    read.facts = trace_facts(trace);
    trace_close(trace);
    return read;
}

/* Of JSON lines in a text. */
static inline struct log_read read_text(const char *text, const struct trace_import *import)
{
    char *path = test_temp_file(text);
    struct log_read read = read_log(path, import);
    unlink(path);
    free(path);
    return read;
}

#endif
