/* cli/experiment_options.c - see experiment_options.h. */
#include "cli/experiment_options.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status set_short_form(struct config_tree *tree, const char *key, const char *value,
                                  struct error *err)
{
    if (value == NULL)
        return STATUS_OK;
    size_t bytes = strlen(key) + strlen(value) + sizeof "=";
    char *assignment = memory_new(bytes, 1);
    snprintf(assignment, bytes, "%s=%s", key, value);
    enum status status = config_tree_set(tree, assignment, err);
    free(assignment);
    return status;
}

static enum status lay_over(const struct experiment_options *given, struct config_tree *tree,
                            struct error *err)
{
    const struct {
        const char *key, *value;
    } forms[] = { { "model", given->model },
                  { "hardware", given->hardware },
                  { "gpus", given->gpus },
                  { "trace", given->trace },
                  { "import.format", given->format },
                  { "workload.shape", given->shape } };
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < given->set.count; i++)
        status = config_tree_set(tree, given->set.text[i], err);
    for (size_t i = 0; status == STATUS_OK && i < sizeof forms / sizeof *forms; i++)
        status = set_short_form(tree, forms[i].key, forms[i].value, err);
    return status;
}

enum status experiment_tree(const struct experiment_options *given, struct config_tree **tree,
                            struct error *err)
{
    struct config_tree *read = NULL;
    enum status status = given->file != NULL ? config_tree_read(given->file, &read, err)
                                             : config_tree_parse("{}", "defaults", &read, err);
    if (status == STATUS_OK)
        status = lay_over(given, read, err);
    if (status == STATUS_OK)
        *tree = read;
    else
        config_tree_free(read);
    return status;
}

/* A key of another shape than the one that is generated would say nothing. */
static enum status check_shape_keys(const struct experiment_options *given,
                                    const struct experiment *experiment, struct error *err)
{
    const struct shape_about about = trace_shape_about((enum shape)experiment->shape.shape);
    char key[128], expected[128];
    for (uint32_t i = 0; experiment->trace[0] == '\0' && i < given->set.count; i++) {
        const char *text = given->set.text[i];
        snprintf(key, sizeof key, "%.*s", (int)strcspn(text, "="), text);
        if (workload_key_is_of(key, (enum shape)experiment->shape.shape))
            continue;
        snprintf(expected, sizeof expected,
                 "a key of the shape %s: %s*, sessions_per_s, concurrency, seed", about.name,
                 about.keys);
        return error_input(err, "--set", 0, key, expected, text);
    }
    return STATUS_OK;
}

enum status experiment_load(const struct experiment_options *given, struct experiment *experiment,
                            struct error *err)
{
    struct config_tree *tree = NULL;
    enum status status = experiment_tree(given, &tree, err);
    if (status == STATUS_OK)
        status = experiment_from_tree(tree, NULL, experiment, err);
    if (status == STATUS_OK)
        status = check_shape_keys(given, experiment, err);
    config_tree_free(tree);
    return status;
}

enum status experiment_check_apart(const struct experiment *experiment, const char *option,
                                   const char *path, struct error *err)
{
    enum status status = options_check_apart(option, path, "the trace", experiment->trace, err);
    if (status == STATUS_OK)
        status = options_check_apart(option, path, "the model's", experiment->model, err);
    if (status == STATUS_OK)
        status = options_check_apart(option, path, "the server's", experiment->hardware, err);
    if (status == STATUS_OK)
        status = options_check_apart(option, path, "the drive's", experiment->drive, err);
    return status;
}

void experiment_options_free(struct experiment_options *given)
{
    free(given->set.text);
}

void experiment_command_word(FILE *out, const char *option, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "=,.:/_-+%@";
    fprintf(out, " %s ", option);
    if (*word != '\0' && word[strspn(word, plain)] == '\0') {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word != '\0'; word++)
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    fputc('\'', out);
}

char *experiment_command(const char *command, const struct experiment_options *given,
                         const struct text_list *vary)
{
    const struct {
        const char *option, *value;
    } forms[] = { { "-c", given->file },
                  { "--model", given->model },
                  { "--hardware", given->hardware },
                  { "--gpus", given->gpus },
                  { "--trace", given->trace } };
    char *text = NULL;
    size_t bytes;
    FILE *out = memory_stream(&text, &bytes);
    fputs(command, out);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (forms[i].value != NULL)
            experiment_command_word(out, forms[i].option, forms[i].value);
    for (uint32_t i = 0; i < given->set.count; i++)
        experiment_command_word(out, "--set", given->set.text[i]);
    for (uint32_t i = 0; i < vary->count; i++)
        experiment_command_word(out, "--vary", vary->text[i]);
    memory_stream_close(out, &text);
    return text;
}
