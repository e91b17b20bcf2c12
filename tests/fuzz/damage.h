/* tests/fuzz/damage.h - damages an input as libFuzzer does, without its guidance: bytes changed, removed, moved,
 * copied and cut off, words of a dictionary, parts of another input. */
#ifndef REPRISE_TESTS_FUZZ_DAMAGE_H
#define REPRISE_TESTS_FUZZ_DAMAGE_H

#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    uint8_t *bytes;
    size_t size, room; /* room: what bytes has space for */
};

struct dictionary {
    struct input *word;
    uint32_t count, capacity;
};

/* Reads a file of libFuzzer's form: a word a line, in quotes, with \\, \" and \xNN. false: it is none. */
bool dictionary_read(const char *path, struct dictionary *dictionary);
void dictionary_free(struct dictionary *dictionary);

/* Changes the input a few times. other: an input of the same kind, of which parts are taken. */
void damage(struct input *input, const struct input *other, const struct dictionary *dictionary,
            struct random *random);

/* Repeats a part of the input until it has `size` bytes, or as many as there is room for: what takes a time that
 * grows faster than the input is seen by it. */
void stretch(struct input *input, size_t size, struct random *random);

#endif
