/* base/config_print.c - a schema as a reference for people, and a target's values as YAML. */
#include "base/config_entries.h"

#include "base/memory.h"

#include <string.h>
#include <yaml.h>

static const char *default_of(const struct config_row *row)
{
    if (row->standard == NULL)
        return "must be given";
    return row->standard[0] != '\0' ? row->standard : "\"\"";
}

static void print_row(FILE *out, const char *prefix, const struct config_row *row)
{
    char expected[CONFIG_PHRASE_BYTES];
    fprintf(out, "%s%s: %s\n    %s; default: %s\n", prefix, row->key, row->help,
            config_row_expected(row, expected), default_of(row));
}

/* A bar would end the table's cell. */
static void print_cell(FILE *out, const char *text)
{
    fputc(' ', out);
    for (; *text != '\0'; text++)
        fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
    fputs(" |", out);
}

static void print_markdown_row(FILE *out, const char *prefix, const struct config_row *row)
{
    char expected[CONFIG_PHRASE_BYTES];
    fprintf(out, "| `%s%s` |", prefix, row->key);
    print_cell(out, config_row_expected(row, expected));
    print_cell(out, default_of(row));
    print_cell(out, row->help);
    fputc('\n', out);
}

void config_print_rows(FILE *out, const struct config_section *sections, bool markdown)
{
    if (markdown)
        fputs("| key | takes | default | meaning |\n|---|---|---|---|\n", out);
    for (const struct config_section *section = sections; section->rows != NULL; section++)
        for (const struct config_row *row = section->rows; row->key != NULL; row++)
            (markdown ? print_markdown_row : print_row)(out, section->prefix, row);
}

/* ---- a key in words ---- */

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncmp(text, word, length) == 0;
}

/* How a part of a key is written for people, where not as it is; "": not at all. */
static const char *spelling_of(const char *text, size_t length)
{
    static const char *const spellings[][2] = {
        { "dram", "DRAM" },    { "ssd", "SSD" },   { "hbm", "HBM" }, { "kv", "KV" },
        { "gpus", "GPUs" },    { "cpu", "CPU" },   { "ttl", "TTL" }, { "slo", "SLO" },
        { "tbt", "TBT" },      { "ttft", "TTFT" }, { "lru", "LRU" }, { "arc", "ARC" },
        { "fifo", "FIFO" },    { "vllm", "vLLM" }, { "tiers", "" },  { "workload", "" },
        { "cv", "variation" }, { "s", "second" },
    };
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (is_word(text, length, spellings[i][0]))
            return spellings[i][1];
    return NULL;
}

char *config_key_name(const char *key, char out[CONFIG_NAME_BYTES])
{
    size_t used = 0;
    *out = '\0';
    while (*key != '\0' && used < CONFIG_NAME_BYTES - 1) {
        size_t length = strcspn(key, "._");
        const char *spelling = spelling_of(key, length);
        int shown = spelling != NULL ? (int)strlen(spelling) : (int)length;
        if (shown > 0)
            used += (size_t)snprintf(out + used, CONFIG_NAME_BYTES - used, "%s%.*s",
                                     used > 0 ? " " : "", shown, spelling != NULL ? spelling : key);
        key += length + (key[length] != '\0');
    }
    return out;
}

/* Printing values: libyaml's emitter knows what needs quotes or escapes. */

static void emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
    /* Our events are well formed, and a full disk is the caller's ferror(out): memory is what is
     * left. */
    if (!yaml_emitter_emit(emitter, event) && emitter->error == YAML_MEMORY_ERROR)
        memory_exhausted();
}

static void emit_scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style)
{
    yaml_event_t event;
    if (!yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, -1, 1, 1,
                                      style))
        memory_exhausted();
    emit(emitter, &event);
}

static void emit_value(yaml_emitter_t *emitter, const struct config_section *section,
                       const struct config_row *row, const void *target)
{
    char key[CONFIG_KEY_BYTES], text[CONFIG_PHRASE_BYTES];
    snprintf(key, sizeof key, "%s%s", section->prefix, row->key);
    config_value_print(row, (const char *)target + section->offset + row->offset, text);
    emit_scalar(emitter, key, YAML_PLAIN_SCALAR_STYLE);
    /* Texts always in quotes: null, ~ and nothing are refused as plain values. */
    emit_scalar(emitter, text,
                row->kind == CONFIG_TEXT ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
                                         : YAML_PLAIN_SCALAR_STYLE);
}

static void emit_start(yaml_emitter_t *emitter)
{
    yaml_event_t event;
    if (!yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING))
        memory_exhausted();
    emit(emitter, &event);
    if (!yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1))
        memory_exhausted();
    emit(emitter, &event);
    if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE))
        memory_exhausted();
    emit(emitter, &event);
}

static void emit_end(yaml_emitter_t *emitter)
{
    yaml_event_t event;
    yaml_mapping_end_event_initialize(&event);
    emit(emitter, &event);
    yaml_document_end_event_initialize(&event, 1);
    emit(emitter, &event);
    yaml_stream_end_event_initialize(&event);
    emit(emitter, &event);
}

void config_print_values(FILE *out, const struct config_section *sections, const void *target)
{
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter))
        memory_exhausted();
    yaml_emitter_set_output_file(&emitter, out);
    yaml_emitter_set_width(&emitter, -1);
    yaml_emitter_set_unicode(&emitter, 1);
    emit_start(&emitter);
    for (const struct config_section *section = sections; section->rows != NULL; section++)
        for (const struct config_row *row = section->rows; row->key != NULL; row++)
            emit_value(&emitter, section, row, target);
    emit_end(&emitter);
    yaml_emitter_delete(&emitter);
}

char *config_values_text(const struct config_section *sections, const void *target)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = memory_stream(&text, &length);
    config_print_values(out, sections, target);
    memory_stream_close(out, &text);
    return text;
}
