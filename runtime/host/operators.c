/* runtime/host/operators.c - products by OpenBLAS; norms, activations, sums in plain loops that the
 * compiler vectorises. Each function of backend.h queues a command; run_* is what it does. */
#include "runtime/host/host.h"

#include <math.h>
#include <string.h>

static void run_embed(struct device *device, struct command *command)
{
    (void)device;
    const uint32_t *tokens = command->extra;
    const float *table = command->weights;
    float *out = command->out;
    for (uint32_t i = 0; i < command->rows; i++)
        memcpy(out + (uint64_t)i * command->inputs, table + (uint64_t)tokens[i] * command->inputs,
               command->inputs * sizeof *out);
}

static void queue_rows(struct device *device, const void *from, uint32_t width, const uint32_t *row,
                       uint32_t rows, void *to)
{
    struct command *command = streams_slot(device, STREAM_COMPUTE, rows * sizeof *row);
    memcpy(command->extra, row, rows * sizeof *row);
    command->run = run_embed;
    command->weights = from;
    command->inputs = width;
    command->rows = rows;
    command->out = to;
    streams_put(device, STREAM_COMPUTE);
}

void host_embed(struct device *device, const void *table, uint32_t width, const uint32_t *tokens,
                uint32_t rows, void *out)
{
    queue_rows(device, table, width, tokens, rows, out);
}

void host_gather_rows(struct device *device, const void *from, uint32_t width, const uint32_t *row,
                      uint32_t rows, void *to)
{
    queue_rows(device, from, width, row, rows, to);
}

/* One row as a matrix-vector product: sgemm would pack the whole matrix for it. */
void host_multiply(const struct blas *blas, uint32_t rows, uint32_t inputs, uint32_t outputs,
                   const float *in, const float *weights, float *out)
{
    int m = (int)rows, k = (int)inputs, n = (int)outputs;
    if (rows == 1)
        blas->sgemv(CblasRowMajor, CblasNoTrans, n, k, 1.0F, weights, k, in, 1, 0.0F, out, 1);
    else
        blas->sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0F, in, k, weights, k, 0.0F,
                    out, n);
}

static void run_gemm(struct device *device, struct command *command)
{
    host_multiply(&device->blas, command->rows, command->inputs, command->outputs, command->in,
                  command->weights, command->out);
}

void host_gemm(struct device *device, uint32_t rows, uint32_t inputs, uint32_t outputs,
               const void *in, const void *weights, void *out)
{
    struct command *command = streams_slot(device, STREAM_COMPUTE, 0);
    command->run = run_gemm;
    command->held_ns = host_held_ns(device, 2.0 * rows * inputs * outputs, 1.0,
                                    (double)inputs * outputs * sizeof(float));
    command->rows = rows;
    command->inputs = inputs;
    command->outputs = outputs;
    command->in = in;
    command->weights = weights;
    command->out = out;
    streams_put(device, STREAM_COMPUTE);
}

static void norm_row(const struct command *command, const float *in, float *out)
{
    const float *weight = command->weights, *bias = command->bias;
    uint32_t width = command->inputs;
    float mean = 0.0F, squares = 0.0F;
    if (command->kind == NORM_LAYER) {
        for (uint32_t i = 0; i < width; i++)
            mean += in[i];
        mean /= (float)width;
    }
    for (uint32_t i = 0; i < width; i++)
        squares += (in[i] - mean) * (in[i] - mean);
    float scale = 1.0F / sqrtf(squares / (float)width + command->epsilon);
    for (uint32_t i = 0; i < width; i++)
        out[i] = (in[i] - mean) * scale * weight[i] + (bias != NULL ? bias[i] : 0.0F);
}

static void run_norm(struct device *device, struct command *command)
{
    (void)device;
    const float *in = command->in;
    float *out = command->out;
    for (uint32_t i = 0; i < command->rows; i++)
        norm_row(command, in + (uint64_t)i * command->inputs, out + (uint64_t)i * command->inputs);
}

void host_norm(struct device *device, enum norm_kind kind, uint32_t rows, uint32_t width,
               float epsilon, const void *in, const void *weight, const void *bias, void *out)
{
    struct command *command = streams_slot(device, STREAM_COMPUTE, 0);
    command->run = run_norm;
    command->kind = (uint32_t)kind;
    command->rows = rows;
    command->inputs = width;
    command->epsilon = epsilon;
    command->in = in;
    command->weights = weight;
    command->bias = bias;
    command->out = out;
    streams_put(device, STREAM_COMPUTE);
}

static void swiglu_row(const float *in, uint32_t width, float *out)
{
    for (uint32_t i = 0; i < width; i++)
        out[i] = in[i] / (1.0F + expf(-in[i])) * in[width + i];
}

static void gelu_row(const float *in, uint32_t width, float *out)
{
    const float root = 0.7978845608F; /* sqrt(2 / pi) */
    for (uint32_t i = 0; i < width; i++) {
        float x = in[i];
        out[i] = 0.5F * x * (1.0F + tanhf(root * (x + 0.044715F * x * x * x)));
    }
}

static void run_activate(struct device *device, struct command *command)
{
    (void)device;
    const float *in = command->in;
    float *out = command->out;
    uint32_t width = command->outputs;
    for (uint32_t i = 0; i < command->rows; i++)
        if (command->kind == ACTIVATION_SWIGLU)
            swiglu_row(in + (uint64_t)i * 2 * width, width, out + (uint64_t)i * width);
        else
            gelu_row(in + (uint64_t)i * width, width, out + (uint64_t)i * width);
}

void host_activate(struct device *device, enum activation_kind kind, uint32_t rows, uint32_t width,
                   const void *in, void *out)
{
    struct command *command = streams_slot(device, STREAM_COMPUTE, 0);
    command->run = run_activate;
    command->kind = (uint32_t)kind;
    command->rows = rows;
    command->outputs = width;
    command->in = in;
    command->out = out;
    streams_put(device, STREAM_COMPUTE);
}

static void run_add(struct device *device, struct command *command)
{
    (void)device;
    const float *in = command->in;
    float *sum = command->out;
    for (uint64_t i = 0; i < command->count; i++)
        sum[i] += in[i];
}

void host_add(struct device *device, uint64_t count, const void *in, void *sum)
{
    struct command *command = streams_slot(device, STREAM_COMPUTE, 0);
    command->run = run_add;
    command->count = count;
    command->in = in;
    command->out = sum;
    streams_put(device, STREAM_COMPUTE);
}
