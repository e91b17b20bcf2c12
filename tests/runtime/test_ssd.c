/* tests/runtime/test_ssd.c - the SSD tier's file: both engines, and a disk that fails. */
#define _DEFAULT_SOURCE /* syscall() */
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "runtime/ssd/ssd.h"
#include "tests/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

enum { BLOCK = 4096, BLOCKS = 64 };
static const enum ssd_engine engines[] = { SSD_ENGINE_AUTO, SSD_ENGINE_POSIX };

static struct ssd *open_ssd(struct ssd_config config)
{
    struct ssd *ssd = NULL;
    struct error err = { 0 };
    char path[64];
    snprintf(path, sizeof path, "/tmp/reprise-test-ssd-%d", (int)getpid());
    config.path = path;
    config.size_bytes = BLOCK * BLOCKS;
    config.depth = 8;
    ck_assert_msg(ssd_open(&config, &ssd, &err) == STATUS_OK, "%s: %s", err.expected, err.found);
    return ssd;
}

static char *aligned(uint32_t bytes)
{
    char *memory = aligned_alloc(SSD_ALIGNMENT, bytes);
    ck_assert_ptr_nonnull(memory);
    return memory;
}

/* Waits for that many results; returns the OR of their errors. */
static int take_all(struct ssd *ssd, uint32_t count)
{
    struct ssd_result results[BLOCKS];
    int errors = 0;
    for (uint32_t taken = 0; taken < count;) {
        uint32_t some = ssd_take(ssd, results, BLOCKS);
        for (uint32_t i = 0; i < some; i++)
            errors |= results[i].error;
        taken += some;
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    }
    return errors;
}

static int move_all(struct ssd *ssd, char *memory, bool write)
{
    for (uint32_t i = 0; i < BLOCKS; i++) {
        uint32_t block = i * 37 % BLOCKS;
        ssd_submit(ssd, &(struct ssd_request){ .offset = (uint64_t)block * BLOCK,
                                               .memory = memory + (uint64_t)block * BLOCK,
                                               .size_bytes = BLOCK,
                                               .write = write });
    }
    return take_all(ssd, BLOCKS);
}

static void round_trip(struct ssd_config config)
{
    struct ssd *ssd = open_ssd(config);
    char *out = aligned(BLOCK * BLOCKS), *in = aligned(BLOCK * BLOCKS);
    struct random random = random_from(test_seed(), 3);
    for (int i = 0; i < BLOCK * BLOCKS; i++)
        out[i] = (char)random_u64(&random);
    memset(in, 0, BLOCK * BLOCKS);
    ck_assert_int_eq(move_all(ssd, out, true), 0);
    ck_assert_int_eq(move_all(ssd, in, false), 0);
    ck_assert_mem_eq(in, out, BLOCK * BLOCKS);
    free(in);
    free(out);
    ssd_close(ssd);
}

START_TEST(what_was_written_is_read_back_bit_by_bit)
{
    round_trip((struct ssd_config){ .engine = engines[_i] });
    round_trip((struct ssd_config){ .engine = engines[_i], .write_first = true });
}
END_TEST

/* Half of what was asked, at first: the rest must be asked for again. */
static int64_t shorten(void *context, const struct ssd_request *request, int64_t result)
{
    (void)context;
    return result == (int64_t)request->size_bytes ? result / 2 : result;
}

START_TEST(memory_in_the_files_place_is_read_and_written_as_the_file_is)
{
    char *memory = aligned(BLOCK * BLOCKS);
    round_trip((struct ssd_config){ .memory = memory });
    round_trip((struct ssd_config){ .memory = memory, .fault = shorten });
    free(memory);
}
END_TEST

/* What one has written another reads: with the checksums that are kept beside it. */
START_TEST(several_share_the_memory)
{
    char *memory = aligned(BLOCK), *out = aligned(BLOCK), *in = aligned(BLOCK);
    uint64_t checksum = 0;
    struct ssd_config config = { .memory = memory, .size_bytes = BLOCK, .slice_bytes = BLOCK };
    struct ssd *writer = open_ssd(config), *reader = open_ssd(config);
    struct ssd_request request = {
        .memory = out, .size_bytes = BLOCK, .write = true, .checksums = &checksum
    };
    struct ssd_result result;
    memset(out, 3, BLOCK);
    for (int damaged = 0; damaged < 2; damaged++) {
        ssd_submit(writer, &request);
        while (ssd_take(writer, &result, 1) == 0)
            ;
        memory[5] ^= (char)damaged;
        struct ssd_request read = request;
        read.write = false;
        read.memory = in;
        ssd_submit(reader, &read);
        while (ssd_take(reader, &result, 1) == 0)
            ;
        ck_assert(result.error == 0 && result.damaged == (damaged == 1));
        ck_assert_int_eq(in[0], 3);
    }
    ssd_close(writer);
    ssd_close(reader);
    free(memory);
    free(out);
    free(in);
}
END_TEST

/* One after the other, each asked when the one before has come. */
START_TEST(a_request_of_a_held_lane_begins_a_latency_after_it_was_asked)
{
    char *memory = aligned(BLOCK), *in = aligned(BLOCK);
    struct ssd *ssd = open_ssd((struct ssd_config){
        .memory = memory, .size_bytes = BLOCK, .read_bytes_per_s = 1e12, .latency_ns = 5000000 });
    uint64_t begin_ns = clock_now_ns();
    for (int i = 0; i < 4; i++) {
        struct ssd_result result;
        ssd_submit(ssd, &(struct ssd_request){ .memory = in, .size_bytes = BLOCK });
        while (ssd_take(ssd, &result, 1) == 0)
            ;
    }
    ck_assert(clock_now_ns() - begin_ns >= 20000000);
    ssd_close(ssd);
    free(memory);
    free(in);
}
END_TEST

START_TEST(a_short_transfer_is_continued)
{
    round_trip((struct ssd_config){ .engine = engines[_i], .fault = shorten });
}
END_TEST

static int64_t fail_one(void *context, const struct ssd_request *request, int64_t result)
{
    return request->offset == 5 * BLOCK ? -(int64_t) * (int *)context : result;
}

START_TEST(an_error_of_the_disk_ends_the_request_with_its_number)
{
    static const int numbers[] = { EIO, ENOSPC };
    for (int n = 0; n < 2; n++) {
        int number = numbers[n];
        struct ssd *ssd = open_ssd((struct ssd_config){
            .engine = engines[_i], .fault = fail_one, .fault_context = &number });
        char *memory = aligned(BLOCK * BLOCKS);
        memset(memory, 1, BLOCK * BLOCKS);
        ck_assert_int_eq(move_all(ssd, memory, true), number);
        free(memory);
        ssd_close(ssd);
    }
}
END_TEST

/* Of all calls of this process from now on. false: the kernel has no such filters. */
static bool set_filter(struct sock_filter *rules, unsigned short count)
{
    struct sock_fprog filter = { .len = count, .filter = rules };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

/* From now on io_uring_enter() fails in every thread of this process. false: the kernel has no such
 * filters. */
static bool end_the_ring(uint32_t number)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | number),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return set_filter(rules, sizeof rules / sizeof *rules);
}

/* A process of its own, whose filter ends with it: 0, all that was asked has failed so; 1, not; 2,
 * cannot be tried. */
static int after_the_rings_end(uint32_t number)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        struct ssd *ssd = open_ssd((struct ssd_config){ .engine = SSD_ENGINE_AUTO });
        char *memory = aligned(BLOCK * BLOCKS), text[128];
        memset(memory, 1, BLOCK * BLOCKS);
        if (strstr(ssd_describe(ssd, text, sizeof text), "io_uring,") == NULL)
            _exit(2);
        bool moved = move_all(ssd, memory, true) == 0;
        if (!end_the_ring(number))
            _exit(2);
        bool refused = move_all(ssd, memory, false) == (int)number &&
                       move_all(ssd, memory, true) == (int)number;
        ssd_close(ssd);
        _exit(moved && refused ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* It took requests before; those behind are told as failed, and the lane ends. */
START_TEST(a_ring_that_takes_no_more_fails_what_is_asked)
{
    int code = after_the_rings_end(_i == 0 ? ENOSYS : EBADF);
    if (code == 2)
        printf("not tried: no io_uring, or no filter of its calls\n");
    ck_assert_int_ne(code, 1);
}
END_TEST

/* A file's flags cannot be asked for. */
static bool hide_flags(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_GETFL, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return set_filter(rules, sizeof rules / sizeof *rules);
}

/* Then it is read and written through the kernel's cache, and no other flag is set by the way. */
START_TEST(where_flags_cannot_be_asked_for_what_was_written_is_read_back)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        if (!hide_flags())
            _exit(0);
        struct ssd *ssd = open_ssd((struct ssd_config){ .engine = SSD_ENGINE_POSIX });
        char *out = aligned(BLOCK * BLOCKS), *in = aligned(BLOCK * BLOCKS);
        for (int i = 0; i < BLOCK * BLOCKS; i++)
            out[i] = (char)(i / BLOCK);
        bool moved = move_all(ssd, out, true) == 0 && move_all(ssd, in, false) == 0;
        _exit(moved && memcmp(in, out, BLOCK * BLOCKS) == 0 ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

/* ---- checksums ---- */

/* Changes one bit of block 9 when it is read, as a disk might. */
static int64_t damage_one(void *context, const struct ssd_request *request, int64_t result)
{
    (void)context;
    if (!request->write && request->offset / BLOCK == 9 / 2 * 2)
        ((char *)request->memory)[9 % 2 * BLOCK + 100] ^= 1;
    return result;
}

/* Requests of two blocks with a checksum of each; which of them were told to be damaged. */
static uint64_t damaged_pairs(struct ssd *ssd, char *memory, uint64_t *checksums, bool write)
{
    struct ssd_result results[BLOCKS];
    uint64_t damaged = 0;
    for (uintptr_t i = 0; i < BLOCKS / 2; i++)
        ssd_submit(ssd, &(struct ssd_request){ .offset = i * 2 * BLOCK,
                                               .memory = memory + i * 2 * BLOCK,
                                               .size_bytes = 2 * BLOCK,
                                               .write = write,
                                               .user = (void *)i,
                                               .checksums = checksums + 2 * i });
    for (uint32_t taken = 0; taken < BLOCKS / 2;) {
        uint32_t some = ssd_take(ssd, results, BLOCKS);
        for (uint32_t i = 0; i < some; i++) {
            ck_assert_int_eq(results[i].error, 0);
            damaged |= (uint64_t)results[i].damaged << (uintptr_t)results[i].user;
        }
        taken += some;
    }
    return damaged;
}

START_TEST(a_write_sets_a_checksum_of_each_slice_and_a_read_is_held_against_them)
{
    uint64_t checksums[BLOCKS] = { 0 };
    struct ssd *ssd = open_ssd(
        (struct ssd_config){ .engine = engines[_i], .slice_bytes = BLOCK, .fault = damage_one });
    char *memory = aligned(BLOCK * BLOCKS);
    for (int i = 0; i < BLOCKS; i++)
        memset(memory + (size_t)i * BLOCK, i, BLOCK);
    ck_assert_uint_eq(damaged_pairs(ssd, memory, checksums, true), 0);
    for (int i = 0; i < BLOCKS; i++)
        ck_assert_uint_eq(checksums[i], XXH3_64bits(memory + (size_t)i * BLOCK, BLOCK));
    ck_assert_uint_eq(damaged_pairs(ssd, memory, checksums, false), UINT64_C(1) << 9 / 2);
    free(memory);
    ssd_close(ssd);
}
END_TEST

/* ---- one slow request ---- */

/* Block 0 is not done until the others are: it is asked for again and again. */
static int64_t block_0_last(void *context, const struct ssd_request *request, int64_t result)
{
    atomic_int *left = context;
    if (request->offset == 0)
        return atomic_load(left) > 0 ? -EAGAIN : result;
    atomic_fetch_sub(left, 1);
    return result;
}

/* The place of block 0's result, of 8, when it was asked for first. */
static int place_of_slow(double bytes_per_s)
{
    enum { ASKED = 8 }; /* no more than are at the disk at once */
    atomic_int left = ASKED - 1;
    struct ssd_result results[ASKED];
    char text[96];
    struct ssd *ssd = open_ssd((struct ssd_config){
        .fault = block_0_last, .fault_context = &left, .read_bytes_per_s = bytes_per_s });
    char *memory = aligned(BLOCK * ASKED);
    int place = -1;
    if (strstr(ssd_describe(ssd, text, sizeof text), "io_uring,") == NULL)
        place = -2; /* one at a time */
    for (uintptr_t i = 0; i < ASKED && place != -2; i++)
        ssd_submit(ssd, &(struct ssd_request){ .offset = i * BLOCK,
                                               .memory = memory + i * BLOCK,
                                               .size_bytes = BLOCK,
                                               .user = (void *)i });
    for (uint32_t taken = 0; taken < ASKED && place != -2;) {
        uint32_t some = ssd_take(ssd, results, ASKED);
        for (uint32_t i = 0; i < some; i++)
            place = results[i].user == NULL ? (int)(taken + i) : place;
        taken += some;
    }
    free(memory);
    ssd_close(ssd);
    return place;
}

START_TEST(a_slow_request_holds_back_others_only_where_the_lane_is_held_to_a_rate)
{
    int place = place_of_slow(0.0);
    ck_assert(place == 7 || place == -2);
    place = place_of_slow(1e9);
    ck_assert(place == 0 || place == -2);
}
END_TEST

/* ---- where the file lies ---- */

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/reprise-test-ssd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static uint32_t names_in_folder(void)
{
    uint32_t count = 0;
    DIR *open = opendir(folder);
    ck_assert_ptr_nonnull(open);
    while (readdir(open) != NULL)
        count++;
    closedir(open);
    return count - 2; /* . and .. */
}

static enum status open_at(const char *path, struct ssd **ssd, struct error *err)
{
    struct ssd_config config = { .path = path, .size_bytes = BLOCK, .depth = 1 };
    *err = (struct error){ 0 };
    return ssd_open(&config, ssd, err);
}

/* So nothing stays, whenever and however the process ends. */
START_TEST(no_name_ever_leads_to_the_file)
{
    const char *const paths[] = { folder, in_folder("not-there") };
    for (int i = 0; i < 2; i++) {
        struct ssd *ssd;
        struct error err;
        ck_assert_int_eq(open_at(paths[i], &ssd, &err), STATUS_OK);
        ck_assert_uint_eq(names_in_folder(), 0);
        ssd_close(ssd);
        ck_assert_uint_eq(names_in_folder(), 0);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* A file, a link to it, a link to what is not there, a pipe. */
START_TEST(what_is_there_by_that_name_is_neither_used_nor_changed)
{
    static const char *const names[] = { "kept", "link", "loose", "pipe" };
    FILE *kept = fopen(in_folder("kept"), "w");
    fputs("mine", kept);
    fclose(kept);
    ck_assert_int_eq(symlink("kept", in_folder("link")), 0);
    ck_assert_int_eq(symlink("nowhere", in_folder("loose")), 0);
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ssd *ssd;
        struct error err;
        ck_assert_int_eq(open_at(in_folder(names[i]), &ssd, &err), STATUS_IO);
        ck_assert_str_eq(err.expected, "make the SSD tier's file");
        ck_assert_str_eq(err.found, "it is there, and is no folder");
        ck_assert_uint_eq(names_in_folder(), 4);
    }
    char text[8] = "";
    kept = fopen(in_folder("kept"), "r");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, kept));
    ck_assert_str_eq(text, "mine");
    fclose(kept);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(in_folder(names[i]));
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(a_disk_without_room_is_told_when_it_is_opened)
{
    struct ssd_config config = { .path = "/tmp/reprise-test-ssd-full",
                                 .size_bytes = UINT64_C(1) << 58,
                                 .depth = 1 };
    struct ssd *ssd;
    struct error err = { 0 };
    ck_assert_int_eq(ssd_open(&config, &ssd, &err), STATUS_IO);
    ck_assert_ptr_nonnull(strstr(err.expected, "reserve the SSD tier's"));
    ck_assert_int_ne(access(config.path, F_OK), 0); /* nothing is left behind */
}
END_TEST

START_TEST(a_lane_held_to_a_rate_takes_its_bytes_over_it)
{
    struct ssd *ssd = open_ssd(
        (struct ssd_config){ .engine = engines[_i], .read_bytes_per_s = BLOCK * BLOCKS * 20.0 });
    char *memory = aligned(BLOCK * BLOCKS);
    memset(memory, 1, BLOCK * BLOCKS);
    ck_assert_int_eq(move_all(ssd, memory, true), 0);
    uint64_t begin_ns = clock_now_ns();
    ck_assert_int_eq(move_all(ssd, memory, false), 0);
    ck_assert(clock_now_ns() - begin_ns >
              49000000); /* never faster; how much slower is the machine's */
    free(memory);
    ssd_close(ssd);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("ssd");
    TCase *tcase = tcase_create("file");
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, what_was_written_is_read_back_bit_by_bit, 0, 2);
    tcase_add_test(tcase, memory_in_the_files_place_is_read_and_written_as_the_file_is);
    tcase_add_test(tcase, several_share_the_memory);
    tcase_add_test(tcase, a_request_of_a_held_lane_begins_a_latency_after_it_was_asked);
    tcase_add_loop_test(tcase, a_short_transfer_is_continued, 0, 2);
    tcase_add_loop_test(tcase, an_error_of_the_disk_ends_the_request_with_its_number, 0, 2);
    tcase_add_loop_test(tcase, a_ring_that_takes_no_more_fails_what_is_asked, 0, 2);
    tcase_add_test(tcase, where_flags_cannot_be_asked_for_what_was_written_is_read_back);
    tcase_add_loop_test(
        tcase, a_write_sets_a_checksum_of_each_slice_and_a_read_is_held_against_them, 0, 2);
    tcase_add_test(tcase, a_slow_request_holds_back_others_only_where_the_lane_is_held_to_a_rate);
    tcase_add_test(tcase, a_disk_without_room_is_told_when_it_is_opened);
    tcase_add_loop_test(tcase, a_lane_held_to_a_rate_takes_its_bytes_over_it, 0, 2);
    suite_add_tcase(suite, tcase);
    TCase *place = tcase_create("place");
    tcase_add_checked_fixture(place, make_folder, NULL);
    tcase_add_test(place, no_name_ever_leads_to_the_file);
    tcase_add_test(place, what_is_there_by_that_name_is_neither_used_nor_changed);
    suite_add_tcase(suite, place);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
