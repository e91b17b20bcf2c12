/* models/collectives.c - see collectives.h. */
#include "models/collectives.h"

#include <assert.h>

#define BYTES_PER_S 1e-9 /* as bytes a ns */

const uint32_t collective_ranks[COLLECTIVE_RANKS] = { 2, 4, 8 };

const char *const collective_path_names[COLLECTIVE_PATHS] = { "one-shot", "two-shot", "symmetric",
                                                              "served", "NCCL" };

static double curve_ns(const struct collective_curve *curve, double bytes)
{
    double ns = curve->latency_ns;
    if (curve->bytes_per_s > 0)
        ns += bytes / (curve->bytes_per_s * BYTES_PER_S);
    if (curve->ramp_ns > 0)
        ns += curve->ramp_ns * bytes / (bytes + curve->half_bytes);
    return ns;
}

/* NCCL's curve is the last one, and takes what no other does. */
static enum collective_path path_from(const struct collective_curve curve[COLLECTIVE_PATHS],
                                      enum collective_path first, double bytes)
{
    enum collective_path path = first;
    while (path < COLLECTIVE_NCCL && bytes > curve[path].most_bytes)
        path++;
    return path;
}

static bool is_custom(enum collective_path path)
{
    return path == COLLECTIVE_ONE_SHOT || path == COLLECTIVE_TWO_SHOT;
}

static double copy_ns(const struct collective_fit *fit, double bytes)
{
    return fit->copy_latency_ns +
           (fit->copy_bytes_per_s > 0 ? bytes / (fit->copy_bytes_per_s * BYTES_PER_S) : 0);
}

/* How the kernels run, and from which of them on they are asked. */
struct manner {
    enum collective_path first;
    enum collective_launch launch;
};

static double measured_ns(const struct collective_fit *fit, uint32_t index, double bytes,
                          struct manner manner)
{
    enum collective_path path = path_from(fit->curve[index], manner.first, bytes);
    bool staged = manner.launch == COLLECTIVE_EAGER && is_custom(path);
    return curve_ns(&fit->curve[index][path], bytes) + (staged ? copy_ns(fit, bytes) : 0);
}

/* Between two measured numbers of ranks, or beyond the last. */
static double between_ns(const struct collective_fit *fit, uint32_t ranks, double bytes,
                         struct manner manner)
{
    uint32_t low = 0;
    while (low + 2 < COLLECTIVE_RANKS && ranks > collective_ranks[low + 1])
        low++;
    double low_ns = measured_ns(fit, low, bytes, manner);
    double high_ns = measured_ns(fit, low + 1, bytes, manner);
    double step = (double)(ranks - collective_ranks[low]) /
                  (double)(collective_ranks[low + 1] - collective_ranks[low]);
    double ns = low_ns + step * (high_ns - low_ns);
    return step > 1 && ns < high_ns ? high_ns : ns; /* more ranks are not faster */
}

static int measured_index(uint32_t ranks)
{
    for (uint32_t i = 0; i < COLLECTIVE_RANKS; i++)
        if (collective_ranks[i] == ranks)
            return (int)i;
    return -1;
}

static double ranks_ns(const struct collective_fit *fit, uint32_t ranks, double bytes,
                       struct manner manner)
{
    assert(ranks >= 1 && bytes >= 0);
    if (ranks == 1)
        return 0;
    int index = measured_index(ranks);
    return index >= 0 ? measured_ns(fit, (uint32_t)index, bytes, manner)
                      : between_ns(fit, ranks, bytes, manner);
}

/* vLLM's custom kernels are compiled for 2, 4, 6 and 8 ranks. */
static enum collective_path first_path(uint32_t ranks)
{
    return ranks <= 8 && ranks % 2 == 0 ? COLLECTIVE_ONE_SHOT : COLLECTIVE_SERVED;
}

double collective_allreduce_ns(const struct collective_fit *fit, uint32_t ranks, double bytes,
                               enum collective_launch launch)
{
    return ranks_ns(fit, ranks, bytes, (struct manner){ first_path(ranks), launch });
}

enum collective_path collective_path_of(const struct collective_fit *fit, uint32_t ranks,
                                        double bytes)
{
    int index = measured_index(ranks);
    return index < 0 ? COLLECTIVE_NCCL : path_from(fit->curve[index], COLLECTIVE_ONE_SHOT, bytes);
}

double collective_nccl_ns(const struct collective_fit *fit, uint32_t ranks, double bytes)
{
    return ranks_ns(fit, ranks, bytes, (struct manner){ COLLECTIVE_NCCL, COLLECTIVE_GRAPH });
}

double collective_called_ns(const struct collective_fit *fit, uint32_t ranks, double bytes)
{
    enum collective_path path = collective_path_of(fit, ranks, bytes);
    double call_ns = path == COLLECTIVE_SYMMETRIC ? fit->symmetric_call_ns : fit->custom_call_ns;
    double gpu_ns =
        copy_ns(fit, bytes) + collective_allreduce_ns(fit, ranks, bytes, COLLECTIVE_EAGER);
    return gpu_ns > call_ns ? gpu_ns : call_ns;
}
