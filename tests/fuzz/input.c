/* tests/fuzz/input.c - see input.h. */
#define _GNU_SOURCE /* memfd_create */
#include "tests/fuzz/input.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PATH_BYTES = 160 };

/* The file in memory, and the folder of names: each process has one, and none is a parser's. */
static struct {
    int file;
    char path[64];
    char folder[64], named[PATH_BYTES], standing[PATH_BYTES], fresh[PATH_BYTES];
} place = { .file = -1 };

static void give_up(const char *what)
{
    perror(what);
    abort();
}

const char *input_path(const uint8_t *bytes, size_t size)
{
    if (place.file < 0) {
        place.file = memfd_create("fuzz", MFD_CLOEXEC);
        if (place.file < 0)
            give_up("memfd_create");
        snprintf(place.path, sizeof place.path, "/proc/self/fd/%d", place.file);
    }
    if (pwrite(place.file, bytes, size, 0) != (ssize_t)size ||
        ftruncate(place.file, (off_t)size) != 0)
        give_up("write input");
    return place.path;
}

static void remove_file(const char *path)
{
    static const char *const endings[] = { "", "-wal", "-shm", "-journal" };
    char beside[PATH_BYTES + 16];
    for (size_t i = 0; path[0] != '\0' && i < sizeof endings / sizeof *endings; i++) {
        snprintf(beside, sizeof beside, "%s%s", path, endings[i]);
        unlink(beside);
    }
}

static void remove_folder(void)
{
    unlink(place.named);
    remove_file(place.standing);
    remove_file(place.fresh);
    rmdir(place.folder);
}

static void make_folder(void)
{
    if (place.folder[0] != '\0')
        return;
    snprintf(place.folder, sizeof place.folder, "%s/reprise-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(place.folder) == NULL)
        give_up(place.folder);
    atexit(remove_folder);
}

const char *input_named(const char *name, const uint8_t *bytes, size_t size)
{
    char path[sizeof place.named];
    const char *target = input_path(bytes, size);
    make_folder();
    snprintf(path, sizeof path, "%s/%s", place.folder, name);
    if (strcmp(path, place.named) != 0) {
        unlink(place.named);
        snprintf(place.named, sizeof place.named, "%s", path);
        if (symlink(target, path) != 0)
            give_up(path);
    }
    return place.named;
}

const char *input_file(const char *name, const uint8_t *bytes, size_t size)
{
    make_folder();
    remove_file(place.standing);
    snprintf(place.standing, sizeof place.standing, "%s/%s", place.folder, name);
    int file = open(place.standing, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size || close(file) != 0)
        give_up(place.standing);
    return place.standing;
}

const char *input_fresh(const char *name)
{
    make_folder();
    remove_file(place.fresh);
    snprintf(place.fresh, sizeof place.fresh, "%s/%s", place.folder, name);
    return place.fresh;
}

char *input_text(const uint8_t *bytes, size_t size)
{
    size_t length = strnlen((const char *)bytes, size);
    char *text = malloc(length + 1);
    if (text == NULL)
        give_up("malloc");
    memcpy(text, bytes, length);
    text[length] = '\0';
    return text;
}
