/* runtime/cuda/product_trial.c - which of the algorithms that cublasLt offers for a shape is the
 * fastest, by trying. Weights are tried where they lie: a small matrix is in the GPU's cache from
 * the second product on, as in bench_cuda, while in a run other layers' weights come between. */
#include "runtime/cuda/products.h"

#include <math.h>

/* A sample is SAMPLE_MS long or one product, so that launching one is little of it. Products of
 * LONG_MS are sampled once: they cost most of the time, and vary least. */
static const float SAMPLE_MS = 0.06F, LONG_MS = 0.25F;
enum { MOST_REPEATS = 8 };
/* A candidate SLOWER than the best is not sampled again. The first is kept but for one that takes
 * at most WORTH of its time: what is closer may be chance, and the first is the same in every run.
 */
static const float SLOWER = 1.1F, WORTH = 0.98F;

struct trial {
    struct device *device;
    const struct product_matrix *matrix;
    const struct product *product;
    const struct operands *operands;
    struct candidate *candidate;
    uint32_t count;
};

static bool mark(struct device *device, uint32_t event)
{
    return gpu_ok(device,
                  cudaEventRecord(device->products.event[event], device->stream[STREAM_COMPUTE]),
                  "record an event");
}

/* A candidate that cublasLt does not take after all is out. */
static void run(const struct trial *trial, struct candidate *candidate, uint32_t repeats)
{
    for (uint32_t i = 0; i < repeats && !candidate->out; i++)
        candidate->out =
            product_multiply(trial->device, trial->matrix, trial->product, &candidate->algorithm,
                             trial->operands) != CUBLAS_STATUS_SUCCESS;
}

/* Between the events before and behind it. */
static bool read_times(const struct trial *trial, uint32_t repeats)
{
    const cudaEvent_t *event = trial->device->products.event;
    for (uint32_t i = 0; i < trial->count; i++) {
        struct candidate *candidate = &trial->candidate[i];
        float ms = 0.0F;
        if (!gpu_ok(trial->device, cudaEventElapsedTime(&ms, event[i], event[i + 1]),
                    "read an event's time"))
            return false;
        candidate->ms = fminf(candidate->ms, ms / (float)repeats);
    }
    return true;
}

/* One of each that is not out, back to back. lead: a product goes before, since the first sample
 * would else begin with a launch's way to an idle GPU. false: the device failed. */
static bool sample(const struct trial *trial, uint32_t repeats, bool lead)
{
    struct device *device = trial->device;
    run(trial, &trial->candidate[0], lead ? 1 : 0);
    bool well = mark(device, 0);
    for (uint32_t i = 0; i < trial->count && well; i++) {
        run(trial, &trial->candidate[i], repeats);
        well = mark(device, i + 1);
    }
    return well &&
           gpu_ok(device, cudaEventSynchronize(device->products.event[trial->count]),
                  "run what is queued") &&
           read_times(trial, repeats);
}

static struct candidate *fastest(const struct trial *trial)
{
    struct candidate *best = NULL;
    for (uint32_t i = 0; i < trial->count; i++)
        if (!trial->candidate[i].out && (best == NULL || trial->candidate[i].ms < best->ms))
            best = &trial->candidate[i];
    return best;
}

static uint32_t repeats_of(float product_ms)
{
    float repeats = SAMPLE_MS / fmaxf(product_ms, SAMPLE_MS / (float)MOST_REPEATS);
    return repeats > 1.0F ? (uint32_t)repeats : 1;
}

/* How many are not out behind it. */
static uint32_t drop_slower(const struct trial *trial, float ms)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < trial->count; i++) {
        trial->candidate[i].out |= trial->candidate[i].ms > ms;
        left += !trial->candidate[i].out;
    }
    return left;
}

static void forget(const struct trial *trial)
{
    for (uint32_t i = 0; i < trial->count; i++)
        trial->candidate[i].ms = INFINITY;
}

/* The best of several samples, of which the first begins behind a product. */
static bool time_short(const struct trial *trial)
{
    const uint32_t repeats = repeats_of(fastest(trial)->ms);
    forget(trial);
    if (!sample(trial, repeats, true) || fastest(trial) == NULL)
        return false;
    return drop_slower(trial, SLOWER * fastest(trial)->ms) < 2 || sample(trial, repeats, true);
}

/* The first samples load kernels, and only say how long a product takes at most: what seems long
 * then is sampled once more in any case, and may turn out to be short. */
static bool time_all(const struct trial *trial)
{
    if (!sample(trial, 1, false) || fastest(trial) == NULL)
        return false;
    if (trial->count == 1)
        return true;
    if (fastest(trial)->ms >= LONG_MS) {
        forget(trial);
        if (!sample(trial, 1, false) || fastest(trial) == NULL)
            return false;
    }
    return fastest(trial)->ms >= LONG_MS || time_short(trial);
}

const struct candidate *product_trial(struct device *device, const struct product_matrix *matrix,
                                      const struct product *product,
                                      const struct operands *operands,
                                      struct candidates *candidates)
{
    const struct trial trial = { device,   matrix,           product,
                                 operands, candidates->item, candidates->count };
    if (!time_all(&trial))
        return NULL;
    const struct candidate *first = &candidates->item[0], *best = fastest(&trial);
    return !first->out && best != NULL && best->ms > WORTH * first->ms ? first : best;
}
