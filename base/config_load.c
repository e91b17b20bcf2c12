/* base/config_load.c - a tree against a schema: nothing unknown, and every row's value into the
 * target. */
#include "base/config_entries.h"
#include "base/plain_file.h"
#include "base/shown.h"

#include <assert.h>
#include <string.h>

static void full_key(const struct config_section *section, const struct config_row *row,
                     char out[CONFIG_KEY_BYTES])
{
    int length = snprintf(out, CONFIG_KEY_BYTES, "%s%s", section->prefix, row->key);
    assert(length > 0 && length < CONFIG_KEY_BYTES);
    (void)length;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's: insertions, deletions and replacements that make b of a. */
static uint32_t edit_distance(const char *a, const char *b)
{
    uint32_t row[CONFIG_KEY_BYTES + 1]; /* from the part of a seen so far to each beginning of b */
    const size_t b_length = strlen(b);
    for (uint32_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (uint32_t i = 0; a[i] != '\0'; i++) {
        uint32_t diagonal = row[0];
        row[0] = i + 1;
        for (uint32_t j = 0; j < b_length; j++) {
            uint32_t replaced = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(replaced, 1 + least(row[j], row[j + 1]));
        }
    }
    return row[b_length];
}

struct nearest {
    const char *wanted;
    char key[CONFIG_KEY_BYTES]; /* "": none is near */
    uint32_t distance;          /* only what is nearer than this is taken */
};

/* What makes texts of other lengths alike is at least the difference: most keys need no more. */
static bool may_be_nearer(const struct nearest *nearest, const char *key)
{
    const size_t a = strlen(nearest->wanted), b = strlen(key);
    return (a > b ? a - b : b - a) < nearest->distance;
}

static void consider(struct nearest *nearest, const char *key)
{
    if (!may_be_nearer(nearest, key))
        return;
    uint32_t distance = edit_distance(nearest->wanted, key);
    if (distance >= nearest->distance)
        return;
    nearest->distance = distance;
    snprintf(nearest->key, sizeof nearest->key, "%s", key);
}

static void consider_sections_of(struct nearest *nearest, const char *key)
{
    char section[CONFIG_KEY_BYTES];
    for (const char *dot = strchr(key, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        snprintf(section, sizeof section, "%.*s", (int)(dot - key), key);
        consider(nearest, section);
    }
}

static enum status refuse_unknown(const struct config_section *sections,
                                  const struct config_tree *tree, const struct config_entry *entry,
                                  struct error *err)
{
    /* A hint that shares less than half with what was written would only puzzle. */
    struct nearest nearest = { .wanted = entry->key,
                               .distance = (uint32_t)strlen(entry->key) / 2 + 2 };
    char key[CONFIG_KEY_BYTES];
    for (const struct config_section *section = sections; section->rows != NULL; section++)
        for (const struct config_row *row = section->rows; row->key != NULL; row++) {
            full_key(section, row, key);
            if (entry->value != NULL)
                consider(&nearest, key);
            else
                consider_sections_of(&nearest, key);
        }
    char expected[CONFIG_PHRASE_BYTES] = "a known key";
    if (nearest.key[0] != '\0')
        snprintf(expected, sizeof expected, "a known key (did you mean %s?)", nearest.key);
    return config_refuse(tree, entry, expected, NULL, err);
}

/* Of a row's whole key and an entry's, dotted both. */
enum relation { KEYS_APART, KEYS_SAME, ROW_WITHIN_ENTRY };

/* Without writing the row's key out: a record of some hundred keys is compared with as many rows.
 */
static enum relation relation_of(const struct config_section *section, const struct config_row *row,
                                 const char *entry)
{
    const char *const parts[] = { section->prefix, row->key };
    for (int i = 0; i < 2; i++)
        for (const char *part = parts[i]; *part != '\0'; part++, entry++)
            if (*part != *entry)
                return *entry == '\0' && *part == '.' ? ROW_WITHIN_ENTRY : KEYS_APART;
    return *entry == '\0' ? KEYS_SAME : KEYS_APART;
}

/* A row of a schema; section->rows NULL: behind the last one. */
struct row_place {
    const struct config_section *section;
    const struct config_row *row;
};

static struct row_place place_behind(struct row_place place)
{
    if ((++place.row)->key == NULL)
        place.row = (++place.section)->rows;
    return place;
}

/* A record has its keys in the order of the rows: whether the entry is the one at *place, which is
 * then behind it. */
static bool is_next_known(struct row_place *place, const struct config_entry *entry)
{
    if (place->row == NULL || place->row->key == NULL || entry->value == NULL ||
        relation_of(place->section, place->row, entry->key) != KEYS_SAME)
        return false;
    *place = place_behind(*place);
    return true;
}

/* Checks that an entry is a row with a value or a mapping of rows. */
static enum status check_known(const struct config_section *sections,
                               const struct config_tree *tree, const struct config_entry *entry,
                               struct error *err)
{
    const bool is_mapping = entry->value == NULL;
    char key[CONFIG_KEY_BYTES], expected[CONFIG_PHRASE_BYTES];
    for (const struct config_section *section = sections; section->rows != NULL; section++)
        for (const struct config_row *row = section->rows; row->key != NULL; row++) {
            const enum relation relation = relation_of(section, row, entry->key);
            if (relation == KEYS_APART)
                continue;
            if (relation == (is_mapping ? ROW_WITHIN_ENTRY : KEYS_SAME))
                return STATUS_OK;
            if (relation == KEYS_SAME)
                return config_refuse(tree, entry, config_row_expected(row, expected), "a mapping",
                                     err);
            full_key(section, row, key);
            snprintf(expected, sizeof expected, "a mapping of keys such as %s", key);
            return config_refuse(tree, entry, expected, entry->value, err);
        }
    return refuse_unknown(sections, tree, entry, err);
}

/* Who wrote the file can have named what is never read to its end; the user knows what he names. */
static enum status refuse_unplain(const struct config_tree *tree, const struct config_entry *entry,
                                  struct error *err)
{
    char expected[CONFIG_PHRASE_BYTES];
    snprintf(expected, sizeof expected, "a plain file, not %s", plain_file_not(entry->value));
    return config_refuse(tree, entry, expected, entry->value, err);
}

static enum status load_given(const struct config_tree *tree, const struct config_entry *entry,
                              const struct config_row *row, void *value, struct error *err)
{
    char expected[CONFIG_PHRASE_BYTES];
    if (row->names_file && !entry->typed && plain_file_not(entry->value) != NULL)
        return refuse_unplain(tree, entry, err);
    if (config_value_read(row, entry->value, value))
        return STATUS_OK;
    if (row->kind == CONFIG_TEXT && !shown_is_plain(entry->value))
        return config_refuse(tree, entry, "a text in one line, without control characters",
                             entry->value, err);
    return config_refuse(tree, entry, config_row_expected(row, expected),
                         entry->value[0] != '\0' ? entry->value : "(empty)", err);
}

static enum status load_default(const char *file, const char *key, const struct config_row *row,
                                void *value, struct error *err)
{
    char expected[CONFIG_PHRASE_BYTES];
    if (row->standard != NULL && config_value_read(row, row->standard, value))
        return STATUS_OK;
    config_row_expected(row, expected);
    if (row->standard == NULL)
        return error_input(err, file, 0, key, expected, "nothing: it has no default");
    return error_input(err, "built-in default", 0, key, expected, row->standard);
}

/* The entry of that key, looked for first at *next, which is then behind it; NULL: there is none.
 */
static const struct config_entry *find_from(const struct config_tree *tree, uint32_t *next,
                                            const char *key)
{
    const struct config_entry *entry = NULL;
    if (tree != NULL && *next < tree->count && strcmp(tree->entry[*next].key, key) == 0)
        entry = &tree->entry[*next];
    else if (tree != NULL)
        entry = config_find(tree, key);
    if (entry != NULL)
        *next = (uint32_t)(entry - tree->entry) + 1;
    return entry;
}

static enum status load_row(const struct config_section *section, const struct config_row *row,
                            const struct config_tree *tree, uint32_t *next, void *target,
                            struct error *err)
{
    char key[CONFIG_KEY_BYTES];
    full_key(section, row, key);
    void *value = (char *)target + section->offset + row->offset;
    const struct config_entry *entry = find_from(tree, next, key);
    if (entry != NULL)
        return load_given(tree, entry, row, value, err);
    return load_default(tree != NULL ? tree->name : NULL, key, row, value, err);
}

enum status config_load(const struct config_section *sections, const struct config_tree *tree,
                        void *target, struct error *err)
{
    struct row_place place = { sections, sections->rows };
    uint32_t next = 0;
    for (uint32_t i = 0; tree != NULL && i < tree->count; i++)
        if (!is_next_known(&place, &tree->entry[i]) &&
            check_known(sections, tree, &tree->entry[i], err))
            return err->status;
    for (const struct config_section *section = sections; section->rows != NULL; section++)
        for (const struct config_row *row = section->rows; row->key != NULL; row++)
            if (load_row(section, row, tree, &next, target, err))
                return err->status;
    return STATUS_OK;
}
