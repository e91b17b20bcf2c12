/* plots/html.c - see html.h. */
#include "plots/html.h"

#include "base/memory.h"
#include "base/read_end.h"
#include "base/shown.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
    "body{font:16px/1.5 'DejaVu Sans',Verdana,sans-serif;color:#303030;background:#fff;"
    "margin:0 auto;max-width:1100px;padding:0 1em 3em}\n"
    "h1{font-size:1.5em}h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid #ddd}\n"
    ".scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-size:.85em;margin:.6em 0}\n"
    "th,td{padding:.25em .7em;text-align:right;border-bottom:1px solid #eee;white-space:nowrap}\n"
    "th:first-child,td:first-child{text-align:left}th{border-bottom:2px solid #bbb}\n"
    ".names td,.names th{text-align:left;white-space:normal}\n"
    "pre{background:#f6f6f6;padding:.8em;font-size:.75em;overflow-x:auto}\n"
    ".swipe th{white-space:normal}\n"
    "@media(max-width:600px){.swipe::before{content:'wider than this page: swipe it';"
    "color:#606060;font-size:.8em}}\n"
    ".points td:first-child,.points th:first-child{white-space:normal;min-width:9.5em}\n"
    "p,.names td:last-child{overflow-wrap:anywhere}.names td:last-child{min-width:13em}\n"
    "@media(max-width:600px){.points{font-size:.75em}.points th{white-space:normal}"
    ".points th,.points td{padding:.25em .35em}"
    ".points td:first-child,.points th:first-child{min-width:8em}}\n"
    "h3{font-size:1em;margin:1.4em 0 .3em}ul{padding-left:1.3em;margin:.3em 0}li{margin:.25em 0}\n"
    "details{margin:1em 0}summary{cursor:pointer;padding:.3em 0}small{color:#606060}\n"
    "code{font-size:.85em;color:#606060;overflow-wrap:anywhere}th code{font-weight:normal}\n"
    ".names td{vertical-align:top}.keys{width:100%}.keys td:first-child{min-width:17em}.keys "
    "td:nth-child(2){min-width:6em}\n"
    /* Where a table is wider than the page, a shadow at the edge that has more. */
    ".scroll{background:linear-gradient(90deg,#fff 30%,transparent) 0 0/3em 100% no-repeat local,"
    "linear-gradient(270deg,#fff 30%,transparent) 100% 0/3em 100% no-repeat local,"
    "linear-gradient(90deg,rgba(0,0,0,.28),transparent) 0 0/1em 100% no-repeat scroll,"
    "linear-gradient(270deg,rgba(0,0,0,.28),transparent) 100% 0/1em 100% no-repeat scroll}\n"
    /* On a phone a row of many columns is a card: its first cell above, the others below each other
       with the names of their columns. */
    "@media(max-width:600px){.cards,.cards tbody,.cards tr,.cards td,.keys,.keys tbody,.keys "
    "tr,.keys td"
    "{display:block}.cards tr:first-child,.keys tr:first-child{display:none}"
    ".cards,.keys{font-size:1em}.cards tr{border-bottom:1px solid #bbb;padding:.5em 0}"
    ".cards td{border:0;padding:.1em 0;white-space:normal;overflow:hidden}"
    ".cards td:first-child{font-weight:bold;padding:0}"
    ".cards "
    "td[data-name]::before{content:attr(data-name);float:left;margin-right:1em;color:#606060}"
    ".keys tr{border-bottom:1px solid #ddd;padding:.5em 0}"
    ".keys td{border:0;padding:.1em 0;min-width:0}}\n"
    "tr.sum td{font-weight:bold;border-top:2px solid #bbb}tr.chosen td{background:#eef5fb}\n"
    ".good{color:#007a50}.bad{color:#b02020}\n"
    ".answer{font-size:1.25em;line-height:1.4}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5em,1fr));gap:.6em;"
    "margin:1em 0}\n"
    ".figures div{border:1px solid #ddd;border-top:4px solid #0072b2;padding:.5em .8em;"
    "font-size:.85em;line-height:1.35}.figures "
    "b{display:block;font-size:1.5em;overflow-wrap:anywhere}\n"
    "pre.wrap{white-space:pre-wrap;overflow-wrap:anywhere}\n"
    "figure{margin:1em 0}svg{width:100%;height:auto}\n"
    /* Where gnuplot's font is missing the page's is taken, not the browser's own. */
    "svg text,svg tspan{font-family:'DejaVu Sans',Verdana,sans-serif}\n"
    "figcaption{color:#606060;font-size:.85em}\n"
    ".wide svg{min-width:900px}\n"
    ".pair figure{width:100%;max-width:640px}"
    ".pair figure:only-child{grid-column:1/-1;justify-self:center}\n"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:.5em 1.2em}\n"
    ".two{grid-template-columns:repeat(auto-fit,minmax(min(430px,100%),1fr))}\n"
    ".note{color:#606060;font-size:.9em}\n"
    "@page{size:A4;margin:14mm}\n"
    "@media print{body{font-size:10pt;max-width:none}.scroll{overflow:visible}"
    ".wide svg{min-width:0}pre{white-space:pre-wrap}"
    "table{font-size:7pt}th,td{padding:.15em .35em;white-space:normal}"
    ".pair{grid-template-columns:1fr 1fr}.figures{grid-template-columns:repeat(4,1fr)}"
    ".pair figure:only-child{max-width:24em}"
    "figure,tr,.figures,.points{break-inside:avoid}h2{break-after:avoid}}\n";

static void put_entities(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '"')
            fputs("&quot;", out);
        else
            fputc(*text, out);
    }
}

/* Line by line: a configuration is a text of many. */
void html_text(FILE *out, const char *text)
{
    size_t bytes = strlen(text), room = SHOWN_ROOM(bytes);
    char *shown = memory_new(room, 1);
    for (size_t at = 0;;) {
        size_t length = strcspn(text + at, "\n\t");
        shown_text(text + at, length, shown, room);
        put_entities(out, shown);
        at += length;
        if (text[at] == '\0')
            break;
        fputc(text[at++], out);
    }
    free(shown);
}

void html_cell(FILE *out, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fputs("<td>", out);
    html_text(out, text);
    fputs("</td>", out);
}

void html_row_end(FILE *out)
{
    fputs("</tr>\n", out);
}

void html_table_begin(FILE *out, const char *const *headings)
{
    fputs("<div class=scroll><table class=points><tr>", out);
    for (; *headings != NULL; headings++) {
        fputs("<th>", out);
        html_text(out, *headings);
        fputs("</th>", out);
    }
    html_row_end(out);
}

void html_table_end(FILE *out)
{
    fputs("</table></div>\n", out);
}

void html_begin(FILE *out, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
          out);
    html_text(out, title);
    fprintf(out, "</title>\n<style>\n%s</style></head>\n<body><main>\n<h1>", style);
    html_text(out, title);
    fputs("</h1>\n", out);
}

void html_end(FILE *out)
{
    fputs("</main></body></html>\n", out);
}

/* The caller's to free(). NULL: err says why. */
static char *read_file(const char *path, struct error *err)
{
    FILE *file = fopen(path, "r");
    char *content = NULL;
    size_t bytes = 0;
    if (file == NULL) {
        error_io(err, path, "read", strerror(errno));
        return NULL;
    }
    FILE *copy = memory_stream(&content, &bytes);
    char part[65536];
    size_t length;
    while ((length = fread(part, 1, sizeof part, file)) > 0)
        if (fwrite(part, 1, length, copy) != length)
            memory_exhausted();
    enum status status = read_end(file, path, err);
    memory_stream_close(copy, &content);
    if (status == STATUS_OK)
        return content;
    free(content);
    return NULL;
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* gnuplot's ids are gp..., Gnuplot..., gnuplot_...; they are used as href="#..." and url(#...). */
static void write_svg(FILE *out, const char *text, uint32_t number)
{
    for (; *text != '\0'; text++) {
        bool id = (starts(text, "id='") || starts(text, "id=\"")) && text[-1] == ' ';
        if (id) {
            fprintf(out, "id=%cp%u", text[3], number);
            text += 3;
        } else if (*text == '#' && (text[1] == 'g' || text[1] == 'G')) {
            fprintf(out, "#p%u", number);
        } else {
            fputc(*text, out);
        }
    }
}

enum status html_svg(FILE *out, const char *path, uint32_t number, struct error *err)
{
    char *text = read_file(path, err);
    if (text == NULL)
        return err->status;
    const char *start = strstr(text, "<svg");
    enum status status = STATUS_OK;
    if (start != NULL)
        write_svg(out, start, number);
    else
        status = error_io(err, path, "read", "it is no SVG");
    free(text);
    return status;
}
