/* tests/failures/failures.c - `failures REPRISE SHIM ROOT [OPTIONS]`: each command, each kind of
 * call, each way to fail, the n-th call for every n that is reached; or a sample of these. See
 * docs/testing.md, "Every failure tried". */
#include "tests/failures/commands.h"
#include "tests/failures/files.h"
#include "tests/failures/judge.h"
#include "tests/failures/tracer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct options {
    const char *program, *shim, *root;
    const char *command, *kind, *effect; /* NULL: all */
    uint32_t most;                       /* of each command, kind and effect; 0: all */
    uint32_t nth;                        /* this call alone; 0: not */
    uint32_t first;                      /* which of each stride: another sample */
    uint32_t share; /* of commands, kinds and effects, each share-th alone; 0: each */
    double limit_s;
    bool list, verbose;
};

struct place {
    char base[512], stock[560], folder[560], streams[560];
};

struct tally {
    uint32_t reached, tried, as_ever, refused, stopped, faults;
};

/* ---- running ---- */

static int run_plainly(const char *folder, char *const *argv)
{
    pid_t child = fork();
    if (child == 0) {
        if (chdir(folder) != 0 || freopen("/dev/null", "w", stdout) == NULL ||
            freopen("/dev/null", "w", stderr) == NULL)
            _exit(126);
        execv(argv[0], argv);
        _exit(126);
    }
    int how = 0;
    waitpid(child, &how, 0);
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

struct again {
    const char *folder;
    char *const *argv;
};

static int run_again(void *context)
{
    const struct again *again = context;
    return run_plainly(again->folder, again->argv);
}

static bool is_wanted(const char *name, const char *wanted)
{
    if (wanted == NULL)
        return true;
    size_t length = strlen(name);
    for (const char *at = wanted; (at = strstr(at, name)) != NULL; at += length)
        if ((at == wanted || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

static bool is_needed(const struct options *options, const char *made)
{
    for (uint32_t i = 0; i < command_count; i++)
        if (is_wanted(commands[i].name, options->command) &&
            (strstr(commands[i].words, made) != NULL ||
             (commands[i].copies != NULL && strstr(commands[i].copies, made) != NULL)))
            return true;
    return false;
}

static void make_stock(const struct options *options, const struct place *place)
{
    char *argv[WORDS_MOST];
    for (const struct stock_command *stock = stock_commands; stock->words != NULL; stock++) {
        if (!is_needed(options, stock->made))
            continue;
        words_split(options->program, stock->words, place->stock, options->root, argv);
        int code = run_plainly(place->stock, argv);
        for (int tries = 0; code == 3 && tries < 5; tries++) /* calibrate: others disturbed it */
            code = run_plainly(place->stock, argv);
        if (code != 0) {
            fprintf(stderr, "stock: exit code %d: reprise %s\n", code, stock->words);
            exit(1);
        }
        words_free(argv);
    }
}

static FILE *make_table(const struct place *place, const char *folder, const char *name,
                        const char *heading)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", place->stock, folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/%s", place->stock, folder, name);
    FILE *table = fopen(path, "w");
    if (table == NULL)
        exit(1);
    fputs(heading, table);
    return table;
}

/* As others measured: an all-reduce, and products. */
static void make_tables(const struct place *place)
{
    FILE *table = make_table(place, "kernels", "aic_h200_sxm_vllm0.24.0_custom_allreduce.csv",
                             "kernel_source,backend,num_gpus,message_size,latency\n");
    for (int size = 128; size <= 2048; size *= 2)
        fprintf(table, "x,vllm_graph,4,%d,1.0\n", size);
    fclose(table);
    table =
        make_table(place, "tables", "h100_gemm.csv", "kernel_source,gemm_dtype,m,n,k,latency\n");
    for (int m = 1; m <= 4096; m *= 2)
        for (int n = 1024; n <= 8192; n *= 2)
            fprintf(table, "x,bfloat16,%d,%d,4096,%g\n", m, n, 0.005 + 1e-12 * m * n * 4096.0 * 3);
    fclose(table);
}

static void prepare(const struct command *command, const struct place *place)
{
    folder_empty(place->folder);
    char *copies = strdup(command->copies != NULL ? command->copies : ""), *rest = copies;
    for (char *name; (name = strtok_r(rest, " ", &rest)) != NULL;)
        file_copy(place->stock, place->folder, name);
    free(copies);
}

static void run(const struct options *options, const struct place *place, char *const *argv,
                const struct disturbance *disturbance, struct run_end *end)
{
    const struct program program = { options->shim, place->folder, place->streams, argv,
                                     options->limit_s };
    if (!tracer_run(&program, disturbance, end))
        exit(77);
}

/* ---- one command ---- */

/* All of it. */
struct campaign {
    struct options options;
    struct place place;
    uint32_t combinations; /* of commands, kinds and effects so far */
    uint64_t tried, faults;
};

/* A command that is disturbed. */
struct subject {
    char *argv[WORDS_MOST];
    struct reference reference;
};

static char *content_of(const struct place *place, const struct command *command)
{
    char path[1200], fault[256];
    if (command->database == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/%s", place->folder, command->database);
    char *content = database_content(path, fault, sizeof fault);
    if (content == NULL) {
        fprintf(stderr, "%s: %s: %s\n", command->name, path, fault);
        exit(1);
    }
    return content;
}

static void begin_subject(const struct campaign *campaign, const struct command *command,
                          struct subject *subject)
{
    const struct disturbance none = { 0 };
    const struct place *place = &campaign->place;
    struct reference *reference = &subject->reference;
    words_split(campaign->options.program, command->words, place->stock, campaign->options.root,
                subject->argv);
    prepare(command, place);
    run(&campaign->options, place, subject->argv, &none, &reference->end);
    if (reference->end.signal != 0 || reference->end.timed_out || reference->end.code > 1) {
        char *text = file_text(place->streams, "stderr", NULL);
        fprintf(stderr, "%s undisturbed: exit code %d, signal %d: %s\n", command->name,
                reference->end.code, reference->end.signal, text);
        exit(1);
    }
    reference->command = command;
    files_read(place->folder, &reference->files);
    reference->printed = file_text(place->streams, "stdout", NULL);
    reference->content = content_of(place, command);
}

static void end_subject(struct subject *subject)
{
    files_free(&subject->reference.files);
    free(subject->reference.printed);
    free(subject->reference.content);
    words_free(subject->argv);
}

static void say(const struct campaign *campaign, const struct subject *subject,
                const struct disturbance *disturbance, enum verdict verdict, const char *fault)
{
    static const char *const verdicts[] = { "as ever", "refused", "stopped", "FAULT" };
    if (verdict != VERDICT_FAULT && !campaign->options.verbose)
        return;
    char *text =
        campaign->options.verbose ? file_text(campaign->place.streams, "stderr", NULL) : NULL;
    printf("%s: %s %s %s %u: %s %s\n", verdicts[verdict], subject->reference.command->name,
           call_kinds[disturbance->kind].name, disturbance->effect->name, disturbance->nth, fault,
           text != NULL ? text : "");
    free(text);
    fflush(stdout);
}

static void try_one(struct campaign *campaign, const struct subject *subject,
                    const struct disturbance *disturbance, struct tally *tally)
{
    const struct place *place = &campaign->place;
    struct run_end end;
    struct again again = { place->folder, subject->argv };
    char fault[512] = "";
    prepare(subject->reference.command, place);
    run(&campaign->options, place, subject->argv, disturbance, &end);
    const struct trial trial = { &subject->reference, disturbance, &end,  place->folder,
                                 place->streams,      run_again,   &again };
    enum verdict verdict = judge(&trial, fault, sizeof fault);
    tally->tried++;
    tally->as_ever += verdict == VERDICT_AS_EVER;
    tally->refused += verdict == VERDICT_REFUSED;
    tally->stopped += verdict == VERDICT_STOPPED;
    tally->faults += verdict == VERDICT_FAULT;
    campaign->tried++;
    campaign->faults += verdict == VERDICT_FAULT;
    say(campaign, subject, disturbance, verdict, fault);
}

/* The i-th of `most` that are spread over all that are reached, the first and last among them. */
static uint32_t spread(const struct options *options, uint32_t i, uint32_t most, uint32_t reached)
{
    uint64_t nth = 1 + (most > 1 ? (uint64_t)i * (reached - 1) / (most - 1) : (reached - 1) / 2);
    if (options->most > 0 && i + 1 < most && i > 0)
        nth += options->first % ((reached + most - 1) / most);
    return (uint32_t)nth;
}

static void try_effect(struct campaign *campaign, const struct subject *subject, uint32_t kind,
                       const struct effect *effect)
{
    const struct options *options = &campaign->options;
    struct tally tally = { .reached = subject->reference.end.reached[kind] };
    uint32_t most =
        options->most > 0 && options->most < tally.reached ? options->most : tally.reached;
    if (options->share > 1 && campaign->combinations++ % options->share != 0)
        return;
    for (uint32_t i = 0; i < (options->nth > 0 ? 1 : most); i++) {
        uint32_t nth = options->nth > 0 ? options->nth : spread(options, i, most, tally.reached);
        struct disturbance disturbance = { kind, nth, effect };
        if (nth <= tally.reached)
            try_one(campaign, subject, &disturbance, &tally);
    }
    if (tally.tried > 0)
        printf("%-14s %-7s %-8s %6u reached %6u tried %6u as ever %6u refused %5u stopped %5u "
               "faults\n",
               subject->reference.command->name, call_kinds[kind].name, effect->name, tally.reached,
               tally.tried, tally.as_ever, tally.refused, tally.stopped, tally.faults);
    fflush(stdout);
}

static void try_command(struct campaign *campaign, const struct command *command)
{
    struct subject subject = { 0 };
    begin_subject(campaign, command, &subject);
    for (uint32_t kind = 0; kind < call_kind_count; kind++)
        for (const struct effect *effect = call_kinds[kind].effects; effect->name != NULL; effect++)
            if (is_wanted(call_kinds[kind].name, campaign->options.kind) &&
                is_wanted(effect->name, campaign->options.effect))
                try_effect(campaign, &subject, kind, effect);
    end_subject(&subject);
}

/* ---- the program ---- */

static void usage(void)
{
    fputs("usage: failures REPRISE SHIM ROOT [--command A,B] [--kind A,B] [--effect A,B] [--most "
          "N] [--nth N]\n"
          "                [--first N] [--share N] [--limit SECONDS] [--list] [--verbose]\n",
          stderr);
    exit(2);
}

static void parse(int argc, char **argv, struct options *options)
{
    if (argc < 4)
        usage();
    *options =
        (struct options){ .program = argv[1], .shim = argv[2], .root = argv[3], .limit_s = 30 };
    for (int i = 4; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(name, "--list") == 0)
            options->list = true;
        else if (strcmp(name, "--verbose") == 0)
            options->verbose = true;
        else if (value == NULL)
            usage();
        else if (strcmp(name, "--command") == 0)
            options->command = argv[++i];
        else if (strcmp(name, "--kind") == 0)
            options->kind = argv[++i];
        else if (strcmp(name, "--effect") == 0)
            options->effect = argv[++i];
        else if (strcmp(name, "--most") == 0)
            options->most = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (strcmp(name, "--nth") == 0)
            options->nth = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (strcmp(name, "--first") == 0)
            options->first = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (strcmp(name, "--share") == 0)
            options->share = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (strcmp(name, "--limit") == 0)
            options->limit_s = strtod(argv[++i], NULL);
        else
            usage();
    }
}

static void make_place(struct place *place)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(place->base, sizeof place->base, "%.480s/reprise-failures-XXXXXX",
             temporary != NULL ? temporary : "/tmp");
    if (mkdtemp(place->base) == NULL)
        exit(1);
    snprintf(place->stock, sizeof place->stock, "%s/stock", place->base);
    snprintf(place->folder, sizeof place->folder, "%s/folder", place->base);
    snprintf(place->streams, sizeof place->streams, "%s/streams", place->base);
    mkdir(place->stock, 0700);
    mkdir(place->folder, 0700);
    mkdir(place->streams, 0700);
}

int main(int argc, char **argv)
{
    struct campaign campaign = { 0 };
    parse(argc, argv, &campaign.options);
    if (campaign.options.list) {
        for (uint32_t i = 0; i < command_count; i++)
            printf("%-14s %s\n", commands[i].name, commands[i].words);
        return 0;
    }
    make_place(&campaign.place);
    make_stock(&campaign.options, &campaign.place);
    make_tables(&campaign.place);
    for (uint32_t i = 0; i < command_count; i++)
        if (is_wanted(commands[i].name, campaign.options.command))
            try_command(&campaign, &commands[i]);
    folder_empty(campaign.place.base);
    rmdir(campaign.place.base);
    printf("%llu tried, %llu faults\n", (unsigned long long)campaign.tried,
           (unsigned long long)campaign.faults);
    return campaign.faults > 0 || campaign.tried == 0;
}
