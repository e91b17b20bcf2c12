/* plots/paper_html.c - see paper_html.h. One file that needs no other: styles and pictures inline.
 */
#include "plots/paper_html.h"

#include "base/read_end.h"
#include "base/whole_file.h"
#include "plots/html.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
    "body{font:15px/1.5 'DejaVu Sans',Verdana,sans-serif;color:#303030;max-width:1080px;margin:2em "
    "auto;padding:0 1em}\n"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2.2em;border-bottom:1px solid #ddd}\n"
    "table{border-collapse:collapse;font-size:13px;margin:1em 0}\n"
    "th,td{padding:.2em .8em;text-align:right;border-bottom:1px solid #eee}\n"
    "th:first-child,td:first-child{text-align:left}th{border-bottom:2px solid #bbb}\n"
    "tr.standard td{font-weight:bold}.fail{color:#b02020;font-weight:bold}.pass{color:#007a50}\n"
    "tr.miss td{background:#fbeaea}p.count{font-weight:bold}"
    "p.note{color:#606060}pre{background:#f6f6f6;padding:1em;font-size:12px;overflow:auto}\n"
    "svg{width:100%;height:auto}\n"
    "@media(max-width:700px){table{display:block;overflow-x:auto}th,td{white-space:nowrap}}\n";

void paper_picture_path(char path[WORKSHOP_PATH_BYTES], const char *folder, const char *part,
                        const char *format)
{
    snprintf(path, WORKSHOP_PATH_BYTES, "%s/%s%s.%s", folder,
             isdigit((unsigned char)*part) ? "figure" : "", part, format);
}

static void write_cell(FILE *out, double value, const char *unit)
{
    if (isnan(value) || isinf(value))
        fputs("<td></td>", out);
    else if (fabs(value) >= 1000.0)
        html_cell(out, "%.0f %s", value, unit);
    else
        html_cell(out, "%.3g %s", value, unit);
}

/* ---- rows ---- */

static void write_verdict(FILE *out, const struct paper_row *row)
{
    if (!paper_compares(row))
        fputs("<td></td>", out);
    else if (paper_misses(row))
        fprintf(out, "<td class=fail>&#10007; beyond %.0f %%</td>", 100.0 * PAPER_TOLERANCE);
    else
        fprintf(out, "<td class=pass>within %.0f %%</td>", 100.0 * PAPER_TOLERANCE);
    fputs(row->mechanism ? "<td>yes</td>" : "<td></td>", out);
}

static void write_row(FILE *out, const struct paper_row *row)
{
    bool percent = strcmp(row->unit, "%") == 0;
    fputs(paper_misses(row) ? "<tr class=miss><td>" : "<tr><td>", out);
    html_text(out, row->what);
    fputs("</td>", out);
    if (row->low < row->high)
        html_cell(out, "%g to %g %s", row->low, row->high, row->unit);
    else
        write_cell(out, row->low, row->unit);
    write_cell(out, row->ours, row->unit);
    write_cell(out, paper_difference(row), percent ? "points" : row->unit);
    write_cell(out, 100.0 * paper_relative(row), "%");
    write_verdict(out, row);
    fputs("</tr>\n", out);
}

static void write_rows(FILE *out, const struct paper *paper, const char *part)
{
    bool begun = false;
    for (uint32_t i = 0; i < paper->row_count; i++) {
        if (strcmp(paper->rows[i].part, part) != 0)
            continue;
        if (!begun)
            fputs("<table><tr><th></th><th>published</th><th>ours</th><th>difference</th>"
                  "<th>relative</th><th>verdict</th><th>needs no unknown</th></tr>\n",
                  out);
        begun = true;
        write_row(out, &paper->rows[i]);
    }
    if (begun)
        fputs("</table>\n", out);
}

/* ---- checks and sensitivity ---- */

static void write_checks(FILE *out, const struct paper *paper, const char *part)
{
    bool begun = false;
    for (uint32_t i = 0; i < paper->check_count; i++) {
        const struct paper_check *check = &paper->checks[i];
        if (strcmp(check->part, part) != 0)
            continue;
        if (!begun)
            fputs("<table><tr><th>check</th><th>found</th><th></th></tr>\n", out);
        begun = true;
        fputs("<tr><td>", out);
        html_text(out, check->what);
        fputs("</td><td>", out);
        html_text(out, check->found);
        fputs(check->passed ? "</td><td class=pass>pass</td></tr>\n"
                            : "</td><td class=fail>FAIL</td></tr>\n",
              out);
    }
    if (begun)
        fputs("</table>\n", out);
}

static void write_sensitivity(FILE *out, const struct paper *paper)
{
    fputs("<table><tr><th>model</th><th>unknown</th><th>value</th><th>hit, history</th>"
          "<th>hit, all</th><th>LRU's, history</th><th>TTFT</th><th>prefill</th><th>GPU time</th>"
          "<th>cost</th></tr>\n",
          out);
    for (uint32_t i = 0; i < paper->sensitivity_count; i++) {
        const struct paper_sensitivity *row = &paper->sensitivity[i];
        fputs(row->standard ? "<tr class=standard>" : "<tr>", out);
        html_cell(out, "%s", row->model);
        html_cell(out, "%s", row->unknown);
        html_cell(out, "%s%s", row->value, row->standard ? " *" : "");
        write_cell(out, row->hit_history, "%");
        write_cell(out, row->hit_all, "%");
        write_cell(out, row->lru_hit_history, "%");
        write_cell(out, -row->ttft_reduction, "%");
        write_cell(out, row->prefill_gain, "x");
        write_cell(out, row->gpu_time_gain, "x");
        write_cell(out, -row->cost_reduction, "%");
        fputs("</tr>\n", out);
    }
    fputs("</table>\n", out);
}

/* ---- pictures ---- */

/* Its <svg> element, without the XML declaration in front. */
static enum status write_svg(FILE *out, const char *path, struct error *err)
{
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return error_io(err, path, "open", strerror(errno));
    char line[4096];
    bool begun = false;
    while (fgets(line, sizeof line, in) != NULL) {
        const char *svg = strstr(line, "<svg");
        const char *text = begun ? line : svg;
        begun = begun || svg != NULL;
        if (begun)
            fputs(text, out);
    }
    if (read_end(in, path, err) != STATUS_OK)
        return err->status;
    return begun ? STATUS_OK : error_io(err, path, "read", "it holds no picture");
}

static enum status write_picture(FILE *out, const struct paper *paper, const char *folder,
                                 const char *part, struct error *err)
{
    for (uint32_t i = 0; i < paper->panel_count; i++) {
        char path[WORKSHOP_PATH_BYTES];
        if (strcmp(paper->panels[i].part, part) != 0)
            continue;
        paper_picture_path(path, folder, part, "svg");
        return write_svg(out, path, err);
    }
    return STATUS_OK;
}

/* ---- the page ---- */

static void write_head(FILE *out, const struct paper *paper)
{
    uint32_t passed = 0;
    char missed[160];
    for (uint32_t i = 0; i < paper->check_count; i++)
        passed += paper->checks[i].passed;
    fprintf(
        out,
        "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content=\"width=device-width, initial-scale=1\"><title>reprise "
        "paper</title>\n"
        "<style>\n%s</style></head><body>\n"
        "<h1>CachedAttention's evaluation, reproduced</h1>\n"
        "<p>Published numbers (USENIX ATC'24; grey in the pictures) beside those of %u simulated "
        "runs. No constant of the simulator was chosen to match a figure: docs/model.md lists "
        "them all. Why each figure comes out as it does: docs/reproduction.md. Rows marked "
        "<i>needs no unknown</i> depend neither on think time nor on stored bytes a session; "
        "the others do, and the sensitivity table says how much.</p>\n<p class=count>%s. Their "
        "rows "
        "are marked &#10007;. Checks passed: %u of %u.</p>\n",
        style, paper->run_count,
        paper_misses_text(paper->rows, paper->row_count, missed, sizeof missed), passed,
        paper->check_count);
}

static void write_assumptions(FILE *out, const struct paper *paper)
{
    fputs("<h2>Assumptions</h2>\n<p>The common set-up, as a configuration that <code>reprise sim "
          "-c</code> reads; each part changes what it says. The paper states neither the time "
          "between a reply and the next turn nor what a session's stored bytes are beyond its "
          "KV.</p>\n<pre>\n",
          out);
    char *text = config_values_text(experiment_sections, &paper->standard);
    html_text(out, text);
    free(text);
    fputs("</pre>\n", out);
}

struct page {
    const struct paper *paper;
    const char *folder;
    FILE *out;
    struct error *err;
};

static bool was_chosen(const struct paper *paper, const char *part)
{
    for (uint32_t i = 0; i < paper->row_count; i++)
        if (strcmp(paper->rows[i].part, part) == 0)
            return true;
    for (uint32_t i = 0; i < paper->check_count; i++)
        if (strcmp(paper->checks[i].part, part) == 0)
            return true;
    return strcmp(part, "sensitivity") == 0 && paper->sensitivity_count > 0;
}

static void write_part(const char *part, const char *title, void *context)
{
    const struct page *page = context;
    if (!was_chosen(page->paper, part))
        return;
    bool figure = isdigit((unsigned char)*part);
    fprintf(page->out, "<h2>%s%s%s", figure ? "Figure " : "", figure ? part : "",
            figure ? ": " : "");
    html_text(page->out, title);
    fputs("</h2>\n<p class=note>", page->out);
    html_text(page->out, paper_note(part));
    fputs("</p>\n", page->out);
    write_picture(page->out, page->paper, page->folder, part, page->err);
    write_rows(page->out, page->paper, part);
    if (strcmp(part, "sensitivity") == 0)
        write_sensitivity(page->out, page->paper);
    write_checks(page->out, page->paper, part);
}

enum status paper_html_write(const struct paper *paper, const char *folder, const char *path,
                             struct error *err)
{
    struct whole_file file;
    if (whole_file_open(&file, path, err) != STATUS_OK)
        return err->status;
    struct page page = { paper, folder, file.out, err };
    write_head(file.out, paper);
    paper_parts(write_part, &page);
    write_assumptions(file.out, paper);
    fputs("</body></html>\n", file.out);
    return whole_file_close(&file, err);
}
