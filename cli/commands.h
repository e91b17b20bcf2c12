/* cli/commands.h - the one list of subcommands; main.c's look-up and `reprise --help` expand it. */
#ifndef REPRISE_CLI_COMMANDS_H
#define REPRISE_CLI_COMMANDS_H

/* <- a new command: its name and summary here, its cli/cmd_NAME.c, a line in CMake, one in README.
 */
#define COMMANDS(X)                                                                                \
    X(sim, "simulate an experiment under one or several policies and compare them")                \
    X(calibrate, "measure this machine: a model and a server for sim, run and validate")           \
    X(run, "serve an experiment in real time on real kernels, memory and disk")                    \
    X(validate, "compare the simulator with runs in real time, by load and policy")                \
    X(accuracy, "set predictions beside what others measured: kernels, iterations, served runs")    \
    X(explore, "a page in the browser: change an experiment, see its results, compare two")        \
    X(sweep, "run an experiment over a grid or samples of its keys, on many cores or machines")    \
    X(paper, "run CachedAttention's evaluation and set it beside what was published")              \
    X(size, "search the cheapest servers that keep a promise on latency")                          \
    X(lesson, "a question, simulations that answer it, a picture: eight lessons on KV caching")       \
    X(plot, "draw a comparison or a sweep from the database")                                      \
    X(report, "write runs or a sweep as one HTML page")                                            \
    X(explain, "tell one turn's story: what it waited for, what was reused, and why not the rest") \
    X(db, "merge, list or dump databases")                                                         \
    X(replay, "hits of many policies on a trace's blocks, without time, beside the best possible") \
    X(trace, "say what a trace holds; convert, generate and scale traces")                         \
    X(models, "list models, hardware and policies, or show one model on one server")               \
    X(doctor, "say which of what reprise can use is there on this machine")

/* argv[0] is the command's name. Returns the process's exit code. */
#define COMMAND_DECLARE(name, summary) int cmd_##name(int argc, const char **argv);
COMMANDS(COMMAND_DECLARE)

#endif
