/* cli/explore/names.h - which files a page may have read: those that are shipped, by their names, and those
 * that the command line named. Whatever else a page asks for by a path is refused. From any thread. */
#ifndef REPRISE_CLI_EXPLORE_NAMES_H
#define REPRISE_CLI_EXPLORE_NAMES_H

#include "base/config_tree.h"

#include <jansson.h>

struct names;

/* Lists what is there. start: the command line's experiment, whose own names are taken; traces: paths
 * beside its own. *names is the caller's to names_free(). STATUS_IO, STATUS_INPUT: a shipped file cannot
 * be read. */
enum status names_load(const struct config_tree *start, const char *const *traces,
                       uint32_t trace_count, struct names **names, struct error *err);
void names_free(struct names *names); /* NULL is fine */

/* By key ("model", "trace"): a list of {name, about}, and of hardware its gpus, hbm_bytes, dram_bytes,
 * ssd_bytes and hbm_utilisation, of a drive its bytes. A copy, the caller's. */
json_t *names_json(struct names *names);

/* A trace more that may be read. */
void names_add_trace(struct names *names, const char *path);

/* STATUS_INPUT: a key of the tree names what is in none of the lists; the message names the key. */
enum status names_check(struct names *names, const struct config_tree *tree,
                        struct error *err);

#endif
