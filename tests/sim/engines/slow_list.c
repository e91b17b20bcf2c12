/* tests/sim/engines/slow_list.c - see slow_list.h. */
#include "tests/sim/engines/slow_list.h"

#include "tests/support.h"

#include <string.h>

static uint32_t find(const struct slow_list *list, uint64_t key)
{
    uint32_t at = 0;
    while (at < list->count && list->key[at] != key)
        at++;
    return at;
}

bool slow_list_has(const struct slow_list *list, uint64_t key)
{
    return find(list, key) < list->count;
}

bool slow_list_take(struct slow_list *list, uint64_t key)
{
    uint32_t at = find(list, key);
    if (at == list->count)
        return false;
    list->count--;
    memmove(&list->key[at], &list->key[at + 1], (list->count - at) * sizeof *list->key);
    return true;
}

uint64_t slow_list_take_first(struct slow_list *list)
{
    uint64_t key = list->key[0];
    if (list->count == 0)
        ck_abort_msg("a slow list is empty");
    slow_list_take(list, key);
    return key;
}

void slow_list_push(struct slow_list *list, uint64_t key)
{
    if (list->count == SLOW_LIST_MOST)
        ck_abort_msg("a slow list is too small");
    list->key[list->count++] = key;
}

void slow_list_push_first(struct slow_list *list, uint64_t key)
{
    slow_list_push(list, key);
    memmove(&list->key[1], &list->key[0], (list->count - 1) * sizeof *list->key);
    list->key[0] = key;
}

bool slow_list_to_end(struct slow_list *list, uint64_t key)
{
    bool there = slow_list_take(list, key);
    if (there)
        slow_list_push(list, key);
    return there;
}
