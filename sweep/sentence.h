/* sweep/sentence.h - a sentence that is put together in a text of fixed size: what does not fit is cut. Private to
 * sweep/. */
#ifndef REPRISE_SWEEP_SENTENCE_H
#define REPRISE_SWEEP_SENTENCE_H

#include <stddef.h>

struct sentence {
    char *text; /* the caller's */
    size_t bytes, length;
};

/* An empty one in `text`, of bytes > 0. */
struct sentence sentence_in(char *text, size_t bytes);
/* Adds to its end, as printf() does. */
__attribute__((format(printf, 2, 3))) void say(struct sentence *sentence, const char *format, ...);

#endif
