/* cli/size_axes.h - what `reprise size` searches where nobody says, and what it takes for granted
 * of a workload of the user's own. */
#ifndef REPRISE_CLI_SIZE_AXES_H
#define REPRISE_CLI_SIZE_AXES_H

#include "base/config_tree.h"
#include "cli/options.h"
#include "sweep/size_workload.h"

/* Axes as size_space_make() takes them: the usual ones, but for keys that the experiment says
 * itself or that --vary names, and then --vary's. Where nothing can be reused, none of storage.
 * axes has room for SIZE_AXES_MOST more than vary has. */
enum { SIZE_AXES_MOST = 8 };
uint32_t size_axes_choose(const struct config_tree *tree, const struct text_list *vary,
                          const struct size_workload *workload, const char **axes);

/* Sets keys that the experiment leaves out: a warm-up that a short trace has turns for; a router
 * that follows prefixes where requests have them; where nothing can be reused, that nothing is
 * kept. */
enum status size_axes_settle(struct config_tree *tree, const struct size_workload *workload,
                             struct error *err);

#endif
