/* cli/options.h - a command's options as a table; popt does the parsing, errors are ours. */
#ifndef REPRISE_CLI_OPTIONS_H
#define REPRISE_CLI_OPTIONS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* The values of an option that may be given several times, in their order. */
struct text_list {
    const char **text;
    uint32_t count, capacity;
};

enum option_kind {
    OPTION_FLAG,  /* bool */
    OPTION_TEXT,  /* const char * */
    OPTION_TEXTS, /* struct text_list */
    OPTION_U64,   /* uint64_t: a whole number */
    OPTION_ID,    /* int64_t: of a row of the database, from 1 */
    OPTION_READS, /* const char *: a file that is read, or a name that is none's */
    OPTION_WRITES /* const char *: a file or folder that is written, a database too */
};

struct option {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* 0: none */
    enum option_kind kind;
    void *value;       /* left as it is when the option is not given */
    const char *takes; /* "FILE"; NULL for flags */
    const char *help;
};

/* What a command takes; all of it is shown by --help. */
struct command_line {
    const char *command;        /* "reprise sim" */
    const char *usage;          /* what follows it: "[OPTION...] FILE" */
    const char *summary;        /* a sentence or two */
    const struct option *table; /* ended by a row without name */
    uint32_t arguments_most;    /* what is no option: refused behind that many */
    uint32_t writes;            /* the argument, from 1, that is written; those before it are read; 0: all are read */
};

/* Owns every text that the options and arguments point to. */
struct options {
    struct poptOption *rows;
    struct poptContext_s *context;
    struct text_list owned;
    bool *given; /* by row of the table */
    const char **arguments; /* what is no option, in its order; never NULL after a parse */
    uint32_t argument_count;
    bool help; /* --help was given, and has been printed on standard output: there is no more to do
                */
};

/* Parses argv[1...] into the table's values. Of one value that is given twice the last counts, and a note says so. STATUS_INPUT
 * also: what is written would take the place of something that is
 * read, or that is written too, a value's default included. Whatever is returned, *options is the caller's to
 * options_free(). */
enum status options_parse(struct options *options, const struct command_line *line, int argc,
                          const char **argv, struct error *err);

/* The id in the text, for the option or argument `key`. STATUS_INPUT. */
enum status options_id(const char *key, const char *text, int64_t *id, struct error *err);

/* Refuses to write `path` ("--turns", NULL: nothing) over the file `read`, which is `what` ("the trace"). STATUS_INPUT. */
enum status options_check_apart(const char *option, const char *path, const char *what, const char *read,
                                struct error *err);

/* An option that would do nothing beside the others is refused, not passed over. given: it was; expected: "show NAME beside
 * it". STATUS_INPUT. */
enum status options_check_idle(bool given, const char *option, const char *expected, struct error *err);

void options_free(struct options *options);

#endif
