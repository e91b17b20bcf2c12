/* tests/fuzz/replay.c - runs the corpus through its targets, and damaged copies of it: what every
 * build does, with any compiler. libFuzzer's search is `fuzz` (docs/attacks.md).
 *
 *   fuzz_replay FOLDER [--target NAME] [--damaged N] [--seconds S] [--seed N] [--input FILE]
 *
 * FOLDER has corpus/ and dictionaries/. Every target's inputs are run, then up to N damaged ones of
 * each target, or as many as S seconds hold. What crashes, hangs or breaks a contract is named, and
 * kept as ./fuzz-found. */
#include "tests/fuzz/damage.h"
#include "tests/fuzz/fuzz.h"

#include "base/memory.h"
#include "base/units.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A parser that takes longer for some KB hangs; sanitizers and a busy machine are allowed for. */
enum { HANG_S = 30, ROOM_BYTES = 1 << 20, PATH_BYTES = 1024 };
/* Every so many, one is long. */
enum { STRETCHED_EACH = 64, STRETCHED_BYTES = 1 << 18 };

struct asked_for {
    const char *folder, *target, *input;
    uint64_t damaged, seed;
    double seconds;
};

struct seeds {
    struct input *input;
    uint32_t count, capacity;
};

struct replay {
    struct asked_for asked;
    uint64_t targets, inputs, damaged;
    bool failed;
};

/* ---- what is running, for when it does not come back ---- */

static struct {
    const char *target;
    const uint8_t *bytes;
    size_t size;
    uint64_t number; /* of the damaged input; 0: one of the corpus */
} running;

/* Of libasan, where it is linked. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void tell_running(void)
{
    FILE *file = fopen("fuzz-found", "wb");
    fprintf(stderr, "fuzz_replay: %s, ", running.target != NULL ? running.target : "no target");
    if (running.number > 0)
        fprintf(stderr, "damaged input %" PRIu64, running.number);
    else
        fprintf(stderr, "an input of the corpus");
    fprintf(stderr, ": kept as ./fuzz-found\n");
    if (file == NULL)
        return;
    fwrite(running.bytes, 1, running.size, file);
    fclose(file);
}

static void on_signal(int number)
{
    signal(number, SIG_DFL);
    fprintf(stderr, number == SIGALRM ? "fuzz_replay: hangs\n" : "fuzz_replay: crashes\n");
    tell_running();
    raise(number);
}

static void watch(void)
{
    signal(SIGALRM, on_signal);
    signal(SIGABRT, on_signal);
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(tell_running);
    else
        signal(SIGSEGV, on_signal);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / (double)NS_PER_S;
}

static void run(const struct fuzz_target *target, const struct input *input, uint64_t number)
{
    /* A copy of exactly that size: what is read behind it is seen. */
    uint8_t *bytes = memory_new(input->size, 1);
    if (input->size > 0)
        memcpy(bytes, input->bytes, input->size);
    running.target = target->name;
    running.bytes = bytes;
    running.size = input->size;
    running.number = number;
    alarm(HANG_S);
    target->run(target, bytes, input->size);
    alarm(0);
    free(bytes);
}

/* ---- the corpus ---- */

static bool read_input(const char *path, struct input *input)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    *input = (struct input){ .bytes = memory_new(ROOM_BYTES, 1), .room = ROOM_BYTES };
    input->size = fread(input->bytes, 1, ROOM_BYTES / 2, file);
    bool whole = feof(file) || fgetc(file) == EOF;
    fclose(file);
    return whole;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The folder's files by name, so that the same seed damages the same ones. */
static char **files_of(const char *folder, uint32_t *count)
{
    char **names = NULL;
    uint32_t capacity = 0;
    DIR *directory = opendir(folder);
    *count = 0;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        memory_grow(&names, &capacity, (uint64_t)*count + 1, sizeof *names);
        names[(*count)++] = memory_text(entry->d_name);
    }
    if (directory != NULL)
        closedir(directory);
    if (*count > 0)
        qsort(names, *count, sizeof *names, by_name);
    return names;
}

static bool read_seeds(const char *folder, struct seeds *seeds)
{
    char path[2 * PATH_BYTES];
    uint32_t count;
    char **names = files_of(folder, &count);
    bool good = true;
    for (uint32_t i = 0; i < count; i++) {
        memory_grow(&seeds->input, &seeds->capacity, (uint64_t)seeds->count + 1,
                    sizeof *seeds->input);
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        good = read_input(path, &seeds->input[seeds->count++]) && good;
        free(names[i]);
    }
    free(names);
    return good && count > 0;
}

static void free_seeds(struct seeds *seeds)
{
    for (uint32_t i = 0; i < seeds->count; i++)
        free(seeds->input[i].bytes);
    free(seeds->input);
}

/* ---- one target ---- */

static bool read_dictionary(const struct asked_for *asked, const struct fuzz_target *target,
                            struct dictionary *dictionary)
{
    char path[PATH_BYTES];
    if (target->dictionary == NULL)
        return true;
    snprintf(path, sizeof path, "%s/dictionaries/%s.dict", asked->folder, target->dictionary);
    return dictionary_read(path, dictionary);
}

static uint64_t run_damaged(const struct asked_for *asked, const struct fuzz_target *target,
                            const struct seeds *seeds, const struct dictionary *dictionary)
{
    struct random random = random_from(asked->seed, 0);
    struct input damaged = { .bytes = memory_new(ROOM_BYTES, 1), .room = ROOM_BYTES };
    double until = seconds_now() + asked->seconds;
    uint64_t number = 0;
    while (number < asked->damaged && (asked->seconds == 0 || seconds_now() < until)) {
        const struct input *from = &seeds->input[random_below(&random, seeds->count)];
        const struct input *other = &seeds->input[random_below(&random, seeds->count)];
        memcpy(damaged.bytes, from->bytes, from->size);
        damaged.size = from->size;
        damage(&damaged, other, dictionary, &random);
        if ((number + 1) % STRETCHED_EACH == 0)
            stretch(&damaged, STRETCHED_BYTES, &random);
        run(target, &damaged, ++number);
    }
    free(damaged.bytes);
    return number;
}

static void run_target(const struct fuzz_target *target, void *context)
{
    struct replay *replay = context;
    const struct asked_for *asked = &replay->asked;
    if (asked->target != NULL && strcmp(asked->target, target->name) != 0)
        return;
    char folder[PATH_BYTES];
    struct seeds seeds = { 0 };
    struct dictionary dictionary = { 0 };
    snprintf(folder, sizeof folder, "%s/corpus/%s", asked->folder, target->name);
    bool good = read_seeds(folder, &seeds) && read_dictionary(asked, target, &dictionary);
    double begun = seconds_now();
    for (uint32_t i = 0; good && i < seeds.count; i++)
        run(target, &seeds.input[i], 0);
    uint64_t damaged = good ? run_damaged(asked, target, &seeds, &dictionary) : 0;
    printf("%-24s %5" PRIu32 " inputs, %8" PRIu64 " damaged, %.2f s%s\n", target->name, seeds.count,
           damaged, seconds_now() - begun,
           good ? "" : ": no corpus, or its dictionary cannot be read");
    fflush(stdout);
    replay->targets++;
    replay->inputs += seeds.count;
    replay->damaged += damaged;
    replay->failed = replay->failed || !good;
    dictionary_free(&dictionary);
    free_seeds(&seeds);
}

/* ---- options ---- */

static bool read_option(struct asked_for *asked, const char *name, const char *value)
{
    double number = 0;
    if (strcmp(name, "--target") == 0) {
        asked->target = value;
        return fuzz_target_named(value) != NULL;
    }
    if (strcmp(name, "--input") == 0) {
        asked->input = value;
        return true;
    }
    if (strcmp(name, "--damaged") == 0)
        return units_whole(value, &asked->damaged);
    if (strcmp(name, "--seed") == 0)
        return units_whole(value, &asked->seed);
    bool good = strcmp(name, "--seconds") == 0 && units_parse(value, UNIT_PLAIN, &number);
    asked->seconds = number;
    return good;
}

static bool read_options(struct asked_for *asked, int argc, char **argv)
{
    asked->folder = argc > 1 ? argv[1] : NULL;
    for (int i = 2; i < argc; i += 2)
        if (i + 1 == argc || !read_option(asked, argv[i], argv[i + 1]))
            return false;
    return asked->folder != NULL && (asked->input == NULL || asked->target != NULL);
}

static int run_input(const struct asked_for *asked)
{
    struct input input;
    if (!read_input(asked->input, &input))
        return 2;
    run(fuzz_target_named(asked->target), &input, 0);
    free(input.bytes);
    return 0;
}

int main(int argc, char **argv)
{
    struct replay replay = { .asked = { .seed = 1 } };
    if (!read_options(&replay.asked, argc, argv)) {
        fprintf(stderr, "usage: fuzz_replay FOLDER [--target NAME [--input FILE]] [--damaged N] "
                        "[--seconds S] [--seed N]\n");
        return 2;
    }
    watch();
    if (replay.asked.input != NULL)
        return run_input(&replay.asked);
    fuzz_targets(run_target, &replay);
    printf("%" PRIu64 " targets, %" PRIu64 " inputs, %" PRIu64 " damaged\n", replay.targets,
           replay.inputs, replay.damaged);
    return replay.failed || replay.targets == 0 ? 1 : 0;
}
