/* runtime/serve_pages.c - which pages jobs and units have in HBM, and what becomes of units' copies
 * when the core shares, cuts or drops them. Full pages of what a job reuses in HBM are shared by
 * reference; a page that it will write into is copied, since others may go on differently. */
#include "runtime/serve_state.h"

#include "base/memory.h"

struct kv_copy *pages_copy(struct serve *serve, uint32_t unit, enum tier tier)
{
    memory_grow(&serve->unit, &serve->unit_capacity, (uint64_t)unit + 1, sizeof *serve->unit);
    return &serve->unit[unit][tier];
}

struct page_pool *pages_pool(struct serve *serve, enum tier tier)
{
    return tier == TIER_REMOTE ? &serve->run->remote.pages : &serve->pool[tier];
}

uint32_t pages_tokens(const struct serve *serve, uint64_t bytes)
{
    return (uint32_t)(bytes / serve->run->setup.kv.bytes_per_token);
}

/* ---- places ---- */

uint64_t pages_unit_begin(const struct serve *serve, const struct job_note *note)
{
    return serve->run->unit_pages > 0 ? 0 : note->origin;
}

uint64_t pages_unit_shift(const struct serve *serve, uint32_t i)
{
    return (uint64_t)i * serve->run->unit_pages;
}

uint32_t pages_unit_tokens(const struct serve *serve, uint32_t i, uint32_t tokens)
{
    uint64_t unit = serve->run->setup.unit_tokens, begin = i * unit;
    if (begin >= tokens)
        return 0;
    return tokens - begin < unit ? (uint32_t)(tokens - begin) : (uint32_t)unit;
}

uint32_t pages_covered(struct serve *serve, uint32_t unit, enum tier tier, uint64_t begin,
                       uint32_t want)
{
    if (tier == TIER_REMOTE) {
        uint32_t tokens = placement_remote_tokens(engine_core(serve->engine), unit);
        return tokens < want ? tokens : want;
    }
    const struct kv_copy *copy = pages_copy(serve, unit, tier);
    if (copy->count == 0 || copy->end <= begin)
        return 0;
    return copy->end - begin < want ? (uint32_t)(copy->end - begin) : want;
}

uint64_t pages_base(struct serve *serve, uint32_t unit, enum tier tier)
{
    uint64_t bytes = placement_copy_bytes(engine_core(serve->engine), unit, tier);
    return pages_copy(serve, unit, tier)->end - pages_tokens(serve, bytes);
}

/* ---- a job's pages ---- */

/* Until there is a page: what is being saved of jobs that have gone has theirs. */
static bool take_hbm_page(struct serve *serve, uint32_t *page)
{
    while (!page_take(&serve->pool[TIER_HBM], page))
        if (!transfers_wait_for_a_save(serve)) {
            serve_fail(
                serve, "find a free page in HBM",
                "every one is in use: pages that are not full take more than engine.batch and "
                "tiers.hbm.cache allow for");
            return false;
        }
    return true;
}

/* Own pages up to the place `end`. */
static void reserve_to(struct serve *serve, struct job_note *note, uint64_t end)
{
    uint32_t page;
    if (note->hbm.count == 0)
        note->hbm.first = note->origin / serve->run->page_tokens;
    while ((note->hbm.first + note->hbm.count) * serve->run->page_tokens < end &&
           take_hbm_page(serve, &page))
        copy_append(&note->hbm, page);
}

void pages_need(struct serve *serve, struct job_note *note, uint32_t tokens)
{
    reserve_to(serve, note, note->origin + tokens);
}

/* ---- what is reused in HBM ---- */

/* Page `index` of the unit, of which rows before `end` are wanted and not all are there. */
static void copy_open_page(struct serve *serve, struct job_note *note, const struct kv_copy *copy,
                           uint64_t index, uint64_t begin, uint64_t end)
{
    struct page_move rows = { .index = index };
    uint32_t from = copy_page(copy, index), to;
    if (!take_hbm_page(serve, &to))
        return;
    page_use(&serve->pool[TIER_HBM], from);
    copy_append(&note->held, from);
    copy_append(&note->hbm, to);
    layers_set_rows(serve, &rows, begin, end);
    layers_copy_within_hbm(serve, from, to, rows.row, rows.rows);
}

static void share_unit(struct serve *serve, struct job_note *note, uint32_t i, uint32_t unit,
                       uint32_t want)
{
    uint64_t begin = pages_unit_begin(serve, note);
    uint64_t end = begin + pages_covered(serve, unit, TIER_HBM, begin, want);
    const struct kv_copy *copy = pages_copy(serve, unit, TIER_HBM);
    uint64_t index = begin / serve->run->page_tokens;
    if (end == begin)
        return;
    reserve_to(serve, note, (index + pages_unit_shift(serve, i)) * serve->run->page_tokens);
    for (; (index + 1) * serve->run->page_tokens <= end; index++) {
        uint32_t page = copy_page(copy, index);
        page_use(&serve->pool[TIER_HBM], page);
        copy_append(&note->hbm, page);
    }
    if (index * serve->run->page_tokens < end)
        copy_open_page(serve, note, copy, index, begin, end);
}

void pages_place(struct serve *serve)
{
    uint32_t job = serve->unplaced, want;
    struct job_note *note = &serve->note[job];
    serve->unplaced = 0;
    if (job == 0)
        return;
    note->hbm.first = note->origin / serve->run->page_tokens;
    for (uint32_t i = 0; (want = pages_unit_tokens(serve, i, note->found_tokens)) > 0; i++)
        share_unit(serve, note, i, placement_chain_unit(engine_core(serve->engine), job, i), want);
    pages_need(serve, note, note->found_tokens);
}

void pages_let_go(struct serve *serve, struct job_note *note)
{
    copy_clear(&note->held, &serve->pool[TIER_HBM]);
}

/* ---- preparing ---- */

/* A transfer under way makes the unit's copy in the tier longer: that one is cut when it has ended.
 */
static bool is_filled(const struct serve *serve, uint32_t unit, enum tier tier)
{
    for (uint32_t i = 0; i < serve->transfer_capacity; i++) {
        const struct transfer_work *work = &serve->transfer[i];
        for (uint32_t p = 0; work->live && p < work->part_count; p++)
            if (work->part[p].unit == unit && transfers_fill(work) == tier)
                return true;
    }
    return false;
}

/* The core has cut or dropped the session's copies. */
static void follow_cut(struct serve *serve, uint32_t unit, uint64_t cut)
{
    for (int tier = TIER_HBM; tier < TIER_COUNT; tier++)
        if (!is_filled(serve, unit, (enum tier)tier))
            copy_cut(pages_copy(serve, unit, (enum tier)tier), &serve->pool[tier], cut,
                     serve->run->page_tokens);
}

/* Pages are found when the core's word on what goes for this job has been done. */
void pages_prepare(struct serve *serve, const struct engine_action *action)
{
    const struct session *session = session_at(serve, action->session);
    pages_place(serve);
    memory_grow(&serve->note, &serve->note_capacity, (uint64_t)session->job + 1,
                sizeof *serve->note);
    struct job_note *note = note_of(serve, session);
    struct kv_copy hbm = note->hbm, held = note->held; /* empty; they keep their arrays */
    *note = (struct job_note){ .session = action->session,
                               .origin = serve->run->unit_pages > 0 ? 0 : session->cut_total_tokens,
                               .found_tokens = action->found_tokens,
                               .stage = action->stage,
                               .hbm = hbm,
                               .held = held };
    if (action->cut_tokens > 0)
        follow_cut(serve, placement_chain_unit(engine_core(serve->engine), session->job, 0),
                   action->cut_tokens == CUT_ALL ? UINT64_MAX : note->origin);
    if (action->stage != STAGE_NONE)
        layers_clear_stage(serve, action->stage);
    serve->unplaced = session->job;
}

/* ---- what becomes of copies ---- */

void pages_share(struct serve *serve, const struct action *action)
{
    const struct job_note *note = &serve->note[action->job];
    struct kv_copy *copy = pages_copy(serve, action->unit, TIER_HBM);
    uint64_t begin = pages_unit_begin(serve, note), shift = pages_unit_shift(serve, action->id);
    uint64_t end = begin + pages_tokens(serve, action->size_bytes);
    uint64_t first = begin / serve->run->page_tokens;
    for (uint64_t index = first; index * serve->run->page_tokens < end; index++)
        page_use(&serve->pool[TIER_HBM], copy_page(&note->hbm, index + shift));
    copy_clear(copy, &serve->pool[TIER_HBM]);
    copy->first = first;
    copy->end = end;
    for (uint64_t index = first; index * serve->run->page_tokens < end; index++)
        copy_append(copy, copy_page(&note->hbm, index + shift));
}

void pages_drop(struct serve *serve, uint32_t unit, enum tier tier)
{
    copy_clear(pages_copy(serve, unit, tier), &serve->pool[tier]);
}

void pages_release(struct serve *serve, uint32_t job)
{
    if (job >= serve->note_capacity)
        return;
    copy_clear(&serve->note[job].hbm, &serve->pool[TIER_HBM]);
    pages_let_go(serve, &serve->note[job]);
}

/* Pages whose tokens the job has all computed by now, which end before the place `ready`. A page
 * that is only reserved, for what is on its way, is nobody's yet. */
static bool repair_unit(struct serve *serve, const struct job_note *note, uint32_t i, uint32_t unit,
                        uint64_t ready)
{
    const struct kv_copy *copy = pages_copy(serve, unit, TIER_DRAM);
    uint64_t shift = pages_unit_shift(serve, i), begin = note->hbm.first, index = copy->first;
    uint32_t page_tokens = serve->run->page_tokens;
    bool repaired = false;
    for (uint32_t k = 0; k < copy->count && index * page_tokens < copy->end; k++, index++) {
        uint64_t end = (index + 1) * page_tokens;
        end = (end < copy->end ? end : copy->end) + shift * page_tokens;
        if (!serve->pool[TIER_DRAM].bad[copy->page[k]] || index + shift < begin || end > ready)
            continue;
        uint32_t from = copy_page(&note->hbm, index + shift);
        struct copy whole = { .to = layers_slice(serve, TIER_DRAM, copy->page[k], 0),
                              .from = layers_slice(serve, TIER_HBM, from, 0),
                              .size_bytes = serve->run->page_bytes };
        serve->run->backend->copy(serve->device, STREAM_SAVE, COPY_D2H, &whole, 1);
        serve->pool[TIER_DRAM].bad[copy->page[k]] = false;
        repaired = true;
    }
    return repaired;
}

/* Waited for: other turns may load the pages, the disk write them, the job leave HBM. */
void pages_repair(struct serve *serve, const struct session *session, uint32_t ready_tokens)
{
    const struct placement *core = engine_core(serve->engine);
    const struct job_note *note = note_of(serve, session);
    bool repaired = false;
    for (uint32_t i = 0; i < placement_chain_length(core, session->job); i++) {
        uint32_t unit = placement_chain_unit(core, session->job, i);
        if (!is_filled(serve, unit, TIER_DRAM))
            repaired |= repair_unit(serve, note, i, unit, note->origin + ready_tokens);
    }
    if (!repaired)
        return;
    struct backend_event *done = serve->run->backend->event_new(serve->device);
    serve->run->backend->record(serve->device, STREAM_SAVE, done);
    serve->run->backend->synchronise(serve->device, done);
    serve->run->backend->event_free(serve->device, done);
}
