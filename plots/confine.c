/* plots/confine.c - see confine.h. Both are the kernel's own calls: nothing to be linked. */
#include "plots/confine.h"

#if defined(__linux__)
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#endif
#endif

#if defined(__x86_64__)
#define THIS_MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE AUDIT_ARCH_AARCH64
#endif

/* ---- no other program: seccomp ---- */

#if defined(__linux__) && defined(THIS_MACHINE)

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define REFUSE(number) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (number))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
/* The next instruction is for this call alone. */
#define FOR_CALL(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1)

/* Calls of another machine's numbering (32 bits; x32, whose numbers have bit 30) are refused whole.
 * clone3() has its flags in memory, where no filter can look: without it libraries take clone(). */
static const struct sock_filter no_program[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_MACHINE, 1, 0),
    REFUSE(EPERM),
    LOAD(nr),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, UINT32_C(1) << 30, 0, 1),
    REFUSE(EPERM),
#ifdef SYS_fork
    FOR_CALL(SYS_fork),
    REFUSE(EPERM),
#endif
#ifdef SYS_vfork
    FOR_CALL(SYS_vfork),
    REFUSE(EPERM),
#endif
    FOR_CALL(SYS_socket),
    REFUSE(EPERM),
#ifdef SYS_clone3
    FOR_CALL(SYS_clone3),
    REFUSE(ENOSYS),
#endif
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
    ALLOW,
    LOAD(args[0]), /* the flags: their lower half, machines being little-endian */
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
    ALLOW,
    REFUSE(EPERM),
};

static void start_no_program(void)
{
    const struct sock_fprog filter = { .len = sizeof no_program / sizeof *no_program,
                                       .filter = (struct sock_filter *)no_program };
    (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}

#else
static void start_no_program(void)
{
}
#endif

/* ---- no file elsewhere: Landlock ---- */

#if defined(__linux__) && defined(LANDLOCK_CREATE_RULESET_VERSION) &&                              \
    defined(SYS_landlock_create_ruleset)

#define WRITING                                                                                    \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                               \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static void allow_below(int rules, const char *path, uint64_t what)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = what,
                                               .parent_fd = open(path, O_PATH | O_CLOEXEC) };
    if (rule.parent_fd < 0)
        return;
    (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

static void write_only_below(const char *folder)
{
    struct landlock_ruleset_attr handled = { .handled_access_fs = WRITING };
    int rules =
        (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled.handled_access_fs, 0);
    if (rules < 0)
        return;
    allow_below(rules, folder, WRITING);
    allow_below(rules, "/dev/null", LANDLOCK_ACCESS_FS_WRITE_FILE);
    (void)syscall(SYS_landlock_restrict_self, rules, 0);
    close(rules);
}

#else
static void write_only_below(const char *folder)
{
    (void)folder;
}
#endif

void confine_drawing(const char *folder)
{
#if defined(__linux__)
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return;
#endif
    write_only_below(folder);
    start_no_program();
}
