/* cli/models_show.h - `reprise models show`: a model on a server, its iterations taken apart. */
#ifndef REPRISE_CLI_MODELS_SHOW_H
#define REPRISE_CLI_MODELS_SHOW_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct models_show {
    const char *hardware;
    const char *engine; /* a version of models/versions: what it needs of HBM; "": none */
    uint64_t gpus;
    uint64_t tokens, cached; /* of a prefill; tokens 0: 2,048, or what the window has room for */
    uint64_t batch,
        context;      /* of a decode step: sequences, and tokens of context of each; 0: 2,048 */
    const char *plot; /* NULL: none */
    bool json;
};

/* Prints it. STATUS_INPUT: an unknown name, numbers out of range, a model that does not fit;
 * STATUS_IO: the plot cannot be drawn. */
enum status models_show(const char *name, const struct models_show *show, struct error *err);

#endif
