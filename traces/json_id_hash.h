/* traces/json_id_hash.h - the id that stands for digits that 63 bits do not hold, or for a text. xxHash64 is compiled in
 * here, so that one of a known length has no loop. Private to traces/. */
#ifndef REPRISE_TRACES_JSON_ID_HASH_H
#define REPRISE_TRACES_JSON_ID_HASH_H

#define XXH_INLINE_ALL
#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

static inline uint64_t json_id_hash(const char *text, size_t length)
{
    return XXH64(text, length, 0) >> 1;
}

#endif
