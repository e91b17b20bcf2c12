/* sim/engine/experiment.c - the keys of an experiment's YAML, with units, ranges, defaults and their sources.
 * `reprise sim --help-config` and docs/config.md are printed from here. */
#include "sim/engine/experiment.h"

#include "models/versions.h"
#include "sim/engine/disks.h"

#include <stddef.h>

static const char *const unit_choices[] = { PLACEMENT_UNITS(CHOICE_WORD) NULL };
static const char *const dram_write_choices[] = { WRITE_MODES(CHOICE_WORD) NULL };
static const char *const lower_write_choices[] = { LOWER_WRITE_MODES(CHOICE_WORD) NULL };
static const char *const preloading_choices[] = { PRELOADINGS(CHOICE_WORD) NULL };
static const char *const saving_choices[] = { SAVINGS(CHOICE_WORD) NULL };
static const char *const fetch_wait_choices[] = { FETCH_WAITS(CHOICE_WORD) NULL };
static const char *const reuse_choices[] = { REUSES(CHOICE_WORD) NULL };
static const char *const scheduling_choices[] = { SCHEDULINGS(CHOICE_WORD) NULL };
static const char *const allocation_choices[] = { ALLOCATIONS(CHOICE_WORD) NULL };
static const char *const order_choices[] = { ORDERS(CHOICE_WORD) NULL };
static const char *const router_choices[] = { ROUTERS(CHOICE_WORD) NULL };
static const char *const kv_dtype_choices[] = { KV_DTYPES(CHOICE_WORD) NULL };
static const char *const rank_copies_choices[] = { RANK_COPIES(CHOICE_WORD) NULL };
static const char *const hbm_rule_choices[] = { HBM_RULES(CHOICE_WORD) NULL };
static const char *const weight_format_choices[] = { "model", NUMBER_FORMAT_LIST(CHOICE_WORD) NULL };
static const char *const save_choices[] = { SAVE_RULES(CHOICE_WORD) NULL };
static const char *const tree_choices[] = { TREES(CHOICE_WORD) NULL };
static const char *const touch_choices[] = { TOUCHES(CHOICE_WORD) NULL };
static const char *const replies_choices[] = { REPLIES(CHOICE_WORD) NULL };
static const char *const last_block_choices[] = { LAST_BLOCKS(CHOICE_WORD) NULL };
static const char *const overflow_choices[] = { OVERFLOWS(CHOICE_WORD) NULL };

#define AT(member) offsetof(struct experiment, member)

#define POLICY_CONSTANT_ROW(policy_, name, type, kind_, unit_, standard_, least, most, help_)      \
    { .key = "placement." #policy_ "." #name, .kind = CONFIG_##kind_, .unit = UNIT_##unit_,        \
      .offset = AT(placement.policy.policy_##_##name), .min = least, .max = most,                  \
      .standard = #standard_, .help = help_ },

static const struct config_row experiment_rows[] = {
    { .key = "model", .kind = CONFIG_TEXT, .names_file = true, .offset = AT(model), .standard = "llama-13b",
      .help = "a model of models/llm, or the path of such a YAML file or of a Hugging Face config.json" },
    { .key = "hardware", .kind = CONFIG_TEXT, .names_file = true, .offset = AT(hardware), .standard = "paper-4xa100",
      .help = "a server of models/hardware, or the path of such a YAML file" },
    { .key = "gpus", .kind = CONFIG_U32, .offset = AT(gpus), .min = 1, .max = 64, .standard = "2",
      .help = "tensor-parallel GPUs in use; the paper runs 13B on 2 and the others on 4" },
    { .key = "trace", .kind = CONFIG_TEXT, .names_file = true, .offset = AT(trace), .standard = "",
      .help = "a trace file; empty: the generated workload" },
    { .key = "warmup_turns", .kind = CONFIG_U64, .offset = AT(warmup_turns), .min = 0, .max = 1e12,
      .standard = "10000", .help = "the first turns to start, which are not measured (paper: 10K)" },
    { .key = "max_turns", .kind = CONFIG_U64, .offset = AT(max_turns), .min = 0, .max = 1e12,
      .standard = "0", .help = "stop asking after this many turns; 0: the whole trace" },
    { .key = "policy", .kind = CONFIG_TEXT, .offset = AT(policy), .standard = "scheduler-aware",
      .help = "a preset of `reprise models`, which stands for many keys, or EVICTION or "
              "EVICTION+FETCHING: a policy of it; fetching: scheduler-aware or on-demand" },
    { .key = "placement.eviction", .kind = CONFIG_TEXT, .offset = AT(eviction), .standard = "",
      .help = "EVICTION or EVICTION+FETCHING behind the name in policy, as presets set it; empty: "
              "policy says it" },
    { .key = "placement.unit", .kind = CONFIG_CHOICE, .offset = AT(unit), .choices = unit_choices,
      .standard = "auto", .help = "what is placed as a whole; auto: blocks where the trace has them" },
    { .key = "placement.block_tokens", .kind = CONFIG_U32, .offset = AT(block_tokens), .min = 1,
      .max = 1048576, .standard = "256",
      .help = "block size when sessions are placed in blocks; a trace's own blocks keep their size" },
    { .key = "placement.ttl", .kind = CONFIG_U64, .unit = UNIT_DURATION, .offset = AT(placement.ttl_ns),
      .min = 0, .max = 1e18, .standard = "1h",
      .help = "time to live after the last use (paper: 1 h); 0: for ever" },
    { .key = "placement.count_units", .kind = CONFIG_U32, .offset = AT(placement.count_units), .min = 1,
      .max = 4e9, .standard = "64000",
      .help = "admission by uses: sessions or blocks whose uses are remembered when nothing of them is "
              "stored (vLLM's max_tracker_size)" },
    { .key = "placement.leaf_only", .kind = CONFIG_BOOL, .offset = AT(placement.leaf_only),
      .standard = "false",
      .help = "block unit: no tier gives up a block while it holds one that follows it (SGLang, "
              "TensorRT-LLM: trees)" },
    { .key = "placement.save", .kind = CONFIG_CHOICE, .offset = AT(placement.save),
      .choices = save_choices, .standard = "lacking",
      .help = "how new KV comes below HBM. lacking: at each save all that is lacking, which waits for room; "
              "once: each block is offered once, all that are offered together or none (vLLM's "
              "offloading); each: one by one (LMCache). Blocks; docs/policies.md" },
    { .key = "placement.tree", .kind = CONFIG_CHOICE, .offset = AT(placement.tree),
      .choices = tree_choices, .standard = "hiradix",
      .help = "placement.save nodes: as SGLang's HiRadixCache (up to 2026-08-21) or its UnifiedRadixCache" },
    { .key = "placement.touch", .kind = CONFIG_CHOICE, .offset = AT(placement.touch),
      .choices = touch_choices, .standard = "stores",
      .help = "placement.save once: of what tiers below HBM hear. stores: look-ups and stores (vLLM up to "
              "0.30); end: turns' ends (from 0.31 on)" },
    { .key = "placement.replies", .kind = CONFIG_CHOICE, .offset = AT(replies),
      .choices = replies_choices, .standard = "everywhere",
      .help = "where the KV of replies stays. hbm: not below it (vLLM's offload_prompt_only); nowhere: "
              "prompts alone are kept (TensorRT-LLM's manager V2)" },
    { .key = "placement.max_recompute_pending_tokens", .kind = CONFIG_U32,
      .offset = AT(placement.pending_most_tokens), .min = 0, .max = 1e9, .standard = "0",
      .help = "placement.save once: a turn waits for KV on its way to DRAM, unless no more than this is found "
              "from there on (vLLM's key of that name)" },
    { .key = "placement.lease", .kind = CONFIG_U64, .unit = UNIT_DURATION, .offset = AT(placement.policy.lease_ns),
      .min = 0, .max = 1e18, .standard = "10s",
      .help = "lease-lru: what a turn found is not given up for so long (Mooncake's "
              "default_kv_lease_ttl)" },
    { .key = "placement.retain_tokens", .kind = CONFIG_U64, .offset = AT(placement.policy.retain_tokens),
      .min = 0, .max = 1e12, .standard = "0",
      .help = "priority-lru: the first tokens of each context that have placement.retain_priority" },
    { .key = "placement.retain_priority", .kind = CONFIG_U32, .offset = AT(placement.policy.retain_priority),
      .min = 0, .max = 100, .standard = "80",
      .help = "priority-lru: theirs; all others have placement.priority_lru.standard_priority" },
    POLICY_CONSTANTS(POLICY_CONSTANT_ROW)
    { .key = "tiers.hbm.cache", .kind = CONFIG_U64, .unit = UNIT_BYTES, .offset = AT(hbm_cache_bytes),
      .min = 0, .max = 1e18, .standard = "0",
      .help = "HBM in which KV of turns that ended may stay; the paper's HBM holds running turns only" },
    { .key = "tiers.dram.capacity", .kind = CONFIG_U64, .unit = UNIT_BYTES, .offset = AT(dram_bytes),
      .min = 0, .max = 1e18, .standard = "hardware", .word = "hardware",
      .help = "DRAM for KV; 0: no such tier" },
    { .key = "tiers.dram.reserve", .kind = CONFIG_DOUBLE, .offset = AT(placement.dram_reserve_share), .min = 0,
      .max = 0.9, .standard = "0.1",
      .help = "share of DRAM kept free by demoting ahead, so that a fetch need not wait (assumed)" },
    { .key = "tiers.dram.write", .kind = CONFIG_CHOICE, .offset = AT(placement.write[TIER_DRAM]),
      .choices = dram_write_choices, .standard = "through",
      .help = "when KV in HBM is copied to DRAM. through: as soon as it is final; selective: that, from "
              "write_uses uses on; back: when HBM gives it up; lazy: shortly before" },
    { .key = "tiers.dram.write_uses", .kind = CONFIG_U32,
      .offset = AT(placement.write_uses[TIER_DRAM]), .min = 1,
      .max = 65535, .standard = "2",
      .help = "selective: turns that used it, the one that computed it included (SGLang: 2)" },
    { .key = "tiers.dram.write_ahead_tokens", .kind = CONFIG_U32,
      .offset = AT(placement.write_ahead_tokens), .min = 0, .max = 1e9, .standard = "0",
      .help = "lazy: tokens of HBM that are kept free or in DRAM too, those that go next; 0: twice "
              "engine.chunk_tokens (vLLM)" },
    { .key = "tiers.dram.inclusive", .kind = CONFIG_BOOL, .offset = AT(placement.inclusive[TIER_DRAM]),
      .standard = "true",
      .help = "what HBM keeps of a turn that ended stays in DRAM too; false: with write: back "
              "(TensorRT-LLM)" },
    { .key = "tiers.dram.admit_uses", .kind = CONFIG_U32,
      .offset = AT(placement.admit_uses[TIER_DRAM]), .min = 1,
      .max = 65535, .standard = "1",
      .help = "KV that fewer turns used is not let in, whatever the write mode; uses are remembered "
              "though the KV is gone (vLLM's store_threshold)" },
    { .key = "tiers.dram.evict_at", .kind = CONFIG_DOUBLE, .offset = AT(placement.evict_at), .min = 0,
      .max = 1, .standard = "0",
      .help = "share of DRAM in use from which on evict_share of that goes at once, and none when room is "
              "asked for (LMCache's server: 0.8; Mooncake Store: 0.9); 0: as much as is asked for" },
    { .key = "tiers.dram.evict_share", .kind = CONFIG_DOUBLE, .offset = AT(placement.evict_share), .min = 0.001,
      .max = 1, .standard = "0.05", .help = "of what is in use (LMCache's server: 0.2; Mooncake Store: 0.05)" },
    { .key = "tiers.dram.evict_interval", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(placement.evict_interval_ns), .min = 1e6, .max = 1e12, .standard = "10ms",
      .help = "how often that is looked at (LMCache's server: 1 s; Mooncake Store: 10 ms)" },
    { .key = "tiers.dram.promote_after", .kind = CONFIG_U64, .offset = AT(placement.promote_after), .min = 0,
      .max = 254, .standard = "0", .word = "never",
      .help = "what is loaded from SSD or the pool stays in DRAM, but for its first so many times, about (a "
              "count-min sketch: Mooncake's promotion_on_hit, 1)" },
    { .key = "tiers.dram.staging", .kind = CONFIG_BOOL, .offset = AT(placement.staging),
      .standard = "false",
      .help = "DRAM gives up what was written to SSD: it only passes on (LMCache's skip_l1, SGLang's "
              "buffer_only)" },
    { .key = "tiers.ssd.capacity", .kind = CONFIG_U64, .unit = UNIT_BYTES, .offset = AT(ssd_bytes),
      .min = 0, .max = 1e18, .standard = "hardware", .word = "hardware",
      .help = "SSD for KV; 0: no such tier" },
    { .key = "tiers.ssd.inclusive", .kind = CONFIG_BOOL,
      .offset = AT(placement.inclusive[TIER_SSD]), .standard = "true",
      .help = "what is brought to DRAM keeps its copy on SSD, so that only new KV is written again" },
    { .key = "tiers.ssd.write", .kind = CONFIG_CHOICE, .offset = AT(placement.write[TIER_SSD]),
      .choices = lower_write_choices, .standard = "back",
      .help = "when KV in DRAM is copied to SSD. back: when DRAM gives it up; through: as soon as it is "
              "whole in DRAM; selective: that, from write_uses uses on" },
    { .key = "tiers.ssd.write_uses", .kind = CONFIG_U32, .offset = AT(placement.write_uses[TIER_SSD]), .min = 1,
      .max = 65535, .standard = "2",
      .help = "selective: turns that used it, the one that computed it included" },
    { .key = "tiers.ssd.admit_uses", .kind = CONFIG_U32, .offset = AT(placement.admit_uses[TIER_SSD]), .min = 1,
      .max = 65535, .standard = "1",
      .help = "KV that fewer turns used is not let in; as for DRAM (KVBM: 2)" },
    { .key = "tiers.ssd.admit_bytes", .kind = CONFIG_U64, .unit = UNIT_BYTES,
      .offset = AT(placement.ssd_admit_bytes), .min = 0, .max = 1e18, .standard = "0",
      .help = "smaller sessions or blocks are not let in (LMCache's min_size_bytes)" },
    { .key = "tiers.ssd.fetches_in_flight", .kind = CONFIG_U32, .offset = AT(placement.fetches_in_flight),
      .min = 1, .max = 1024, .standard = "2", .help = "look-ahead fetches under way at once (assumed)" },
    { .key = "tiers.ssd.fetch_share", .kind = CONFIG_DOUBLE, .offset = AT(placement.fetch_share), .min = 0,
      .max = 1, .standard = "0",
      .help = "no look-ahead fetch begins while others bring that share of DRAM (SGLang's "
              "prefetch_capacity_limit: 0.5); 0: no limit" },
    { .key = "tiers.remote.capacity", .kind = CONFIG_U64, .unit = UNIT_BYTES,
      .offset = AT(remote_bytes), .min = 0, .max = 1e18, .standard = "0",
      .help = "a pool of KV that all servers share over their network adapters "
              "(cluster.network_bytes_per_s, each way); 0: none" },
    { .key = "tiers.remote.latency", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(remote_latency_ns), .min = 0, .max = 1e10, .standard = "100us",
      .help = "to the first byte of a read from the pool, look-up included (assumed)" },
    { .key = "tiers.remote.write", .kind = CONFIG_CHOICE, .offset = AT(placement.write[TIER_REMOTE]),
      .choices = lower_write_choices, .standard = "through",
      .help = "when KV is copied to the pool. through: as soon as it is whole in DRAM; selective: that, "
              "from write_uses uses on; back: when SSD gives it up, or DRAM where there is none" },
    { .key = "tiers.remote.write_uses", .kind = CONFIG_U32,
      .offset = AT(placement.write_uses[TIER_REMOTE]), .min = 1,
      .max = 65535, .standard = "2",
      .help = "selective: turns on that server that used it, the one that computed it included" },
    { .key = "tiers.remote.admit_uses", .kind = CONFIG_U32,
      .offset = AT(placement.admit_uses[TIER_REMOTE]), .min = 1,
      .max = 65535, .standard = "1",
      .help = "KV that fewer turns on that server used is not let in; as for DRAM" },
    { .key = "engine.version", .kind = CONFIG_TEXT, .offset = AT(version), .standard = "hardware",
      .help = "a version of `reprise models`: limits and times of an engine as they are on this GPU, "
              "where neither the experiment nor its preset says them; none or empty: the paper's; "
              "hardware: the hardware file's engine.version, " ENGINE_VERSION_CURRENT
              " where that says nothing" },
    { .key = "engine.batch", .kind = CONFIG_U32, .offset = AT(batch), .min = 1, .max = 4096,
      .standard = "24", .help = "turns that decode together at most (paper: 24)" },
    { .key = "engine.hbm_utilisation", .kind = CONFIG_DOUBLE, .offset = AT(hbm_utilisation), .min = 0,
      .max = 1, .standard = "0",
      .help = "share of HBM the engine may use; 0: the hardware's; not heeded beside hbm_tokens" },
    { .key = "engine.hbm_rule", .kind = CONFIG_CHOICE, .offset = AT(hbm_rule),
      .choices = hbm_rule_choices, .standard = "profiled",
      .help = "HBM for KV. profiled: the share less weights and what the largest iteration needs "
              "(vLLM); static: all but hbm_withheld, less weights (SGLang); free: the share of what is "
              "left beside weights and that iteration (TensorRT-LLM)" },
    { .key = "engine.sampler_bytes", .kind = CONFIG_DOUBLE, .offset = AT(sampler_bytes), .min = 0,
      .max = 1000, .standard = "14",
      .help = "HBM while sampling, for each of engine.batch sequences and each word of the vocabulary" },
    { .key = "engine.process_bytes", .kind = CONFIG_U64, .unit = UNIT_BYTES,
      .offset = AT(process_bytes), .min = 0, .max = 1e14, .standard = "100MiB",
      .help = "HBM per GPU that the engine's process takes beside its tensors" },
    { .key = "engine.hbm_withheld", .kind = CONFIG_U64, .unit = UNIT_BYTES,
      .offset = AT(hbm_withheld_bytes), .min = 0, .max = 1e14, .standard = "0",
      .help = "hbm_rule static: HBM per GPU that is neither for weights nor for KV" },
    { .key = "engine.hbm_tokens", .kind = CONFIG_U64, .offset = AT(hbm_tokens), .min = 0,
      .max = 1e11, .standard = "0",
      .help = "tokens of KV that fit into HBM, measured: what vLLM prints as GPU KV cache size (models with "
              "windows or states: its maximum concurrency times max_model_len); 0: estimated from HBM "
              "and weights" },
    { .key = "engine.hybrid_kv", .kind = CONFIG_BOOL, .offset = AT(hybrid_kv), .standard = "true",
      .help = "in HBM, layers with a window keep their window only (vLLM's hybrid KV cache manager); "
              "false: all tokens, as vLLM with a KV connector that does not support it" },
    { .key = "engine.kv_dtype", .kind = CONFIG_CHOICE, .offset = AT(kv_dtype),
      .choices = kv_dtype_choices, .standard = "model",
      .help = "width of KV: the model file's, 2 bytes or 1 (vLLM's kv_cache_dtype)" },
    { .key = "engine.rank_copies", .kind = CONFIG_CHOICE, .offset = AT(rank_copies),
      .choices = rank_copies_choices, .standard = "every-rank",
      .help = "KV that every rank has alike in HBM (MLA's), in tiers below. every-rank: each keeps its own; "
              "one-in-storage: the same in DRAM, SSD and pool have one (SGLang's HiCache); one: DRAM too "
              "has one, which each rank loads (vLLM's offloading since July 2026); one-broadcast: one, which "
              "one rank loads and sends to the others over their own links (LMCache)" },
    { .key = "engine.weight_format", .kind = CONFIG_CHOICE, .offset = AT(weight_format),
      .choices = weight_format_choices, .standard = "model",
      .help = "number format of the weights: the model file's, or that for all products; embedding and "
              "output head stay in 2 bytes; mxfp4: of routed experts where there are any (vLLM's quantization)" },
    { .key = "engine.reuse", .kind = CONFIG_CHOICE, .offset = AT(reuse), .choices = reuse_choices,
      .standard = "if-faster",
      .help = "if-faster: KV is loaded from a tier only where that is expected to be sooner than "
              "computing it again; always: whatever the link" },
    { .key = "engine.fetch_wait", .kind = CONFIG_CHOICE, .offset = AT(fetch_wait),
      .choices = fetch_wait_choices, .standard = "complete",
      .help = "complete: a turn waits for what is on its way from SSD to DRAM, and loads what is not; "
              "timeout: it reads ahead only, lets others pass and computes what has not come in time; "
              "best-effort: the same without waiting (SGLang's hicache_storage_prefetch_policy)" },
    { .key = "engine.fetch_min_tokens", .kind = CONFIG_U32, .offset = AT(placement.fetch_min_tokens),
      .min = 0, .max = 16777216, .standard = "0",
      .help = "fewer tokens that only SSD has are computed (SGLang's prefetch_threshold: 256)" },
    { .key = "engine.fetch_timeout", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(fetch_timeout_ns), .min = 0, .max = 1e18, .standard = "1s",
      .help = "fetch_wait timeout: after the turn was asked (SGLang's prefetch_timeout_base)" },
    { .key = "engine.fetch_timeout_per_1024_tokens", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(fetch_timeout_ki_ns), .min = 0, .max = 1e18, .standard = "250ms",
      .help = "and so much more by what is to come (SGLang's prefetch_timeout_per_ki_token)" },
    { .key = "engine.fetch_timeout_most", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(fetch_timeout_most_ns), .min = 0, .max = 1e18, .standard = "0",
      .help = "fetch_wait timeout: but for no longer than this (SGLang's HiRadixCache: 30 s); 0: no limit" },
    { .key = "engine.preloading", .kind = CONFIG_CHOICE, .offset = AT(preloading),
      .choices = preloading_choices, .standard = "layers",
      .help = "layers: a layer's prefill waits for its own KV only; none: for all of it; background: "
              "the batch goes on until the turn's KV is in HBM (vLLM's connectors, SGLang)" },
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
              "invalidate: all saved KV of the session goes, as it always does for models whose "
              "layers keep a state" },
    { .key = "engine.context_window", .kind = CONFIG_U32, .offset = AT(context_window_tokens),
      .min = 0, .max = 16777216, .standard = "0", .help = "tokens; 0: the model's" },
    { .key = "engine.scheduling", .kind = CONFIG_CHOICE, .offset = AT(scheduling),
      .choices = scheduling_choices, .standard = "prefill-first",
      .help = "prefill-first: a turn's prefill is one iteration, the batch pauses (paper); chunked: "
              "prefills are cut into chunks that share iterations with the batch (vLLM v1); "
              "prefill-batches: as many turns' chunks as fit, and the batch pauses (SGLang)" },
    { .key = "engine.chunk_tokens", .kind = CONFIG_U32, .offset = AT(chunk_tokens), .min = 1,
      .max = 1048576, .standard = "2048",
      .help = "tokens of an iteration; chunked: one for each decoding turn, the rest prefill "
              "(vLLM's max_num_batched_tokens)" },
    { .key = "engine.overlap_schedule", .kind = CONFIG_BOOL, .offset = AT(overlap_schedule),
      .standard = "false",
      .help = "an iteration is composed while the one before it runs: the CPU's work is hidden as far "
              "as the GPU's is longer, and a turn that comes meanwhile waits for one iteration more "
              "(vLLM's async scheduling, SGLang's and TensorRT-LLM's overlap scheduler)" },
    { .key = "engine.iteration_cpu", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(iteration_cpu_ns), .min = 0, .max = 1e10, .standard = "hardware", .word = "hardware",
      .help = "the engine's CPU work for an iteration, by its version; hardware: the hardware file's "
              "engine.iteration_overhead" },
    { .key = "engine.sequence_cpu", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(sequence_cpu_ns), .min = 0, .max = 1e9, .standard = "0",
      .help = "and so much more for each sequence in it" },
    { .key = "engine.iteration_gap", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(iteration_gap_ns), .min = 0, .max = 1e10, .standard = "0",
      .help = "the GPU idles so long between two iterations, though the CPU's work is hidden: sampling "
              "and the next inputs are launched operator by operator" },
    { .key = "engine.layer_cpu", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(layer_cpu_ns), .min = 0, .max = 1e9, .standard = "0",
      .help = "the CPU's launching of a layer's kernels in an iteration that no CUDA graph holds; such "
              "an iteration takes as long at least" },
    { .key = "engine.graph_tokens", .kind = CONFIG_U32, .offset = AT(graph_tokens), .min = 0,
      .max = 1048576, .standard = "512",
      .help = "tokens of an iteration up to which a CUDA graph holds it (vLLM: "
              "max_cudagraph_capture_size)" },
    { .key = "engine.request_cpu", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(request_cpu_ns), .min = 0, .max = 1e10, .standard = "0",
      .help = "from the client's request to the scheduler, of each turn: the API server, the chat "
              "template, passing it on" },
    { .key = "engine.request_cpu_per_1024_tokens", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(request_cpu_ki_ns), .min = 0, .max = 1e10, .standard = "0",
      .help = "and so much more by the turn's whole context, which is tokenised" },
    { .key = "engine.reply_cpu", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(reply_cpu_ns), .min = 0, .max = 1e10, .standard = "0",
      .help = "from a token's iteration to the client: sampling's copy, detokenising, streaming" },
    { .key = "engine.allocation", .kind = CONFIG_CHOICE, .offset = AT(allocation),
      .choices = allocation_choices, .standard = "reserve",
      .help = "reserve: HBM for the whole reply when a turn starts; grow: block by block, and when "
              "there is no more the latest turn is pushed out and computed again (vLLM v1)" },
    { .key = "engine.block_tokens", .kind = CONFIG_U32, .offset = AT(hbm_block_tokens), .min = 1,
      .max = 65536, .standard = "16", .help = "grow: tokens of a block of HBM (vLLM's default: 16)" },
    { .key = "engine.state_block_multiple", .kind = CONFIG_U32, .offset = AT(state_block_multiple),
      .min = 0, .max = 65536, .standard = "0",
      .help = "models with a state: shorter blocks, of HBM and of block units, are raised to the multiple of so "
              "many tokens of which a layer's KV takes no less than a state (vLLM: 16, kernels'); 0: blocks "
              "stay, and each has a state" },
    { .key = "engine.state_interval", .kind = CONFIG_U32, .offset = AT(state_interval_tokens),
      .min = 0, .max = 1048576, .standard = "0",
      .help = "models with a state, block units: tokens from one kept state to the next at least; shorter "
              "blocks are raised to it (SGLang's mamba_track_interval: 256)" },
    { .key = "engine.last_block", .kind = CONFIG_CHOICE, .offset = AT(last_block),
      .choices = last_block_choices, .standard = "reused",
      .help = "the block of a prompt's last token, which is always computed. reused: but for that token; "
              "from-below: not in HBM, though it is loaded from below (vLLM); computed: never reused "
              "(SGLang)" },
    { .key = "engine.partial_blocks", .kind = CONFIG_BOOL, .offset = AT(partial_blocks),
      .standard = "true",
      .help = "block unit: a context's last, partial block can be found again (a job gets its own copy "
              "of it); false: full blocks only, as in vLLM v1" },
    { .key = "engine.order", .kind = CONFIG_CHOICE, .offset = AT(order), .choices = order_choices,
      .standard = "fcfs",
      .help = "who is next: fcfs; priority: urgent sessions first, or tenants' by tenants.priority; longest-prefix: who finds most of "
              "its context stored (SGLang's lpm)" },
    { .key = "engine.order_wait", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(order_wait_ns), .min = 0, .max = 1e18, .standard = "30s",
      .help = "whoever has waited for longer is next whatever the order, so that none starves (assumed)" },
    { .key = "engine.order_window", .kind = CONFIG_U32, .offset = AT(order_window), .min = 1,
      .max = 1048576, .standard = "128",
      .help = "the first waiting turns, among which the next one is chosen (SGLang's lpm gives up above 128)" },
    { .key = "engine.urgent_share", .kind = CONFIG_DOUBLE, .offset = AT(urgent_share), .min = 0,
      .max = 1, .standard = "0.1", .help = "share of the sessions that are urgent (assumed)" },
    { .key = "cluster.replicas", .kind = CONFIG_U32, .offset = AT(replicas), .min = 1, .max = 65536,
      .standard = "1", .help = "servers, each with its own tiers, behind a router" },
    { .key = "cluster.prefill_replicas", .kind = CONFIG_U32, .offset = AT(prefill_replicas),
      .min = 0, .max = 65535, .standard = "0",
      .help = "so many of them prefill and store, the others decode; 0: each does both" },
    { .key = "cluster.router", .kind = CONFIG_CHOICE, .offset = AT(router),
      .choices = router_choices, .standard = "session-sticky",
      .help = "which server a turn goes to; session-sticky: its session's first one" },
    { .key = "cluster.router_slack", .kind = CONFIG_U32, .offset = AT(router_slack), .min = 1,
      .max = 1000000, .standard = "32",
      .help = "prefix-affinity: turns that the most loaded server may have more than the least loaded "
              "one; beyond that and router_ratio turns go to the latter (SGLang's router: "
              "balance_abs_threshold)" },
    { .key = "cluster.router_ratio", .kind = CONFIG_DOUBLE, .offset = AT(router_ratio), .min = 1,
      .max = 1e6, .standard = "1.1",
      .help = "prefix-affinity: and times as many (SGLang's router: balance_rel_threshold)" },
    { .key = "cluster.router_share", .kind = CONFIG_DOUBLE, .offset = AT(router_share), .min = 0,
      .max = 1, .standard = "0.5",
      .help = "prefix-affinity: a server that holds less of a turn's context is no better than any other "
              "(SGLang's router: cache_threshold)" },
    { .key = "cluster.network_bytes_per_s", .kind = CONFIG_DOUBLE, .unit = UNIT_BYTES_PER_S,
      .offset = AT(network_bytes_per_s), .min = 1e6, .max = 1e15, .standard = "25GB/s",
      .help = "of each server, each way: one 200 Gbit/s adapter (assumed)" },
    { .key = "cluster.network_latency", .kind = CONFIG_U64, .unit = UNIT_DURATION,
      .offset = AT(network_latency_ns), .min = 0, .max = 1e10, .standard = "10us",
      .help = "to the first byte of a transfer (assumed)" },
    { .key = "slo.ttft", .kind = CONFIG_U64, .unit = UNIT_DURATION, .offset = AT(slo_ttft_ns),
      .min = 0, .max = 1e18, .standard = "1s", .help = "promised time to first token, for goodput" },
    { .key = "slo.tbt", .kind = CONFIG_U64, .unit = UNIT_DURATION, .offset = AT(slo_tbt_ns),
      .min = 0, .max = 1e18, .standard = "100ms",
      .help = "promised mean time between a reply's tokens, for goodput" },
    { .key = "ssd.drive", .kind = CONFIG_TEXT, .names_file = true, .offset = AT(drive), .standard = "",
      .help = "the drive that the SSD tier is made of: one of models/drive, or a path; its rates, capacity "
              "and wear then stand; empty: the hardware's own disks, at its rates, of the drive that its "
              "ssd.drive names" },
    { .key = "ssd.drives", .kind = CONFIG_U64, .offset = AT(drives), .min = 0, .max = DISKS_MOST,
      .standard = "fit", .word = "fit",
      .help = "so many of them in each server, striped (RAID-0): capacity and rates follow their number, "
              "up to tiers.ssd.capacity; 0: no SSD; fit: as many as that capacity takes. Given without "
              "ssd.drive: of the drive that the hardware names" },
    { .key = "ssd.queue_depth", .kind = CONFIG_U32, .offset = AT(queue_depth), .min = 1, .max = 65536,
      .standard = "32", .help = "named drives: requests in flight on each (assumed)" },
    { .key = "ssd.write_amplification", .kind = CONFIG_DOUBLE, .offset = AT(write_amplification),
      .min = 0.1, .max = 100, .standard = "1",
      .help = "wear of a byte written against the workload that drives are rated for; large writes "
              "wear less, so 1 is on the safe side (assumed)" },
    { .key = NULL },
};

const struct config_section experiment_sections[] = {
    { .prefix = "", .rows = experiment_rows, .offset = 0 },
    { .prefix = "workload.", .rows = workload_rows, .offset = AT(workload) },
    { .prefix = "workload.", .rows = workload_shape_rows, .offset = AT(shape) },
    { .prefix = "workload.", .rows = workload_tenant_rows, .offset = AT(tenants_given) },
    { .prefix = "tenants.", .rows = tenant_key_rows, .offset = AT(tenants) },
    { .prefix = "import.", .rows = trace_import_rows, .offset = AT(import) },
    { .rows = NULL },
};
