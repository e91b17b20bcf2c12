/* models/attention_latent.c - MLA's attention: attention.h's last two functions. What lies between
 * the projections that every token has: prefill decompresses K and V and attends with them, decode
 * absorbs the decompression into queries and outputs and attends to the latent vectors, one for all
 * heads (DeepSeek-V2, arXiv 2405.04434, 2.1). */
#include "models/attention.h"

#include <assert.h>
#include <math.h>

static double longer(double a, double b)
{
    return a > b ? a : b;
}

/* The longer one, without a corner. */
static double overlapping(double a, double b)
{
    return sqrt(a * a + b * b);
}

static double with_host(const struct attention_latent *of, bool eager, double ns)
{
    return eager ? longer(of->host_ns, ns) : ns;
}

double attention_latent_prefill_ns(const struct attention_fit *fit, struct gpu_peak peak,
                                   const struct latent_shape *shape, double sequences,
                                   double new_tokens, double cached_tokens)
{
    assert(fit->latent_fitted);
    if (sequences <= 0 || new_tokens <= 0)
        return 0;
    const struct attention_latent *of = &fit->latent;
    double pairs = sequences * new_tokens * (cached_tokens + (new_tokens + 1) / 2);
    double flop = 2 * pairs * shape->heads * (2 * shape->head_dim + shape->rope_dim);
    double tokens = sequences * (new_tokens + cached_tokens);
    double ns = of->prefill_ns + flop / (peak.flop * of->prefill_efficiency) +
                tokens * (of->prefill_token_ns + shape->heads * of->prefill_head_ns);
    return with_host(of, shape->eager, ns);
}

double attention_latent_decode_ns(const struct attention_fit *fit, struct gpu_peak peak,
                                  const struct latent_shape *shape, double sequences,
                                  double context_tokens)
{
    assert(fit->latent_fitted);
    if (sequences <= 0)
        return 0;
    const struct attention_latent *of = &fit->latent;
    double key_dim = shape->latent_dim + shape->rope_dim;
    double moving_ns =
        context_tokens * key_dim * shape->kv_bytes / (peak.bytes * of->decode_efficiency);
    double tiles = ceil(shape->heads / of->tile_heads);
    double flop = 2 * context_tokens * tiles * of->tile_heads * (key_dim + shape->latent_dim);
    double computing_ns = flop / (peak.flop * of->decode_flop_share);
    double ns = of->decode_ns + overlapping(moving_ns, computing_ns) +
                sequences * tiles * of->decode_tile_ns / fit->multiprocessors +
                sequences * shape->heads * of->decode_head_ns;
    return with_host(of, shape->eager, ns);
}
