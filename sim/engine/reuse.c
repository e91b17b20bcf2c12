/* sim/engine/reuse.c - see reuse.h. */
#include "sim/engine/reuse.h"

#include "base/units.h"

uint32_t reuse_found_tokens(const struct placement_hits *hits)
{
    uint32_t tokens = 0;
    for (int tier = TIER_HBM; tier < TIER_KINDS; tier++)
        tokens += hits->tokens[tier];
    return tokens;
}

uint32_t reuse_tokens(uint32_t found_tokens, uint32_t context_tokens)
{
    return found_tokens < context_tokens ? found_tokens : context_tokens - 1;
}

static double crossing_s(uint64_t bytes, double bytes_per_s)
{
    return bytes > 0 ? (double)bytes / bytes_per_s : 0.0;
}

static double longer(double a, double b)
{
    return a > b ? a : b;
}

double reuse_expected_ns(const struct reuse_load *load, struct prefill_time time, uint32_t layers,
                         enum preloading preloading)
{
    double load_s = longer(crossing_s(load->h2d_bytes, load->h2d_bytes_per_s),
                           longer(crossing_s(load->ssd_read_bytes, load->ssd_read_bytes_per_s),
                                  crossing_s(load->network_bytes, load->network_bytes_per_s)));
    double load_ns = load_s * (double)NS_PER_S;
    double layer_ns = (double)time.layer_ns, compute_ns = layer_ns * layers;
    if (preloading != PRELOAD_LAYERS)
        return load_ns + compute_ns;
    return load_ns > compute_ns ? load_ns + layer_ns : compute_ns + load_ns / layers;
}
