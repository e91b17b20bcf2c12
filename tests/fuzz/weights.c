/* tests/fuzz/weights.c - checkpoints of a very small model: safetensors and llama2.c's. */
#include "tests/fuzz/fuzz.h"

#include "runtime/weights.h"
#include "tests/fuzz/input.h"

#include <stdlib.h>

static struct model small_model(void)
{
    return (struct model){ .layers = 1,
                           .hidden = 4,
                           .heads = 2,
                           .kv_heads = 1,
                           .head_dim = 2,
                           .value_dim = 0,
                           .ffn = 4,
                           .vocabulary = 8,
                           .gated_ffn = true,
                           .kv_bytes_per_value = 2,
                           .weight_bytes_per_parameter = 2 };
}

static void read_all(struct weights *weights, const struct model *model)
{
    for (int tensor = 0; tensor <= TENSOR_HEAD; tensor++) {
        const struct tensor_at at = { (enum tensor)tensor, 0, 0 };
        uint64_t count = weights_count(model, at.tensor);
        float *floats = calloc(count, sizeof *floats);
        uint16_t *halves = calloc(count, sizeof *halves);
        FUZZ_EXPECT(floats != NULL && halves != NULL);
        struct error err = { 0 };
        if (weights_read(weights, at, floats, &err) == STATUS_OK)
            weights_read_bf16(weights, at, halves, &err);
        free(floats);
        free(halves);
    }
}

static void run_weights(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    const struct model model = small_model();
    struct error err = { 0 };
    struct weights *weights = NULL;
    const char *path = input_named(target->about, bytes, size);
    if (weights_open(path, 1, &model, &weights, &err) != STATUS_OK) {
        FUZZ_EXPECT(err.status == STATUS_INPUT && err.expected[0] != '\0');
        return;
    }
    read_all(weights, &model);
    weights_close(weights);
}

const struct fuzz_target fuzz_weights[] = {
    { "safetensors", "safetensors", run_weights, "model.safetensors" },
    { "llama2c", NULL, run_weights, "model.bin" },
    { .name = NULL },
};
