/* sim/placement/unit.c - the table of units: entries, index, free list. */
#include "sim/placement/unit.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void unit_table_init(struct unit_table *table)
{
    memset(table, 0, sizeof *table);
    table->high_water = 1; /* handle 0 names no unit */
    keymap_init(&table->map, 1024);
}

void unit_table_free(struct unit_table *table)
{
    free(table->unit);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        free(table->link[tier]);
    free(table->age_link);
    keymap_free(&table->map);
}

uint32_t unit_find(const struct unit_table *table, uint64_t key)
{
    return keymap_find(&table->map, unit_keys(table), key);
}

/* All arrays grow together, so that one capacity describes them. */
static void grow(struct unit_table *table)
{
    uint64_t needed = (uint64_t)table->high_water + 1;
    uint32_t capacity = table->capacity;
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        capacity = table->capacity;
        memory_grow(&table->link[tier], &capacity, needed, sizeof(struct order_link));
    }
    capacity = table->capacity;
    memory_grow(&table->age_link, &capacity, needed, sizeof(struct order_link));
    memory_grow(&table->unit, &table->capacity, needed, sizeof(struct unit));
}

uint32_t unit_intern(struct unit_table *table, uint64_t key)
{
    uint32_t unit = unit_find(table, key);
    if (unit != UNIT_NONE)
        return unit;
    if (table->free_unit != UNIT_NONE) {
        unit = table->free_unit;
        table->free_unit = table->unit[unit].next_in_transfer;
    } else {
        if (table->high_water >= table->capacity)
            grow(table);
        unit = table->high_water++;
    }
    table->unit[unit] = (struct unit){ .key = key };
    keymap_add(&table->map, unit_keys(table), unit);
    table->live++;
    return unit;
}

void unit_release(struct unit_table *table, uint32_t unit)
{
    struct unit *entry = &table->unit[unit];
    assert(entry->pins == 0 && entry->transfer == 0 && entry->first_waiter == 0 && !entry->aging);
    keymap_remove(&table->map, unit_keys(table), entry->key);
    entry->next_in_transfer = table->free_unit;
    table->free_unit = unit;
    table->live--;
}

double unit_table_bytes_per_unit(const struct unit_table *table)
{
    uint64_t bytes = (uint64_t)table->capacity *
                         (sizeof(struct unit) + (TIER_COUNT + 1) * sizeof(struct order_link)) +
                     ((uint64_t)table->map.mask + 1) * sizeof(uint32_t);
    return table->live > 0 ? (double)bytes / (double)table->live : 0.0;
}
