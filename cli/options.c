/* cli/options.c - see options.h. */
#include "cli/options.h"

#include "base/memory.h"
#include "base/same_file.h"
#include "base/units.h"

#include <errno.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t table_length(const struct option *table)
{
    uint32_t length = 0;
    while (table[length].name != NULL)
        length++;
    return length;
}

/* Row i of the table becomes popt's option of value i + 1; --help comes last. */
static void make_rows(struct options *options, const struct option *table, uint32_t length)
{
    options->rows = memory_new(length + 2, sizeof *options->rows);
    for (uint32_t i = 0; i < length; i++)
        options->rows[i] = (struct poptOption){
            .longName = table[i].name,
            .shortName = table[i].letter,
            .argInfo = table[i].kind == OPTION_FLAG ? POPT_ARG_NONE : POPT_ARG_STRING,
            .val = (int)i + 1,
            .descrip = table[i].help,
            .argDescrip = table[i].takes,
        };
    options->rows[length] = (struct poptOption){ .longName = "help",
                                                 .shortName = 'h',
                                                 .val = (int)length + 1,
                                                 .descrip = "print this and do nothing else" };
}

static void append(struct text_list *list, const char *text)
{
    memory_grow(&list->text, &list->capacity, (uint64_t)list->count + 1, sizeof *list->text);
    list->text[list->count++] = text;
}

static enum status set_u64(const struct option *option, const char *text, struct error *err)
{
    if (units_whole(text, option->value))
        return STATUS_OK;
    char key[64];
    snprintf(key, sizeof key, "--%s", option->name);
    return error_input(err, NULL, 0, key, "a whole number", text);
}

enum status options_id(const char *key, const char *text, int64_t *id, struct error *err)
{
    uint64_t value = 0;
    if (!units_whole(text, &value) || value == 0 || value > INT64_MAX)
        return error_input(err, NULL, 0, key, "an id in the database: a whole number from 1", text);
    *id = (int64_t)value;
    return STATUS_OK;
}

static enum status set_id(const struct option *option, const char *text, struct error *err)
{
    char key[64];
    snprintf(key, sizeof key, "--%s", option->name);
    return options_id(key, text, option->value, err);
}

static enum status set_value(const struct option *option, const char *text, struct error *err)
{
    /* popt refuses an option without its value: this is a copy that it could not make. */
    if (option->kind != OPTION_FLAG && text == NULL)
        memory_exhausted();
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)option->value = true;
        break;
    case OPTION_TEXT:
    case OPTION_READS:
    case OPTION_WRITES:
        *(const char **)option->value = text;
        break;
    case OPTION_TEXTS:
        append(option->value, text);
        break;
    case OPTION_U64:
        return set_u64(option, text, err);
    case OPTION_ID:
        return set_id(option, text, err);
    }
    return STATUS_OK;
}

/* Scripts lay options over those of a list, so that the last one counts; who means both shall hear
 * of it. */
static enum status take_value(struct options *options, const struct option *table, uint32_t row,
                              const char *text, struct error *err)
{
    bool single = table[row].kind != OPTION_TEXTS && table[row].kind != OPTION_FLAG;
    if (single && options->given[row])
        fprintf(stderr, "note: --%s is given more than once: the last one counts\n",
                table[row].name);
    options->given[row] = true;
    return set_value(&table[row], text, err);
}

static enum status refuse(const struct options *options, int rc, const char *command,
                          struct error *err)
{
    const char *option = poptBadOption(options->context, POPT_BADOPTION_NOALIAS);
    char expected[128];
    if (rc == POPT_ERROR_NOARG)
        snprintf(expected, sizeof expected, "a value behind it");
    else if (rc == POPT_ERROR_BADOPT)
        snprintf(expected, sizeof expected, "an option that `%s --help` lists", command);
    else
        snprintf(expected, sizeof expected, "something else: %s", poptStrerror(rc));
    return error_input(err, NULL, 0, option, expected, NULL);
}

static void print_help(struct options *options, const struct command_line *line)
{
    options->help = true;
    printf("%s\n\n", line->summary);
    poptPrintHelp(options->context, stdout, 0);
}

static enum status take_arguments(struct options *options, const struct command_line *line,
                                  struct error *err)
{
    static const char *none[] = { NULL };
    const char **arguments = poptGetArgs(options->context);
    options->arguments = arguments != NULL ? arguments : none;
    while (options->arguments[options->argument_count] != NULL)
        options->argument_count++;
    if (options->argument_count <= line->arguments_most)
        return STATUS_OK;
    char expected[128];
    snprintf(expected, sizeof expected, "no further argument (see %s --help)", line->command);
    return error_input(err, NULL, 0, NULL, expected, options->arguments[line->arguments_most]);
}

/* An argument that popt could not copy it leaves out, and says nothing. */
static int next_option(const struct options *options)
{
    errno = 0;
    int rc = poptGetNextOpt(options->context);
    if (errno == ENOMEM)
        memory_exhausted();
    return rc;
}

static enum status parse(struct options *options, const struct command_line *line, uint32_t length,
                         struct error *err)
{
    int rc;
    while ((rc = next_option(options)) > 0) {
        char *text = poptGetOptArg(options->context);
        if (text != NULL)
            append(&options->owned, text);
        if ((uint32_t)rc > length) {
            print_help(options, line);
            return STATUS_OK;
        }
        enum status status = take_value(options, line->table, (uint32_t)rc - 1, text, err);
        if (status != STATUS_OK)
            return status;
    }
    return rc < -1 ? refuse(options, rc, line->command, err) : take_arguments(options, line, err);
}

/* ---- files that are to be apart ---- */

enum status options_check_apart(const char *option, const char *path, const char *what,
                                const char *read, struct error *err)
{
    char expected[128];
    if (path == NULL || read == NULL || !same_file(path, read))
        return STATUS_OK;
    snprintf(expected, sizeof expected, "a file other than %s", what);
    return error_input(err, NULL, 0, option, expected, path);
}

enum status options_check_idle(bool given, const char *option, const char *expected,
                               struct error *err)
{
    return given ? error_input(err, NULL, 0, option, expected, NULL) : STATUS_OK;
}

static const char *file_of(const struct option *option)
{
    return option->kind == OPTION_READS || option->kind == OPTION_WRITES
               ? *(const char *const *)option->value
               : NULL;
}

/* Of two files that are written none need be there yet. */
static bool takes_place_of(const char *written, const struct option *other)
{
    const char *path = file_of(other);
    return path != NULL &&
           (other->kind == OPTION_READS ? same_file(written, path) : same_place(written, path));
}

/* before: the row of the option that is written; UINT32_MAX: it is an argument. */
static enum status check_written(const struct options *options, const struct command_line *line,
                                 const char *name, const char *path, uint32_t before,
                                 struct error *err)
{
    enum status status = STATUS_OK;
    char what[96];
    for (uint32_t i = 0; line->table[i].name != NULL; i++)
        if ((line->table[i].kind == OPTION_READS || i < before) && i != before &&
            takes_place_of(path, &line->table[i])) {
            snprintf(what, sizeof what, "a file other than that of --%s", line->table[i].name);
            return error_input(err, NULL, 0, name, what, path);
        }
    for (uint32_t i = 0; i < options->argument_count && status == STATUS_OK; i++)
        if (i + 1 != line->writes)
            status = options_check_apart(name, path, "what is read", options->arguments[i], err);
    return status;
}

static enum status check_files(const struct options *options, const struct command_line *line,
                               struct error *err)
{
    enum status status = STATUS_OK;
    char name[64];
    for (uint32_t i = 0; line->table[i].name != NULL && status == STATUS_OK; i++) {
        if (line->table[i].kind != OPTION_WRITES || file_of(&line->table[i]) == NULL)
            continue;
        snprintf(name, sizeof name, "--%s", line->table[i].name);
        status = check_written(options, line, name, file_of(&line->table[i]), i, err);
    }
    if (status == STATUS_OK && line->writes > 0 && line->writes <= options->argument_count)
        status = check_written(options, line, "OUT", options->arguments[line->writes - 1],
                               UINT32_MAX, err);
    return status;
}

/* popt itself ends the process, with 1, where it gets no memory: who calls exit() while popt is at
 * work does so for that reason. */
static bool popt_works;

static void end_with_popt(void)
{
    if (popt_works)
        memory_exhausted();
}

enum status options_parse(struct options *options, const struct command_line *line, int argc,
                          const char **argv, struct error *err)
{
    *options = (struct options){ 0 };
    uint32_t length = table_length(line->table);
    make_rows(options, line->table, length);
    options->given = memory_new(length + 1, sizeof *options->given);
    argv[0] = line->command; /* the usage line names it; it is "sim" here */
    popt_works = atexit(end_with_popt) == 0;
    errno = 0;
    options->context = poptGetContext(NULL, argc, argv, options->rows, 0);
    if (errno == ENOMEM) /* no room for arguments, which it would leave out */
        memory_exhausted();
    if (options->context == NULL)
        memory_exhausted();
    poptSetOtherOptionHelp(options->context, line->usage);
    enum status status = parse(options, line, length, err);
    popt_works = false;
    return status == STATUS_OK && !options->help ? check_files(options, line, err) : status;
}

void options_free(struct options *options)
{
    poptFreeContext(options->context);
    free(options->rows);
    free(options->given);
    for (uint32_t i = 0; i < options->owned.count; i++)
        free((void *)options->owned.text[i]);
    free(options->owned.text);
}
