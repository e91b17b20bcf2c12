/* tests/random/ran.c - see ran.h. */
#define _XOPEN_SOURCE 700 /* nftw */
#define _DEFAULT_SOURCE   /* wait4 */
#include "tests/random/ran.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process that waits takes no CPU time: wall time, as a multiple of that. */
#define WALL_OVER_CPU 20.0
#define COMMA_LOCALE "de_DE.UTF-8"
enum { PATH_BYTES = 512 };

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(3);
}

/* ---- folders and files ---- */

char *ran_folder(void)
{
    const char *where = getenv("TMPDIR");
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/reprise-random-XXXXXX", where != NULL ? where : "/tmp");
    if (mkdtemp(path) == NULL)
        die(path);
    return memory_text(path);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static int remove_below(const char *path, const struct stat *info, int type, struct FTW *at)
{
    return at->level > 0 ? remove_one(path, info, type, at) : 0;
}

void ran_remove(const char *folder)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void ran_empty(const char *folder)
{
    nftw(folder, remove_below, 8, FTW_DEPTH | FTW_PHYS);
}

char *ran_read(const char *folder, const char *name, uint64_t *bytes)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    struct stat info;
    *bytes = 0;
    if (file == NULL || fstat(fileno(file), &info) != 0) {
        if (file != NULL)
            fclose(file);
        return NULL;
    }
    char *text = memory_new((size_t)info.st_size + 1, 1);
    *bytes = fread(text, 1, (size_t)info.st_size, file);
    fclose(file);
    return text;
}

/* ---- surroundings ---- */

/* Asked by a process of its own: the C library keeps what it found. */
static bool has_comma_locale(void)
{
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0)
        _exit(newlocale(LC_ALL_MASK, COMMA_LOCALE, (locale_t)0) != (locale_t)0 ? 0 : 1);
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

const char *ran_comma_locale(const char *folder)
{
    if (has_comma_locale())
        return COMMA_LOCALE;
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/" COMMA_LOCALE, folder);
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDERR_FILENO);
        execlp("localedef", "localedef", "-i", "de_DE", "-f", "UTF-8", path, (char *)NULL);
        _exit(127);
    }
    int status;
    waitpid(child, &status, 0);
    setenv("LOCPATH", folder, 1);
    if (has_comma_locale())
        return COMMA_LOCALE;
    unsetenv("LOCPATH");
    return NULL;
}

/* ---- one run ---- */

static void write_to(const char *folder, const char *name, int descriptor)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || dup2(file, descriptor) < 0)
        _exit(126);
    close(file);
}

static _Noreturn void be_the_child(const char *program, const char *const *words,
                                   const char *folder, const struct surroundings *around,
                                   double bound_s)
{
    const struct rlimit no_core = { 0, 0 }, cpu = { (rlim_t)bound_s + 1, (rlim_t)bound_s + 2 };
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_CPU, &cpu);
    alarm((unsigned)(WALL_OVER_CPU * bound_s) + 1);
    setenv("LC_ALL", around->locale, 1);
    setenv("TZ", around->zone, 1);
    write_to(folder, "out", STDOUT_FILENO);
    write_to(folder, "err", STDERR_FILENO);
    if (chdir(folder) == 0)
        execv(program, (char *const *)words);
    perror(program);
    _exit(126);
}

struct ran ran_program(const char *program, const char *const *words, const char *folder,
                       const struct surroundings *around, double bound_s)
{
    struct ran ran = { 0 };
    struct rusage usage;
    int status;
    fflush(NULL); /* or the child prints it again */
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0)
        be_the_child(program, words, folder, around, bound_s);
    while (wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR)
            die("wait4");
    ran.code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    ran.is_late = ran.code == -SIGXCPU || ran.code == -SIGALRM || ran.code == -SIGKILL;
    ran.cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    ran.peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    ran.out = ran_read(folder, "out", &ran.out_bytes);
    ran.err = ran_read(folder, "err", &ran.err_bytes);
    if (ran.out == NULL || ran.err == NULL || ran.code == 126)
        die("what a program said");
    return ran;
}

void ran_free(struct ran *ran)
{
    free(ran->out);
    free(ran->err);
    *ran = (struct ran){ 0 };
}
