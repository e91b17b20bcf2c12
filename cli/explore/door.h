/* cli/explore/door.h - HTTP on loopback, for one's own browser alone: who may ask, how much, and what is
 * sent along with every answer. What is asked and answered is the caller's: asks.h.
 *
 * The address holds a token of 128 random bits; without it nothing is answered (403). Host must be this
 * machine's loopback address with the port, or localhost, so that no name that was pointed here gets in;
 * Origin, where there is one, too, so that no other page asks in its reader's name; neither may stand there twice. A body is JSON, of
 * DOOR_BODY_MOST bytes at most. Each connection has a thread, in which it is answered: who dawdles keeps nobody
 * waiting, and is put out after a while; only while an answer is made may nothing move. */
#ifndef REPRISE_CLI_EXPLORE_DOOR_H
#define REPRISE_CLI_EXPLORE_DOOR_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DOOR_BODY_MOST = 65536, DOOR_ADDRESS_BYTES = 96 };

/* Texts are the door's, until the answer is given. */
struct door_ask {
    bool post;        /* else it is GET */
    const char *path; /* behind the token and its slash: "" for the page itself */
    const char *body; /* ended by a NUL that is not counted; "" with GET */
    size_t body_bytes;
    /* Whether who asked has gone, so that nobody waits for the answer; from the thread that answers. NULL: cannot be
     * told. */
    bool (*is_gone)(const void *asker);
    const void *asker;
};

struct door_answer {
    unsigned status; /* of HTTP */
    const char *type; /* "text/html; charset=utf-8" */
    const char *bytes;
    size_t size;
    char *owned; /* freed when sent: what bytes points to, or NULL where that stays */
};

struct door_config {
    uint16_t port; /* 0: any that is free */
    unsigned idle_seconds; /* after which who neither sends nor takes anything is put out; 0: 15 */
    struct door_answer (*answer)(void *context, const struct door_ask *ask); /* from several threads */
    void *context;
};

struct door;

/* Answers from now on. STATUS_IO: the port is taken, no random numbers. */
enum status door_open(const struct door_config *config, struct door **door, struct error *err);

/* "http://127.0.0.1:PORT/TOKEN/"; the door's. */
const char *door_address(const struct door *door);

/* Waits for the answers under way: have them end first. NULL is fine. */
void door_close(struct door *door);

#endif
