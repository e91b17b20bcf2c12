/* tests/failures/failures.c - `failures REPRISE SHIM ROOT [OPTIONS]`: each command, each kind of
 * call, each way to fail: a call from each place in the program, by each way into it, or all, or a
 * sample of these. See docs/attacks.md, "Every failure tried". */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "tests/failures/cases.h"
#include "tests/failures/commands.h"
#include "tests/failures/files.h"
#include "tests/failures/judge.h"
#include "tests/failures/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct options {
    const char *program, *shim, *root;
    const char *command, *kind, *effect; /* NULL: all */
    const char *known;                   /* commands whose stacks were tried before; NULL: none */
    struct choice choice;
    uint64_t stack; /* with --nth: the call on this stack; 0: of all */
    uint32_t share; /* of commands, kinds and effects, each share-th alone; 0: each */
    uint32_t jobs, depth;
    double limit_s;
    bool list, verbose;
};

struct place {
    char base[512], stock[560], folder[600], streams[600];
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

static bool is_known(const char *name, const struct options *options)
{
    return options->known != NULL && is_wanted(name, options->known);
}

static bool is_needed(const struct options *options, const char *made)
{
    for (uint32_t i = 0; i < command_count; i++)
        if ((is_wanted(commands[i].name, options->command) ||
             is_known(commands[i].name, options)) &&
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

static void run(const struct options *options, const struct place *place,
                const struct command *command, char *const *argv,
                const struct disturbance *disturbance, struct run_end *end, struct made_calls *made)
{
    const struct program program = { options->shim,    place->folder,    place->streams, argv,
                                     options->limit_s, command->visited, options->depth };
    if (!runner_run(&program, disturbance, end, made))
        exit(77);
}

/* ---- one command ---- */

/* All of it. */
struct campaign {
    struct options options;
    struct place place;
    uint32_t combinations; /* of commands, kinds and effects so far */
    uint64_t tried, faults;
    struct seen_stacks seen;
};

enum { GROUPS_MOST = 128 };

/* One kind of call of a command, and one way in which it fails: a line of the table. */
struct group {
    uint32_t kind, stacks, chosen;
    const struct effect *effect;
    atomic_uint tried, happened, as_ever, refused, stopped, faults;
};

struct case_of_group {
    struct disturbance disturbance;
    uint32_t group;
};

/* What processes that try the cases share. */
struct shared {
    atomic_uint next;
    struct group group[GROUPS_MOST];
};

/* A command that is disturbed. */
struct subject {
    char *argv[WORDS_MOST];
    struct reference reference;
    struct made_calls made;
    struct case_of_group *item;
    uint32_t count, groups;
    struct shared *shared;
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

/* In real time others may have disturbed it: again then. */
static void run_undisturbed(const struct campaign *campaign, const struct command *command,
                            struct subject *subject)
{
    const struct disturbance none = { 0 };
    const struct place *place = &campaign->place;
    struct run_end *end = &subject->reference.end;
    for (int tries = command->varies ? 5 : 1; tries > 0; tries--) {
        prepare(command, place);
        free(subject->made.call);
        run(&campaign->options, place, command, subject->argv, &none, end, &subject->made);
        if (end->code == 0)
            return;
    }
    char *text = file_text(place->streams, "stderr", NULL);
    fprintf(stderr, "%s undisturbed: exit code %d, signal %d: %s\n", command->name, end->code,
            end->signal, text);
    exit(1);
}

static void begin_subject(const struct campaign *campaign, const struct command *command,
                          struct subject *subject)
{
    const struct place *place = &campaign->place;
    struct reference *reference = &subject->reference;
    words_split(campaign->options.program, command->words, place->stock, campaign->options.root,
                subject->argv);
    run_undisturbed(campaign, command, subject);
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
    free(subject->made.call);
    free(subject->item);
    munmap(subject->shared, sizeof *subject->shared);
    words_free(subject->argv);
}

static void say_frames(FILE *out, const uint64_t *frames)
{
    fputs("\n    at", out);
    for (uint32_t i = 0; i < FRAMES_MOST && frames[i] != 0; i++)
        fprintf(out, " 0x%llx", (unsigned long long)frames[i]);
}

static void say(const struct campaign *campaign, const struct subject *subject,
                const struct trial *trial, enum verdict verdict, const char *fault)
{
    static const char *const verdicts[] = { "as ever", "refused", "stopped", "FAULT" };
    const struct disturbance *disturbance = trial->disturbance;
    if (verdict != VERDICT_FAULT && !campaign->options.verbose)
        return;
    char *text = campaign->options.verbose ? file_text(trial->streams, "stderr", NULL) : NULL;
    printf("%s: %s %s %s %u", verdicts[verdict], subject->reference.command->name,
           call_kinds[disturbance->kind].name, disturbance->effect->name, disturbance->nth);
    if (disturbance->stack != 0)
        printf(" --stack %llx", (unsigned long long)disturbance->stack);
    printf(": %s %s", fault, text != NULL ? text : "");
    if (verdict == VERDICT_FAULT)
        say_frames(stdout, trial->end->frames);
    putchar('\n');
    free(text);
    fflush(stdout);
}

static void try_one(const struct campaign *campaign, const struct subject *subject,
                    const struct place *place, const struct case_of_group *one)
{
    struct group *group = &subject->shared->group[one->group];
    struct run_end end;
    struct again again = { place->folder, subject->argv };
    char fault[512] = "";
    prepare(subject->reference.command, place);
    run(&campaign->options, place, subject->reference.command, subject->argv, &one->disturbance,
        &end, NULL);
    const struct trial trial = { &subject->reference, &one->disturbance, &end,  place->folder,
                                 place->streams,      run_again,         &again };
    enum verdict verdict = judge(&trial, fault, sizeof fault);
    atomic_fetch_add(&group->tried, 1);
    atomic_fetch_add(&group->happened, end.happened);
    atomic_fetch_add(&group->as_ever, verdict == VERDICT_AS_EVER);
    atomic_fetch_add(&group->refused, verdict == VERDICT_REFUSED);
    atomic_fetch_add(&group->stopped, verdict == VERDICT_STOPPED);
    atomic_fetch_add(&group->faults, verdict == VERDICT_FAULT);
    say(campaign, subject, &trial, verdict, fault);
}

static void add_group(struct campaign *campaign, struct subject *subject,
                      const struct effect *effect, const struct cases *cases, uint32_t kind)
{
    if (campaign->options.share > 1 && campaign->combinations++ % campaign->options.share != 0)
        return;
    struct group *group = &subject->shared->group[subject->groups];
    group->kind = kind;
    group->stacks = cases->stacks;
    group->chosen = cases->count;
    group->effect = effect;
    subject->item =
        realloc(subject->item, (subject->count + cases->count + 1) * sizeof *subject->item);
    if (subject->item == NULL)
        abort();
    for (uint32_t i = 0; i < cases->count; i++) {
        struct case_of_group *one = &subject->item[subject->count++];
        *one = (struct case_of_group){ cases->item[i], subject->groups };
        one->disturbance.effect = effect;
        if (campaign->options.stack != 0)
            one->disturbance.stack = campaign->options.stack;
    }
    subject->groups++;
}

static void choose(struct campaign *campaign, struct subject *subject)
{
    const struct options *options = &campaign->options;
    subject->shared = mmap(NULL, sizeof *subject->shared, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (subject->shared == MAP_FAILED)
        abort();
    for (uint32_t kind = 0; kind < call_kind_count; kind++) {
        if (!is_wanted(call_kinds[kind].name, options->kind))
            continue;
        struct cases cases;
        cases_choose(&subject->made, kind, &options->choice, &campaign->seen, &cases);
        for (const struct effect *effect = call_kinds[kind].effects; effect->name != NULL; effect++)
            if (is_wanted(effect->name, options->effect) && subject->groups < GROUPS_MOST)
                add_group(campaign, subject, effect, &cases, kind);
        cases_free(&cases);
    }
}

static void make_worker_place(const struct place *all, uint32_t number, struct place *place)
{
    *place = *all;
    snprintf(place->folder, sizeof place->folder, "%s/folder%u", all->base, number);
    snprintf(place->streams, sizeof place->streams, "%s/streams%u", all->base, number);
    mkdir(place->folder, 0700);
    mkdir(place->streams, 0700);
}

static _Noreturn void work(const struct campaign *campaign, const struct subject *subject,
                           uint32_t number)
{
    struct place place;
    make_worker_place(&campaign->place, number, &place);
    for (uint32_t i; (i = atomic_fetch_add(&subject->shared->next, 1)) < subject->count;)
        try_one(campaign, subject, &place, &subject->item[i]);
    fflush(stdout);
    _exit(0);
}

static void try_all(const struct campaign *campaign, const struct subject *subject)
{
    int how;
    fflush(stdout);
    for (uint32_t i = 0; i < campaign->options.jobs; i++)
        if (fork() == 0)
            work(campaign, subject, i);
    while (wait(&how) > 0)
        if (!WIFEXITED(how) || WEXITSTATUS(how) != 0)
            exit(WIFEXITED(how) ? WEXITSTATUS(how) : 1);
}

static void tell_group(struct campaign *campaign, const struct subject *subject,
                       struct group *group)
{
    if (group->tried == 0)
        return;
    printf("%-14s %-7s %-8s %6u reached %5u stacks %6u tried %6u happened %6u as ever %6u refused "
           "%5u stopped %5u faults\n",
           subject->reference.command->name, call_kinds[group->kind].name, group->effect->name,
           subject->reference.end.reached[group->kind], group->stacks, group->tried,
           group->happened, group->as_ever, group->refused, group->stopped, group->faults);
    campaign->tried += group->tried;
    campaign->faults += group->faults;
}

static void try_command(struct campaign *campaign, const struct command *command)
{
    struct subject subject = { 0 };
    begin_subject(campaign, command, &subject);
    choose(campaign, &subject);
    if (!is_known(command->name, &campaign->options))
        try_all(campaign, &subject);
    for (uint32_t i = 0; i < subject.groups; i++)
        tell_group(campaign, &subject, &subject.shared->group[i]);
    fflush(stdout);
    end_subject(&subject);
}

/* ---- the program ---- */

static void usage(void)
{
    fputs("usage: failures REPRISE SHIM ROOT [--command A,B] [--kind A,B] [--effect A,B] [--most "
          "N] [--first N]\n"
          "                [--each N] [--all] [--new [--known A,B]] [--nth N [--stack HASH]] "
          "[--depth N]\n"
          "                [--share N] "
          "[--jobs N] [--limit SECONDS] [--list] [--verbose]\n",
          stderr);
    exit(2);
}

struct word {
    const char *name;
    const char **text;
    uint32_t *number;
};

static bool take_word(const struct word *words, const char *name, const char *value)
{
    for (const struct word *word = words; word->name != NULL; word++) {
        if (strcmp(word->name, name) != 0)
            continue;
        if (word->text != NULL)
            *word->text = value;
        else
            *word->number = (uint32_t)strtoul(value, NULL, 10);
        return true;
    }
    return false;
}

/* It is run from elsewhere. */
static const char *whole_path(const char *path)
{
    const char *whole = realpath(path, NULL); /* as long as the program */
    if (whole == NULL) {
        perror(path);
        exit(2);
    }
    return whole;
}

static void parse(int argc, char **argv, struct options *options)
{
    if (argc < 4)
        usage();
    *options = (struct options){ .program = whole_path(argv[1]),
                                 .shim = whole_path(argv[2]),
                                 .root = whole_path(argv[3]),
                                 .jobs = 1,
                                 .choice.each = 1,
                                 .limit_s = 30 };
    const struct word words[] = { { "--command", &options->command, NULL },
                                  { "--kind", &options->kind, NULL },
                                  { "--effect", &options->effect, NULL },
                                  { "--known", &options->known, NULL },
                                  { "--most", NULL, &options->choice.most },
                                  { "--nth", NULL, &options->choice.nth },
                                  { "--first", NULL, &options->choice.first },
                                  { "--each", NULL, &options->choice.each },
                                  { "--share", NULL, &options->share },
                                  { "--jobs", NULL, &options->jobs },
                                  { "--depth", NULL, &options->depth },
                                  { NULL, NULL, NULL } };
    for (int i = 4; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(name, "--list") == 0)
            options->list = true;
        else if (strcmp(name, "--verbose") == 0)
            options->verbose = true;
        else if (strcmp(name, "--all") == 0)
            options->choice.each = 0;
        else if (strcmp(name, "--new") == 0)
            options->choice.fresh = true;
        else if (value == NULL)
            usage();
        else if (strcmp(name, "--limit") == 0)
            options->limit_s = strtod(argv[++i], NULL);
        else if (strcmp(name, "--stack") == 0)
            options->stack = strtoull(argv[++i], NULL, 16);
        else if (take_word(words, name, value))
            i++;
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
        if (is_wanted(commands[i].name, campaign.options.command) ||
            is_known(commands[i].name, &campaign.options))
            try_command(&campaign, &commands[i]);
    folder_empty(campaign.place.base);
    rmdir(campaign.place.base);
    seen_stacks_free(&campaign.seen);
    printf("%llu tried, %llu faults\n", (unsigned long long)campaign.tried,
           (unsigned long long)campaign.faults);
    return campaign.faults > 0 || campaign.tried == 0;
}
