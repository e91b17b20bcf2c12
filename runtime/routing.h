/* runtime/routing.h - which experts the rows of a feed-forward go through: arrays in a device's
 * HBM, laid out alike on every backend. For C and CUDA.
 *
 * Each row chooses `per_token` of the experts. A row with one expert of its choice has a slot: the
 * slots are ordered by expert, then by row, so that what an expert works on lies together. Which
 * experts have how many is on the device only; no one waits for it. */
#ifndef REPRISE_RUNTIME_ROUTING_H
#define REPRISE_RUNTIME_ROUTING_H

#include <stdint.h>

struct routing {
    uint32_t experts, per_token;
    uint32_t *first;  /* [expert]: its first slot; [experts]: how many slots there are */
    uint32_t *chosen; /* [row][i]: its i-th best expert */
    uint32_t *slot;   /* [row][i]: where it stands */
    uint32_t *row;    /* [slot]: whose it is */
    float *weight;    /* [row][i]: of the expert's result; a row's are 1 together */
    float *score;     /* [row][expert] */
};

static inline uint64_t routing_array_bytes(uint64_t values) /* begins where 16 bytes can be moved */
{
    return (values * 4 + 15) / 16 * 16;
}

/* Of HBM, for so many rows at most. */
static inline uint64_t routing_bytes(uint32_t rows, uint32_t experts, uint32_t per_token)
{
    return routing_array_bytes((uint64_t)experts + 1) +
           4 * routing_array_bytes((uint64_t)rows * per_token) +
           routing_array_bytes((uint64_t)rows * experts);
}

/* memory: routing_bytes() of that many rows. */
static inline struct routing routing_in(void *memory, uint32_t rows, uint32_t experts,
                                        uint32_t per_token)
{
    struct routing routing;
    const uint64_t slots_bytes = routing_array_bytes((uint64_t)rows * per_token);
    char *slots = (char *)memory + routing_array_bytes((uint64_t)experts + 1);
    routing.experts = experts;
    routing.per_token = per_token;
    routing.first = (uint32_t *)memory;
    routing.chosen = (uint32_t *)(void *)slots;
    routing.slot = (uint32_t *)(void *)(slots + slots_bytes);
    routing.row = (uint32_t *)(void *)(slots + 2 * slots_bytes);
    routing.weight = (float *)(void *)(slots + 3 * slots_bytes);
    routing.score = (float *)(void *)(slots + 4 * slots_bytes);
    return routing;
}

#endif
