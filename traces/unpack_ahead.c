/* traces/unpack_ahead.c - see unpack_ahead.h. The file is the thread's from its start to its end;
 * what both see are the pieces, a ring, each of them one's or the other's. */
#include "traces/unpack_ahead.h"

#include "base/memory.h"
#include "traces/unpack.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 4, STACK_BYTES = 1 << 19 }; /* zstd and zlib need some tens of KiB */

/* What one unpack_read() gave. */
struct piece {
    char *bytes;
    size_t size;
    enum status status;
    struct error err;
    double progress;
};

/* Invariant: piece[first .. first + filled), modulo PIECES, are the reader's, all others the
 * thread's. */
struct unpack_ahead {
    struct unpack *unpack; /* while there is a thread: the thread's */
    uint64_t given_bytes;
    double progress;
    bool tried, has_thread;
    pthread_t thread;
    struct piece piece[PIECES];
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    uint32_t first, filled;
    bool closing;
};

enum status unpack_ahead_open(const char *path, struct unpack_ahead **out, struct error *err)
{
    struct unpack *unpack;
    if (unpack_open(path, &unpack, err) != STATUS_OK)
        return err->status;
    *out = memory_new(1, sizeof **out);
    (*out)->unpack = unpack;
    return STATUS_OK;
}

/* ---- the thread ---- */

/* The next piece to fill; NULL: nobody will read it. */
static struct piece *wait_for_room(struct unpack_ahead *ahead)
{
    struct piece *piece = NULL;
    pthread_mutex_lock(&ahead->lock);
    while (ahead->filled == PIECES && !ahead->closing)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    if (!ahead->closing)
        piece = &ahead->piece[(ahead->first + ahead->filled) % PIECES];
    pthread_mutex_unlock(&ahead->lock);
    return piece;
}

static void hand_over(struct unpack_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->filled++;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
}

/* Ends behind the piece that is the file's end, or an error. */
static void *unpack_pieces(void *argument)
{
    struct unpack_ahead *ahead = argument;
    struct piece *piece;
    bool more = true;
    while (more && (piece = wait_for_room(ahead)) != NULL) {
        piece->status =
            unpack_read(ahead->unpack, piece->bytes, UNPACK_PIECE_BYTES, &piece->size, &piece->err);
        piece->progress = unpack_progress(ahead->unpack);
        more = piece->status == STATUS_OK && piece->size > 0;
        hand_over(ahead);
    }
    return NULL;
}

/* Signals are for the threads that were there. */
static bool start_thread(struct unpack_ahead *ahead)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    sigfillset(&all);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool started = pthread_create(&ahead->thread, &attributes, unpack_pieces, ahead) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

/* A thread that cannot be started is done without. */
static void try_thread(struct unpack_ahead *ahead)
{
    ahead->tried = true;
    for (int i = 0; i < PIECES; i++)
        ahead->piece[i].bytes = memory_new(UNPACK_PIECE_BYTES, 1);
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    ahead->has_thread = start_thread(ahead);
}

static void end_thread(struct unpack_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->closing = true;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
    pthread_join(ahead->thread, NULL);
}

void unpack_ahead_close(struct unpack_ahead *ahead)
{
    if (ahead == NULL)
        return;
    if (ahead->has_thread)
        end_thread(ahead);
    if (ahead->tried) {
        pthread_cond_destroy(&ahead->changed);
        pthread_mutex_destroy(&ahead->lock);
    }
    for (int i = 0; i < PIECES; i++)
        free(ahead->piece[i].bytes);
    unpack_close(ahead->unpack);
    free(ahead);
}

/* ---- the reader ---- */

static const struct piece *wait_for_piece(struct unpack_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    while (ahead->filled == 0)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    pthread_mutex_unlock(&ahead->lock);
    return &ahead->piece[ahead->first];
}

static void give_back(struct unpack_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->first = (ahead->first + 1) % PIECES;
    ahead->filled--;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
}

/* The last piece stays: who asks again is told again. */
static enum status take_piece(struct unpack_ahead *ahead, char *into, size_t *got,
                              struct error *err)
{
    const struct piece *piece = wait_for_piece(ahead);
    enum status status = piece->status;
    *got = piece->size;
    memcpy(into, piece->bytes, piece->size);
    ahead->progress = piece->progress;
    if (status != STATUS_OK && err->status == STATUS_OK)
        *err = piece->err;
    if (status == STATUS_OK && piece->size > 0)
        give_back(ahead);
    return status;
}

enum status unpack_ahead_read(struct unpack_ahead *ahead, char *into, size_t *got,
                              struct error *err)
{
    if (!ahead->tried && ahead->given_bytes >= UNPACK_ALONE_BYTES && unpack_packed(ahead->unpack))
        try_thread(ahead);
    if (ahead->has_thread)
        return take_piece(ahead, into, got, err);
    enum status status = unpack_read(ahead->unpack, into, UNPACK_PIECE_BYTES, got, err);
    ahead->given_bytes += *got;
    ahead->progress = unpack_progress(ahead->unpack);
    return status;
}

double unpack_ahead_progress(const struct unpack_ahead *ahead)
{
    return ahead->progress;
}
