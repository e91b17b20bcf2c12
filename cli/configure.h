/* cli/configure.h - an experiment from a file, --set and the short options that stand for keys. */
#ifndef REPRISE_CLI_CONFIGURE_H
#define REPRISE_CLI_CONFIGURE_H

#include "cli/options.h"
#include "sim/sim.h"

/* path NULL: defaults. assignments ("key=value") are laid over it in order. */
enum status configure(const char *path, const struct text_list *assignments,
                      struct experiment *experiment, struct error *err);

#endif
