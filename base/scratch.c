/* base/scratch.c - see scratch.h. */
#define _GNU_SOURCE /* getdents64() */
#include "base/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FOLDERS_MOST = 64, REMOVALS_MOST = 1000, FILES_MOST = 64, FILE_PATH_BYTES = 4200 };
enum { WAITS_MOST = 1000 };

/* What scratch_remove_all() finds; global, since it is asked where nothing else can be reached. A
 * place is taken by its owner alone: free -> taken -> there -> free. */
enum place_state { PLACE_FREE, PLACE_TAKEN, PLACE_THERE };
static struct place {
    atomic_int state;
    char path[SCRATCH_PATH_BYTES];
} places[FOLDERS_MOST];

/* Likewise; free -> taken -> moves -> stands -> moves -> free. */
enum file_state { FILE_FREE, FILE_TAKEN, FILE_MOVES, FILE_STANDS };
static struct beside {
    atomic_int state;
    char path[FILE_PATH_BYTES];
} files[FILES_MOST];
static atomic_bool ending;

static struct place *take_place(void)
{
    for (int i = 0; i < FOLDERS_MOST; i++) {
        int expected = PLACE_FREE;
        if (atomic_compare_exchange_strong(&places[i].state, &expected, PLACE_TAKEN))
            return &places[i];
    }
    return NULL;
}

static enum status refuse(char path[SCRATCH_PATH_BYTES], const char *reason, struct error *err)
{
    enum status status = error_io(err, path, "create folder", reason);
    path[0] = '\0';
    return status;
}

enum status scratch_make(const char *what, char path[SCRATCH_PATH_BYTES], struct error *err)
{
    const char *temporary = getenv("TMPDIR");
    int length = snprintf(path, SCRATCH_PATH_BYTES, "%s/reprise-%s-XXXXXX",
                          temporary != NULL && *temporary != '\0' ? temporary : "/tmp", what);
    if (length < 0 || length >= SCRATCH_PATH_BYTES)
        return refuse(path, strerror(ENAMETOOLONG), err);
    struct place *place = take_place();
    if (place == NULL)
        return refuse(path, strerror(EMFILE), err);
    if (mkdtemp(path) == NULL) { /* for its owner alone */
        int reason = errno;
        atomic_store(&place->state, PLACE_FREE);
        return refuse(path, strerror(reason), err);
    }
    memcpy(place->path, path, SCRATCH_PATH_BYTES);
    atomic_store(&place->state, PLACE_THERE);
    return STATUS_OK;
}

/* By the kernel's own call: opendir() allocates. What is removed while it is read may hide an
 * entry, hence again until there is nothing to be seen. */
static void remove_files(int folder)
{
    _Alignas(struct dirent64) char entries[4096];
    ssize_t bytes;
    bool removed = true;
    while (removed) {
        removed = false;
        lseek(folder, 0, SEEK_SET);
        while ((bytes = getdents64(folder, entries, sizeof entries)) > 0)
            for (ssize_t at = 0; at < bytes;) {
                const struct dirent64 *entry =
                    (const struct dirent64 *)(const void *)(entries + at);
                removed |= entry->d_type != DT_DIR && unlinkat(folder, entry->d_name, 0) == 0;
                at += entry->d_reclen;
            }
    }
}

/* A program that was started to write into it may still do so: then again. */
static void remove_folder(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    for (int tries = 0; tries < REMOVALS_MOST; tries++) {
        if (folder >= 0)
            remove_files(folder);
        if (rmdir(path) == 0 || errno != ENOTEMPTY)
            break;
    }
    if (folder >= 0)
        close(folder);
}

void scratch_remove(const char *path)
{
    for (int i = 0; i < FOLDERS_MOST; i++)
        if (atomic_load(&places[i].state) == PLACE_THERE && strcmp(places[i].path, path) == 0) {
            remove_folder(path);
            atomic_store(&places[i].state, PLACE_FREE);
        }
}

/* ---- files ---- */

int scratch_file_moves(const char *path)
{
    size_t bytes = strlen(path) + 1;
    for (int i = 0; bytes <= FILE_PATH_BYTES && i < FILES_MOST; i++) {
        int expected = FILE_FREE;
        if (!atomic_compare_exchange_strong(&files[i].state, &expected, FILE_TAKEN))
            continue;
        memcpy(files[i].path, path, bytes);
        atomic_store(&files[i].state, FILE_MOVES);
        while (atomic_load(&ending)) { /* who ends it may not have seen this one */
            atomic_store(&files[i].state, FILE_FREE);
            pause();
        }
        return i;
    }
    return -1;
}

void scratch_file_stands(int file)
{
    if (file >= 0)
        atomic_store(&files[file].state, FILE_STANDS);
}

void scratch_file_gone(int file)
{
    if (file >= 0)
        atomic_store(&files[file].state, FILE_FREE);
}

/* Its thread is a few calls from its end, unless the disk is; then it is left. */
static void remove_file(struct beside *file)
{
    const struct timespec shortly = { .tv_nsec = 1000000 };
    for (int i = 0; i < WAITS_MOST && atomic_load(&file->state) == FILE_MOVES; i++)
        nanosleep(&shortly, NULL);
    if (atomic_load(&file->state) == FILE_STANDS)
        unlink(file->path);
}

void scratch_remove_all(void)
{
    atomic_store(&ending, true);
    for (int i = 0; i < FILES_MOST; i++)
        remove_file(&files[i]);
    for (int i = 0; i < FOLDERS_MOST; i++)
        if (atomic_load(&places[i].state) == PLACE_THERE)
            remove_folder(places[i].path);
}
