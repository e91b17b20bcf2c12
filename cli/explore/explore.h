/* cli/explore/explore.h - an experiment as a page in the browser: choose, run, compare. Served on loopback by
 * this process (door.h), which runs what the page asks for (asks.h) and reads no file but the shipped ones
 * and those that it was started with (names.h). */
#ifndef REPRISE_CLI_EXPLORE_EXPLORE_H
#define REPRISE_CLI_EXPLORE_EXPLORE_H

#include "base/config_tree.h"

struct explore_config {
    const struct config_tree *start; /* the experiment that the page begins with */
    const char *const *traces;       /* files that it may choose among, beside the start's own */
    uint32_t trace_count;
    uint16_t port; /* 0: any that is free */
};

/* The experiment to begin with where nothing is said: docs/examples/first.yaml, which ./setup runs. *tree is the
 * caller's to config_tree_free(). */
enum status explore_first_tree(struct config_tree **tree, struct error *err);

struct explore;

/* Serves from now on. STATUS_IO: the port is taken, a shipped file cannot be read. */
enum status explore_open(const struct explore_config *config, struct explore **explore,
                         struct error *err);

/* What to open in a browser; whoever has it may use the page. The explore's own. */
const char *explore_address(const struct explore *explore);

/* Ends what is under way, and serves no more. NULL is fine. */
void explore_close(struct explore *explore);

#endif
