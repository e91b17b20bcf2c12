/* base/config_tree.h - a YAML file as a tree of named values that know their file and line, and the
 * schema tables by which a folder says which keys it takes. Parsing is libyaml's.
 *
 * A schema is an array of rows that ends with one whose key is NULL. Each row names a key by its
 * dotted path, its kind, where in the caller's struct the value goes, its range, its default and
 * its help: loading, --set, refusals, `--help config` and docs/config.md all expand the same rows.
 */
#ifndef REPRISE_BASE_CONFIG_TREE_H
#define REPRISE_BASE_CONFIG_TREE_H

#include "base/error.h"
#include "base/units.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct config_tree;

/* Reads a YAML file: one document of scalars and nested mappings; "a.b: 1" is "a: {b: 1}". Aliases,
 * sequences, tags, nulls, duplicate keys, an empty file ("{}" is the empty mapping) are refused
 * with their line. *tree is the caller's to free, and set only with STATUS_OK. STATUS_IO: cannot be
 * read. STATUS_INPUT: not such a file, or larger than 1 MiB. */
enum status config_tree_read(const char *path, struct config_tree **tree, struct error *err);

/* The same from text; name stands for the file in messages. */
enum status config_tree_parse(const char *text, const char *name, struct config_tree **tree,
                              struct error *err);

/* Lays "a.b=value" over the tree, creating what is missing; the value is taken as it stands,
 * without YAML's quotes; messages name it "--set a.b". The last one of a key counts. */
enum status config_tree_set(struct config_tree *tree, const char *assignment, struct error *err);

void config_tree_free(struct config_tree *tree); /* NULL is fine */

/* The same tree once more, the caller's to free. */
struct config_tree *config_tree_copy(const struct config_tree *tree);

/* What the tree says of the dotted key, as it is written there, until the tree changes; NULL:
 * nothing, or a mapping. */
const char *config_tree_value(const struct config_tree *tree, const char *key);

/* Calls visit with the name of each mapping that is in no other one, in the file's order, until it
 * returns other than STATUS_OK. STATUS_INPUT: a value beside them; the message says that `expected`
 * was, and its line. */
enum status config_tree_sections(const struct config_tree *tree, const char *expected,
                                 enum status (*visit)(void *context, const char *name,
                                                      struct error *err),
                                 void *context, struct error *err);

/* Calls visit with each name that stands directly below section ("by_gpu.", or "" for the top), once
 * and in the file's order, until it returns other than STATUS_OK. What visit refuses is told with the
 * name's whole key, file and line. */
enum status config_tree_children(const struct config_tree *tree, const char *section,
                                 enum status (*visit)(void *context, const char *name,
                                                      struct error *err),
                                 void *context, struct error *err);

/* Hears of a value of the tree's that gave way. */
struct config_lost {
    void (*tell)(void *context, const char *key, const char *given, const char *taken);
    void *context;
};

/* Lays the values of `from` whose keys begin with section ("keys.") over the tree, under the rest of
 * their keys: where the tree says nothing, or (over) whatever it says, of which lost (may be NULL)
 * hears where it said something else. Messages name such a value by `from` and its key. */
void config_tree_fill(struct config_tree *tree, const struct config_tree *from,
                      const char *section, bool over, const struct config_lost *lost);

enum config_kind {
    CONFIG_U32,    /* uint32_t, a UNIT_PLAIN whole number */
    CONFIG_U64,    /* uint64_t: whole, in the row's unit (bytes, ns) after rounding */
    CONFIG_DOUBLE, /* double, in the row's unit's base */
    CONFIG_BOOL,   /* bool: true/false, yes/no, on/off */
    CONFIG_TEXT,   /* char[CONFIG_TEXT_BYTES] */
    CONFIG_CHOICE  /* int: index into the row's choices */
};

#define CONFIG_TEXT_BYTES 256

struct config_row {
    const char *key; /* "tiers.dram.capacity" */
    enum config_kind kind;
    enum unit_kind unit;
    size_t offset;        /* into the caller's struct */
    double min, max;      /* inclusive; numbers only */
    const char *standard; /* the default, as one would write it; NULL: the key must be given */
    const char *const *choices; /* CONFIG_CHOICE: names, ended by NULL */
    const char *help;           /* one sentence; says the source of the default */
    const char *word; /* taken in a number's place; CONFIG_U64: UINT64_MAX, CONFIG_DOUBLE: infinity */
    bool names_file;  /* CONFIG_TEXT: may be a file's path. Where a file says it, a pipe or a device is refused */
};

/* Room for a row's phrase, or its value as a text. */
#define CONFIG_PHRASE_BYTES 256

/* What the row takes: "a whole number from 1 to 64", "one of auto, session, block"; returns out. */
char *config_row_expected(const struct config_row *row, char out[CONFIG_PHRASE_BYTES]);

/* Rows of one folder, placed under a prefix ("workload.", or "") of a whole configuration and at an
 * offset in its struct: an experiment is made of the sections of traces/, sim/ and others. */
struct config_section {
    const char *prefix;
    const struct config_row *rows;
    size_t offset;
};

/* Fills *target from the tree by the sections (an array ended by rows == NULL): defaults where the
 * tree is silent (tree NULL: defaults only). Every key of the tree must be in a row; an unknown one
 * is refused with its file and line and the nearest known key as a hint, a wrong type or a value
 * out of range with what was expected. On error *target's content is unspecified. */
enum status config_load(const struct config_section *sections, const struct config_tree *tree,
                        void *target, struct error *err);

/* A dotted key in words, for titles and axes: "DRAM capacity" of tiers.dram.capacity, "sessions per second" of
 * workload.sessions_per_s, "SLO TTFT" of slo.ttft; returns out. What it means is its row's help. */
#define CONFIG_NAME_BYTES 128
char *config_key_name(const char *key, char out[CONFIG_NAME_BYTES]);

/* Prints the rows as a reference: key, unit, range, default, help. markdown: a table for docs/. */
void config_print_rows(FILE *out, const struct config_section *sections, bool markdown);

/* Prints *target's values as YAML that config_load reads back to the same values, one dotted key a
 * line: the run's record of its whole configuration. */
void config_print_values(FILE *out, const struct config_section *sections, const void *target);
/* The same as a text, for the caller to free. */
char *config_values_text(const struct config_section *sections, const void *target);

#endif
