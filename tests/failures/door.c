/* tests/failures/door.c - see door.h. The kernel sends SIGSYS in place of a call; its handler makes
 * the call, or what it fails with, the call's result. x86-64: registers are the processor's.
 *
 * What is made below between door_begin and door_end is not watched. A call that cannot be made in
 * a handler, since its child returns on another stack or the handler's own frame is what it
 * returns to, is made from there once the handler is left: in a slot, which goes on behind the
 * call. A new thread first has itself watched there; a child process is not. */
#define _GNU_SOURCE /* REG_RIP */
#include "tests/failures/door.h"

#include "tests/failures/reach.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { DISK_BLOCK = 4096, SLOTS = 16, SLOT_BYTES = 128, KERNEL_CALLS_MOST = 512 };
enum { CLONE_OF_THREAD = 0x10000, DISPATCH = 59, DISPATCH_ON = 1 }; /* the kernel's */

/* Unwinding knows door_restore for a signal's frame by its bytes. */
__asm__(".text\n.balign 16\n"
        "door_begin:\n"
        "door_call:\n"
        "mov %rdi,%rax\nmov %rsi,%rdi\nmov %rdx,%rsi\nmov %rcx,%rdx\nmov %r8,%r10\n"
        "mov %r9,%r8\nmov 8(%rsp),%r9\nsyscall\nret\n"
        "door_restore:\n"
        ".byte 0x48,0xc7,0xc0,0x0f,0x00,0x00,0x00,0x0f,0x05\n"
        ".balign 128\n"
        "door_slots:\n"
        ".set slot,0\n"
        ".rept 16\n"
        "syscall\n"
        ".if slot % 2\n" /* odd ones: of threads */
        "test %rax,%rax\njnz 1f\n"
        "push %rdi\npush %rsi\npush %rdx\npush %r8\npush %r10\n"
        "mov $157,%eax\nmov $59,%edi\nmov $1,%esi\nlea door_begin(%rip),%rdx\n"
        "mov $door_end-door_begin,%r10d\nxor %r8d,%r8d\nsyscall\n"
        "pop %r10\npop %r8\npop %rdx\npop %rsi\npop %rdi\nxor %eax,%eax\n1:\n"
        ".endif\n"
        "jmp *(door_returns+8*slot)(%rip)\n"
        ".balign 128\n"
        ".set slot,slot+1\n"
        ".endr\n"
        "door_end:\n");
extern const char door_begin[] __attribute__((visibility("hidden")));
extern const char door_end[] __attribute__((visibility("hidden")));
extern const char door_slots[] __attribute__((visibility("hidden")));
extern const char door_restore[] __attribute__((visibility("hidden")));
long door_call(long number, long a, long b, long c, long d, long e, long f)
    __attribute__((visibility("hidden")));
/* Where each slot goes on: behind the call that is made there. */
__attribute__((visibility("hidden"), used)) _Atomic(int64_t) door_returns[SLOTS];

/* Written by door_open(), before threads. */
static struct failures_page *watched;
static uint8_t kind_of[KERNEL_CALLS_MOST];

/* ---- a call that fails ---- */

/* The third argument of read(), write() and their like is how much: bytes, or pieces of a list. */
static void shorten(greg_t *registers)
{
    uint64_t memory = (uint64_t)registers[REG_RSI], count = (uint64_t)registers[REG_RDX];
    uint64_t fewer = (count + 1) / 2;
    /* Direct I/O, which a disk gives by blocks alone. */
    if (memory % DISK_BLOCK == 0 && count % DISK_BLOCK == 0)
        fewer = (fewer + DISK_BLOCK - 1) / DISK_BLOCK * DISK_BLOCK;
    registers[REG_RDX] = (greg_t)fewer;
}

/* Standard error is no file on the disk that is full, and the only place where that can be told; an
 * eventfd is a number in the kernel, which no disk fails. */
static bool is_spared(long number, long descriptor)
{
    bool writes = number == SYS_write || number == SYS_writev;
    if (!writes && number != SYS_read)
        return false;
    static const char anonymous[] = "anon_inode:";
    char link[64], target[sizeof anonymous] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", (int)descriptor);
    long length =
        door_call(SYS_readlink, (long)link, (long)target, (long)sizeof target - 1, 0, 0, 0);
    return (writes && descriptor == STDERR_FILENO) ||
           (length > 0 && strcmp(target, anonymous) == 0);
}

static void signal_myself(int signal_number)
{
    door_call(SYS_kill, door_call(SYS_getpid, 0, 0, 0, 0, 0, 0), signal_number, 0, 0, 0, 0);
}

/* The call's result, where it is not made. A close() that fails has closed: Linux says why, and
 * the descriptor is gone. */
static bool fails(greg_t *registers, long number, long *result)
{
    switch (watched->failing.effect) {
    case EFFECT_ERROR:
        if (number == SYS_close)
            door_call(number, registers[REG_RDI], 0, 0, 0, 0, 0);
        *result = -watched->failing.error;
        return true;
    case EFFECT_SHORT:
        shorten(registers);
        return false;
    case EFFECT_KILL:
        signal_myself(SIGKILL);
        return false;
    case EFFECT_INTERRUPT:
        signal_myself(SIGINT);
        return false;
    default:
        return false;
    }
}

/* ---- calls that are not made in a handler ---- */

static uint64_t bit_of(int signal_number)
{
    return UINT64_C(1) << (signal_number - 1);
}

/* The mask that counts is what the handler returns to. SIGSYS is never blocked: its end would be
 * the program's. */
static long set_mask(ucontext_t *context, long how, const uint64_t *set, uint64_t *before)
{
    uint64_t mask, change = set != NULL ? *set & ~bit_of(SIGSYS) : 0;
    memcpy(&mask, &context->uc_sigmask, sizeof mask);
    if (before != NULL)
        *before = mask;
    if (set != NULL)
        mask = how == SIG_BLOCK ? mask | change : how == SIG_UNBLOCK ? mask & ~change : change;
    memcpy(&context->uc_sigmask, &mask, sizeof mask);
    return 0;
}

/* As the kernel has it. */
struct kernel_action {
    uintptr_t handler;
    unsigned long flags;
    uintptr_t restorer;
    uint64_t mask;
};

static long set_action(const greg_t *registers)
{
    struct kernel_action action;
    const struct kernel_action *wanted = (const void *)registers[REG_RSI];
    if (registers[REG_RDI] == SIGSYS)
        return 0;
    if (wanted != NULL) {
        action = *wanted;
        action.mask &= ~bit_of(SIGSYS);
    }
    return door_call(SYS_rt_sigaction, registers[REG_RDI], (long)(wanted != NULL ? &action : NULL),
                     registers[REG_RDX], registers[REG_R10], 0, 0);
}

static bool makes_thread(const greg_t *registers, long number)
{
    if (number == SYS_clone)
        return (registers[REG_RDI] & CLONE_OF_THREAD) != 0;
    return number == SYS_clone3 && (*(const int64_t *)registers[REG_RDI] & CLONE_OF_THREAD) != 0;
}

static void make_behind(greg_t *registers, long number)
{
    for (uint32_t i = makes_thread(registers, number); i < SLOTS; i += 2) {
        int64_t taken = 0;
        if (atomic_load(&door_returns[i]) == registers[REG_RIP] ||
            atomic_compare_exchange_strong(&door_returns[i], &taken, registers[REG_RIP]) ||
            taken == registers[REG_RIP]) {
            registers[REG_RIP] = (greg_t)(door_slots + i * SLOT_BYTES);
            return;
        }
    }
    signal_myself(SIGABRT);
}

static void make(ucontext_t *context, long number)
{
    greg_t *registers = context->uc_mcontext.gregs;
    if (number == SYS_rt_sigreturn)
        registers[REG_RIP] = (greg_t)door_restore;
    else if (number == SYS_clone || number == SYS_clone3 || number == SYS_fork ||
             number == SYS_vfork)
        make_behind(registers, number);
    else if (number == SYS_rt_sigprocmask)
        registers[REG_RAX] = set_mask(context, registers[REG_RDI], (const void *)registers[REG_RSI],
                                      (void *)registers[REG_RDX]);
    else if (number == SYS_rt_sigaction)
        registers[REG_RAX] = set_action(registers);
    else
        registers[REG_RAX] =
            door_call(number, registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
                      registers[REG_R10], registers[REG_R8], registers[REG_R9]);
}

/* ---- the door ---- */

static void on_call(int signal_number, siginfo_t *info, void *data)
{
    ucontext_t *context = data;
    greg_t *registers = context->uc_mcontext.gregs;
    long number = info->si_syscall, result;
    int kept = errno;
    uint32_t kind = number >= 0 && number < KERNEL_CALLS_MOST ? kind_of[number] : call_kind_count;
    (void)signal_number;
    if (kind < call_kind_count && !is_spared(number, registers[REG_RDI]) && reach(watched, kind) &&
        fails(registers, number, &result))
        registers[REG_RAX] = result;
    else
        make(context, number);
    errno = kept;
}

bool door_open(struct failures_page *page)
{
    watched = page;
    for (uint32_t number = 0; number < KERNEL_CALLS_MOST; number++)
        kind_of[number] = (uint8_t)call_kind_of(number);
    const struct kernel_action action = { (uintptr_t)on_call,
                                          SA_SIGINFO | SA_NODEFER | 0x04000000 /* SA_RESTORER */,
                                          (uintptr_t)door_restore, 0 };
    const uint64_t mask = bit_of(SIGSYS);
    return door_call(SYS_rt_sigaction, SIGSYS, (long)&action, 0, sizeof mask, 0, 0) == 0 &&
           door_call(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&mask, 0, sizeof mask, 0, 0) == 0 &&
           door_call(SYS_prctl, DISPATCH, DISPATCH_ON, (long)door_begin, door_end - door_begin, 0,
                     0) == 0;
}
