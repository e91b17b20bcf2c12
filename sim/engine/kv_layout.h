/* sim/engine/kv_layout.h - what KV takes where, for models whose layers do not all keep it alike.
 * The placement core counts tokens, each of the same number of bytes; a sequence's bytes are not
 * linear in its tokens where layers have windows or states. Here they are brought together:
 *
 *   tiers  a stored token takes the bytes of all attention layers, windowed ones too, as vLLM's
 *          offloading connector stores every block of every group of layers when it is full
 *          (kv_connector/v1/offloading/scheduler.py). Layers with a state add a snapshot of it: to
 *          each block, since a prefix can be gone on with only from where a state was kept (vLLM's
 *          mamba_cache_mode "all"; "align" keeps fewer); to a session once, as so many tokens.
 *   loads  windowed layers need the last window of what is reused, states the last snapshot
 *          (the same file, _sliding_window_lookup).
 *   HBM    a running turn takes the bytes of its context, windows of windowed layers only
 *          (vLLM's hybrid KV cache manager, SlidingWindowSpec and MambaSpec in
 *          v1/kv_cache_interface.py), rounded up to whole tokens of the core. With
 *          engine.hybrid_kv false, or where HBM is a cache of blocks that stay when turns end, all
 *          tokens in all layers.
 *
 * Without such layers a token is a token everywhere.
 *
 * MLA's KV is the same on every rank, and each has all of it in HBM. Below HBM engines keep as many
 * copies as engine.rank_copies says; the core's tokens are HBM's, a tier's take fewer bytes then, so
 * that it holds more of them, and links carry fewer.
 *   SGLang HiCache   each rank's host pool has its own; rank 0 alone writes storage (sglang#8865),
 *                    every rank reads it (#28027)
 *   LMCache          save_only_first_rank is use_mla by default (v1/token_database.py); the first
 *                    rank loads and broadcasts (v1/cache_engine.py)
 *   vLLM offloading  every rank's until July 2026; then one, written by rank 0, which every rank
 *                    loads (vllm#48906, #50301)
 *   KVBM             every rank's; with TensorRT-LLM's replicated mode one, broadcast (dynamo#7015)
 * Whatever the mode, every rank keeps its own of GQA's KV with more ranks than KV heads, and of
 * models that have states beside MLA: the engines ask for MLA alone (SGLang is_mla_model, LMCache
 * use_mla; vLLM's replicated_layout: a single group of MLAAttentionSpec). A broadcast's time over the
 * GPUs' own links is left out.
 *
 * Private to sim/. */
#ifndef REPRISE_SIM_ENGINE_KV_LAYOUT_H
#define REPRISE_SIM_ENGINE_KV_LAYOUT_H

#include "models/models.h"
#include "sim/placement/placement.h"
#include "sim/engine/experiment.h"

struct kv_layout {
    struct kv_shape shape;     /* without engine.hybrid_kv no layer of it has a window */
    uint64_t bytes_per_token;  /* of the core's tokens */
    uint64_t room_state_bytes; /* states of a running turn */
    uint32_t state_tokens;     /* a session's snapshot, in tokens of the core; blocks: 0 */
    uint32_t slack_tokens;     /* a window may begin within a block */
    bool whole_blocks;         /* HBM holds blocks as the tiers do, since some stay in it */
    struct kv_shape loaded;    /* of shape: what crosses the GPUs' link for all ranks to have it */
    uint64_t tier_bytes[TIER_KINDS]; /* of a token of the core's where it is kept; HBM:
                                        bytes_per_token */
};

/* unit_tokens as in placement_config; stores: whether the policy keeps KV at all. */
struct kv_layout kv_layout_new(const struct model *model, const struct experiment *experiment,
                               uint32_t unit_tokens, bool stores);

/* Tokens of the core that a turn with so much context takes in HBM: never more for one more token
 * than one. */
uint32_t kv_layout_room(const struct kv_layout *layout, uint32_t tokens);
/* The longest context that fits into so many bytes of HBM. */
uint32_t kv_layout_longest(const struct kv_layout *layout, uint64_t bytes);
/* HBM in which vLLM says that `tokens` fit (models/hbm.h, engine_held_bytes): the same whatever
 * policy runs and in whatever units it places, since the engine that printed it had none of ours.
 */
uint64_t kv_layout_measured_bytes(const struct kv_layout *layout, uint64_t tokens,
                                  uint32_t window_tokens);

/* Between a context and the core's tokens of its stored KV. */
static inline uint32_t kv_layout_stored(const struct kv_layout *layout, uint32_t tokens)
{
    return tokens > 0 ? tokens + layout->state_tokens : 0;
}
/* Takes the snapshot's share off what was found. */
void kv_layout_found(const struct kv_layout *layout, struct placement_hits *hits);

/* What a context of so many tokens is in the HBM of all ranks, windows of windowed layers only. */
uint64_t kv_layout_moved_bytes(const struct kv_layout *layout, uint64_t tokens);
/* What crosses the link to bring so many tokens of context from a tier into HBM. */
uint64_t kv_layout_loaded_bytes(const struct kv_layout *layout, uint64_t tokens);
/* The same for a load of the core's. */
uint64_t kv_layout_load_bytes(const struct kv_layout *layout, uint64_t size_bytes);
/* What a copy of the core's of that size carries into a tier below HBM. */
uint64_t kv_layout_copy_bytes(const struct kv_layout *layout, uint64_t size_bytes, enum tier to);
/* Between a tier's own bytes and the core's, which counts HBM's. Rounded down. */
uint64_t kv_layout_core_bytes(const struct kv_layout *layout, uint64_t tier_bytes, enum tier tier);

#endif
