/* traces/block_keys.c - see block_keys.h. */
#include "traces/block_keys.h"

#include "base/memory.h"

#include <stdlib.h>
#include <xxhash.h>

/* 63 bits, as JSON's whole numbers. */
static uint64_t hashed(uint64_t owner, uint64_t block, uint64_t version)
{
    const uint64_t parts[] = { owner, block, version };
    return XXH64(parts, sizeof parts, 0) >> 1;
}

void block_keys_begin(struct block_keys *keys)
{
    keys->count = 0;
    keys->tokens = 0;
}

void block_keys_add(struct block_keys *keys, uint64_t owner, uint64_t tokens)
{
    keys->tokens += tokens;
    uint64_t full = keys->tokens / keys->block_tokens;
    memory_grow(&keys->key, &keys->capacity, full + 1, sizeof *keys->key);
    for (; keys->count < full; keys->count++)
        keys->key[keys->count] = hashed(owner, keys->count, 0);
}

void block_keys_end(struct block_keys *keys, uint64_t owner, uint64_t version)
{
    if (keys->tokens % keys->block_tokens == 0)
        return;
    keys->key[keys->count] = hashed(owner, keys->count, version);
    keys->count++;
}

void block_keys_free(struct block_keys *keys)
{
    free(keys->key);
}

uint64_t block_owner(uint64_t number, uint64_t part)
{
    const uint64_t parts[] = { number, part };
    return XXH64(parts, sizeof parts, 0) | UINT64_C(1) << 62;
}
