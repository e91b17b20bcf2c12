/* traces/kv_batch.h - what one record of a stream of KV events says: when, of which server, and
 * which blocks were stored and removed. Private to traces/.
 *
 * Forms, by engine and version:
 *   [ts, [event, ...], data_parallel_rank]                      vLLM 0.9 to 0.1x, SGLang: msgspec's
 *     event: ["BlockStored", hashes, parent, token_ids, block_size, lora_id, medium, lora_name,
 *             extra_keys, group_idx, kv_cache_spec_kind, kv_cache_spec_sliding_window],
 *            ["BlockRemoved", hashes, medium, group_idx], ["AllBlocksCleared"]   array_like
 * structs, shorter where a version lacks the rest or it has its default
 *   {"ts": s, "events": [{"type": "BlockStored", ...}, ...]}    vLLM main (0181ea3): the same names
 *   {"ts": s, "type": "BlockStored", ...}                       one event a line
 *   {"timestamp": ms, "event": {"worker_id": w, "storage_tier": t, "event": {"event_id": n,
 *     "dp_rank": r, "data": {"stored": {"parent_hash": p, "blocks": [{"block_hash": h}]}}}}}
 *                                                               dynamo's KvRecorder; no block size
 * Times are seconds, dynamo's milliseconds. Hashes are whole numbers or texts, by version: they are
 * names and nothing else. Sources: vllm-project/vllm, vllm/distributed/kv_events.py (0181ea3);
 * sgl-project/sglang, python/sglang/srt/disaggregation/kv_events.py (006d053) and
 * srt/mem_cache/events.py; ai-dynamo/dynamo, lib/llm/src/recorder.rs (03b4145), lib/kv-router's
 * protocols (RouterEvent, KvCacheEventData).
 *
 * Tokens are counted against block_size and never kept. LoRA's name and extra keys are in vLLM's
 * hashes already, and need no reading. */
#ifndef REPRISE_TRACES_KV_BATCH_H
#define REPRISE_TRACES_KV_BATCH_H

#include "traces/kv_records.h"

enum kv_event_kind {
    KV_STORED,
    KV_REMOVED,
    KV_CLEARED,
    KV_PASSED_OVER /* of another group of layers, or of a kind unknown here */
};

enum kv_medium { KV_GPU, KV_BELOW }; /* a tier below it: DRAM, disk, another machine's */
enum { KV_MEDIA = KV_BELOW + 1 };

struct kv_event {
    enum kv_event_kind kind;
    enum kv_medium medium;
    bool has_parent;
    uint64_t parent;       /* a hash: 63 bits, equal if the engine's are */
    uint32_t block_tokens; /* stored; 0: not said */
    uint32_t count;
    uint64_t *hashes; /* the batch's */
};

/* A record's events. Zeroed: before the first record; `group` outlives them. */
struct kv_batch {
    struct kv_where where;
    uint64_t time_ns;
    uint64_t server; /* equal for records of one publisher */
    bool has_sequence;
    uint64_t sequence;
    size_t count;
    const json_t *events; /* an array; NULL: `only` is the one event */
    const json_t *only;
    /* Of several groups of layers the one that is followed: the first that attends to all tokens.
     */
    bool has_group;
    int64_t group;
    uint64_t *hashes;
    uint32_t capacity;
};

/* Begins to read a record; its value must outlive the batch's use. */
enum status kv_batch_begin(struct kv_batch *batch, const struct kv_record *record,
                           struct error *err);
/* Its event i, of count. */
enum status kv_batch_event(struct kv_batch *batch, size_t i, struct kv_event *event,
                           struct error *err);
void kv_batch_free(struct kv_batch *batch);

#endif
