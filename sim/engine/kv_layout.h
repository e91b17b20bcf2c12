/* sim/engine/kv_layout.h - what KV takes where, for models whose layers do not all keep it alike. The
 * placement core counts tokens, each of the same number of bytes; a sequence's bytes are not linear
 * in its tokens where layers have windows or states. Here they are brought together:
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
 * Without such layers a token is a token everywhere. Private to sim/. */
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

/* What crosses the link to bring so many tokens of context into HBM. */
uint64_t kv_layout_moved_bytes(const struct kv_layout *layout, uint64_t tokens);
/* The same for a load of the core's. */
uint64_t kv_layout_load_bytes(const struct kv_layout *layout, uint64_t size_bytes);

#endif
