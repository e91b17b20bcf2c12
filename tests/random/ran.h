/* tests/random/ran.h - runs a program once, in a folder, with bounds of time, under surroundings
 * that nothing may depend on; keeps what it said. */
#ifndef REPRISE_TESTS_RANDOM_RAN_H
#define REPRISE_TESTS_RANDOM_RAN_H

#include <stdbool.h>
#include <stdint.h>

/* What no result may depend on. */
struct surroundings {
    const char *threads; /* what -j takes */
    const char *locale;  /* LC_ALL */
    const char *zone;    /* TZ */
};

struct ran {
    int code;        /* of its exit; when it died, minus the signal */
    bool is_late;    /* it died of its bound */
    double cpu_s;    /* its own, and that of programs which it ran */
    uint64_t peak_bytes;
    char *out, *err; /* owned; '\0' at their ends, which is not counted */
    uint64_t out_bytes, err_bytes;
};

/* A locale whose decimal point is a comma: the machine's, or made in the folder for this process and
 * those that it starts. NULL: this machine can do neither. */
const char *ran_comma_locale(const char *folder);

/* words: its name first, NULL last. Ends this process where it cannot start one. */
struct ran ran_program(const char *program, const char *const *words, const char *folder,
                       const struct surroundings *around, double bound_s);
void ran_free(struct ran *ran);

/* A file's content, owned, '\0' behind it; NULL: it cannot be read. */
char *ran_read(const char *folder, const char *name, uint64_t *bytes);

/* The folder is new, and the process's own, and goes with all that is in it. */
char *ran_folder(void);
void ran_remove(const char *folder);
void ran_empty(const char *folder);

#endif
