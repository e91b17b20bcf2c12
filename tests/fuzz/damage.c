/* tests/fuzz/damage.c - see damage.h. */
#include "tests/fuzz/damage.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- dictionaries ---- */

static int hex(char digit)
{
    const char *digits = "0123456789abcdef",
               *at = digit != '\0' ? strchr(digits, digit | 0x20) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* One character of a word, from behind its quote; *text goes behind it. */
static bool read_character(const char **text, uint8_t *byte)
{
    const char *at = *text;
    if (at[0] != '\\') {
        *byte = (uint8_t)at[0];
        *text = at + 1;
        return at[0] != '\0';
    }
    bool coded = at[1] == 'x' && hex(at[2]) >= 0 && hex(at[3]) >= 0;
    *byte = coded ? (uint8_t)(hex(at[2]) * 16 + hex(at[3])) : (uint8_t)at[1];
    *text = at + (coded ? 4 : 2);
    return coded || at[1] == '\\' || at[1] == '"';
}

static bool read_word(const char *line, struct input *word)
{
    *word = (struct input){ .bytes = memory_new(strlen(line) + 1, 1), .room = strlen(line) + 1 };
    for (line++; *line != '"';)
        if (!read_character(&line, &word->bytes[word->size++]))
            return false;
    return word->size > 0;
}

bool dictionary_read(const char *path, struct dictionary *dictionary)
{
    char line[512];
    FILE *file = fopen(path, "r");
    bool good = file != NULL;
    while (good && fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        memory_grow(&dictionary->word, &dictionary->capacity, (uint64_t)dictionary->count + 1,
                    sizeof *dictionary->word);
        good = line[0] == '"' && read_word(line, &dictionary->word[dictionary->count++]);
    }
    if (file != NULL)
        fclose(file);
    return good;
}

void dictionary_free(struct dictionary *dictionary)
{
    for (uint32_t i = 0; i < dictionary->count; i++)
        free(dictionary->word[i].bytes);
    free(dictionary->word);
    *dictionary = (struct dictionary){ 0 };
}

/* ---- damage ---- */

static size_t place(struct random *random, size_t size)
{
    return size > 0 ? random_below(random, size) : 0;
}

static size_t length_within(struct random *random, size_t most)
{
    size_t length = 1 + random_below(random, 16);
    return length < most ? length : most;
}

static void remove_at(struct input *input, size_t at, size_t length)
{
    memmove(input->bytes + at, input->bytes + at + length, input->size - at - length);
    input->size -= length;
}

static void insert_at(struct input *input, size_t at, const uint8_t *from, size_t length)
{
    if (length > input->room - input->size)
        return;
    memmove(input->bytes + at + length, input->bytes + at, input->size - at);
    memcpy(input->bytes + at, from, length);
    input->size += length;
}

/* A part of `from`, wherever it is, in another place; at times a long one. */
static void insert_part(struct input *input, const struct input *from, struct random *random)
{
    uint8_t part[2048];
    size_t begin = place(random, from->size), most = from->size - begin;
    size_t length = random_below(random, 4) == 0 ? most : length_within(random, most);
    length = length < sizeof part ? length : sizeof part;
    memcpy(part, from->bytes + begin, length);
    insert_at(input, place(random, input->size + 1), part, length);
}

static void insert_word(struct input *input, const struct dictionary *dictionary,
                        struct random *random)
{
    if (dictionary->count == 0)
        return;
    const struct input *word = &dictionary->word[random_below(random, dictionary->count)];
    size_t at = place(random, input->size + 1);
    if (random_below(random, 2) == 0) /* in the place of what is there */
        remove_at(input, at, word->size < input->size - at ? word->size : input->size - at);
    insert_at(input, at, word->bytes, word->size);
}

static void change_byte(struct input *input, struct random *random)
{
    static const uint8_t edges[] = { 0, 1, 0x20, 0x7F, 0x80, 0xFE, 0xFF, '\n', '"', '0', '9', '-' };
    uint8_t *byte = &input->bytes[place(random, input->size)];
    switch (random_below(random, 3)) {
    case 0:
        *byte ^= (uint8_t)(1u << random_below(random, 8));
        break;
    case 1:
        *byte = edges[random_below(random, sizeof edges)];
        break;
    default:
        *byte = (uint8_t)random_below(random, 256);
    }
}

static void damage_once(struct input *input, const struct input *other,
                        const struct dictionary *dictionary, struct random *random)
{
    size_t at = place(random, input->size);
    switch (input->size > 0 ? random_below(random, 8) : 7) {
    case 0:
    case 1:
        change_byte(input, random);
        break;
    case 2:
        remove_at(input, at, length_within(random, input->size - at));
        break;
    case 3:
        if (random_below(random, 4) == 0)
            input->size = at; /* cut off */
        break;
    case 4:
        insert_part(input, input, random);
        break;
    case 5:
        insert_part(input, other, random);
        break;
    default:
        insert_word(input, dictionary, random);
    }
}

void damage(struct input *input, const struct input *other, const struct dictionary *dictionary,
            struct random *random)
{
    for (uint64_t times = 1 + random_below(random, 5); times > 0; times--)
        damage_once(input, other, dictionary, random);
}

void stretch(struct input *input, size_t size, struct random *random)
{
    uint8_t part[256];
    size_t at = place(random, input->size), length = input->size - at;
    length = length < sizeof part ? length : sizeof part;
    length = length > 0 ? 1 + random_below(random, length) : 0;
    memcpy(part, input->bytes + at, length);
    size = size < input->room ? size : input->room;
    size_t times = length > 0 && input->size < size ? (size - input->size) / length : 0;
    memmove(input->bytes + at + times * length, input->bytes + at, input->size - at);
    for (size_t i = 0; i < times; i++)
        memcpy(input->bytes + at + i * length, part, length);
    input->size += times * length;
}
