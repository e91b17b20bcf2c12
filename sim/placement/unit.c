/* sim/placement/unit.c - the table of units: entries, index, free list. */
#include "sim/placement/unit.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void unit_table_init(struct unit_table *table, uint32_t note_bytes, bool depths, bool leaf_only)
{
    memset(table, 0, sizeof *table);
    table->high_water = 1; /* handle 0 names no unit */
    table->note_bytes = note_bytes;
    table->depths = depths;
    table->leaf_only = leaf_only;
    keymap_init(&table->map, 1024);
}

void unit_table_free(struct unit_table *table)
{
    free(table->unit);
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        free(table->seen.link[tier]);
        free(table->seen.note[tier]);
        free(table->seen.children[tier]);
    }
    free(table->seen.depth);
    free(table->seen.parent);
    free(table->seen.reads);
    free(table->node_end);
    free(table->user);
    free(table->followers);
    free(table->behind);
    free(table->seen.passed);
    free(table->age_link);
    free(table->clean_link);
    free(table->count_link);
    free(table->fetched_tokens);
    keymap_free(&table->map);
}

uint32_t unit_find(const struct unit_table *table, uint64_t key)
{
    return keymap_find(&table->map, unit_keys(table), key);
}

static void grow_array(struct unit_table *table, void *array, size_t size_bytes)
{
    uint32_t capacity = table->capacity;
    memory_grow(array, &capacity, (uint64_t)table->high_water + 1, size_bytes);
}

/* All arrays grow together, so that one capacity describes them; the entries last, since their
 * capacity is the table's. */
static void grow(struct unit_table *table)
{
    struct policy_units *seen = &table->seen;
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        grow_array(table, &seen->link[tier], sizeof(struct order_link));
        if (table->note_bytes > 0)
            grow_array(table, &seen->note[tier], table->note_bytes);
        if (table->leaf_only)
            grow_array(table, &seen->children[tier], sizeof(uint32_t));
    }
    if (table->depths)
        grow_array(table, &seen->depth, sizeof(uint32_t));
    if (table->leaf_only) {
        grow_array(table, &seen->parent, sizeof(uint32_t));
        grow_array(table, &table->followers, sizeof(uint32_t));
    }
    grow_array(table, &table->age_link, sizeof(struct order_link));
    grow_array(table, &table->behind, sizeof(uint32_t));
    grow_array(table, &seen->passed, sizeof(uint32_t));
    if (table->nodes)
        grow_array(table, &table->node_end, sizeof(uint32_t));
    if (table->users)
        grow_array(table, &table->user, sizeof *table->user);
    if (table->reads)
        grow_array(table, &seen->reads, sizeof *seen->reads);
    if (table->clean)
        grow_array(table, &table->clean_link, sizeof(struct order_link));
    if (table->counts)
        grow_array(table, &table->count_link, sizeof(struct order_link));
    if (table->fetches)
        grow_array(table, &table->fetched_tokens, sizeof(uint32_t));
    memory_grow(&table->unit, &table->capacity, (uint64_t)table->high_water + 1,
                sizeof(struct unit));
    seen->unit = table->unit;
}

static void clear_notes(struct unit_table *table, uint32_t unit)
{
    for (int tier = 0; tier < TIER_COUNT; tier++)
        memset((char *)table->seen.note[tier] + (size_t)unit * table->note_bytes, 0,
               table->note_bytes);
}

static uint32_t new_unit(struct unit_table *table, uint64_t key)
{
    uint32_t unit;
    if (table->free_unit != UNIT_NONE) {
        unit = table->free_unit;
        table->free_unit = table->unit[unit].next_in_transfer;
    } else {
        if (table->high_water >= table->capacity)
            grow(table);
        unit = table->high_water++;
    }
    table->unit[unit] = (struct unit){ .key = key, .live = true };
    if (table->nodes)
        table->node_end[unit] = UNIT_NONE;
    if (table->users)
        table->user[unit] = 0;
    if (table->note_bytes > 0)
        clear_notes(table, unit);
    keymap_add(&table->map, unit_keys(table), unit);
    return unit;
}

/* The unit of that key, if it is the one that followed that unit last; else UNIT_NONE. */
static uint32_t unit_behind(const struct unit_table *table, uint32_t before, uint64_t key)
{
    uint32_t guess = before != UNIT_NONE ? table->behind[before] : UNIT_NONE;
    if (guess == UNIT_NONE || table->unit[guess].key != key || !table->unit[guess].live)
        return UNIT_NONE;
    return guess;
}

void unit_prefetch_chain(const struct unit_table *table, uint32_t before, const uint64_t *keys,
                         uint32_t count)
{
    uint32_t at = 0;
    if (before == UNIT_NONE && count > 0)
        before = unit_find(table, keys[at++]);
    while (at < count && (before = unit_behind(table, before, keys[at])) != UNIT_NONE)
        at++;
    for (; at < count; at++)
        keymap_prefetch(&table->map, keys[at]);
}

uint32_t unit_intern(struct unit_table *table, uint64_t key, uint32_t before)
{
    uint32_t guess = unit_behind(table, before, key);
    if (guess != UNIT_NONE)
        return guess;
    uint32_t unit = unit_find(table, key);
    if (unit == UNIT_NONE)
        unit = new_unit(table, key);
    if (before != UNIT_NONE)
        table->behind[before] = unit;
    return unit;
}

uint32_t unit_follow(struct unit_table *table, uint32_t unit, uint32_t parent)
{
    uint32_t before = table->seen.parent[unit];
    if (parent == before)
        return UNIT_NONE;
    table->seen.parent[unit] = parent;
    if (parent != UNIT_NONE)
        table->followers[parent]++;
    assert(before == UNIT_NONE || table->followers[before] > 0);
    if (before != UNIT_NONE)
        table->followers[before]--;
    return before;
}

uint32_t unit_release(struct unit_table *table, uint32_t unit)
{
    struct unit *entry = &table->unit[unit];
    assert(entry->pins == 0 && entry->transfer == 0 && entry->first_waiter == 0 && !entry->aging);
    assert(entry->remembered == 0 && entry->leaving == 0 && !entry->counted);
    assert(table->seen.reads == NULL || table->seen.reads[unit] == 0);
    assert(table->followers == NULL || table->followers[unit] == 0);
    keymap_remove(&table->map, unit_keys(table), entry->key);
    entry->live = false;
    entry->next_in_transfer = table->free_unit;
    table->free_unit = unit;
    return table->leaf_only ? unit_follow(table, unit, UNIT_NONE) : UNIT_NONE;
}
