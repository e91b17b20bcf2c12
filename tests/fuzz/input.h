/* tests/fuzz/input.h - an input's bytes, for parsers that want a path or a text. No disk is written. */
#ifndef REPRISE_TESTS_FUZZ_INPUT_H
#define REPRISE_TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

/* A path under which a parser finds these bytes, until the next call: a file in memory, which later inputs reuse. */
const char *input_path(const uint8_t *bytes, size_t size);
/* The same with a name of its own ("config.json"), for parsers that go by it: a symbolic link to it, in a folder
 * that is removed when the program ends. */
const char *input_named(const char *name, const uint8_t *bytes, size_t size);

/* The same as a file that stands by itself in that folder, for SQLite, which follows links and puts files beside its
 * own; those are gone at the next call. */
const char *input_file(const char *name, const uint8_t *bytes, size_t size);

/* A path there at which nothing stands, for what a target makes; what it made is gone at the next call. */
const char *input_fresh(const char *name);

/* The bytes ended by a NUL, for the caller to free; where they hold one they end there. In a block of exactly that
 * size, so that a byte read behind it is seen. */
char *input_text(const uint8_t *bytes, size_t size);

#endif
