/* tests/sim/test_keys.c - a key that changes nothing is not wired: every key of the schema has a
 * case in which another value changes some metric, or the reason why none can. */
#include "tests/sim/runs.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A server whose HBM for KV follows from the engine. */
#define HBM_DERIVED "hardware=h100 gpus=1 engine.reuse=always"
#define OF_SAMPLE "warmup_turns=0 trace=" TRACE_SAMPLES "/"

#define OF_SHAPE(name) "warmup_turns=0 workload.sessions_per_s=4 workload.shape=" name
/* Contexts are within the model's window. */
#define OF_LONG_SHAPE(name) OF_SHAPE(name) " model=mistral-7b hardware=h100 gpus=1"

/* A short turn for azure, whose format it is taken for, and a long one for session-csv. */
static const char two_readings[] =
    "session,arrival_s,think_s,prompt_tokens,reply_tokens,TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "a,0,,2000,200,2024-05-10 00:00:00,100,10\n";

/* Prompts of two whole blocks. */
static const char same_prompts[] =
    "{\"timestamp\": 0, \"input_length\": 1024, \"output_length\": 4, \"hash_ids\": [1, 2]}\n"
    "{\"timestamp\": 60000, \"input_length\": 1024, \"output_length\": 4, \"hash_ids\": [1, 2]}\n";
#define MARKED "placement.unit=block placement.save=each policy=lru tiers.dram.capacity=16GB"
#define WHOLE_BLOCKS                                                                               \
    "model=mistral-7b hardware=h100 gpus=1 tiers.hbm.cache=30GB tiers.dram.capacity=0 "            \
    "warmup_turns=0"

/* Each with a value unlike SMALL's, and what else must be set for the key to matter. */
static const struct {
    const char *key, *value, *beside;
    const char *trace;    /* a trace file's content */
    const char *why_none; /* no result can change */
} cases[] = {
    { .key = "model", .value = "llama-2-7b" },
    { .key = "hardware", .value = "h100" },
    { .key = "gpus", .value = "1" },
    { .key = "trace", .value = TRACE_SAMPLES "/sessions.csv", .beside = "warmup_turns=0" },
    { .key = "warmup_turns", .value = "300" },
    { .key = "max_turns", .value = "900" },
    { .key = "policy", .value = "fifo" },
    { .key = "placement.eviction", .value = "fifo" },
    { .key = "placement.unit", .value = "block" },
    { .key = "placement.block_tokens", .value = "64", .beside = "placement.unit=block" },
    { .key = "placement.ttl", .value = "20s" },
    { .key = "placement.count_units", .value = "10", .beside = "tiers.dram.admit_uses=2" },
    { .key = "placement.leaf_only", .value = "true", .beside = "placement.unit=block policy=fifo" },
    { .key = "placement.save",
      .value = "once",
      .beside = "placement.unit=block tiers.dram.capacity=8GB" },
    { .key = "placement.save",
      .value = "each",
      .beside = "placement.unit=block tiers.dram.capacity=8GB" },
    { .key = "placement.save",
      .value = "nodes",
      .beside = "placement.unit=block placement.leaf_only=true placement.ttl=0 policy=radix-lru "
                "tiers.hbm.cache=30GB" },
    { .key = "placement.tree",
      .value = "unified",
      .beside = "placement.unit=block placement.leaf_only=true placement.ttl=0 policy=radix-lru "
                "tiers.hbm.cache=30GB placement.save=nodes tiers.dram.capacity=8GB" },
    { .key = "placement.touch",
      .value = "end",
      .beside = "placement.unit=block placement.save=once policy=vllm-arc tiers.dram.capacity=8GB" },
    { .key = "placement.replies", .value = "hbm" },
    { .key = "placement.replies", .value = "nowhere" },
    { .key = "placement.max_recompute_pending_tokens",
      .value = "100000",
      .beside = OF_SHAPE("shared-prefix") " placement.save=once policy=lru engine.scheduling=chunked "
                                          "placement.unit=block" },
    { .key = "placement.lease", .value = "10min", .beside = "policy=lease-lru" },
    { .key = "placement.retain_tokens",
      .value = "512",
      .beside = "policy=priority-lru placement.unit=block" },
    { .key = "placement.retain_priority",
      .value = "0",
      .beside = "policy=priority-lru placement.unit=block placement.retain_tokens=512" },
    { .key = "placement.scheduler_aware.eviction_window",
      .value = "0.5",
      .beside = "tiers.ssd.capacity=20GB" },
    { .key = "placement.scheduler_aware.fetching_window", .value = "0.5" },
    { .key = "placement.two_q.in_share", .value = "0.75", .beside = "policy=2q" },
    { .key = "placement.two_q.out_share", .value = "0.1", .beside = "policy=2q" },
    { .key = "placement.arc.step", .value = "4", .beside = "policy=arc placement.unit=block" },
    { .key = "placement.arc.first_target", .value = "0.5", .beside = "policy=arc" },
    { .key = "placement.s3_fifo.small_share", .value = "0.3", .beside = "policy=s3-fifo" },
    { .key = "placement.s3_fifo.ghost_share", .value = "0.2", .beside = "policy=s3-fifo" },
    { .key = "placement.s3_fifo.promote_uses", .value = "1", .beside = "policy=s3-fifo" },
    { .key = "placement.s3_fifo.max_uses",
      .value = "9",
      .beside = "policy=s3-fifo placement.unit=block" },
    { .key = "placement.vllm_arc.step", .value = "4", .beside = "policy=vllm-arc" },
    { .key = "placement.vllm_arc.first_target", .value = "0.5", .beside = "policy=vllm-arc" },
    { .key = "placement.vllm_arc.ghost_share", .value = "0.1", .beside = "policy=vllm-arc" },
    { .key = "placement.priority_lru.standard_priority",
      .value = "90",
      .beside = "policy=priority-lru placement.unit=block placement.retain_tokens=512" },
    { .key = "placement.lease_lru.stored_lease", .value = "1min", .beside = "policy=lease-lru" },
    { .key = "placement.reuse_rate.ghost_share",
      .value = "0",
      .beside = "policy=reuse-rate placement.unit=block" },
    { .key = "placement.reuse_rate.epochs",
      .value = "8",
      .beside = "policy=reuse-rate placement.unit=block" },
    { .key = "placement.multi_lru.second_uses",
      .value = "2",
      .beside = "policy=multi-lru placement.unit=block tiers.hbm.cache=30GB" },
    { .key = "placement.multi_lru.third_uses",
      .value = "4",
      .beside = "policy=multi-lru placement.unit=block tiers.hbm.cache=30GB" },
    { .key = "placement.multi_lru.fourth_uses",
      .value = "9",
      .beside = "policy=multi-lru placement.unit=block tiers.hbm.cache=30GB" },
    { .key = "placement.radix_slru.protected_uses",
      .value = "4",
      .beside = "policy=radix-slru placement.unit=block" },
    { .key = "tiers.hbm.cache", .value = "30GB" },
    { .key = "tiers.dram.capacity", .value = "48GB" },
    { .key = "tiers.dram.reserve", .value = "0.3" },
    { .key = "tiers.dram.write", .value = "back", .beside = "tiers.hbm.cache=30GB" },
    { .key = "tiers.dram.write", .value = "selective", .beside = "tiers.hbm.cache=30GB" },
    { .key = "tiers.dram.write", .value = "lazy", .beside = "tiers.hbm.cache=30GB" },
    { .key = "tiers.dram.write_uses",
      .value = "4",
      .beside = "tiers.hbm.cache=30GB tiers.dram.write=selective" },
    { .key = "tiers.dram.write_ahead_tokens",
      .value = "30000",
      .beside = "tiers.hbm.cache=30GB tiers.dram.write=lazy" },
    { .key = "tiers.dram.inclusive",
      .value = "false",
      .beside = "tiers.hbm.cache=30GB tiers.dram.write=back" },
    { .key = "tiers.dram.admit_uses", .value = "2" },
    { .key = "tiers.dram.evict_at", .value = "0.8", .beside = MARKED },
    { .key = "tiers.dram.evict_share", .value = "0.4", .beside = MARKED " tiers.dram.evict_at=0.8" },
    { .key = "tiers.dram.evict_interval",
      .value = "100s",
      .beside = MARKED " tiers.dram.evict_at=0.8" },
    { .key = "tiers.dram.promote_after", .value = "never", .beside = "placement.unit=block" },
    { .key = "tiers.dram.promote_after", .value = "2", .beside = "placement.unit=block" },
    { .key = "tiers.dram.staging", .value = "true", .beside = "placement.unit=block tiers.ssd.write=through" },
    { .key = "tiers.ssd.capacity", .value = "30GB" },
    { .key = "tiers.ssd.inclusive", .value = "false" },
    { .key = "tiers.ssd.fetches_in_flight", .value = "8" },
    { .key = "tiers.ssd.fetch_share", .value = "0.001", .beside = "tiers.ssd.fetches_in_flight=8" },
    { .key = "engine.fetch_timeout_most",
      .value = "1ms",
      .beside = "engine.fetch_wait=timeout" },
    { .key = "tiers.ssd.write", .value = "through" },
    { .key = "tiers.ssd.write", .value = "selective" },
    { .key = "tiers.ssd.write_uses", .value = "4", .beside = "tiers.ssd.write=selective" },
    { .key = "tiers.ssd.admit_uses", .value = "2" },
    { .key = "tiers.ssd.admit_bytes", .value = "2GB" },
    { .key = "tiers.remote.capacity", .value = "100GB" },
    { .key = "tiers.remote.latency",
      .value = "1s",
      .beside = "tiers.remote.capacity=1TB tiers.ssd.capacity=0" },
    { .key = "tiers.remote.write",
      .value = "back",
      .beside = "tiers.remote.capacity=1TB tiers.ssd.capacity=0" },
    { .key = "tiers.remote.write", .value = "selective", .beside = "tiers.remote.capacity=1TB" },
    { .key = "tiers.remote.write_uses",
      .value = "3",
      .beside = "tiers.remote.capacity=1TB tiers.remote.write=selective" },
    { .key = "tiers.remote.admit_uses", .value = "2", .beside = "tiers.remote.capacity=1TB" },
    { .key = "engine.version", .value = "vllm-0.19" },
    { .key = "engine.batch", .value = "6" },
    { .key = "engine.hbm_utilisation", .value = "0.35" },
    { .key = "engine.hbm_rule", .value = "free", .beside = HBM_DERIVED },
    { .key = "engine.sampler_bytes", .value = "900", .beside = HBM_DERIVED " engine.batch=1000" },
    { .key = "engine.process_bytes", .value = "30GiB", .beside = HBM_DERIVED },
    { .key = "engine.hbm_withheld",
      .value = "32GiB",
      .beside = HBM_DERIVED " engine.hbm_rule=static" },
    { .key = "engine.hbm_tokens", .value = "20000" },
    { .key = "engine.hybrid_kv",
      .value = "false",
      .beside = "model=gpt-oss-20b hardware=h100 gpus=1 engine.hbm_tokens=20000 "
                "engine.context_window=4096" },
    { .key = "engine.kv_dtype", .value = "fp8" },
    { .key = "engine.weight_format", .value = "fp8" },
    { .key = "engine.reuse", .value = "always" },
    { .key = "engine.fetch_wait", .value = "timeout" },
    { .key = "engine.fetch_wait", .value = "best-effort" },
    { .key = "engine.fetch_min_tokens", .value = "2000" },
    { .key = "engine.fetch_timeout", .value = "20s", .beside = "engine.fetch_wait=timeout" },
    { .key = "engine.fetch_timeout_per_1024_tokens",
      .value = "20s",
      .beside = "engine.fetch_wait=timeout" },
    { .key = "engine.preloading", .value = "none" },
    { .key = "engine.preloading", .value = "background" },
    { .key = "engine.read_buffer_layers", .value = "3" },
    { .key = "engine.saving", .value = "synchronous" },
    { .key = "engine.write_buffer", .value = "0" },
    { .key = "engine.overflow", .value = "invalidate" },
    { .key = "engine.context_window", .value = "1024" },
    { .key = "engine.scheduling", .value = "chunked" },
    { .key = "engine.chunk_tokens", .value = "256", .beside = "engine.scheduling=chunked" },
    { .key = "engine.overlap_schedule", .value = "true", .beside = "engine.scheduling=chunked" },
    { .key = "engine.iteration_cpu", .value = "5ms" },
    { .key = "engine.sequence_cpu", .value = "100us" },
    { .key = "engine.iteration_gap", .value = "5ms" },
    { .key = "engine.layer_cpu", .value = "5ms" },
    { .key = "engine.graph_tokens", .value = "64", .beside = "engine.layer_cpu=5ms" },
    { .key = "engine.request_cpu", .value = "5ms" },
    { .key = "engine.request_cpu_per_1024_tokens", .value = "5ms" },
    { .key = "engine.reply_cpu", .value = "5ms" },
    { .key = "engine.state_block_multiple",
      .value = "0",
      .beside = "model=nemotron-h-8b hardware=h100 gpus=1 placement.unit=block" },
    { .key = "engine.state_interval",
      .value = "2048",
      .beside = "model=nemotron-h-8b hardware=h100 gpus=1 placement.unit=block" },
    { .key = "engine.rank_copies",
      .value = "one",
      .beside = "model=deepseek-v2-lite hardware=h100 gpus=2" },
    { .key = "engine.allocation", .value = "grow" },
    { .key = "engine.block_tokens", .value = "128", .beside = "engine.allocation=grow" },
    { .key = "engine.partial_blocks", .value = "false", .beside = "placement.unit=block" },
    { .key = "engine.last_block",
      .value = "from-below",
      .beside = WHOLE_BLOCKS,
      .trace = same_prompts },
    { .key = "engine.last_block",
      .value = "computed",
      .beside = WHOLE_BLOCKS,
      .trace = same_prompts },
    { .key = "engine.order", .value = "priority" },
    { .key = "engine.order", .value = "longest-prefix" },
    { .key = "engine.order_window", .value = "8", .beside = "engine.order=longest-prefix" },
    { .key = "engine.order_wait", .value = "10min", .beside = "engine.order=longest-prefix" },
    { .key = "engine.urgent_share", .value = "0.5", .beside = "engine.order=priority" },
    { .key = "cluster.replicas", .value = "2" },
    { .key = "cluster.prefill_replicas", .value = "1", .beside = "cluster.replicas=2" },
    { .key = "cluster.router", .value = "round-robin", .beside = "cluster.replicas=2" },
    { .key = "cluster.router", .value = "least-loaded", .beside = "cluster.replicas=2" },
    { .key = "cluster.router", .value = "prefix-affinity", .beside = "cluster.replicas=2" },
    { .key = "cluster.router_slack",
      .value = "1",
      .beside = "cluster.replicas=2 cluster.router=prefix-affinity" },
    { .key = "cluster.router_ratio",
      .value = "100000",
      .beside = "cluster.replicas=2 cluster.router=prefix-affinity cluster.router_slack=1" },
    { .key = "cluster.router_share",
      .value = "1",
      .beside = "cluster.replicas=2 cluster.router=prefix-affinity" },
    { .key = "cluster.network_bytes_per_s",
      .value = "1GB/s",
      .beside = "tiers.remote.capacity=1TB tiers.ssd.capacity=0" },
    { .key = "cluster.network_latency",
      .value = "1s",
      .beside = "tiers.remote.capacity=1TB tiers.ssd.capacity=0" },
    { .key = "slo.ttft", .value = "20s" },
    { .key = "slo.tbt", .value = "20ms", .beside = "slo.ttft=1h" },
    { .key = "ssd.drive", .value = "samsung-990-pro-2tb" },
    { .key = "ssd.drives", .value = "4", .beside = "ssd.drive=samsung-990-pro-2tb" },
    { .key = "ssd.queue_depth", .value = "1", .beside = "ssd.drive=samsung-990-pro-2tb" },
    { .key = "ssd.write_amplification", .value = "2" },
    { .key = "workload.sessions", .value = "300" },
    { .key = "workload.sessions_per_s", .value = "1" },
    { .key = "workload.sessions_per_s", .value = "inf" },
    { .key = "workload.concurrency", .value = "8" },
    { .key = "workload.lengths", .value = "uniform" },
    { .key = "workload.lengths", .value = "constant" },
    { .key = "workload.multi_turn_share", .value = "0.5" },
    { .key = "workload.mean_turns", .value = "4" },
    { .key = "workload.prompt_tokens.mean", .value = "400" },
    { .key = "workload.prompt_tokens.cv", .value = "0" },
    { .key = "workload.prompt_tokens.least", .value = "400", .beside = "workload.lengths=uniform" },
    { .key = "workload.prompt_tokens.most", .value = "900", .beside = "workload.lengths=uniform" },
    { .key = "workload.reply_tokens.mean", .value = "300" },
    { .key = "workload.reply_tokens.cv", .value = "0" },
    { .key = "workload.reply_tokens.least", .value = "400", .beside = "workload.lengths=uniform" },
    { .key = "workload.reply_tokens.most", .value = "900", .beside = "workload.lengths=uniform" },
    { .key = "workload.session_length_cv", .value = "0" },
    { .key = "workload.think_time.distribution", .value = "constant" },
    { .key = "workload.think_time.distribution", .value = "lognormal" },
    { .key = "workload.think_time.mean", .value = "20s" },
    { .key = "workload.think_time.cv",
      .value = "3",
      .beside = "workload.think_time.distribution=lognormal" },
    { .key = "workload.tenants",
      .value = "0.5/0.5",
      .beside = "tenants.priority=90/10 engine.order=priority" },
    { .key = "tenants.priority",
      .value = "90/10",
      .beside = "workload.tenants=0.5/0.5 engine.order=priority" },
    { .key = "tenants.priority",
      .value = "a=90",
      .beside = "workload.tenants=0.5/0.5 policy=priority-lru" },
    { .key = "tenants.dram_quota", .value = "0.3/0.5", .beside = "workload.tenants=0.5/0.5" },
    { .key = "tenants.ssd_quota", .value = "b=0.1", .beside = "workload.tenants=0.5/0.5" },
    { .key = "workload.seed", .value = "2" },
    { .key = "workload.shape", .value = "chat", .beside = "warmup_turns=0" },
    { .key = "workload.loop", .value = "open" },
    { .key = "workload.token_time", .value = "90ms", .beside = OF_SHAPE("chat") },
    { .key = "workload.shared_prefix.groups", .value = "30", .beside = OF_SHAPE("shared-prefix") },
    { .key = "workload.shared_prefix.prompts_per_group",
      .value = "8",
      .beside = OF_SHAPE("shared-prefix") },
    { .key = "workload.shared_prefix.system_tokens",
      .value = "1000",
      .beside = OF_SHAPE("shared-prefix") },
    { .key = "workload.shared_prefix.question_tokens",
      .value = "400",
      .beside = OF_SHAPE("shared-prefix") },
    { .key = "workload.shared_prefix.reply_tokens",
      .value = "100",
      .beside = OF_SHAPE("shared-prefix") },
    { .key = "workload.shared_prefix.range_ratio",
      .value = "0.5",
      .beside = OF_SHAPE("shared-prefix") },
    { .key = "workload.shared_prefix.order",
      .value = "grouped",
      .beside = OF_SHAPE("shared-prefix") },
    { .key = "workload.repeated_documents.documents",
      .value = "5",
      .beside = OF_LONG_SHAPE("repeated-documents") },
    { .key = "workload.repeated_documents.repeats",
      .value = "3",
      .beside = OF_LONG_SHAPE("repeated-documents") },
    { .key = "workload.repeated_documents.order",
      .value = "tile",
      .beside = OF_LONG_SHAPE("repeated-documents") },
    { .key = "workload.repeated_documents.document_tokens.mean",
      .value = "9000",
      .beside = OF_LONG_SHAPE("repeated-documents") },
    { .key = "workload.repeated_documents.document_tokens.median_ratio",
      .value = "0.7",
      .beside = OF_LONG_SHAPE("repeated-documents") },
    { .key = "workload.repeated_documents.question_tokens",
      .value = "100",
      .beside = OF_LONG_SHAPE("repeated-documents") },
    { .key = "workload.repeated_documents.reply_tokens",
      .value = "100",
      .beside = OF_LONG_SHAPE("repeated-documents") },
    { .key = "workload.chat.sessions", .value = "30", .beside = OF_SHAPE("chat") },
    { .key = "workload.chat.messages.least", .value = "4", .beside = OF_SHAPE("chat") },
    { .key = "workload.chat.messages.most", .value = "40", .beside = OF_SHAPE("chat") },
    { .key = "workload.chat.system_tokens", .value = "900", .beside = OF_SHAPE("chat") },
    { .key = "workload.chat.history_tokens.mean", .value = "400", .beside = OF_SHAPE("chat") },
    { .key = "workload.chat.history_tokens.median_ratio",
      .value = "0.5",
      .beside = OF_SHAPE("chat") },
    { .key = "workload.chat.history_tokens.most", .value = "900", .beside = OF_SHAPE("chat") },
    { .key = "workload.chat.prompt_tokens.least", .value = "20", .beside = OF_SHAPE("chat") },
    { .key = "workload.chat.prompt_tokens.most", .value = "900", .beside = OF_SHAPE("chat") },
    { .key = "workload.chat.reply_tokens.least", .value = "20", .beside = OF_SHAPE("chat") },
    { .key = "workload.chat.reply_tokens.most", .value = "400", .beside = OF_SHAPE("chat") },
    { .key = "workload.chat.think_time", .value = "2s", .beside = OF_SHAPE("chat") },
    { .key = "workload.agents.sessions", .value = "3", .beside = OF_LONG_SHAPE("agents") },
    { .key = "workload.agents.requests.mean",
      .value = "2",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.requests.median_ratio",
      .value = "0.9",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.steps.mean",
      .value = "3",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.steps.median_ratio",
      .value = "0.9",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.system_tokens",
      .value = "3000",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.prompt_tokens.mean",
      .value = "300",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.prompt_tokens.median_ratio",
      .value = "0.9",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.reply_tokens.mean",
      .value = "100",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.reply_tokens.median_ratio",
      .value = "0.9",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.tool_time.mean",
      .value = "1s",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.tool_time.median_ratio",
      .value = "0.9",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.think_time.mean",
      .value = "1s",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.think_time.median_ratio",
      .value = "0.9",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.context_most",
      .value = "30000",
      .beside = OF_LONG_SHAPE("agents") " workload.agents.sessions=4" },
    { .key = "workload.agents.compacted_tokens",
      .value = "100",
      .beside = OF_LONG_SHAPE(
          "agents") " workload.agents.sessions=4 workload.agents.context_most=30000" },
    { .key = "import.format",
      .value = "session-csv",
      .beside = "warmup_turns=0",
      .trace = two_readings },
    { .key = "import.bytes_per_token", .value = "2", .beside = OF_SAMPLE "sharegpt.json" },
    { .key = "import.block_tokens", .value = "4", .beside = OF_SAMPLE "openai.jsonl" },
    { .key = "import.sort",
      .value = "true",
      .beside = OF_SAMPLE "example.jsonl",
      .why_none = "a file in order stays as it is, and any other is refused without it" },
    { .key = "import.hash_seed",
      .value = "7",
      .beside = OF_SAMPLE "openai.jsonl",
      .why_none = "it salts the keys of blocks, of which only those that were equal are" },
    { .key = "import.session_gap", .value = "20s", .beside = OF_SAMPLE "burstgpt_3.csv" },
    { .key = "import.chain_gap", .value = "1ms", .beside = OF_SAMPLE "kv_events.jsonl" },
    { .key = "import.server", .value = "1", .beside = OF_SAMPLE "kv_events_dynamo.jsonl" },
    { .key = "import.rate", .value = "3", .beside = OF_SAMPLE "burstgpt_3.csv" },
    { .key = "import.think_scale", .value = "0.5", .beside = OF_SAMPLE "sessions.csv" },
};
enum { CASES = sizeof cases / sizeof *cases };

static bool is_of(int i, const char *prefix, const char *key)
{
    size_t length = strlen(prefix);
    return strncmp(cases[i].key, prefix, length) == 0 && strcmp(cases[i].key + length, key) == 0;
}

START_TEST(a_value_unlike_the_others_changes_a_result)
{
    char beside[512], settings[1024];
    char *trace = cases[_i].trace != NULL ? test_temp_file(cases[_i].trace) : NULL;
    snprintf(beside, sizeof beside, "%s%s %s", trace != NULL ? "trace=" : "",
             trace != NULL ? trace : "", cases[_i].beside != NULL ? cases[_i].beside : "");
    snprintf(settings, sizeof settings, "%s %s=%s", beside, cases[_i].key, cases[_i].value);
    struct metrics before = run_all(SMALL, beside), after = run_all(SMALL, settings);
    if (trace != NULL)
        unlink(trace);
    free(trace);
    ck_assert_double_gt(before.turns, 0.0);
    bool changes = memcmp(&before, &after, sizeof before) != 0;
    ck_assert_msg(changes == (cases[_i].why_none == NULL), "%s=%s changes %s", cases[_i].key,
                  cases[_i].value, changes ? "what it cannot" : "nothing");
}
END_TEST

START_TEST(no_key_is_without_a_case_and_no_case_without_a_key)
{
    int keys[CASES] = { 0 };
    for (const struct config_section *section = experiment_sections; section->rows != NULL;
         section++)
        for (const struct config_row *row = section->rows; row->key != NULL; row++) {
            int found = 0;
            for (int i = 0; i < CASES; i++)
                if (is_of(i, section->prefix, row->key)) {
                    keys[i]++;
                    found++;
                }
            ck_assert_msg(found > 0, "%s%s has no case", section->prefix, row->key);
        }
    for (int i = 0; i < CASES; i++)
        ck_assert_msg(keys[i] == 1, "there is no key %s", cases[i].key);
}
END_TEST

/* Where one wrote into another's place, both would change results. */
START_TEST(no_two_keys_are_one)
{
    size_t offset[CASES];
    int keys = 0;
    for (const struct config_section *section = experiment_sections; section->rows != NULL;
         section++)
        for (const struct config_row *row = section->rows; row->key != NULL; row++) {
            ck_assert_int_lt(keys, CASES); /* each has one */
            offset[keys] = section->offset + row->offset;
            for (int i = 0; i < keys; i++)
                ck_assert_msg(offset[i] != offset[keys], "%s%s is another key too", section->prefix,
                              row->key);
            keys++;
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keys");
    TCase *tests = tcase_create("keys");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, a_value_unlike_the_others_changes_a_result, 0, CASES);
    tcase_add_test(tests, no_key_is_without_a_case_and_no_case_without_a_key);
    tcase_add_test(tests, no_two_keys_are_one);
    return test_main(suite);
}
