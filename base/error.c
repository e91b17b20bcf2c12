/* base/error.c - see error.h: filling and printing struct error. */
#include "base/error.h"

#include "base/shown.h"

/* What a hostile file holds must not reach the terminal, nor break the line. */
static void copy_text(char *to, size_t to_bytes, const char *from)
{
    shown_fit(from != NULL ? from : "", to, to_bytes);
}

enum status error_input(struct error *err, const char *file, uint64_t line, const char *key,
                        const char *expected, const char *found)
{
    if (err->status != STATUS_OK)
        return err->status;
    err->status = STATUS_INPUT;
    err->line = line;
    copy_text(err->file, sizeof err->file, file);
    copy_text(err->key, sizeof err->key, key);
    copy_text(err->expected, sizeof err->expected, expected);
    copy_text(err->found, sizeof err->found, found);
    return err->status;
}

enum status error_io(struct error *err, const char *file, const char *what, const char *reason)
{
    if (err->status != STATUS_OK)
        return err->status;
    error_input(err, file, 0, NULL, what, reason);
    err->status = STATUS_IO;
    return err->status;
}

enum status error_interrupted(struct error *err)
{
    if (err->status == STATUS_OK)
        err->status = STATUS_INTERRUPTED;
    return err->status;
}

static void print_input(FILE *out, const struct error *err)
{
    if (err->key[0] != '\0')
        fprintf(out, "%s: ", err->key);
    fprintf(out, "expected %s", err->expected);
    if (err->found[0] != '\0')
        fprintf(out, ", found \"%s\"", err->found);
}

static void print_io(FILE *out, const struct error *err)
{
    fprintf(out, "cannot %s", err->expected);
    if (err->found[0] != '\0')
        fprintf(out, ": %s", err->found);
}

static void print_place(FILE *out, const struct error *err)
{
    if (err->file[0] != '\0')
        fputs(err->file, out);
    if (err->line != 0)
        fprintf(out, "%s%llu", err->file[0] != '\0' ? ":" : "line ", (unsigned long long)err->line);
    if (err->file[0] != '\0' || err->line != 0)
        fputs(": ", out);
}

void error_print(FILE *out, const struct error *err)
{
    fputs("reprise: ", out);
    print_place(out, err);
    switch (err->status) {
    case STATUS_OK:
        fputs("no error", out);
        break;
    case STATUS_INPUT:
        print_input(out, err);
        break;
    case STATUS_IO:
        print_io(out, err);
        break;
    case STATUS_INTERRUPTED:
        fputs("interrupted", out);
        break;
    }
    fputc('\n', out);
}

int error_exit_code(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return 0;
    case STATUS_INPUT:
        return 2;
    case STATUS_IO:
        return 3;
    case STATUS_INTERRUPTED:
        return 130;
    }
    return 3;
}
