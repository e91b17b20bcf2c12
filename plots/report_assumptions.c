/* plots/report_assumptions.c - see report_assumptions.h. */
#include "plots/report_assumptions.h"

#include "plots/html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void write_source(FILE *out, const char *what, const char *name, const char *source)
{
    fputs("<tr><td>", out);
    html_text(out, what);
    fputs("</td><td>", out);
    html_text(out, name);
    fputs("</td><td>", out);
    html_text(out, source);
    fputs("</td></tr>\n", out);
}

/* The value of "key: value" in a configuration as config_print_values() writes it. */
static void find_value(const char *yaml, const char *key, char *out, size_t out_bytes)
{
    size_t length = strlen(key);
    *out = '\0';
    for (const char *line = yaml; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t width = end != NULL ? (size_t)(end - line) : strlen(line);
        if (width > length + 1 && strncmp(line, key, length) == 0 && line[length] == ':')
            snprintf(out, out_bytes, "%.*s", (int)(width - length - 2), line + length + 2);
        line = end != NULL ? end + 1 : NULL;
    }
}

static void write_assumed(FILE *out, const char *yaml)
{
    fputs("<p>Keys whose defaults no source gives:</p>\n<div class=scroll><table class=names>"
          "<tr><th>key</th><th>value</th><th>meaning</th></tr>\n",
          out);
    for (const struct config_section *section = experiment_sections; section->rows != NULL;
         section++)
        for (const struct config_row *row = section->rows; row->key != NULL; row++) {
            char key[192], value[256];
            if (row->help == NULL || strstr(row->help, "assumed") == NULL)
                continue;
            snprintf(key, sizeof key, "%s%s", section->prefix, row->key);
            find_value(yaml, key, value, sizeof value);
            write_source(out, key, value, row->help);
        }
    fputs("</table></div>\n", out);
}

enum status report_assumptions(FILE *out, const struct experiment *experiment,
                               const struct pricing *pricing, struct error *err)
{
    struct model model;
    struct hardware hardware;
    struct prices prices;
    enum billing billing;
    enum status status = model_load(experiment->model, &model, err);
    if (status == STATUS_OK)
        status = hardware_load(experiment->hardware, &hardware, err);
    if (status == STATUS_OK)
        status = pricing_of(pricing, &hardware, &prices, &billing, err);
    if (status != STATUS_OK)
        return status;
    fputs("<h2>Assumptions and sources</h2>\n<div class=scroll><table class=names>\n", out);
    write_source(out, "model", model.name, model.source);
    write_source(out, "server", hardware.name, hardware.source);
    char name[CONFIG_TEXT_BYTES * 2 + 32];
    snprintf(name, sizeof name, "%s of %s, %s", prices.name, prices.date, billing_name(billing));
    write_source(out, "prices", name, prices.source);
    fputs("</table></div>\n", out);
    char *yaml = config_values_text(experiment_sections, experiment);
    write_assumed(out, yaml);
    free(yaml);
    return STATUS_OK;
}

/* ---- not modelled ---- */

static bool is_heading(const char *line)
{
    return *line == '#';
}

/* "- text" begins an item, "  text" goes on with it; Markdown's marks are left out. */
static void write_item_line(FILE *out, const char *line, bool *open)
{
    if (strncmp(line, "- ", 2) == 0) {
        fputs(*open ? "</li>\n<li>" : "<li>", out);
        *open = true;
        line += 2;
    } else if (strncmp(line, "  ", 2) != 0 || !*open) {
        return;
    }
    char text[1024];
    size_t used = 0;
    for (; *line != '\0' && *line != '\n' && used + 1 < sizeof text; line++) {
        const char *end = strchr(line, ')');
        if (strncmp(line, "](", 2) == 0 && end != NULL)
            line = end; /* a link's address is left out */
        else if (strchr("*`[", *line) == NULL)
            text[used++] = *line;
    }
    text[used] = '\0';
    html_text(out, text);
}

static enum status copy_list(FILE *out, const char *path, struct error *err)
{
    char line[1024];
    bool within = false, open = false;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return error_io(err, path, "read", strerror(errno));
    while (fgets(line, sizeof line, file) != NULL) {
        if (is_heading(line))
            within = strstr(line, "Not modelled") != NULL || strstr(line, "not modelled") != NULL;
        else if (within)
            write_item_line(out, line, &open);
    }
    if (open)
        fputs("</li>\n", out);
    fclose(file);
    return STATUS_OK;
}

enum status report_not_modelled(FILE *out, struct error *err)
{
    const char *folder = getenv("REPRISE_DOCS");
    static const char *const files[] = { "model.md", "sizing.md" };
    fputs("<h2>Not modelled</h2>\n<ul class=note>\n", out);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s",
                 folder != NULL && *folder != '\0' ? folder : REPRISE_DOCS_FOLDER, files[i]);
        if (copy_list(out, path, err) != STATUS_OK)
            return err->status;
    }
    fputs("</ul>\n", out);
    return STATUS_OK;
}
