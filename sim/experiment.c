/* sim/experiment.c - the keys of an experiment's YAML, with units, ranges, defaults and their sources.
 * `reprise sim --help-config` and docs/config.md are printed from here. */
#include "sim/sim.h"

#include <stddef.h>

static const char *const unit_choices[] = { "auto", "session", "block", NULL };
static const char *const preloading_choices[] = { "none", "layers", NULL };
static const char *const reuse_choices[] = { "always", "if-faster", NULL };
static const char *const saving_choices[] = { "synchronous", "asynchronous", NULL };
static const char *const overflow_choices[] = { "truncate", "invalidate", NULL };

#define AT(member) offsetof(struct experiment, member)

static const struct config_row experiment_rows[] = {
    { .key = "model", .kind = CONFIG_TEXT, .offset = AT(model), .standard = "llama-13b",
      .help = "a model of models/llm, or the path of such a YAML file" },
    { .key = "hardware", .kind = CONFIG_TEXT, .offset = AT(hardware), .standard = "paper-4xa100",
      .help = "a server of models/hardware, or the path of such a YAML file" },
    { .key = "gpus", .kind = CONFIG_U32, .offset = AT(gpus), .min = 1, .max = 64, .standard = "2",
      .help = "tensor-parallel GPUs in use; the paper runs 13B on 2 and the others on 4" },
    { .key = "trace", .kind = CONFIG_TEXT, .offset = AT(trace), .standard = "",
      .help = "a trace file; empty: the generated workload" },
    { .key = "warmup_turns", .kind = CONFIG_U64, .offset = AT(warmup_turns), .min = 0, .max = 1e12,
      .standard = "10000", .help = "the first turns to start, which are not measured (paper: 10K)" },
    { .key = "max_turns", .kind = CONFIG_U64, .offset = AT(max_turns), .min = 0, .max = 1e12,
      .standard = "0", .help = "stop asking after this many turns; 0: the whole trace" },
    { .key = "policy", .kind = CONFIG_TEXT, .offset = AT(policy), .standard = "scheduler-aware",
      .help = "EVICTION or EVICTION+FETCHING: scheduler-aware, lru, fifo, none; fetching: "
              "scheduler-aware or on-demand" },
    { .key = "placement.unit", .kind = CONFIG_CHOICE, .offset = AT(unit), .choices = unit_choices,
      .standard = "auto", .help = "what is placed as a whole; auto: blocks where the trace has them" },
    { .key = "placement.block_tokens", .kind = CONFIG_U32, .offset = AT(block_tokens), .min = 1,
      .max = 1048576, .standard = "256",
      .help = "block size when sessions are placed in blocks; a trace's own blocks keep their size" },
    { .key = "placement.ttl", .kind = CONFIG_U64, .unit = UNIT_DURATION, .offset = AT(ttl_ns),
      .min = 0, .max = 1e18, .standard = "1h",
      .help = "time to live after the last use (paper: 1 h); 0: for ever" },
    { .key = "tiers.hbm.cache", .kind = CONFIG_U64, .unit = UNIT_BYTES, .offset = AT(hbm_cache_bytes),
      .min = 0, .max = 1e18, .standard = "0",
      .help = "HBM in which KV of turns that ended may stay; the paper's HBM holds running turns only" },
    { .key = "tiers.dram.capacity", .kind = CONFIG_U64, .unit = UNIT_BYTES, .offset = AT(dram_bytes),
      .min = 0, .max = 1e18, .standard = "hardware", .word = "hardware",
      .help = "DRAM for KV; 0: no such tier" },
    { .key = "tiers.dram.reserve", .kind = CONFIG_DOUBLE, .offset = AT(dram_reserve), .min = 0,
      .max = 0.9, .standard = "0.1",
      .help = "share of DRAM kept free by demoting ahead, so that a fetch need not wait (assumed)" },
    { .key = "tiers.ssd.capacity", .kind = CONFIG_U64, .unit = UNIT_BYTES, .offset = AT(ssd_bytes),
      .min = 0, .max = 1e18, .standard = "hardware", .word = "hardware",
      .help = "SSD for KV; 0: no such tier" },
    { .key = "tiers.ssd.inclusive", .kind = CONFIG_BOOL, .offset = AT(inclusive), .standard = "true",
      .help = "what is brought to DRAM keeps its copy on SSD, so that only new KV is written again" },
    { .key = "tiers.ssd.fetches_in_flight", .kind = CONFIG_U32, .offset = AT(fetches_in_flight),
      .min = 1, .max = 1024, .standard = "2", .help = "look-ahead fetches under way at once (assumed)" },
    { .key = "engine.batch", .kind = CONFIG_U32, .offset = AT(batch), .min = 1, .max = 4096,
      .standard = "24", .help = "turns that decode together at most (paper: 24)" },
    { .key = "engine.hbm_utilisation", .kind = CONFIG_DOUBLE, .offset = AT(hbm_utilisation), .min = 0,
      .max = 1, .standard = "0", .help = "share of HBM the engine may use; 0: the hardware's" },
    { .key = "engine.reuse", .kind = CONFIG_CHOICE, .offset = AT(reuse), .choices = reuse_choices,
      .standard = "if-faster",
      .help = "if-faster: KV is loaded from a tier only where that is expected to be sooner than "
              "computing it again; always: whatever the link" },
    { .key = "engine.preloading", .kind = CONFIG_CHOICE, .offset = AT(preloading),
      .choices = preloading_choices, .standard = "layers",
      .help = "layers: a layer's prefill waits for its own KV only; none: for all of it" },
    { .key = "engine.read_buffer_layers", .kind = CONFIG_U32, .offset = AT(read_buffer_layers),
      .min = 0, .max = MODEL_LAYERS_MAX, .standard = "15",
      .help = "layers of the next turn's KV that may load before it starts (paper, figure 19: 15)" },
    { .key = "engine.saving", .kind = CONFIG_CHOICE, .offset = AT(saving), .choices = saving_choices,
      .standard = "asynchronous", .help = "asynchronous: beside the computation; synchronous: after it" },
    { .key = "engine.write_buffer", .kind = CONFIG_U64, .unit = UNIT_BYTES,
      .offset = AT(write_buffer_bytes), .min = 0, .max = 1e18, .standard = "10GB",
      .help = "HBM for KV of ended turns that is still being saved; more holds the batch place "
              "(assumed)" },
    { .key = "engine.overflow", .kind = CONFIG_CHOICE, .offset = AT(overflow),
      .choices = overflow_choices, .standard = "truncate",
      .help = "truncate: the oldest half goes, the rest stays valid (decoupled position encoding); "
              "invalidate: all saved KV of the session goes" },
    { .key = "engine.context_window", .kind = CONFIG_U32, .offset = AT(context_window_tokens),
      .min = 0, .max = 16777216, .standard = "0", .help = "tokens; 0: the model's" },
    { .key = NULL },
};

const struct config_section experiment_sections[] = {
    { .prefix = "", .rows = experiment_rows, .offset = 0 },
    { .prefix = "workload.", .rows = workload_rows, .offset = AT(workload) },
    { .prefix = "import.", .rows = trace_import_rows, .offset = AT(import) },
    { .rows = NULL },
};
