/* tests/fuzz/targets.c - see fuzz.h: all targets, from every file's list. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fuzz_target *const lists[] = { fuzz_traces,   fuzz_configs, fuzz_models,
                                                   fuzz_tables,   fuzz_weights, fuzz_stores,
                                                   fuzz_messages, fuzz_texts,   fuzz_pages };

void fuzz_targets(void (*visit)(const struct fuzz_target *target, void *context), void *context)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const struct fuzz_target *target = lists[i]; target->name != NULL; target++)
            visit(target, context);
}

struct wanted {
    const char *name;
    const struct fuzz_target *found;
};

static void take_named(const struct fuzz_target *target, void *context)
{
    struct wanted *wanted = context;
    if (strcmp(target->name, wanted->name) == 0)
        wanted->found = target;
}

const struct fuzz_target *fuzz_target_named(const char *name)
{
    struct wanted wanted = { name, NULL };
    fuzz_targets(take_named, &wanted);
    return wanted.found;
}

/* Who runs out of memory ends the program (base/memory.h): the linker brings its _exit() here. An
 * input that is refused so would be told by nobody. */
_Noreturn void __wrap__exit(int code);
void __wrap__exit(int code)
{
    fprintf(stderr, "the program ended itself, with exit code %d\n", code);
    abort();
}

void fuzz_broken(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: what was read breaks its contract: %s\n", file, line, condition);
    abort();
}
