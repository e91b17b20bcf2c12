/* base/module.h - parts of this program that are files of their own, since they bring libraries that
 * few commands want (CUDA's, MPI's): opened when they are wanted. A module lies beside the program,
 * or where the build left it; never where the environment or the current folder says.
 * Others' libraries: library.h. */
#ifndef REPRISE_BASE_MODULE_H
#define REPRISE_BASE_MODULE_H

#include "base/error.h"

/* What a module is: it defines one of these by the name of reprise_module, and nothing else of it is
 * seen from outside. */
struct module {
    const char *stamp; /* of the headers that both sides were built with: reprise_module() of CMake */
    const void *door;  /* what it offers, by one of those headers */
};

/* Gives the door of the module NAME.so, which stays for the life of the process; asked again, the
 * same. STATUS_IO: it is not there, cannot be loaded, is another's (its owner is neither the
 * program's nor root), or is of another build (its stamp differs). */
enum status module_open(const char *name, const char *stamp, const void **door, struct error *err);

#endif
