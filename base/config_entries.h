/* base/config_entries.h - what config_tree.c, config_load.c and config_print.c share. Private to
 * base/. */
#ifndef REPRISE_BASE_CONFIG_ENTRIES_H
#define REPRISE_BASE_CONFIG_ENTRIES_H

#include "base/config_tree.h"

/* A dotted key with its terminator: what struct error can show whole. */
#define CONFIG_KEY_BYTES 96

struct config_entry {
    char *key;     /* from the top, joined with dots */
    char *value;   /* NULL: a mapping, whose keys are entries of their own */
    char *source;  /* "--set a.b"; NULL: the tree's file */
    uint64_t line; /* 0 for --set */
    bool typed;    /* config_tree_set() gave the value: the user, no file */
};

/* Invariant: no two entries have the same key. In the order of the file, then of the --set. */
struct config_tree {
    char *name; /* of the file */
    struct config_entry *entry;
    uint32_t count, capacity;
};

/* NULL when the tree says nothing of key. */
const struct config_entry *config_find(const struct config_tree *tree, const char *key);

/* Reads a text whose every line is "key: value", both plain (config_flat.c), into an empty tree, as libyaml would have it. false:
 * it is none such, and the tree is empty. Keys that are there twice are not refused. */
bool config_flat_read(const char *text, struct config_tree *tree);

/* Refuses an entry's key or value. */
enum status config_refuse(const struct config_tree *tree, const struct config_entry *entry,
                          const char *expected, const char *found, struct error *err);

/* Stores what text says in *value, which is of the row's kind. false: not what the row takes. */
bool config_value_read(const struct config_row *row, const char *text, void *value);

/* Writes *value as config_value_read() reads it; the inverse to the last bit. */
char *config_value_print(const struct config_row *row, const void *value,
                         char out[CONFIG_PHRASE_BYTES]);

#endif
