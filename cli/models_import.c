/* cli/models_import.c - see models_import.h. */
#include "cli/models_import.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/whole_file.h"
#include "models/models.h"

#include <stdlib.h>
#include <string.h>

/* The file's own name without folders and extension. */
static void name_of(const char *path, char name[CONFIG_TEXT_BYTES])
{
    const char *file = path_name(path), *dot = strrchr(file, '.');
    size_t length = dot != NULL && dot > file ? (size_t)(dot - file) : strlen(file);
    snprintf(name, CONFIG_TEXT_BYTES, "%.*s", (int)length, file);
}

static enum status write_file(const char *path, const char *text, struct error *err)
{
    struct whole_file file;
    if (whole_file_open(&file, path, err) != STATUS_OK)
        return err->status;
    fputs(text, file.out);
    return whole_file_close(&file, err);
}

enum status models_import(const char *config, const char *out, const char *assume,
                          struct error *err)
{
    struct model model;
    char name[CONFIG_TEXT_BYTES], *text = NULL;
    size_t length = 0;
    FILE *yaml = memory_stream(&text, &length);
    name_of(out, name);
    const struct model_import how = { .name = *out != '\0' ? name : NULL, .assume = assume };
    enum status status = model_import(config, &how, &model, yaml, err);
    memory_stream_close(yaml, &text);
    if (status == STATUS_OK && *out != '\0')
        status = write_file(out, text, err);
    else if (status == STATUS_OK)
        fputs(text, stdout);
    free(text);
    return status;
}
