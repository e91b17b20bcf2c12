/* cli/main.c - `reprise COMMAND ...`: finds the subcommand. */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name, *summary;
    int (*run)(int argc, const char **argv);
};

#define COMMAND_ROW(name, summary) { #name, summary, cmd_##name },
static const struct command commands[] = { COMMANDS(COMMAND_ROW){ NULL, NULL, NULL } };

static void print_help(FILE *out)
{
    fprintf(out, "Usage: reprise COMMAND [OPTION...]\n\n"
                 "What a tiered KV cache (HBM, DRAM, SSD) does for the serving of an LLM.\n\n");
    for (const struct command *command = commands; command->name != NULL; command++)
        fprintf(out, "  %-10s %s\n", command->name, command->summary);
    fprintf(out, "\n`reprise COMMAND --help` says more. Start with `reprise sim`.\n");
}

static int run_command(int argc, const char **argv)
{
    for (const struct command *command = commands; command->name != NULL; command++)
        if (strcmp(command->name, argv[0]) == 0)
            return command->run(argc, argv);
    struct error err = { 0 };
    error_input(&err, NULL, 0, "command", "one that `reprise --help` lists", argv[0]);
    return options_fail(&err);
}

/* What was printed must have reached its file: a full disk behind stdout is an error like any. */
static int finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    struct error err = { 0 };
    error_io(&err, "standard output", "write", strerror(errno));
    return options_fail(&err);
}

int main(int argc, const char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return finish(0);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("reprise " REPRISE_VERSION);
        return finish(0);
    }
    return finish(run_command(argc - 1, argv + 1));
}
