/* runtime/host/experts.c - a mixture of experts on the host: choosing, a product for each expert
 * that has rows, the weighted sum. A device that is stood for reads the weights of those experts
 * only, and multiplies the rows that went to them: which ones is known when the operator runs. */
#include "runtime/host/host.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct command *slot_for(struct device *device, const struct routing *routing)
{
    struct command *command = streams_slot(device, STREAM_COMPUTE, sizeof *routing);
    memcpy(command->extra, routing, sizeof *routing);
    return command;
}

/* ---- choosing ---- */

/* Whether expert a comes before b: by score, of equals by number. What is no number comes last. */
static bool before(const float *score, uint32_t a, uint32_t b)
{
    float of_a = isnan(score[a]) ? -INFINITY : score[a];
    float of_b = isnan(score[b]) ? -INFINITY : score[b];
    return of_a > of_b || (of_a == of_b && a < b);
}

/* The best `wanted` of the experts in order: a sorted list into which each expert is put. */
static void choose(const float *score, uint32_t experts, uint32_t wanted, uint32_t *chosen)
{
    for (uint32_t expert = 0, count = 0; expert < experts; expert++) {
        uint32_t place = count;
        while (place > 0 && before(score, expert, chosen[place - 1]))
            place--;
        if (place == wanted)
            continue;
        count += count < wanted;
        memmove(chosen + place + 1, chosen + place, (count - 1 - place) * sizeof *chosen);
        chosen[place] = expert;
    }
}

static void weigh(const float *score, const uint32_t *chosen, uint32_t count, float *weight)
{
    float sum = 0.0F;
    for (uint32_t i = 0; i < count; i++)
        sum += weight[i] = expf(score[chosen[i]] - score[chosen[0]]);
    for (uint32_t i = 0; i < count; i++)
        weight[i] /= sum;
}

/* Counting sort, which leaves rows in their order. */
static void assign_slots(const struct routing *routing, uint32_t rows)
{
    uint32_t per_token = routing->per_token, count = rows * per_token, *first = routing->first;
    memset(first, 0, (routing->experts + UINT64_C(1)) * sizeof *first);
    for (uint32_t i = 0; i < count; i++)
        first[routing->chosen[i] + 1]++;
    for (uint32_t expert = 0; expert < routing->experts; expert++)
        first[expert + 1] += first[expert];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = first[routing->chosen[i]]++;
        routing->slot[i] = slot;
        routing->row[slot] = i / per_token;
    }
    /* Each first slot has moved to the next expert's. */
    memmove(first + 1, first, routing->experts * sizeof *first);
    first[0] = 0;
}

static void run_route(struct device *device, struct command *command)
{
    const struct routing *routing = command->extra;
    uint32_t experts = routing->experts, per_token = routing->per_token;
    (void)device;
    host_multiply(&device->blas, command->rows, command->inputs, experts, command->in,
                  command->weights, routing->score);
    for (uint32_t row = 0; row < command->rows; row++) {
        const float *score = routing->score + (uint64_t)row * experts;
        uint32_t *chosen = routing->chosen + (uint64_t)row * per_token;
        choose(score, experts, per_token, chosen);
        weigh(score, chosen, per_token, routing->weight + (uint64_t)row * per_token);
    }
    assign_slots(routing, command->rows);
}

void host_route(struct device *device, const struct routing *routing, uint32_t rows,
                uint32_t inputs, const void *in, const void *router)
{
    struct command *command = slot_for(device, routing);
    command->run = run_route;
    command->held_ns = host_held_ns(device, 2.0 * rows * inputs * routing->experts, 1.0,
                                    (double)inputs * routing->experts * sizeof(float));
    command->rows = rows;
    command->inputs = inputs;
    command->in = in;
    command->weights = router;
    streams_put(device, STREAM_COMPUTE);
}

/* ---- the experts' products ---- */

/* The rows of an expert's slots, one behind the other. */
static const float *gathered(struct device *device, const float *in, uint32_t width,
                             const uint32_t *row, uint32_t count)
{
    struct scratch *scratch = &device->gathered;
    uint64_t floats = (uint64_t)count * width;
    if (floats > scratch->capacity) {
        free(scratch->memory);
        scratch->memory = memory_new(floats * 2, sizeof *scratch->memory);
        scratch->capacity = floats * 2;
    }
    for (uint32_t i = 0; i < count; i++)
        memcpy(scratch->memory + (uint64_t)i * width, in + (uint64_t)row[i] * width,
               width * sizeof *in);
    return scratch->memory;
}

static void run_expert_gemm(struct device *device, struct command *command)
{
    const struct routing *routing = command->extra;
    uint64_t inputs = command->inputs, outputs = command->outputs;
    bool by_row = command->kind != 0;
    uint32_t active = 0;
    for (uint32_t expert = 0; expert < routing->experts; expert++) {
        uint32_t first = routing->first[expert], count = routing->first[expert + 1] - first;
        if (count == 0)
            continue;
        const float *in = command->in, *weights = command->weights;
        in = by_row ? gathered(device, in, command->inputs, routing->row + first, count)
                    : in + first * inputs;
        host_multiply(&device->blas, count, command->inputs, command->outputs, in,
                      weights + expert * inputs * outputs, (float *)command->out + first * outputs);
        active++;
    }
    double values = (double)inputs * (double)outputs;
    command->held_ns = host_held_ns(device, 2.0 * routing->first[routing->experts] * values, 1.0,
                                    active * values * sizeof(float));
}

void host_expert_gemm(struct device *device, const struct routing *routing, bool by_row,
                      uint32_t rows, uint32_t inputs, uint32_t outputs, const void *in,
                      const void *weights, void *out)
{
    struct command *command = slot_for(device, routing);
    command->run = run_expert_gemm;
    command->kind = by_row;
    command->rows = rows;
    command->inputs = inputs;
    command->outputs = outputs;
    command->in = in;
    command->weights = weights;
    command->out = out;
    streams_put(device, STREAM_COMPUTE);
}

void experts_free(struct device *device)
{
    free(device->gathered.memory);
}

/* ---- their sum ---- */

static void run_combine(struct device *device, struct command *command)
{
    const struct routing *routing = command->extra;
    uint32_t width = command->outputs, per_token = routing->per_token;
    (void)device;
    for (uint32_t row = 0; row < command->rows; row++) {
        float *out = (float *)command->out + (uint64_t)row * width;
        if (command->kind == 0)
            memset(out, 0, width * sizeof *out);
        for (uint32_t i = row * per_token; i < (row + 1) * per_token; i++) {
            const float *in = (const float *)command->in + (uint64_t)routing->slot[i] * width;
            float weight = routing->weight[i];
            for (uint32_t k = 0; k < width; k++)
                out[k] += weight * in[k];
        }
    }
}

void host_combine(struct device *device, const struct routing *routing, uint32_t rows,
                  uint32_t width, const void *in, bool added, void *out)
{
    struct command *command = slot_for(device, routing);
    command->run = run_combine;
    command->kind = added;
    command->rows = rows;
    command->outputs = width;
    command->in = in;
    command->out = out;
    streams_put(device, STREAM_COMPUTE);
}
