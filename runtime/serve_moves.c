/* runtime/serve_moves.c - which pages a transfer moves, by the core's units and the copies that the
 * tiers have of them. */
#include "runtime/serve_state.h"

#include "base/memory.h"

/* ---- parts and pages ---- */

static void add_part(struct transfer_work *work, uint32_t unit, uint64_t end)
{
    memory_grow(&work->part, &work->part_capacity, (uint64_t)work->part_count + 1,
                sizeof *work->part);
    work->part[work->part_count++] = (struct transfer_part){ .unit = unit, .end = end };
}

static struct page_move *add_page(struct transfer_work *work, uint32_t unit, uint64_t index)
{
    memory_grow(&work->page, &work->page_capacity, (uint64_t)work->page_count + 1,
                sizeof *work->page);
    struct page_move *move = &work->page[work->page_count++];
    *move = (struct page_move){ .unit = unit, .index = index };
    return move;
}

static bool stage_page(struct serve *serve, struct page_move *move)
{
    if (page_take(&serve->pool[TIER_DRAM], &move->staged))
        return true;
    serve_fail(serve, "find a free page in DRAM",
               "none is left to pass on what comes from or goes to slower tiers");
    return false;
}

static void no_page(struct serve *serve, enum tier tier)
{
    serve_fail(serve, tier == TIER_SSD ? "find a free page on SSD" : "find a free page in DRAM",
               "every one is in use: pages that are not full take more than the tier's capacity "
               "allows for");
}

static bool reserve(struct serve *serve, struct kv_copy *copy, enum tier tier, uint64_t begin,
                    uint64_t end)
{
    if (copy_reserve(copy, &serve->pool[tier], begin, end, serve->run->page_tokens))
        return true;
    no_page(serve, tier);
    return false;
}

/* Where the unit's copy in the tier ends, or where it will begin. */
static uint64_t end_of(const struct kv_copy *copy, uint64_t begin)
{
    return copy->count > 0 ? copy->end : begin;
}

/* The page of the unit's copy. */
static uint32_t page_of(struct serve *serve, uint32_t unit, enum tier tier, uint64_t index)
{
    uint64_t key = placement_key(engine_core(serve->engine), unit);
    return tier == TIER_REMOTE ? remote_page(&serve->run->remote, key, index)
                               : copy_page(pages_copy(serve, unit, tier), index);
}

/* ---- loads ---- */

/* Places begin .. end - 1 of the unit, the i-th of the job's chain. */
static bool load_part(struct serve *serve, struct transfer_work *work, uint32_t i, uint32_t unit,
                      uint64_t begin, uint64_t end)
{
    enum tier tier = work->action.from;
    struct job_note *note = &serve->note[work->action.job];
    for (uint64_t index = begin / serve->run->page_tokens; index * serve->run->page_tokens < end;
         index++) {
        struct page_move *move = add_page(work, unit, index);
        move->from = page_of(serve, unit, tier, index);
        move->to = copy_page(&note->hbm, index + pages_unit_shift(serve, i));
        page_use(pages_pool(serve, tier), move->from);
        page_use(&serve->pool[TIER_HBM], move->to);
        layers_set_rows(serve, move, begin, end);
        if (tier != TIER_DRAM && !stage_page(serve, move))
            return false;
        if (tier == TIER_DRAM && serve->pool[TIER_DRAM].bad[move->from])
            note->damaged = true;
    }
    return true;
}

/* Of what the i-th unit lacks of its `want` tokens in faster tiers. Returns how many tokens. */
static uint32_t load_unit(struct serve *serve, struct transfer_work *work, uint32_t i,
                          uint32_t want)
{
    const struct job_note *note = &serve->note[work->action.job];
    uint32_t unit = placement_chain_unit(engine_core(serve->engine), work->action.job, i);
    uint64_t begin = pages_unit_begin(serve, note);
    uint32_t faster = 0;
    for (int tier = TIER_HBM; tier < (int)work->action.from; tier++) {
        uint32_t covered = pages_covered(serve, unit, (enum tier)tier, begin, want);
        faster = covered > faster ? covered : faster;
    }
    uint32_t covered = pages_covered(serve, unit, work->action.from, begin, want);
    if (covered <= faster || !load_part(serve, work, i, unit, begin + faster, begin + covered))
        return 0;
    return covered - faster;
}

/* The core's books and ours must be of the same KV. */
static bool is_all(struct serve *serve, uint32_t tokens, uint64_t size_bytes)
{
    if (serve->run->err.status == STATUS_OK && tokens != pages_tokens(serve, size_bytes))
        serve_fail(serve, "load what was found", "it is not there (a bug of reprise's)");
    return serve->run->err.status == STATUS_OK;
}

/* What DRAM keeps of a load that passes through it. */
static void note_kept(struct serve *serve, struct transfer_work *work)
{
    uint64_t begin = pages_unit_begin(serve, &serve->note[work->action.job]);
    uint32_t goal;
    for (uint32_t i = 0; i < work->page_count; i++) {
        struct page_move *move = &work->page[i];
        if (!placement_transfer_has(engine_core(serve->engine), work->action.id, move->unit, &goal))
            continue;
        move->kept = true;
        if (i == 0 || work->page[i - 1].unit != move->unit)
            add_part(work, move->unit, begin + goal);
    }
}

bool moves_of_load(struct serve *serve, struct transfer_work *work)
{
    const struct job_note *note = &serve->note[work->action.job];
    uint32_t tokens = 0, want;
    for (uint32_t i = 0; (want = pages_unit_tokens(serve, i, note->found_tokens)) > 0; i++)
        tokens += load_unit(serve, work, i, want);
    note_kept(serve, work);
    return is_all(serve, tokens, work->action.size_bytes);
}

/* ---- saves ---- */

/* A page of a slower tier is written whole; where it is not full yet, others may be reading it:
 * then into a fresh one, which takes its place when all is there. */
static bool target_page(struct serve *serve, const struct kv_copy *to, enum tier tier,
                        uint64_t begin, struct page_move *move)
{
    if (move->index * serve->run->page_tokens >= begin) {
        move->to = copy_page(to, move->index);
        page_use(&serve->pool[tier], move->to);
        return true;
    }
    move->fresh = page_take(&serve->pool[tier], &move->to);
    if (!move->fresh)
        no_page(serve, tier);
    return move->fresh;
}

/* From the pages of `hbm`, whose numbering is `shift` ahead of the unit's. */
static bool save_unit(struct serve *serve, struct transfer_work *work, uint32_t unit,
                      const struct kv_copy *hbm, uint64_t shift, uint64_t begin, uint64_t end)
{
    enum tier tier = work->action.to;
    struct kv_copy *to = pages_copy(serve, unit, tier);
    uint64_t page_tokens = serve->run->page_tokens, from = end_of(to, begin);
    from = from > begin ? from : begin;
    uint64_t moved = tier == TIER_SSD ? from / page_tokens * page_tokens : from;
    moved = moved < begin ? begin : moved;
    if (!reserve(serve, to, tier, to->count > 0 ? to->first * page_tokens : from, end))
        return false;
    add_part(work, unit, end);
    for (uint64_t index = from / page_tokens; index * page_tokens < end; index++) {
        struct page_move *move = add_page(work, unit, index);
        move->from = copy_page(hbm, index + shift);
        page_use(&serve->pool[TIER_HBM], move->from);
        /* Rows of a page in DRAM come behind those that are there. */
        if (!target_page(serve, to, tier, tier == TIER_SSD && to->end > begin ? from : 0, move))
            return false;
        layers_set_rows(serve, move, moved, end);
        if (tier == TIER_SSD && !stage_page(serve, move))
            return false;
    }
    return true;
}

/* The keys of a trace may name a block twice in one chain. */
static bool has_part(const struct serve *serve, const struct transfer_work *work, uint32_t unit)
{
    for (uint32_t i = work->part_count; serve->run->setup.unit_keys && i-- > 0;)
        if (work->part[i].unit == unit)
            return true;
    return false;
}

bool moves_of_save(struct serve *serve, struct transfer_work *work)
{
    const struct placement *core = engine_core(serve->engine);
    uint32_t job = work->action.job, count = placement_chain_length(core, job), goal;
    const struct job_note *note = &serve->note[job];
    uint64_t begin = pages_unit_begin(serve, note);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t unit = placement_chain_unit(core, job, i);
        if (!placement_transfer_has(core, work->action.id, unit, &goal) ||
            has_part(serve, work, unit))
            continue;
        if (!save_unit(serve, work, unit, &note->hbm, pages_unit_shift(serve, i), begin,
                       begin + goal))
            return false;
    }
    return true;
}

bool moves_of_idle_save(struct serve *serve, struct transfer_work *work)
{
    const struct placement *core = engine_core(serve->engine);
    uint32_t goal;
    for (uint32_t unit = UNIT_NONE;
         (unit = placement_transfer_next(core, work->action.id, unit, &goal)) != UNIT_NONE;) {
        uint64_t begin = pages_base(serve, unit, TIER_HBM);
        const struct kv_copy hbm = *pages_copy(serve, unit, TIER_HBM);
        if (!save_unit(serve, work, unit, &hbm, 0, begin, begin + goal))
            return false;
    }
    return true;
}

/* ---- between DRAM, SSD and the pool ---- */

static bool add_whole_pages(struct serve *serve, struct transfer_work *work, uint32_t unit,
                            uint64_t base, uint32_t goal)
{
    enum tier from = work->action.from, to = work->action.to;
    struct kv_copy *target = pages_copy(serve, unit, to);
    uint64_t begin = end_of(target, base), end = base + goal;
    bool grows = target->count > 0;
    if (!reserve(serve, target, to, begin, end))
        return false;
    add_part(work, unit, end);
    for (uint64_t index = begin / serve->run->page_tokens; index * serve->run->page_tokens < end;
         index++) {
        struct page_move *move = add_page(work, unit, index);
        move->from = page_of(serve, unit, from, index);
        page_use(pages_pool(serve, from), move->from);
        if (!target_page(serve, target, to, grows ? begin : 0, move))
            return false;
    }
    return true;
}

/* Into pages of their own, since other servers may be reading those that are there. */
static bool add_pages_to_pool(struct serve *serve, struct transfer_work *work, uint32_t unit,
                              uint32_t goal)
{
    enum tier from = work->action.from;
    struct page_pool *pool = pages_pool(serve, TIER_REMOTE);
    uint64_t base = pages_base(serve, unit, from), end = base + goal;
    uint64_t source_end = pages_copy(serve, unit, from)->end;
    end = end < source_end ? end : source_end;
    uint64_t begin = base + placement_remote_tokens(engine_core(serve->engine), unit);
    for (uint64_t index = begin / serve->run->page_tokens; index * serve->run->page_tokens < end;
         index++) {
        struct page_move *move = add_page(work, unit, index);
        move->key = placement_key(engine_core(serve->engine), unit);
        move->begin = base;
        move->from = page_of(serve, unit, from, index);
        page_use(pages_pool(serve, from), move->from);
        if (!page_take(pool, &move->to)) {
            serve_fail(serve, "find a free page in the remote pool",
                       "every one is in use: pages that are not full take more than the pool's "
                       "capacity allows for");
            return false;
        }
        if (from == TIER_SSD && !stage_page(serve, move))
            return false;
    }
    return true;
}

/* Where the unit's KV begins, of which the source is a copy. */
static uint64_t begin_of(struct serve *serve, uint32_t unit, enum tier from)
{
    return from == TIER_REMOTE ? 0 /* of blocks: sessions are not fetched from there */
                               : pages_base(serve, unit, from);
}

bool moves_of_pages(struct serve *serve, struct transfer_work *work)
{
    const struct action *action = &work->action;
    uint32_t goal;
    for (uint32_t unit = UNIT_NONE;
         (unit = placement_transfer_next(engine_core(serve->engine), action->id, unit, &goal)) !=
         UNIT_NONE;)
        if (action->to == TIER_REMOTE
                ? !add_pages_to_pool(serve, work, unit, goal)
                : !add_whole_pages(serve, work, unit, begin_of(serve, unit, action->from), goal))
            return false;
    return true;
}
