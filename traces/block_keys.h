/* traces/block_keys.h - block keys of a prompt that is made of parts, some of which other prompts
 * begin with too. Private to traces/. */
#ifndef REPRISE_TRACES_BLOCK_KEYS_H
#define REPRISE_TRACES_BLOCK_KEYS_H

#include <stdint.h>

/* Owns key[]; zeroed but for block_tokens it is valid, and is used for one prompt after another. */
struct block_keys {
    uint32_t block_tokens;
    uint32_t count, capacity;
    uint64_t *key;
    uint64_t tokens; /* of the prompt so far */
};

void block_keys_begin(struct block_keys *keys);
/* The prompt goes on with so many tokens of `owner`: blocks that end in them are the owner's. An
 * owner stands for all that is before its tokens as well, so that who has one part in different
 * prompts needs an owner for each. */
void block_keys_add(struct block_keys *keys, uint64_t owner, uint64_t tokens);
/* The partial block that is left, if any: of the owner's `version` alone, from 1 on. */
void block_keys_end(struct block_keys *keys, uint64_t owner, uint64_t version);
void block_keys_free(struct block_keys *keys);

/* An owner that is not any number below 2^62, by a number and what of it. */
uint64_t block_owner(uint64_t number, uint64_t part);

#endif
