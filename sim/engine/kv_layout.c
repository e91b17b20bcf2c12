/* sim/engine/kv_layout.c - see kv_layout.h. */
#include "sim/engine/kv_layout.h"

#include "models/hbm.h"

static uint64_t divided_up(uint64_t value, uint64_t by)
{
    return (value + by - 1) / by;
}

/* Copies of what every rank has alike: in tiers, and over the GPUs' link for all to have it. */
struct copies {
    uint32_t in[TIER_KINDS], loaded;
};

static struct copies copies_of(const struct model *model, const struct experiment *experiment)
{
    bool alike = model->attention == ATTENTION_LATENT && model->state_layers == 0;
    const uint32_t all = alike ? experiment->gpus : 1;
    struct copies copies = { .in = { all, all, all, all }, .loaded = all };
    switch ((enum rank_copies)experiment->rank_copies) {
    case COPIES_ONE_BROADCAST:
        copies.loaded = 1; /* falls through: it is kept once */
        __attribute__((fallthrough));
    case COPIES_ONE:
        copies.in[TIER_DRAM] = 1;
        __attribute__((fallthrough));
    case COPIES_ONE_IN_STORAGE:
        copies.in[TIER_SSD] = copies.in[TIER_REMOTE] = 1;
        break;
    case COPIES_EVERY_RANK:
        break;
    }
    return copies;
}

static void set_copies(struct kv_layout *layout, const struct copies *copies)
{
    uint64_t token = layout->shape.full_bytes + layout->shape.window_bytes;
    uint64_t all = copies->in[TIER_HBM];
    for (int tier = 0; tier < TIER_KINDS; tier++)
        layout->tier_bytes[tier] = layout->bytes_per_token - token + token / all * copies->in[tier];
    layout->loaded = layout->shape;
    layout->loaded.full_bytes = layout->shape.full_bytes / all * copies->loaded;
    layout->loaded.window_bytes = layout->shape.window_bytes / all * copies->loaded;
}

struct kv_layout kv_layout_new(const struct model *model, const struct experiment *experiment,
                               uint32_t unit_tokens, bool stores)
{
    struct kv_layout layout = { .shape = model_kv_shape(model, experiment->gpus),
                                .slack_tokens = experiment->hbm_block_tokens };
    const struct kv_shape *shape = &layout.shape;
    uint64_t state = shape->state_bytes;
    layout.bytes_per_token = shape->full_bytes + shape->window_bytes;
    if (!experiment->hybrid_kv) {
        layout.shape.full_bytes = layout.bytes_per_token;
        layout.shape.window_bytes = 0;
    }
    layout.room_state_bytes = stores ? ENGINE_STATES_RUNNING * state : state;
    layout.whole_blocks = stores && experiment->hbm_cache_bytes > 0;
    if (unit_tokens != UINT32_MAX)
        layout.bytes_per_token += divided_up(state, unit_tokens);
    else
        layout.state_tokens = (uint32_t)divided_up(state, layout.bytes_per_token);
    const struct copies copies = copies_of(model, experiment);
    set_copies(&layout, &copies);
    return layout;
}

uint32_t kv_layout_room(const struct kv_layout *layout, uint32_t tokens)
{
    struct kv_shape shape = layout->shape;
    shape.state_bytes = layout->room_state_bytes;
    if (layout->whole_blocks)
        return tokens + (uint32_t)divided_up(shape.state_bytes, layout->bytes_per_token);
    return (uint32_t)divided_up(kv_shape_bytes(&shape, tokens, layout->slack_tokens),
                                layout->bytes_per_token);
}

uint32_t kv_layout_longest(const struct kv_layout *layout, uint64_t bytes)
{
    uint64_t room = bytes / layout->bytes_per_token;
    uint32_t fits = 0;
    for (uint32_t step = UINT32_C(1) << 30; step > 0; step /= 2)
        if (kv_layout_room(layout, fits + step) <= room)
            fits += step;
    return fits;
}

uint64_t kv_layout_measured_bytes(const struct kv_layout *layout, uint64_t tokens,
                                  uint32_t window_tokens)
{
    return engine_held_bytes(&layout->shape, layout->slack_tokens, window_tokens, tokens);
}

/* A snapshot lies with the KV that it belongs to: most of what was found is of one tier. */
void kv_layout_found(const struct kv_layout *layout, struct placement_hits *hits)
{
    uint32_t left = layout->state_tokens;
    while (left > 0) {
        int most = TIER_HBM;
        for (int tier = TIER_HBM + 1; tier < TIER_KINDS; tier++)
            if (hits->tokens[tier] > hits->tokens[most])
                most = tier;
        uint32_t taken = hits->tokens[most] < left ? hits->tokens[most] : left;
        if (taken == 0)
            return;
        hits->tokens[most] -= taken;
        left -= taken;
    }
}

uint64_t kv_layout_moved_bytes(const struct kv_layout *layout, uint64_t tokens)
{
    return tokens > 0 ? kv_shape_bytes(&layout->shape, tokens, 0) : 0;
}

uint64_t kv_layout_loaded_bytes(const struct kv_layout *layout, uint64_t tokens)
{
    return tokens > 0 ? kv_shape_bytes(&layout->loaded, tokens, 0) : 0;
}

uint64_t kv_layout_load_bytes(const struct kv_layout *layout, uint64_t size_bytes)
{
    uint64_t tokens = size_bytes / layout->bytes_per_token;
    return tokens > layout->state_tokens
               ? kv_layout_loaded_bytes(layout, tokens - layout->state_tokens)
               : size_bytes;
}

uint64_t kv_layout_copy_bytes(const struct kv_layout *layout, uint64_t size_bytes, enum tier to)
{
    return size_bytes / layout->bytes_per_token * layout->tier_bytes[to];
}

uint64_t kv_layout_core_bytes(const struct kv_layout *layout, uint64_t tier_bytes, enum tier tier)
{
    if (layout->tier_bytes[tier] == layout->bytes_per_token)
        return tier_bytes;
    uint64_t tokens = tier_bytes / layout->tier_bytes[tier];
    return tokens < UINT64_MAX / layout->bytes_per_token ? tokens * layout->bytes_per_token
                                                         : UINT64_MAX;
}
