/* traces/prompt_hash.h - texts of a prompt as prefix block keys, hashed while they are read and
 * never kept. Private to traces/.
 *
 * Block i's key is xxHash64, salted by import.hash_seed, of all bytes up to the block's end; a
 * block is import.block_tokens times import.bytes_per_token bytes. Each text is followed by a byte
 * that UTF-8 does not have, so that where it ends counts. Keys have 63 bits, as JSON's whole
 * numbers. */
#ifndef REPRISE_TRACES_PROMPT_HASH_H
#define REPRISE_TRACES_PROMPT_HASH_H

#include "traces/json_record.h"

struct prompt_hash;

struct prompt_hash *prompt_hash_new(const struct trace_import *import);
void prompt_hash_free(struct prompt_hash *hash);

/* Begins a prompt: forgets the one before. */
void prompt_hash_begin(struct prompt_hash *hash);
/* The prompt goes on with a text. */
void prompt_hash_text(struct prompt_hash *hash, const json_t *text);
/* With a value that is a part of the prompt as JSON: a tool's description, a call. Its keys are
 * sorted, so that their order in the file does not matter. */
void prompt_hash_value(struct prompt_hash *hash, const json_t *value);
/* With what stands under "content" in a message: a text, an array of parts that have one, or
 * nothing (a call of tools only). STATUS_INPUT: a part that is no text. */
enum status prompt_hash_content(struct prompt_hash *hash, struct json_record message,
                                struct error *err);

/* With what a message says: its content, and its calls of tools. */
enum status prompt_hash_said(struct prompt_hash *hash, struct json_record message,
                             struct error *err);
/* With a message: who speaks, and what is said. STATUS_INPUT: a role that is no text, as well. */
enum status prompt_hash_message(struct prompt_hash *hash, struct json_record message,
                                struct error *err);

/* The prompt ends here, and a partial block gets its key. Tokens of it: as many as its keys are
 * blocks of. The keys hold until the next begin. */
uint32_t prompt_hash_end(struct prompt_hash *hash, const uint64_t **keys, uint32_t *key_count);

/* Tokens that the import's ratio counts in so many bytes, at least 1. */
uint32_t prompt_hash_tokens(const struct prompt_hash *hash, uint64_t bytes);
/* Bytes hashed since the prompt's begin. */
uint64_t prompt_hash_bytes(const struct prompt_hash *hash);

#endif
