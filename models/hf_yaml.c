/* models/hf_yaml.c - an imported model as the YAML of models/llm, the source of each number behind
 * it. */
#include "models/hf_config.h"

#include <stdlib.h>
#include <string.h>

/* "key: value" of one row, for the caller to free. */
static char *row_line(const struct config_row *row, const void *target)
{
    const struct config_row one[] = { *row, { .key = NULL } };
    const struct config_section sections[] = { { .prefix = "", .rows = one }, { .rows = NULL } };
    char *line = config_values_text(sections, target);
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static bool is_standard(const struct config_row *row, const char *line)
{
    const struct config_row one[] = { *row, { .key = NULL } };
    const struct config_section sections[] = { { .prefix = "", .rows = one }, { .rows = NULL } };
    struct model standard;
    struct error err = { 0 };
    if (row->standard == NULL || config_load(sections, NULL, &standard, &err) != STATUS_OK)
        return false;
    char *text = row_line(row, &standard);
    bool same = strcmp(text, line) == 0;
    free(text);
    return same;
}

/* What a model does not have need not be said. */
static bool is_nothing(const char *line)
{
    const char *value = strstr(line, ": ");
    return value != NULL && (strcmp(value, ": 0") == 0 || strcmp(value, ": false") == 0);
}

static const char *note_of(const struct hf *hf, size_t offset)
{
    for (uint32_t i = 0; i < hf->notes; i++)
        if (hf->note[i].offset == offset)
            return hf->note[i].text;
    return NULL;
}

void hf_write_yaml(FILE *out, const struct hf *hf)
{
    fprintf(out,
            "# Made by `reprise models import`: behind each number, the field that it is from.\n");
    for (const struct config_row *row = model_rows; row->key != NULL; row++) {
        const char *note = note_of(hf, row->offset);
        char *line = row_line(row, hf->model);
        bool standard = is_standard(row, line);
        if (note != NULL && !(standard && is_nothing(line)))
            fprintf(out, "%-31s # %s\n", line, note);
        else if (!standard)
            fprintf(out, "%s\n", line);
        free(line);
    }
}
