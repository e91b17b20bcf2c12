/* runtime/weights_source.h - what a kind of weight file fills in. Private to weights*.c. */
#ifndef REPRISE_RUNTIME_WEIGHTS_SOURCE_H
#define REPRISE_RUNTIME_WEIGHTS_SOURCE_H

#include "runtime/weights.h"

#include <stdio.h>

struct weights {
    struct model model;
    uint64_t seed;
    char path[256];
    FILE *file; /* NULL: random */
    bool interleaved;
    enum status (*read)(struct weights *weights, enum tensor tensor, uint32_t layer, float *to,
                        struct error *err);
    /* llama2.c */
    bool own_head;
    uint32_t sequence_tokens;
    /* safetensors */
    struct json_t *header;
    uint64_t data_offset;
};

/* Each checks that the open file is of its kind and the model's shape. */
enum status weights_open_llama2c(struct weights *weights, struct error *err);
enum status weights_open_safetensors(struct weights *weights, struct error *err);
void weights_close_safetensors(struct weights *weights);

/* Reads size_bytes at the offset; a file that ends before is STATUS_INPUT. */
enum status weights_read_at(struct weights *weights, uint64_t offset, void *to, uint64_t size_bytes,
                            struct error *err);

#endif
