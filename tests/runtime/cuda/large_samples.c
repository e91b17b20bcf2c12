/* tests/runtime/cuda/large_samples.c - see large_samples.h. */
#include "tests/runtime/cuda/large_samples.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/spread.h"
#include "runtime/backend.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>

/* ---- angles ---- */

/* (cos, sin) of every pair at every position: what reference_rope() works out, once for all. */
struct angles {
    uint32_t width, positions;
    double *of; /* [position][width / 2][2] */
};

static void make_angles(void *context, uint64_t begin, uint64_t end)
{
    const struct angles *angles = context;
    double step[LATENT_DIM_MAX];
    for (uint32_t i = 0; i < angles->width / 2; i++)
        step[i] = pow((double)LARGE_THETA, -2.0 * i / angles->width);
    for (uint64_t position = begin; position < end; position++)
        for (uint32_t i = 0; i < angles->width / 2; i++) {
            double *pair = angles->of + position * angles->width + 2 * (uint64_t)i;
            pair[0] = cos((double)position * step[i]);
            pair[1] = sin((double)position * step[i]);
        }
}

static void turn(const struct angles *angles, uint32_t position, double *head)
{
    const double *pair = angles->of + (uint64_t)position * angles->width;
    uint32_t half = angles->width / 2;
    for (uint32_t i = 0; i < half; i++, pair += 2) {
        double low = head[i], high = head[i + half];
        head[i] = low * pair[0] - high * pair[1];
        head[i + half] = low * pair[1] + high * pair[0];
    }
}

/* ---- the definition ---- */

struct job {
    struct large_samples *s;
    const struct large_definition *definition;
    struct angles angles;
};

/* Scores of tokens [begin, position], as weights whose sum is 1. */
static double *weights_of(const struct job *job, const struct large_sample *sample,
                          const struct large_view *view, uint32_t begin)
{
    const struct large_definition *definition = job->definition;
    double *query = memory_new(view->key_width, sizeof *query), sum = 0, highest = -INFINITY;
    double *key = memory_new(view->key_width, sizeof *key);
    uint32_t count = sample->position + 1 - begin;
    double *weight = memory_new(count, sizeof *weight);
    definition->query(definition->context, sample, query);
    turn(&job->angles, sample->position, query + view->turned);
    for (uint32_t t = 0; t < count; t++) {
        uint64_t row = large_row(definition->pool, sample->sequence, begin + t, 0);
        for (uint32_t i = 0; i < view->key_width; i++)
            key[i] = large_value(definition->pool, row + view->key_column + i);
        turn(&job->angles, begin + t, key + view->turned);
        for (uint32_t i = 0; i < view->key_width; i++)
            weight[t] += query[i] * key[i];
        weight[t] *= definition->scale;
        highest = fmax(highest, weight[t]);
    }
    for (uint32_t t = 0; t < count; t++)
        sum += weight[t] = exp(weight[t] - highest);
    for (uint32_t t = 0; t < count; t++)
        weight[t] /= sum;
    free(query);
    free(key);
    return weight;
}

static void expect_samples(void *context, uint64_t first, uint64_t end)
{
    const struct job *job = context;
    for (uint64_t n = first; n < end; n++) {
        const struct large_sample *sample = &job->s->of[n];
        const struct large_view view =
            job->definition->view(job->definition->context, sample->head);
        uint32_t begin = window_begin(job->definition->window_tokens, false, sample->position);
        double *weight = weights_of(job, sample, &view, begin);
        double *out = job->s->expected + n * job->s->dim;
        for (uint32_t t = begin; t <= sample->position; t++) {
            uint64_t row =
                large_row(job->definition->pool, sample->sequence, t, view.value_plane);
            for (uint32_t i = 0; i < job->s->dim; i++)
                out[i] += weight[t - begin] *
                          large_value(job->definition->pool, row + view.value_column + i);
        }
        free(weight);
    }
}

static void choose(struct large_samples *s, const struct large_sequences *sequences)
{
    struct random random = random_from(test_seed(), 2);
    for (uint32_t n = 0; n < LARGE_SAMPLES; n++) {
        uint32_t row = n == 0   ? 0
                       : n == 1 ? sequences->rows - 1
                                : (uint32_t)random_below(&random, sequences->rows);
        uint32_t sequence = 0;
        while (row >= sequences->of[sequence].first_row + sequences->of[sequence].new_tokens)
            sequence++;
        const struct kernel_sequence *of = &sequences->of[sequence];
        s->of[n] = (struct large_sample){ .row = row,
                                          .head = (uint32_t)random_below(&random, s->heads),
                                          .sequence = sequence,
                                          .position = of->cached_tokens + row - of->first_row };
    }
}

void large_samples_new(struct large_samples *s, const struct large_definition *definition,
                       uint32_t heads, uint32_t dim)
{
    const struct large_sequences *sequences = definition->pool->sequences;
    *s = (struct large_samples){ .heads = heads, .dim = dim };
    s->expected = memory_new((uint64_t)LARGE_SAMPLES * dim, sizeof *s->expected);
    choose(s, sequences);
    struct job job = { .s = s,
                       .definition = definition,
                       .angles = {
                           .width = definition->view(definition->context, 0).turned_width,
                           .positions = sequences->longest } };
    job.angles.of = memory_new((uint64_t)job.angles.positions * job.angles.width, sizeof(double));
    spread(job.angles.positions, 256, make_angles, &job.angles);
    spread(LARGE_SAMPLES, 1, expect_samples, &job);
    free(job.angles.of);
}

void large_samples_free(struct large_samples *s)
{
    free(s->expected);
}

/* ---- beside what was found ---- */

struct large_error large_samples_error(const struct large_samples *s, const uint16_t *out,
                                       uint32_t rows)
{
    struct large_error error = { .numbers = true };
    double difference = 0, size = 0;
    for (uint32_t n = 0; n < LARGE_SAMPLES; n++) {
        double its_difference = 0, its_size = 0;
        const uint16_t *found =
            out + ((uint64_t)s->of[n].row * s->heads + s->of[n].head) * s->dim;
        for (uint32_t i = 0; i < s->dim; i++) {
            double expected = s->expected[(uint64_t)n * s->dim + i];
            its_difference += pow((double)element_value(ELEMENT_BF16, found[i]) - expected, 2);
            its_size += expected * expected;
        }
        double its = sqrt(its_difference / its_size);
        if (n == 0 || its > error.worst) {
            error.worst = its;
            error.of = s->of[n];
        }
        difference += its_difference;
        size += its_size;
    }
    error.all = sqrt(difference / size);
    for (uint64_t i = 0; i < (uint64_t)rows * s->heads * s->dim; i++)
        error.numbers &= (out[i] & 0x7f80) != 0x7f80; /* neither NaN nor infinite */
    return error;
}
