/* traces/import.c - what the import of a file assumes where the file says nothing: the rows of
 * struct trace_import. */
#include "traces/traces.h"

#include <stddef.h>

#define AT(member) offsetof(struct trace_import, member)

const struct config_row trace_import_rows[] = {
    { .key = "format",
      .kind = CONFIG_TEXT,
      .offset = AT(format),
      .standard = "",
      .help =
          "the trace file's format (docs/workload.md lists them); empty: told from its content" },
    { .key = "bytes_per_token",
      .kind = CONFIG_DOUBLE,
      .offset = AT(bytes_per_token),
      .min = 0.25,
      .max = 64,
      .standard = "4",
      .help = "bytes of UTF-8 text counted as one token where a file has text and no counts "
              "(OpenAI's rule of thumb for English: 4 characters)" },
    { .key = "block_tokens",
      .kind = CONFIG_U32,
      .offset = AT(block_tokens),
      .min = 0,
      .max = 65536,
      .standard = "0",
      .help =
          "tokens of a prefix block, where the file does not say: that a hash id stands for, that "
          "texts are hashed into; 0: 512 for Mooncake's ids, 16 (vLLM's default block) for texts" },
    { .key = "sort",
      .kind = CONFIG_BOOL,
      .offset = AT(sort),
      .standard = "false",
      .help = "the file's records may stand in any order of time: all are read first, and held in "
              "memory (72 bytes a request, 8 a block, twice at worst); a file that does not fit is "
              "told" },
    { .key = "hash_seed",
      .kind = CONFIG_U64,
      .offset = AT(hash_seed),
      .min = 0,
      .max = 9007199254740992.0,
      .standard = "0",
      .help = "salt of those hashes: choose your own before you give keys away" },
    { .key = "session_gap",
      .kind = CONFIG_U64,
      .unit = UNIT_DURATION,
      .offset = AT(session_gap_ns),
      .min = 1,
      .max = 1e18,
      .standard = "1h",
      .help = "a session of a request log that is silent for longer has ended; what comes after it "
              "is a new one (bounds what reading holds in memory)" },
    { .key = "chain_gap",
      .kind = CONFIG_U64,
      .unit = UNIT_DURATION,
      .offset = AT(chain_gap_ns),
      .min = 0,
      .max = 1e18,
      .standard = "10s",
      .help =
          "KV events: blocks stored behind the end of a request's chain within that time of its "
          "last are the same request's (its next chunk, its reply), later ones another's" },
    { .key = "server",
      .kind = CONFIG_U32,
      .offset = AT(server),
      .min = 0,
      .max = 65536,
      .standard = "0",
      .help = "KV events: read those of one server only (data-parallel rank, worker), by the order "
              "in which they come first in the log, from 1; 0: all" },
    { .key = "rate",
      .kind = CONFIG_DOUBLE,
      .offset = AT(rate),
      .min = 1e-6,
      .max = 1e6,
      .standard = "1",
      .help = "arrivals come so many times as dense as the file has them (`reprise trace scale "
              "--rate`): "
              "a trace's load" },
    { .key = "think_scale",
      .kind = CONFIG_DOUBLE,
      .offset = AT(think_scale),
      .min = 1e-6,
      .max = 1e6,
      .standard = "1",
      .help =
          "a closed loop's think times are so many times as long as the file has them (`reprise "
          "trace scale --think`)" },
    { .key = NULL },
};

uint32_t trace_import_block_tokens(const struct trace_import *import)
{
    enum { TEXT_BLOCK_TOKENS = 16 }; /* vLLM's default block */
    return import->block_tokens > 0 ? import->block_tokens : TEXT_BLOCK_TOKENS;
}
