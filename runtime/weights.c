/* runtime/weights.c - random weights, and which kind of file a path is. */
#include "base/memory.h"
#include "base/random.h"
#include "base/spread.h"
#include "runtime/weights_source.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct shape {
    uint64_t outputs, inputs; /* outputs 1: a vector */
};

/* Of latent attention alone, and of what has another shape there. */
static struct shape latent_shape(const struct model *model, enum tensor tensor)
{
    uint64_t hidden = model->hidden, heads = model->heads, query_latent = model->query_latent_dim;
    switch (tensor) {
    case TENSOR_QUERY:
        return (struct shape){ heads * (model->head_dim + model->rope_dim),
                               query_latent > 0 ? query_latent : hidden };
    case TENSOR_QUERY_DOWN:
        return (struct shape){ query_latent, hidden };
    case TENSOR_QUERY_NORM:
        return (struct shape){ 1, query_latent };
    case TENSOR_KV_DOWN:
        return (struct shape){ (uint64_t)model->latent_dim + model->rope_dim, hidden };
    case TENSOR_KV_NORM:
        return (struct shape){ 1, model->latent_dim };
    case TENSOR_KV_UP:
        return (struct shape){ 2 * heads * model->head_dim, model->latent_dim };
    default: /* TENSOR_KEY, TENSOR_VALUE */
        return (struct shape){ 0, 0 };
    }
}

static bool is_latent(const struct model *model, enum tensor tensor)
{
    return (tensor >= TENSOR_QUERY_DOWN && tensor <= TENSOR_KV_UP) ||
           (model->attention == ATTENTION_LATENT &&
            (tensor == TENSOR_QUERY || tensor == TENSOR_KEY || tensor == TENSOR_VALUE));
}

static struct shape tensor_shape(const struct model *model, enum tensor tensor)
{
    if (is_latent(model, tensor))
        return latent_shape(model, tensor);
    uint64_t hidden = model->hidden, query = (uint64_t)model->heads * model->head_dim;
    uint64_t kv = (uint64_t)model->kv_heads * model->head_dim;
    uint64_t shared = (uint64_t)model->shared_experts * model->expert_ffn;
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
    case TENSOR_ROUTER:
        return (struct shape){ model->experts, hidden };
    case TENSOR_EXPERT_GATE:
    case TENSOR_EXPERT_UP:
        return (struct shape){ model->expert_ffn, hidden };
    case TENSOR_EXPERT_DOWN:
        return (struct shape){ hidden, model->expert_ffn };
    case TENSOR_SHARED_GATE:
    case TENSOR_SHARED_UP:
        return (struct shape){ shared, hidden };
    case TENSOR_SHARED_DOWN:
        return (struct shape){ hidden, shared };
    default:
        return (struct shape){ 1, hidden };
    }
}

uint64_t weights_count(const struct model *model, enum tensor tensor)
{
    struct shape shape = tensor_shape(model, tensor);
    return shape.outputs * shape.inputs;
}

/* ---- bf16 ---- */

uint16_t weights_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) /* not a number: rounding could make it infinite */
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

struct rounding {
    const float *from;
    uint16_t *to;
};

static void round_part(void *context, uint64_t begin, uint64_t end)
{
    const struct rounding *rounding = context;
    for (uint64_t i = begin; i < end; i++)
        rounding->to[i] = weights_bf16(rounding->from[i]);
}

enum status weights_round(struct weights *weights, struct tensor_at at, uint16_t *to,
                          struct error *err)
{
    uint64_t count = weights_count(&weights->model, at.tensor);
    float *values = memory_new(count, sizeof *values);
    enum status status = weights->read(weights, at, values, err);
    if (status == STATUS_OK)
        spread(count, 1 << 20, round_part, &(struct rounding){ values, to });
    free(values);
    return status;
}

/* ---- random ---- */

struct drawing {
    uint64_t key, count;
    float scale;   /* values are uniform over -2^31 .. 2^31 times this; 0: all are 1 */
    float *floats; /* one of the two */
    uint16_t *bf16;
};

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014): its n-th number without those before it, so that
 * threads can share a tensor, which is the same whatever their number. */
static uint64_t number_at(uint64_t key, uint64_t n)
{
    uint64_t z = key + (n + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static void put(const struct drawing *drawing, uint64_t i, uint64_t bits)
{
    float value = drawing->scale > 0.0F ? (float)(int32_t)(uint32_t)bits * drawing->scale : 1.0F;
    if (i >= drawing->count)
        return;
    if (drawing->bf16 != NULL)
        drawing->bf16[i] = weights_bf16(value);
    else
        drawing->floats[i] = value;
}

/* A number is two values. */
static void draw_pairs(void *context, uint64_t begin, uint64_t end)
{
    const struct drawing *drawing = context;
    for (uint64_t pair = begin; pair < end; pair++) {
        uint64_t bits = number_at(drawing->key, pair);
        put(drawing, 2 * pair, bits);
        put(drawing, 2 * pair + 1, bits >> 32);
    }
}

/* A tensor's own sequence of random numbers. Those that were there before there were experts keep
 * theirs, so that a dense model's weights are what recorded results were made with. */
static uint64_t sequence_of(struct tensor_at at)
{
    const uint32_t first_tensors = TENSOR_HEAD + 1;
    if ((uint32_t)at.tensor < first_tensors)
        return (uint64_t)at.layer * first_tensors + (uint64_t)at.tensor;
    return UINT64_C(1) << 63 | (uint64_t)at.tensor << 48 | (uint64_t)at.expert << 24 | at.layer;
}

/* Uniform, since its shape does not matter here and it is cheap: deviation 1 needs +- sqrt(3). */
static void draw(const struct weights *weights, struct tensor_at at, float *floats, uint16_t *bf16)
{
    struct shape shape = tensor_shape(&weights->model, at.tensor);
    double deviation = at.tensor == TENSOR_EMBEDDING ? 1.0 : 1.0 / sqrt((double)shape.inputs);
    struct random random = random_from(weights->seed, sequence_of(at));
    struct drawing drawing = { .key = random_u64(&random),
                               .count = shape.outputs * shape.inputs,
                               .scale = shape.outputs == 1
                                            ? 0.0F
                                            : (float)(sqrt(3.0) * deviation * 0x1p-31),
                               .floats = floats,
                               .bf16 = bf16 };
    spread((drawing.count + 1) / 2, 1 << 17, draw_pairs, &drawing);
}

static enum status read_random(struct weights *weights, struct tensor_at at, float *to,
                               struct error *err)
{
    (void)err;
    draw(weights, at, to, NULL);
    return STATUS_OK;
}

static enum status read_random_bf16(struct weights *weights, struct tensor_at at, uint16_t *to,
                                    struct error *err)
{
    (void)err;
    draw(weights, at, NULL, to);
    return STATUS_OK;
}

/* ---- opening and reading ---- */

static enum status open_file(struct weights *weights, struct error *err)
{
    weights->read_bf16 = NULL;
    weights->file = open(weights->path, O_RDONLY | O_CLOEXEC);
    if (weights->file < 0)
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
    opened->file = -1;
    opened->read = read_random;
    opened->read_bf16 = read_random_bf16;
    enum status status = STATUS_OK;
    opened->interleaved = model->attention == ATTENTION_LATENT;
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
    if (weights->file >= 0)
        close(weights->file);
    free(weights);
}

enum status weights_read(struct weights *weights, struct tensor_at at, float *to, struct error *err)
{
    return weights->read(weights, at, to, err);
}

enum status weights_read_bf16(struct weights *weights, struct tensor_at at, uint16_t *to,
                              struct error *err)
{
    return (weights->read_bf16 != NULL ? weights->read_bf16 : weights_round)(weights, at, to, err);
}

bool weights_rope_interleaved(const struct weights *weights)
{
    return weights->interleaved;
}

struct reading {
    int file;
    uint64_t offset;
    char *to;
    atomic_int error; /* an errno */
    atomic_bool ends_early;
};

static void read_part(void *context, uint64_t begin, uint64_t end)
{
    struct reading *reading = context;
    while (begin < end) {
        ssize_t count = pread(reading->file, reading->to + begin, end - begin,
                              (off_t)(reading->offset + begin));
        if (count > 0) {
            begin += (uint64_t)count;
        } else if (count == 0 || errno != EINTR) {
            if (count < 0)
                atomic_store(&reading->error, errno);
            atomic_store(&reading->ends_early, true);
            return;
        }
    }
}

enum status weights_read_at(struct weights *weights, uint64_t offset, void *to, uint64_t size_bytes,
                            struct error *err)
{
    struct reading reading = { .file = weights->file, .offset = offset, .to = to };
    spread(size_bytes, 4 << 20, read_part, &reading);
    if (reading.error != 0)
        return error_io(err, weights->path, "read", strerror(reading.error));
    if (reading.ends_early)
        return error_input(err, weights->path, 0, NULL, "a whole file", "one that ends early");
    return STATUS_OK;
}
