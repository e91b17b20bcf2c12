/* plots/report_assumptions.c - see report_assumptions.h. */
#include "plots/report_assumptions.h"

#include "base/read_end.h"
#include "plots/html.h"
#include "plots/report_config.h"

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

static bool is_assumed(const struct config_row *row)
{
    return row->help != NULL && strstr(row->help, "assumed") != NULL;
}

static void write_assumed(FILE *out, const struct experiment *experiment)
{
    fputs("<details><summary>Keys whose defaults no source gives</summary>\n", out);
    report_config_table(out, experiment, is_assumed);
    fputs("</details>\n", out);
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
    fputs("<h2>Assumptions and sources</h2>\n<table class=\"names sources\">\n", out);
    write_source(out, "model", model.name, model.source);
    write_source(out, "server", hardware.name, hardware.source);
    char name[CONFIG_TEXT_BYTES * 2 + 32];
    snprintf(name, sizeof name, "%s of %s, %s", prices.name, prices.date, billing_name(billing));
    write_source(out, "prices", name, prices.source);
    fputs("</table>\n", out);
    write_assumed(out, experiment);
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
    return read_end(file, path, err);
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
