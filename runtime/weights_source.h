/* runtime/weights_source.h - what a kind of weight file fills in. Private to weights*.c. */
#ifndef REPRISE_RUNTIME_WEIGHTS_SOURCE_H
#define REPRISE_RUNTIME_WEIGHTS_SOURCE_H

#include "runtime/weights.h"

#include <stdio.h>

struct weights {
    struct model model;
    uint64_t seed;
    char path[256];
    int file; /* -1: random */
    bool interleaved;
    enum status (*read)(struct weights *weights, struct tensor_at at, float *to, struct error *err);
    /* NULL: by read(). */
    enum status (*read_bf16)(struct weights *weights, struct tensor_at at, uint16_t *to,
                             struct error *err);
    /* llama2.c */
    bool own_head;
    uint32_t sequence_tokens;
    /* safetensors */
    struct json_t *header;
    uint64_t data_offset;
    bool mixtral; /* its names of what experts are made of */
};

/* Each checks that the open file is of its kind and the model's shape. */
enum status weights_open_llama2c(struct weights *weights, struct error *err);
enum status weights_open_safetensors(struct weights *weights, struct error *err);
void weights_close_safetensors(struct weights *weights);

/* The nearest bf16, of two as near the even one, as GPUs round. */
uint16_t weights_bf16(float value);
/* What weights_read_bf16() does where the source has no bf16 of its own: floats, rounded. */
enum status weights_round(struct weights *weights, struct tensor_at at, uint16_t *to,
                          struct error *err);

/* Reads size_bytes at the offset, in several threads; a file that ends before is STATUS_INPUT. */
enum status weights_read_at(struct weights *weights, uint64_t offset, void *to, uint64_t size_bytes,
                            struct error *err);

#endif
