/* tests/fuzz/libfuzzer.c - the doors of libFuzzer and AFL++: REPRISE_FUZZ_TARGET says which parser
 * is fuzzed. */
#include "tests/fuzz/fuzz.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fuzz_target *chosen;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void print_name(const struct fuzz_target *target, void *context)
{
    fprintf(context, " %s", target->name);
}

/* `fuzz --dictionary TARGET` is asked by campaign. */
static int print_dictionary(const struct fuzz_target *target)
{
    if (target != NULL && target->dictionary != NULL)
        puts(target->dictionary);
    return target != NULL ? 0 : 2;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    if (*argc == 3 && strcmp((*argv)[1], "--dictionary") == 0)
        exit(print_dictionary(fuzz_target_named((*argv)[2])));
    /* Files are read through buffers so large that malloc would ask the kernel for them each time.
     */
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    const char *name = getenv("REPRISE_FUZZ_TARGET");
    chosen = name != NULL ? fuzz_target_named(name) : NULL;
    if (chosen != NULL)
        return 0;
    fprintf(stderr, "REPRISE_FUZZ_TARGET names one of");
    fuzz_targets(print_name, stderr);
    fprintf(stderr, "\n");
    exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    chosen->run(chosen, bytes, size);
    return 0;
}
