/* runtime/weights.c - random weights, and which kind of file a path is. */
#include "base/memory.h"
#include "base/random.h"
#include "runtime/weights_source.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct shape {
    uint64_t outputs, inputs; /* outputs 1: a vector */
};

static struct shape tensor_shape(const struct model *model, enum tensor tensor)
{
    uint64_t hidden = model->hidden, query = (uint64_t)model->heads * model->head_dim;
    uint64_t kv = (uint64_t)model->kv_heads * model->head_dim;
    switch (tensor) {
    case TENSOR_EMBEDDING:
    case TENSOR_HEAD:
        return (struct shape){ model->vocabulary, hidden };
    case TENSOR_QUERY:
        return (struct shape){ query, hidden };
    case TENSOR_KEY:
    case TENSOR_VALUE:
        return (struct shape){ kv, hidden };
    case TENSOR_OUTPUT:
        return (struct shape){ hidden, query };
    case TENSOR_GATE:
    case TENSOR_UP:
        return (struct shape){ model->ffn, hidden };
    case TENSOR_DOWN:
        return (struct shape){ hidden, model->ffn };
    default:
        return (struct shape){ 1, hidden };
    }
}

uint64_t weights_count(const struct model *model, enum tensor tensor)
{
    struct shape shape = tensor_shape(model, tensor);
    return shape.outputs * shape.inputs;
}

/* Uniform, since its shape does not matter here and it is cheap: deviation 1 needs +- sqrt(3). */
static enum status read_random(struct weights *weights, enum tensor tensor, uint32_t layer,
                               float *to, struct error *err)
{
    (void)err;
    struct shape shape = tensor_shape(&weights->model, tensor);
    uint64_t count = shape.outputs * shape.inputs;
    struct random random =
        random_from(weights->seed, (uint64_t)layer * TENSOR_COUNT + (uint64_t)tensor);
    double deviation = tensor == TENSOR_EMBEDDING ? 1.0 : 1.0 / sqrt((double)shape.inputs);
    double width = 2.0 * sqrt(3.0) * deviation;
    for (uint64_t i = 0; i < count; i++)
        to[i] = shape.outputs == 1 ? 1.0F : (float)((random_uniform(&random) - 0.5) * width);
    return STATUS_OK;
}

static enum status open_file(struct weights *weights, struct error *err)
{
    weights->file = fopen(weights->path, "rb");
    if (weights->file == NULL)
        return error_io(err, weights->path, "open", strerror(errno));
    size_t length = strlen(weights->path);
    const char *end = ".safetensors";
    if (length > strlen(end) && strcmp(weights->path + length - strlen(end), end) == 0)
        return weights_open_safetensors(weights, err);
    return weights_open_llama2c(weights, err);
}

enum status weights_open(const char *path, uint64_t seed, const struct model *model,
                         struct weights **weights, struct error *err)
{
    struct weights *opened = memory_new(1, sizeof *opened);
    opened->model = *model;
    opened->seed = seed;
    opened->read = read_random;
    enum status status = STATUS_OK;
    if (path != NULL) {
        snprintf(opened->path, sizeof opened->path, "%s", path);
        status = open_file(opened, err);
    }
    if (status != STATUS_OK) {
        weights_close(opened);
        return status;
    }
    *weights = opened;
    return STATUS_OK;
}

void weights_close(struct weights *weights)
{
    if (weights == NULL)
        return;
    weights_close_safetensors(weights);
    if (weights->file != NULL)
        fclose(weights->file);
    free(weights);
}

enum status weights_read(struct weights *weights, enum tensor tensor, uint32_t layer, float *to,
                         struct error *err)
{
    return weights->read(weights, tensor, layer, to, err);
}

bool weights_rope_interleaved(const struct weights *weights)
{
    return weights->interleaved;
}

enum status weights_read_at(struct weights *weights, uint64_t offset, void *to, uint64_t size_bytes,
                            struct error *err)
{
    if (fseeko(weights->file, (off_t)offset, SEEK_SET) != 0)
        return error_io(err, weights->path, "read", strerror(errno));
    if (fread(to, 1, size_bytes, weights->file) == size_bytes)
        return STATUS_OK;
    if (ferror(weights->file))
        return error_io(err, weights->path, "read", strerror(errno));
    return error_input(err, weights->path, 0, NULL, "a whole file", "one that ends early");
}
