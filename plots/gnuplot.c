/* plots/gnuplot.c - see gnuplot.h. */
#include "plots/gnuplot.h"

#include "base/memory.h"
#include "plots/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *gnuplot_program(void)
{
    const char *program = getenv("GNUPLOT");
    return program != NULL && *program != '\0' ? program : "gnuplot";
}

/* ---- starting ---- */

/* What of a user's own settings would make another picture, or have gnuplot look for parts of
 * itself elsewhere; fonts are left as they are set. */
static bool is_gnuplots(const char *variable)
{
    static const char *const beginnings[] = { "GNUPLOT", "GNUTERM=", "GNUHELP=", "FIT_", "PAGER=" };
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(variable, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

/* The environment without those, for the caller to free; its texts are environ's. */
static char **plain_environment(void)
{
    size_t count = 0, kept = 0;
    while (environ[count] != NULL)
        count++;
    char **plain = memory_new(count + 1, sizeof *plain);
    for (size_t i = 0; i < count; i++)
        if (!is_gnuplots(environ[i]))
            plain[kept++] = environ[i];
    return plain;
}

struct start {
    const char *folder;
    char *const *argv, *const *environment;
    int log; /* a descriptor */
};

/* In the child, where only async-signal-safe calls may be made; returns errno where it fails. */
static int become_gnuplot(const struct start *start)
{
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(start->log, STDOUT_FILENO) < 0 ||
        dup2(start->log, STDERR_FILENO) < 0 || chdir(start->folder) != 0)
        return errno;
    signal(SIGXFSZ, SIG_DFL); /* gnuplot passes over failing writes, but not over this */
    confine_drawing(start->folder);
    execvpe(start->argv[0], start->argv, start->environment);
    return errno;
}

/* Waits until the child has become gnuplot (then `told` is closed, empty) or says why not. */
static int failure_of(int told)
{
    int failure = 0;
    ssize_t bytes;
    do
        bytes = read(told, &failure, sizeof failure);
    while (bytes < 0 && errno == EINTR);
    return bytes == (ssize_t)sizeof failure ? failure : 0;
}

/* *child is set where 0 is returned, else errno is. */
static int fork_gnuplot(const struct start *start, pid_t *child)
{
    int told[2];
    if (pipe2(told, O_CLOEXEC) != 0)
        return errno;
    *child = fork();
    if (*child == 0) {
        int failure = become_gnuplot(start);
        (void)!write(told[1], &failure, sizeof failure);
        _exit(127);
    }
    int failure = *child < 0 ? errno : 0;
    close(told[1]);
    if (failure == 0)
        failure = failure_of(told[0]);
    close(told[0]);
    if (failure != 0 && *child > 0)
        waitpid(*child, NULL, 0);
    return failure;
}

static enum status start(const char *folder, const char *script, const char *log, pid_t *child,
                         struct error *err)
{
    /* -d: neither the system's settings, nor the user's, nor the folder's. */
    char *argv[] = { (char *)gnuplot_program(), (char *)"-d", (char *)script, NULL };
    char **environment = plain_environment();
    struct start start = { folder, argv, environment,
                           open(log, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) };
    int failure = start.log < 0 ? errno : fork_gnuplot(&start, child);
    if (start.log >= 0)
        close(start.log);
    free(environment);
    if (failure != 0)
        return error_io(err, argv[0], "start gnuplot (Debian: apt install gnuplot-nox)",
                        strerror(failure));
    return STATUS_OK;
}

/* ---- ending ---- */

/* gnuplot says where and what in its last line that is not blank: "LINE: undefined variable: x". */
static void read_last_words(const char *log, char *words, size_t words_bytes)
{
    FILE *file = fopen(log, "r");
    if (file == NULL)
        return;
    char line[512];
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        const char *text = line + strspn(line, " \t");
        if (*text != '\0')
            snprintf(words, words_bytes, "%s", text);
    }
    fclose(file);
}

static enum status finish(pid_t child, const char *log, struct error *err)
{
    int how = 0;
    pid_t ended;
    do
        ended = waitpid(child, &how, 0);
    while (ended < 0 && errno == EINTR);
    if (ended == child && WIFEXITED(how) && WEXITSTATUS(how) == 0)
        return STATUS_OK;
    char words[256] = "it said nothing";
    if (ended == child && WIFSIGNALED(how))
        snprintf(words, sizeof words, "%s", strsignal(WTERMSIG(how)));
    read_last_words(log, words, sizeof words);
    return error_io(err, gnuplot_program(), "draw", words);
}

enum status gnuplot_run(const char *folder, const char *script, const char *log, struct error *err)
{
    pid_t child = -1;
    enum status status = start(folder, script, log, &child, err);
    return status == STATUS_OK ? finish(child, log, err) : status;
}
