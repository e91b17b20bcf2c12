/* sim/engine/tenants.h - what a run measures of each tenant of its trace: one table, as metrics.h
 * has for all of them together. A meaning is of the tenant's own turns and KV. */
#ifndef REPRISE_SIM_ENGINE_TENANTS_H
#define REPRISE_SIM_ENGINE_TENANTS_H

#include "traces/traces.h"

#include <stdint.h>

#define TENANT_METRICS(X)                                                                          \
    X(turns, "1", "measured turns whose reply has ended")                                          \
    X(ttft_mean_ns, "ns", "mean time to first token of measured turns, queueing included")         \
    X(ttft_p50_ns, "ns", "median time to first token of measured turns")                           \
    X(ttft_p99_ns, "ns", "99th percentile of measured turns' time to first token")                 \
    X(slo_attainment, "1",                                                                         \
      "share of the measured turns that ended which kept both promises (slo.ttft, slo.tbt)")       \
    X(hit_rate_tokens, "1", "tokens that measured turns reused over wanted_tokens")                \
    X(hit_tokens_hbm, "tokens", "of the tokens that measured turns reused: found in HBM")          \
    X(hit_tokens_dram, "tokens",                                                                   \
      "of the tokens that measured turns reused: found in DRAM and not in HBM")                    \
    X(hit_tokens_ssd, "tokens",                                                                    \
      "of the tokens that measured turns reused: found on SSD and in no faster tier")              \
    X(hit_tokens_remote, "tokens",                                                                 \
      "of the tokens that measured turns reused: found in the remote pool and in no faster tier")  \
    X(wanted_tokens, "tokens", "history and prompt tokens of measured turns whose prefill ended")  \
    X(computed_tokens, "tokens", "of wanted_tokens: what they did not reuse")                      \
    X(reply_tokens, "tokens", "reply tokens of the measured turns that ended")                     \
    X(preemptions, "1", "times after the warm-up that a turn was pushed out of HBM")               \
    X(stored_bytes, "bytes",                                                                       \
      "new KV stored in DRAM or SSD by saves that ended after the warm-up; what several tenants "  \
      "share is of the one who computed it first")

#define TENANT_METRIC_MEMBER(name, unit, meaning) double name;
struct tenant_metrics {
    TENANT_METRICS(TENANT_METRIC_MEMBER)
};

struct tenant_metric_row {
    const char *name, *unit, *meaning;
};
#define TENANT_METRIC_ONE(name, unit, meaning) +1
enum { TENANT_METRIC_COUNT = 0 TENANT_METRICS(TENANT_METRIC_ONE) };
extern const struct tenant_metric_row tenant_metric_rows[TENANT_METRIC_COUNT];
double tenant_metric_value(const struct tenant_metrics *metrics, int i);

struct tenant_result {
    char name[TRACE_TENANT_BYTES];
    struct tenant_metrics metrics;
};

#endif
