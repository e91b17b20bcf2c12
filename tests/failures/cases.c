/* tests/failures/cases.c - see cases.h. */
#include "tests/failures/cases.h"

#include <stdlib.h>

/* A stack, where it first came, and how many calls were on it. */
struct stack {
    uint64_t hash;
    uint32_t first, count;
};

static void *allocated(uint64_t count, size_t bytes)
{
    void *block = calloc(count + 1, bytes);
    if (block == NULL)
        abort();
    return block;
}

static int by_hash(const void *one, const void *other)
{
    const struct stack *a = one, *b = other;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

static int by_first(const void *one, const void *other)
{
    const struct stack *a = one, *b = other;
    return a->first < b->first ? -1 : a->first > b->first;
}

/* Those of the calls, in the order in which they first came. */
static struct stack *find_stacks(const struct made_calls *made, uint32_t kind, uint32_t *count)
{
    struct stack *stack = allocated(made->count, sizeof *stack);
    uint32_t calls = 0, found = 0;
    for (uint32_t i = 0; i < made->count; i++)
        if (made->call[i].kind == kind)
            stack[calls++] = (struct stack){ made->call[i].stack, i, 1 };
    qsort(stack, calls, sizeof *stack, by_hash);
    for (uint32_t i = 0; i < calls; i++) {
        if (found > 0 && stack[found - 1].hash == stack[i].hash)
            stack[found - 1].count++;
        else
            stack[found++] = stack[i];
    }
    qsort(stack, found, sizeof *stack, by_first);
    *count = found;
    return stack;
}

/* Whether it was not there; it is now. */
static bool add_seen(struct seen_stacks *seen, uint64_t hash)
{
    for (uint32_t i = 0; i < seen->count; i++)
        if (seen->hash[i] == hash)
            return false;
    if (seen->count == seen->capacity) {
        seen->capacity = seen->capacity * 2 + 1024;
        seen->hash = realloc(seen->hash, seen->capacity * sizeof *seen->hash);
        if (seen->hash == NULL)
            abort();
    }
    seen->hash[seen->count++] = hash;
    return true;
}

void seen_stacks_free(struct seen_stacks *seen)
{
    free(seen->hash);
}

static void add(struct cases *cases, uint32_t kind, uint32_t nth, uint64_t stack)
{
    cases->item[cases->count++] = (struct disturbance){ kind, nth, stack, NULL };
}

static void add_of_stack(struct cases *cases, uint32_t kind, const struct stack *stack,
                         uint32_t each)
{
    uint32_t taken = each < stack->count ? each : stack->count;
    for (uint32_t i = 0; i < taken; i++) {
        uint64_t way = taken > 1 ? (uint64_t)i * (stack->count - 1) / (taken - 1) : 0;
        add(cases, kind, 1 + (uint32_t)way, stack->hash);
    }
}

/* `most` of them, spread over all, the first and last among them; one: in the middle. */
static void thin_out(struct cases *cases, uint32_t most, uint32_t first)
{
    const uint32_t all = cases->count;
    if (most == 0 || most >= all)
        return;
    for (uint32_t i = 0; i < most; i++) {
        uint64_t at = most > 1 ? (uint64_t)i * (all - 1) / (most - 1) : (all - 1) / 2;
        if (i + 1 < most && i > 0)
            at += first % ((all + most - 1) / most);
        cases->item[i] = cases->item[at];
    }
    cases->count = most;
}

void cases_choose(const struct made_calls *made, uint32_t kind, const struct choice *choice,
                  struct seen_stacks *seen, struct cases *cases)
{
    uint32_t calls = 0;
    for (uint32_t i = 0; i < made->count; i++)
        calls += made->call[i].kind == kind;
    struct stack *stack = find_stacks(made, kind, &cases->stacks);
    cases->item = allocated(calls, sizeof *cases->item);
    cases->count = 0;
    if (choice->nth > 0 && choice->nth <= calls)
        add(cases, kind, choice->nth, 0);
    for (uint32_t i = 0; choice->nth == 0 && choice->each == 0 && i < calls; i++)
        add(cases, kind, i + 1, 0);
    for (uint32_t i = 0; choice->nth == 0 && choice->each > 0 && i < cases->stacks; i++)
        if (!choice->fresh || add_seen(seen, stack[i].hash ^ kind))
            add_of_stack(cases, kind, &stack[i], choice->each);
    thin_out(cases, choice->most, choice->first);
    free(stack);
}

void cases_free(struct cases *cases)
{
    free(cases->item);
}
