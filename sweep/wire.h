/* sweep/wire.h - what ranks tell each other, as bytes. All ranks are the same program on machines
 * of one architecture, which the first message checks; so structs travel as they lie in memory, and
 * only what they point to is written out. Private to sweep/. */
#ifndef REPRISE_SWEEP_WIRE_H
#define REPRISE_SWEEP_WIRE_H

#include "sim/sim.h"
#include "sweep/runner.h"

#include <stddef.h>

enum message_kind { MESSAGE_HELLO, MESSAGE_WORK, MESSAGE_RESULT, MESSAGE_STOP };

struct message_head {
    uint32_t kind;  /* enum message_kind */
    uint32_t item;  /* WORK, RESULT: its number; HELLO: the rank's threads */
    uint64_t build; /* what must be equal in sender and receiver */
};

/* The same in all processes that may talk to each other. */
uint64_t wire_build(void);

struct work_message {
    struct message_head head;
    bool keep_series;
    struct experiment experiment;
};

/* A RESULT message of *outcome; the caller frees it. */
void *wire_pack(uint32_t item, const struct outcome *outcome, size_t *bytes);

/* Texts that unpacked results point to: few, and kept until the end. */
struct wire_texts {
    char **text;
    uint32_t count, capacity;
};
void wire_texts_free(struct wire_texts *texts);

/* Reads a RESULT message. false: it is cut short. *outcome is then untouched. */
bool wire_unpack(const void *message, size_t bytes, struct wire_texts *texts,
                 struct outcome *outcome);

#endif
