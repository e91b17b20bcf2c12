/* cli/main.c - `reprise COMMAND ...`: finds the command and runs it. */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/limits.h"
#include "cli/output.h"
#include "cli/process.h"

#include <stdio.h>
#include <string.h>

struct command {
    const char *name, *summary;
    int (*run)(int argc, const char **argv);
};

#define COMMAND_ROW(name, summary) { #name, summary, cmd_##name },
static const struct command commands[] = { COMMANDS(COMMAND_ROW) };
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static int longest_name(void)
{
    size_t longest = 0;
    for (int i = 0; i < COMMAND_COUNT; i++)
        longest = strlen(commands[i].name) > longest ? strlen(commands[i].name) : longest;
    return (int)longest;
}

static void print_help(FILE *out)
{
    fputs(
        "Usage: reprise COMMAND [OPTION...]\n\n"
        "Simulates tiered KV caches (HBM, DRAM, SSD) for the serving of large language models.\n\n",
        out);
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-*s  %s\n", longest_name(), commands[i].name, commands[i].summary);
    fputs("\n`reprise COMMAND --help` tells a command's options; `reprise --version` the version.\n"
          "Exit codes: 0 done, 1 a check failed, 2 wrong input, 3 a file, disk or program failed,\n"
          "130 interrupted.\n",
          out);
}

static const struct command *find(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    process_begin();
    struct error err = { 0 };
    const char *name = argc > 1 ? argv[1] : NULL;
    if (limits_begin(&err) != STATUS_OK)
        return output_exit(&err);
    if (name == NULL) {
        print_help(stderr);
        return error_exit_code(STATUS_INPUT);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help(stdout);
        return output_exit(&err);
    }
    if (strcmp(name, "--version") == 0) {
        puts("reprise " REPRISE_VERSION);
        return output_exit(&err);
    }
    const struct command *command = find(name);
    if (command == NULL) {
        error_input(&err, NULL, 0, "command", "one that `reprise --help` lists", name);
        return output_exit(&err);
    }
    return command->run(argc - 1, (const char **)argv + 1);
}
