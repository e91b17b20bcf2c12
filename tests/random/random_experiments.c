/* tests/random/random_experiments.c - runs random experiments, in this program or as commands of
 * reprise, and says which seeds have faults, and the shortest command that shows each kind.
 * docs/attacks.md. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "base/clock.h"
#include "tests/random/commands.h"
#include "tests/random/draw.h"
#include "tests/random/tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TWICE_EACH = 8 };
/* Of the work of an experiment (work.h), unless asked for otherwise: seconds, at worst; commands
 * run several, twice. */
#define STEPS_MOST 1e7
#define STEPS_MOST_OF_COMMANDS 3e5

struct asked_for {
    uint64_t first_seed, count;
    double seconds;      /* 0: until all have run */
    double steps_most;   /* of the work of one experiment; 0: the usual */
    const char *program; /* NULL: no commands */
    bool shrinks, lists, says_refusals, digests;
};

/* ---- trying ---- */

struct seed_tried {
    const struct commands *commands; /* NULL: the library is tried, in this program */
    uint64_t seed;
};

static struct trial run_again(const struct settings *settings, double most_cpu_s, void *context)
{
    const struct seed_tried *tried = context;
    if (tried->commands != NULL)
        return commands_trial(tried->commands, tried->seed, settings, most_cpu_s);
    return trial_run(settings, (struct trial_options){ .twice = tried->seed % TWICE_EACH == 0,
                                                       .most_cpu_s = most_cpu_s });
}

static void print_again(FILE *out, const struct settings *settings, void *context)
{
    const struct seed_tried *tried = context;
    if (tried->commands != NULL)
        commands_print(out, tried->commands, tried->seed, settings);
    else
        settings_print(out, settings);
}

static void print_digest(const struct seed_tried *tried, const struct settings *settings)
{
    const char *kind;
    uint64_t digest = commands_digest(tried->commands, tried->seed, settings, &kind);
    printf("%" PRIu64 " %s %016" PRIx64 "\n", tried->seed, kind, digest);
}

static void try_seed(const struct asked_for *asked, struct tally *tally, struct seed_tried *tried,
                     const struct names *names)
{
    struct settings settings = draw_experiment(tried->seed, asked->steps_most, names);
    if (asked->lists) {
        printf("seed %" PRIu64 ": ", tried->seed);
        print_again(stdout, &settings, tried);
        printf("\n");
        return;
    }
    if (asked->digests) {
        print_digest(tried, &settings);
        return;
    }
    struct tally_trials trials = { run_again, print_again, tried, asked->shrinks };
    struct trial trial = run_again(&settings, 0.0, tried);
    if (trial.is_refused && asked->says_refusals)
        printf("seed %" PRIu64 ": refused: %s\n", tried->seed, trial.refusal);
    tally_add(tally, tried->seed, &settings, &trial, &trials);
}

/* ---- options ---- */

static _Noreturn void refuse_usage(void)
{
    fputs(
        "usage: random_experiments FIRST_SEED COUNT [--seconds S] [--steps N] [--shrink]\n"
        "                          [--refusals] [--list] [--commands REPRISE [--digests]]\n"
        "  --seconds S  stop after so long\n"
        "  --steps N    work of an experiment at most (1e7; of commands 3e5); with another bound "
        "a\n"
        "               seed may have a smaller workload\n"
        "  --shrink     for each kind of fault, the fewest keys that show it\n"
        "  --refusals   say why each was refused\n"
        "  --list       print the experiments and run none\n"
        "  --commands REPRISE  run the program's commands on them, each script in two "
        "surroundings\n"
        "  --digests    print a hash of what each script says, to be compared with other builds'\n",
        stderr);
    exit(2);
}

static double number_of(const char *text)
{
    char *end;
    double number = text != NULL ? strtod(text, &end) : -1.0;
    if (text == NULL || *text == '\0' || *end != '\0' || number < 0.0)
        refuse_usage();
    return number;
}

static struct asked_for read_options(char **argv)
{
    struct asked_for asked = { 0 };
    int numbers = 0;
    for (argv++; *argv != NULL; argv++) {
        if (strcmp(*argv, "--shrink") == 0)
            asked.shrinks = true;
        else if (strcmp(*argv, "--list") == 0)
            asked.lists = true;
        else if (strcmp(*argv, "--refusals") == 0)
            asked.says_refusals = true;
        else if (strcmp(*argv, "--digests") == 0)
            asked.digests = true;
        else if (strcmp(*argv, "--commands") == 0 && argv[1] != NULL)
            asked.program = *++argv;
        else if (strcmp(*argv, "--seconds") == 0)
            asked.seconds = number_of(*++argv);
        else if (strcmp(*argv, "--steps") == 0)
            asked.steps_most = number_of(*++argv);
        else if (numbers++ == 0)
            asked.first_seed = (uint64_t)number_of(*argv);
        else
            asked.count = (uint64_t)number_of(*argv);
    }
    if (numbers != 2 || (asked.digests && asked.program == NULL))
        refuse_usage();
    if (asked.steps_most == 0.0)
        asked.steps_most = asked.program != NULL ? STEPS_MOST_OF_COMMANDS : STEPS_MOST;
    return asked;
}

/* The program, wherever this one goes. */
static void open_commands(struct commands *commands, const struct asked_for *asked,
                          const struct names *names, const char *program)
{
    commands_open(commands, program, names);
    if (commands->comma_locale == NULL && !asked->digests)
        printf("no locale with a decimal comma is here, nor can one be made: none was tried\n");
}

static double seconds_since(uint64_t begin_ns)
{
    return (double)(clock_now_ns() - begin_ns) * 1e-9;
}

static int run_all(const struct asked_for *asked, const struct commands *commands,
                   const struct names *names)
{
    static struct tally tally;
    uint64_t begin_ns = clock_now_ns();
    for (uint64_t i = 0; i < asked->count; i++) {
        if (asked->seconds > 0.0 && seconds_since(begin_ns) > asked->seconds)
            break;
        try_seed(asked, &tally, &(struct seed_tried){ commands, asked->first_seed + i }, names);
    }
    if (asked->lists || asked->digests)
        return 0;
    return tally_print(stdout, &tally, seconds_since(begin_ns)) ? 0 : 1;
}

int main(int argc, char **argv)
{
    (void)argc;
    struct asked_for asked = read_options(argv);
    struct commands commands;
    char *program = asked.program != NULL ? realpath(asked.program, NULL) : NULL;
    if (asked.program != NULL && program == NULL) {
        perror(asked.program);
        return 2;
    }
    struct names names = names_read(); /* which goes to another folder */
    if (!asked.digests)
        printf("seeds %" PRIu64 " to %" PRIu64 ", %g steps at most\n", asked.first_seed,
               asked.first_seed + asked.count - 1, asked.steps_most);
    if (program != NULL)
        open_commands(&commands, &asked, &names, program);
    int code = run_all(&asked, program != NULL ? &commands : NULL, &names);
    if (program != NULL)
        commands_close(&commands);
    free(program);
    names_free(&names);
    return code;
}
