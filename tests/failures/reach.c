/* tests/failures/reach.c - see reach.h. */
#include "tests/failures/reach.h"

#include "tests/failures/stack.h"

#include <stddef.h>

static void record(struct failures_page *page, uint32_t kind)
{
    uint32_t at = atomic_fetch_add(&page->made_count, 1);
    if (at < CALLS_MOST)
        page->made[at] = (struct made_call){ kind, stack_hash(page->depth, NULL, 0) };
}

static bool is_the_one(struct failures_page *page, uint32_t reached)
{
    const struct failing_call *failing = &page->failing;
    if (failing->stack == 0)
        return reached == failing->nth;
    return stack_hash(page->depth, NULL, 0) == failing->stack &&
           atomic_fetch_add(&page->on_stack, 1) + 1 == failing->nth;
}

bool reach(struct failures_page *page, uint32_t kind)
{
    const struct failing_call *failing = &page->failing;
    uint32_t reached = atomic_fetch_add(&page->reached[kind], 1) + 1;
    if (page->records)
        record(page, kind);
    if (failing->effect == EFFECT_NONE || kind != failing->kind)
        return false;
    if (atomic_load(&page->happened))
        return failing->stays;
    if (!is_the_one(page, reached))
        return false;
    atomic_store(&page->happened, true);
    stack_hash(0, page->frames, FRAMES_MOST);
    return true;
}
