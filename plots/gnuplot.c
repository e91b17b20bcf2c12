/* plots/gnuplot.c - see gnuplot.h. */
#include "plots/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *gnuplot_program(void)
{
    const char *program = getenv("GNUPLOT");
    return program != NULL && *program != '\0' ? program : "gnuplot";
}

/* Starts gnuplot with one argument; standard output and error go to the end of the file log. */
static enum status start(const char *argument, const char *log, pid_t *child, struct error *err)
{
    char *argv[] = { (char *)gnuplot_program(), (char *)argument, NULL };
    posix_spawn_file_actions_t actions;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log,
                                              O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    if (rc == 0)
        rc = posix_spawnp(child, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (rc != 0)
        return error_io(err, argv[0], "start gnuplot (Debian: apt install gnuplot-nox)",
                        strerror(rc));
    return STATUS_OK;
}

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
    read_last_words(log, words, sizeof words);
    return error_io(err, gnuplot_program(), "draw", words);
}

enum status gnuplot_run(const char *script, const char *log, struct error *err)
{
    pid_t child;
    enum status status = start(script, log, &child, err);
    return status == STATUS_OK ? finish(child, log, err) : status;
}
