/* tests/fuzz/messages.c - what ranks of a sweep send each other, and a run's timeline. */
#include "tests/fuzz/fuzz.h"

#include "plots/timeline_turn.h"
#include "sweep/wire.h"
#include "tests/fuzz/input.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- results ---- */

static struct outcome sent(void)
{
    static double x[4] = { 1, 2, 3, 4 };
    struct outcome outcome = { .result = { .trace_format = "mooncake", .series_count = 2 } };
    for (uint32_t i = 0; i < 2; i++)
        outcome.result.series[i] = (struct series){
            .name = "curve", .x_unit = "ns", .y_unit = "share", .count = 2 + 2 * i, .x = x, .y = x
        };
    return outcome;
}

static uint32_t number_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
}

/* A message is as large as a result; so an input says what is different in one: how much of it
 * came, counted from the end (3 bytes), then places from the end and their bytes (3 bytes and one).
 */
static void run_wire(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    const struct outcome outcome = sent();
    struct outcome got;
    struct wire_texts texts = { 0 };
    size_t length, came;
    char *message = wire_pack(1, &outcome, &length);
    came = size >= 3 ? length - number_at(bytes) % (length + 1) : length;
    for (size_t i = 3; i + 4 <= size; i += 4)
        message[length - 1 - number_at(bytes + i) % length] = (char)bytes[i + 3];
    /* In a block of that size, so that what is read behind it is seen. */
    char *cut = malloc(came > 0 ? came : 1);
    FUZZ_EXPECT(cut != NULL);
    memcpy(cut, message, came);
    free(message);
    if (wire_unpack(cut, came, &texts, &got))
        sim_result_free(&got.result);
    wire_texts_free(&texts);
    free(cut);
}

/* ---- timelines ---- */

static void run_timeline(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    struct error err = { 0 };
    struct timeline_turn turn = { 0 }, again = { 0 };
    const char *path = input_path(bytes, size);
    if (timeline_turn_read(path, 0, NULL, &turn, &err) == STATUS_OK) {
        FUZZ_EXPECT(turn.layers > 0);
        timeline_turn_read(path, 0, &turn, &again, &err);
    } else {
        FUZZ_EXPECT(err.status == STATUS_INPUT && err.expected[0] != '\0');
    }
    timeline_turn_free(&turn);
    timeline_turn_free(&again);
}

const struct fuzz_target fuzz_messages[] = {
    { "wire", NULL, run_wire, NULL },
    { "timeline", "timeline", run_timeline, NULL },
    { .name = NULL },
};
