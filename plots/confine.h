/* plots/confine.h - what the program that draws may do: nothing but draw. It starts no other program (gnuplot has system(),
 * backquotes and pipes), opens no socket and writes into one folder alone, whatever a script says; with gnuplot_text.h, which
 * lets no stranger's text into a script, that is the second of two locks. Private to plots/. */
#ifndef REPRISE_PLOTS_CONFINE_H
#define REPRISE_PLOTS_CONFINE_H

/* Confines the calling process and all that it becomes by exec: for a child, between fork() and exec(); calls nothing that
 * is not async-signal-safe. What this kernel does not know is left out: threads but no processes (seccomp, Linux on x86-64
 * and AArch64), writing into folder and /dev/null (Landlock, Linux 5.13). */
void confine_drawing(const char *folder);

#endif
