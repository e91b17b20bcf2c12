/* cli/commands.h - the subcommands. Each gets its own name as argv[0] and returns the process's exit
 * code: 0 success, 1 a check or target was not met, 2 bad usage or input, 3 an internal or I/O
 * failure, 130 interrupted. */
#ifndef REPRISE_CLI_COMMANDS_H
#define REPRISE_CLI_COMMANDS_H

/* <- a new subcommand: its line here, cli/cmd_NAME.c, a line in cli/CMakeLists.txt, the README. */
#define COMMANDS(X)                                                                                 \
    X(sim, "simulate an experiment under one or several policies and compare them")                 \
    X(trace, "say what a trace or workload holds")                                                  \
    X(plot, "draw the runs of a comparison")                                                        \
    X(models, "list and describe models, hardware and policies")                                    \
    X(doctor, "say what of this machine reprise can use")

#define COMMAND_DECLARE(name, summary) int cmd_##name(int argc, const char **argv);
COMMANDS(COMMAND_DECLARE)

#endif
