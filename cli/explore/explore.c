/* cli/explore/explore.c - see explore.h. */
#include "cli/explore/explore.h"

#include "base/embedded.h"
#include "base/memory.h"
#include "cli/explore/asks.h"
#include "cli/explore/door.h"

#include <stdlib.h>

struct explore {
    struct asks *asks;
    struct door *door;
};

extern const struct embedded_file explore_first[];

enum status explore_first_tree(struct config_tree **tree, struct error *err)
{
    return config_tree_parse((const char *)explore_first[0].bytes, explore_first[0].name, tree,
                             err);
}

enum status explore_open(const struct explore_config *config, struct explore **explore,
                         struct error *err)
{
    struct explore *opened = memory_new(1, sizeof *opened);
    enum status status =
        asks_new(config->start, config->traces, config->trace_count, &opened->asks, err);
    if (status == STATUS_OK) {
        const struct door_config door = { .port = config->port,
                                          .answer = asks_answer,
                                          .context = opened->asks };
        status = door_open(&door, &opened->door, err);
    }
    if (status == STATUS_OK) {
        *explore = opened;
        return STATUS_OK;
    }
    asks_free(opened->asks);
    free(opened);
    return status;
}

const char *explore_address(const struct explore *explore)
{
    return door_address(explore->door);
}

void explore_close(struct explore *explore)
{
    if (explore == NULL)
        return;
    asks_stop(explore->asks); /* the door waits for what is being answered */
    door_close(explore->door);
    asks_free(explore->asks);
    free(explore);
}
