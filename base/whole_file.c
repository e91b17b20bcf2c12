/* base/whole_file.c - see whole_file.h. */
#define _GNU_SOURCE /* O_TMPFILE, fopencookie() */
#include "base/whole_file.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/read_end.h"
#include "base/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FILES "/proc/self/fd"

enum { NAMES_MOST = 100 };

/* Where the stream's bytes go. */
struct sink {
    int descriptor, failure; /* the first errno; 0: none */
};

/* A stream forgets why it could not write; and it is not to give up where a signal came between. */
static ssize_t sink_write(void *cookie, const char *bytes, size_t count)
{
    struct sink *sink = cookie;
    size_t done = 0;
    while (done < count) {
        ssize_t written = write(sink->descriptor, bytes + done, count - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0 && sink->failure == 0)
            sink->failure = written < 0 ? errno : ENOSPC;
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    return done == count ? (ssize_t)count : 0;
}

static void forget(struct whole_file *file)
{
    scratch_file_gone(file->listed);
    free(file->path);
    free(file->beside);
    free(file->sink);
    *file = (struct whole_file){ .listed = -1 };
}

/* ---- creating ---- */

/* In path's folder, without a name: it is gone with the process, however that ends. -1: this file
 * system has none such, or there is no way to give it a name later. */
static int create_nameless(const char *path)
{
    char *folder = path_folder(path);
    int descriptor =
        access(OPEN_FILES, X_OK) == 0 ? open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666) : -1;
    free(folder);
    return descriptor;
}

/* What nobody can lay out all of. */
static void choose_name(struct whole_file *file, int tries)
{
    unsigned char random[6] = { 0 };
    char *end = file->beside + strlen(file->path) + 1;
    (void)getentropy(random, sizeof random); /* without it: the first that is free */
    for (size_t i = 0; i < sizeof random; i++)
        end[i] = (char)('a' + (random[i] + (i == 0 ? tries : 0)) % 26);
}

/* From here on until release_signals() none ends the process in this thread, nor does another
 * thread's end come between: a name would be left. */
static void hold_signals(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, before);
}

static void release_signals(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* make: 0, or -1 and errno. The name is of no other file. */
static int make_beside(struct whole_file *file, int (*make)(const struct whole_file *file))
{
    int made = -1;
    errno = EEXIST;
    for (int tries = 0; made < 0 && errno == EEXIST && tries < NAMES_MOST; tries++) {
        choose_name(file, tries);
        file->listed = scratch_file_moves(file->beside);
        made = make(file);
        if (made < 0) {
            int reason = errno;
            scratch_file_gone(file->listed);
            file->listed = -1;
            errno = reason;
        }
    }
    return made;
}

static int open_beside(const struct whole_file *file)
{
    return open(file->beside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
}

static int create_beside(struct whole_file *file)
{
    sigset_t before;
    hold_signals(&before);
    int descriptor = make_beside(file, open_beside);
    if (descriptor >= 0)
        scratch_file_stands(file->listed);
    release_signals(&before);
    return descriptor;
}

static enum status create(struct whole_file *file, struct error *err)
{
    static const cookie_io_functions_t functions = { .write = sink_write };
    int descriptor = create_nameless(file->path);
    file->nameless = descriptor >= 0;
    if (descriptor < 0)
        descriptor = create_beside(file);
    if (descriptor < 0)
        return error_io(err, file->path, "create", strerror(errno));
    file->sink = memory_new(1, sizeof *file->sink);
    file->sink->descriptor = descriptor;
    file->out = fopencookie(file->sink, "wb", functions);
    if (file->out != NULL)
        return STATUS_OK;
    error_io(err, file->path, "create", strerror(errno));
    close(descriptor);
    if (!file->nameless)
        unlink(file->beside);
    return STATUS_IO;
}

/* ---- what is not replaced ---- */

/* What a shell leads there would be lost; and /dev/stdout itself is such a link. */
static bool is_standard_stream(const struct stat *file)
{
    struct stat stream;
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++)
        if (fstat(descriptor, &stream) == 0 && stream.st_dev == file->st_dev &&
            stream.st_ino == file->st_ino)
            return true;
    return false;
}

static bool is_database(const char *path)
{
    static const char begins[] = "SQLite format 3"; /* and its 0 */
    char found[sizeof begins];
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    bool is = read(descriptor, found, sizeof found) == (ssize_t)sizeof found &&
              memcmp(found, begins, sizeof found) == 0;
    close(descriptor);
    return is;
}

static enum status check_place(const char *path, struct error *err)
{
    struct stat facts;
    if (*path == '\0')
        return error_io(err, path, "create", "its name is empty");
    if (stat(path, &facts) != 0)
        return STATUS_OK;
    if (!S_ISREG(facts.st_mode))
        return error_io(err, path, "create", "it is there, and no file");
    if (is_standard_stream(&facts))
        return error_io(err, path, "create",
                        "it is this process's standard input, output or error");
    if (is_database(path))
        return error_io(err, path, "create", "it is there, and a database");
    return STATUS_OK;
}

enum status whole_file_open(struct whole_file *file, const char *path, struct error *err)
{
    *file = (struct whole_file){ .listed = -1 };
    if (check_place(path, err) != STATUS_OK)
        return err->status;
    size_t bytes = strlen(path) + sizeof ".XXXXXX";
    file->path = memory_text(path);
    file->beside = memory_new(bytes, 1);
    snprintf(file->beside, bytes, "%s.XXXXXX", path);
    enum status status = create(file, err);
    if (status != STATUS_OK)
        forget(file);
    return status;
}

/* ---- taking its place ---- */

static int link_beside(const struct whole_file *file)
{
    char open_file[sizeof OPEN_FILES + 16];
    snprintf(open_file, sizeof open_file, OPEN_FILES "/%d", file->sink->descriptor);
    return linkat(AT_FDCWD, open_file, AT_FDCWD, file->beside, AT_SYMLINK_FOLLOW);
}

/* Some file systems tell only now that there was no room. */
static bool close_descriptor(struct whole_file *file, struct error *err)
{
    bool closed = close(file->sink->descriptor) == 0;
    if (!closed)
        error_io(err, file->path, "write", strerror(errno));
    return closed;
}

static void take_place(struct whole_file *file, struct error *err)
{
    sigset_t before;
    hold_signals(&before);
    bool named = !file->nameless || make_beside(file, link_beside) == 0;
    if (!named)
        error_io(err, file->path, "create", strerror(errno));
    if (close_descriptor(file, err) && named && rename(file->beside, file->path) != 0)
        error_io(err, file->path, "create", strerror(errno));
    if (named && err->status != STATUS_OK)
        unlink(file->beside);
    scratch_file_gone(file->listed);
    file->listed = -1;
    release_signals(&before);
}

static void give_up(struct whole_file *file)
{
    close(file->sink->descriptor);
    if (!file->nameless)
        unlink(file->beside);
}

enum status whole_file_close(struct whole_file *file, struct error *err)
{
    if (file->out == NULL)
        return err->status;
    fclose(file->out);
    if (file->sink->failure != 0)
        error_io(err, file->path, "write", strerror(file->sink->failure));
    if (err->status == STATUS_OK)
        check_place(file->path, err); /* again: much can have been written there meanwhile */
    if (err->status == STATUS_OK)
        take_place(file, err);
    else
        give_up(file);
    forget(file);
    return err->status;
}

void whole_file_abandon(struct whole_file *file)
{
    if (file->out == NULL)
        return;
    fclose(file->out);
    give_up(file);
    forget(file);
}

enum status whole_file_check(const char *path, struct error *err)
{
    struct whole_file file;
    if (whole_file_open(&file, path, err) == STATUS_OK)
        whole_file_abandon(&file);
    return err->status;
}

static void copy_bytes(FILE *in, FILE *out)
{
    char part[65536];
    size_t bytes;
    while ((bytes = fread(part, 1, sizeof part, in)) > 0 && !ferror(in))
        if (fwrite(part, 1, bytes, out) != bytes)
            return; /* the file remembers */
}

enum status whole_file_copy(const char *from, const char *path, struct error *err)
{
    struct whole_file file;
    FILE *in = fopen(from, "rb");
    if (in == NULL)
        return error_io(err, from, "read", strerror(errno));
    if (whole_file_open(&file, path, err) != STATUS_OK) {
        fclose(in);
        return err->status;
    }
    copy_bytes(in, file.out);
    read_end(in, from, err);
    return whole_file_close(&file, err);
}
