/* tests/security/hostile_names.c - what test_names.sh asks of tests/hostile.h, and its looks at
 * what came out. hostile_names write FOLDER   N.raw, N.sql, N.yaml, N.json in FOLDER: name N as it
 * is, and quoted for that language; prints how many there are hostile_names plain FILE...  ends
 * with 1, and says where, if a file has what a terminal would obey hostile_names page FILE...   the
 * same if in a page of HTML some name is not text alone */
#include "base/shown.h"
#include "tests/hostile.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define TEXT(what, text) text,
    HOSTILE(TEXT)
#undef TEXT
};
enum { NAMES = sizeof names / sizeof *names };

/* ---- writing ---- */

static void put_sql(FILE *out, const char *text)
{
    fputs("cast(x'", out);
    for (; *text != '\0'; text++)
        fprintf(out, "%02x", (unsigned char)*text);
    fputs("' as text)", out);
}

/* In double quotes, in which YAML and JSON have the same escapes of these; other bytes as they are.
 */
static void put_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            fprintf(out, "\\u%04x", (unsigned)*text);
        else
            fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    fputc('"', out);
}

static void put_raw(FILE *out, const char *text)
{
    fputs(text, out);
}

static bool write_one(const char *folder, unsigned number, const char *ending,
                      void (*put)(FILE *out, const char *text))
{
    char path[512];
    snprintf(path, sizeof path, "%s/%u.%s", folder, number, ending);
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return false;
    put(out, names[number]);
    return fclose(out) == 0;
}

static int write_all(const char *folder)
{
    for (unsigned i = 0; i < NAMES; i++)
        if (!write_one(folder, i, "raw", put_raw) || !write_one(folder, i, "sql", put_sql) ||
            !write_one(folder, i, "yaml", put_quoted) || !write_one(folder, i, "json", put_quoted))
            return 1;
    printf("%d\n", NAMES);
    return 0;
}

/* ---- looking ---- */

static char *read_all(const char *path, size_t *bytes)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return NULL;
    fseek(in, 0, SEEK_END);
    *bytes = (size_t)ftell(in);
    rewind(in);
    char *text = calloc(*bytes + 1, 1);
    if (text != NULL && fread(text, 1, *bytes, in) != *bytes)
        *bytes = 0;
    fclose(in);
    return text;
}

/* Not "name\0": a NUL byte ends what shown_is_plain_lines() sees. */
static bool is_plain(const char *path, const char *text, size_t bytes)
{
    if (strlen(text) == bytes && shown_is_plain_lines(text))
        return true;
    printf("%s: what a terminal would obey\n", path);
    return false;
}

static bool begins(const char *at, const char *with)
{
    return strncmp(at, with, strlen(with)) == 0;
}

/* Behind the element that begins at `at`, whose content is no HTML; NULL: it is not ended. */
static const char *behind(const char *at, const char *end)
{
    const char *found = strstr(at, end);
    return found != NULL ? found + strlen(end) : NULL;
}

static bool has(const char *from, const char *to, const char *what)
{
    const char *found = strstr(from, what);
    return found != NULL && found < to;
}

/* A page of ours has its scripts and styles, tags, and text. A name is in the text, in a value of
 * an attribute in double quotes, or in data, which hold no '<'. */
static const char *first_fault(const char *at)
{
    while (at != NULL && (at = strchr(at, '<')) != NULL) {
        const char *from = at;
        bool data = begins(at, "<script type=\"application/json\"");
        if (begins(at, "<!--"))
            at = behind(at, "-->");
        else if (begins(at, "<script"))
            at = behind(at, "</script>");
        else if (begins(at, "<style"))
            at = behind(at, "</style>");
        else
            at = behind(at, ">");
        if (at == NULL)
            return from;
        if (data && has(from + 1, at - strlen("</script>"), "<"))
            return from;
        const char *mark = strstr(from, CANARY);
        bool in_value =
            mark != NULL && mark < at && has(from, mark, "=\"") && !begins(from, "<script");
        if (mark != NULL && mark < at && !data && !in_value)
            return from;
    }
    return NULL;
}

static bool is_page(const char *path, const char *text, size_t bytes)
{
    const char *fault = first_fault(text);
    if (fault != NULL)
        printf("%s: a name is more than text: %.120s\n", path, fault);
    return is_plain(path, text, bytes) && fault == NULL;
}

static int look(bool (*check)(const char *path, const char *text, size_t bytes), int count,
                char **paths)
{
    bool good = true;
    for (int i = 0; i < count; i++) {
        size_t bytes = 0;
        char *text = read_all(paths[i], &bytes);
        good = text != NULL && check(paths[i], text, bytes) && good;
        free(text);
    }
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    if (strcmp(what, "write") == 0)
        return write_all(argv[2]);
    if (strcmp(what, "plain") == 0)
        return look(is_plain, argc - 2, argv + 2);
    if (strcmp(what, "page") == 0)
        return look(is_page, argc - 2, argv + 2);
    return 2;
}
