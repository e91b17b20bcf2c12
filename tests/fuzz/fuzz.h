/* tests/fuzz/fuzz.h - what is fuzzed: one target for each parser that reads what a stranger may have written.
 *
 * A target takes any bytes and returns; what it reads must be read or refused, within bounds of time and memory,
 * and leave nothing behind. Who calls it: libFuzzer or AFL++ (libfuzzer.c), or the program that replays the corpus
 * in every build and damages it a little (replay.c). One program has all targets, since they share the parsers. */
#ifndef REPRISE_TESTS_FUZZ_FUZZ_H
#define REPRISE_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

struct fuzz_target {
    const char *name;       /* also of its folder in corpus/ */
    const char *dictionary; /* a file in dictionaries/, without .dict; NULL: its bytes have no words */
    void (*run)(const struct fuzz_target *target, const uint8_t *bytes, size_t size);
    const void *about; /* what run() tells the targets of one kind apart by */
};

/* Those of one file, ended by one without a name. */
extern const struct fuzz_target fuzz_traces[], fuzz_configs[], fuzz_models[], fuzz_tables[],
    fuzz_weights[], fuzz_stores[], fuzz_messages[], fuzz_texts[], fuzz_pages[];

/* Calls visit for each target. */
void fuzz_targets(void (*visit)(const struct fuzz_target *target, void *context), void *context);
/* NULL: there is none of that name. */
const struct fuzz_target *fuzz_target_named(const char *name);

/* Says what was found and where, and aborts: for what a parser gives that breaks its contract. */
#define FUZZ_EXPECT(condition)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fuzz_broken(__FILE__, __LINE__, #condition);                                           \
    } while (0)
_Noreturn void fuzz_broken(const char *file, int line, const char *condition);

#endif
