/* tests/base/test_scratch.c - folders that are their process's alone, and go with it. */
#define _DEFAULT_SOURCE /* usleep() */
#include "base/scratch.h"

#include "base/memory.h"
#include "tests/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void put_file(const char *folder, int number)
{
    char path[SCRATCH_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/file-%d", folder, number);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
}

static void make(char folder[SCRATCH_PATH_BYTES])
{
    struct error err = { 0 };
    ck_assert_int_eq(scratch_make("test", folder, &err), STATUS_OK);
}

static bool is_there(const char *folder)
{
    return access(folder, F_OK) == 0;
}

START_TEST(nobody_else_may_look_into_it)
{
    char folder[SCRATCH_PATH_BYTES];
    struct stat facts;
    make(folder);
    ck_assert_int_eq(stat(folder, &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 07777, 0700);
    scratch_remove(folder);
}
END_TEST

/* More than one reading of the folder gives. */
START_TEST(it_is_removed_with_all_its_files)
{
    char folder[SCRATCH_PATH_BYTES];
    make(folder);
    for (int i = 0; i < 1000; i++)
        put_file(folder, i);
    scratch_remove(folder);
    ck_assert(!is_there(folder));
    scratch_remove(folder); /* again, and nothing at all */
    scratch_remove("");
}
END_TEST

START_TEST(what_is_no_scratch_folder_is_left_alone)
{
    char folder[] = "/tmp/test-scratch-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    put_file(folder, 1);
    scratch_remove(folder);
    ck_assert(is_there(folder));
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* Whoever put a link there would have files of another folder removed. */
START_TEST(a_link_in_its_place_is_not_followed)
{
    char folder[SCRATCH_PATH_BYTES], other[] = "/tmp/test-scratch-XXXXXX", command[512];
    make(folder);
    ck_assert_ptr_nonnull(mkdtemp(other));
    put_file(other, 1);
    ck_assert(rmdir(folder) == 0 && symlink(other, folder) == 0);
    scratch_remove(folder);
    snprintf(command, sizeof command, "rm %s/file-1 && rmdir %s && rm -f %s", other, other, folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

static void *write_on(void *argument)
{
    char path[SCRATCH_PATH_BYTES + 32];
    for (int i = 0; i < 2000; i++) {
        snprintf(path, sizeof path, "%s/late-%d", (const char *)argument, i);
        FILE *file = fopen(path, "w");
        if (file == NULL)
            break; /* the folder has gone */
        fclose(file);
    }
    return NULL;
}

START_TEST(one_into_which_somebody_still_writes_is_removed_all_the_same)
{
    char folder[SCRATCH_PATH_BYTES];
    pthread_t thread;
    make(folder);
    ck_assert_int_eq(pthread_create(&thread, NULL, write_on, folder), 0);
    usleep(2000);
    scratch_remove(folder);
    pthread_join(thread, NULL);
    ck_assert(!is_there(folder));
}
END_TEST

START_TEST(it_lies_in_the_folder_for_temporary_files)
{
    char folder[SCRATCH_PATH_BYTES], parent[SCRATCH_PATH_BYTES];
    struct error err = { 0 };
    make(parent);
    setenv("TMPDIR", parent, 1);
    make(folder);
    ck_assert(strncmp(folder, parent, strlen(parent)) == 0);
    scratch_remove(folder);
    scratch_remove(parent);
    ck_assert_int_eq(scratch_make("test", folder, &err), STATUS_IO);
    ck_assert_str_eq(folder, "");
    ck_assert(strncmp(err.file, parent, strlen(parent)) == 0);
}
END_TEST

START_TEST(so_many_at_once_that_no_more_are_given_is_an_error)
{
    static char folders[1000][SCRATCH_PATH_BYTES];
    struct error err = { 0 };
    int count = 0;
    while (count < 1000 && scratch_make("test", folders[count], &err) == STATUS_OK)
        count++;
    ck_assert_int_lt(count, 1000);
    ck_assert_int_ge(count, 32);
    scratch_remove_all();
    for (int i = 0; i < count; i++)
        ck_assert(!is_there(folders[i]));
}
END_TEST

static void *make_and_remove(void *argument)
{
    (void)argument;
    static char wrong;
    char folder[SCRATCH_PATH_BYTES];
    for (int i = 0; i < 200; i++) {
        struct error err = { 0 };
        if (scratch_make("test", folder, &err) != STATUS_OK)
            return &wrong;
        scratch_remove(folder);
    }
    return NULL;
}

START_TEST(threads_do_not_take_each_others_places)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, make_and_remove, NULL), 0);
    for (int i = 0; i < 8; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

START_TEST(the_end_of_memory_takes_it_along)
{
    char folder[SCRATCH_PATH_BYTES];
    make(folder);
    put_file(folder, 1);
    pid_t child = fork();
    if (child == 0)
        memory_exhausted();
    int how;
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert(WIFEXITED(how));
    ck_assert_int_eq(WEXITSTATUS(how), 3);
    ck_assert(!is_there(folder));
}
END_TEST

/* A file beside its place, and the place that it shall have. */
struct moving {
    char path[64], place[80];
};

static struct moving moving(void)
{
    struct moving moving;
    strcpy(moving.path, "/tmp/test-beside-XXXXXX");
    int file = mkstemp(moving.path);
    ck_assert_int_ge(file, 0);
    close(file);
    snprintf(moving.place, sizeof moving.place, "%s.place", moving.path);
    return moving;
}

START_TEST(a_file_that_stands_beside_its_place_goes_too)
{
    struct moving stands = moving(), gone = moving();
    scratch_file_stands(scratch_file_moves(stands.path));
    scratch_file_gone(scratch_file_moves(gone.path));
    scratch_remove_all();
    ck_assert(!is_there(stands.path));
    ck_assert(is_there(gone.path));
    unlink(gone.path);
}
END_TEST

static atomic_bool begun;

static void *move_slowly(void *argument)
{
    const struct moving *moving = argument;
    int file = scratch_file_moves(moving->path);
    atomic_store(&begun, true);
    usleep(50000);
    rename(moving->path, moving->place);
    scratch_file_gone(file);
    return NULL;
}

START_TEST(a_move_that_is_under_way_is_waited_for)
{
    struct moving slow = moving();
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, move_slowly, &slow), 0);
    while (!atomic_load(&begun))
        usleep(1000);
    scratch_remove_all();
    ck_assert(is_there(slow.place));
    ck_assert(!is_there(slow.path));
    pthread_join(thread, NULL);
    unlink(slow.place);
}
END_TEST

static void *move_late(void *argument)
{
    atomic_store(&begun, false);
    scratch_file_moves(argument);
    atomic_store(&begun, true);
    return NULL;
}

/* The thread waits for the end of the process. */
START_TEST(nobody_makes_a_file_once_the_process_ends)
{
    static char late[] = "/tmp/test-late";
    pthread_t thread;
    scratch_remove_all();
    ck_assert_int_eq(pthread_create(&thread, NULL, move_late, late), 0);
    usleep(50000);
    ck_assert(!atomic_load(&begun));
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/scratch");
    TCase *tcase = tcase_create("scratch");
    tcase_add_test(tcase, nobody_else_may_look_into_it);
    tcase_add_test(tcase, it_is_removed_with_all_its_files);
    tcase_add_test(tcase, what_is_no_scratch_folder_is_left_alone);
    tcase_add_test(tcase, a_link_in_its_place_is_not_followed);
    tcase_add_test(tcase, one_into_which_somebody_still_writes_is_removed_all_the_same);
    tcase_add_test(tcase, it_lies_in_the_folder_for_temporary_files);
    tcase_add_test(tcase, so_many_at_once_that_no_more_are_given_is_an_error);
    tcase_add_test(tcase, threads_do_not_take_each_others_places);
    tcase_add_test(tcase, the_end_of_memory_takes_it_along);
    tcase_add_test(tcase, a_file_that_stands_beside_its_place_goes_too);
    tcase_add_test(tcase, a_move_that_is_under_way_is_waited_for);
    tcase_add_test(tcase, nobody_makes_a_file_once_the_process_ends);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
