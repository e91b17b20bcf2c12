/* runtime/machine.h - what a run needs that takes long to make: devices, opened, with a model's
 * weights in their HBM. Kept from run to run where the next one needs the same (serve.h). Private to
 * runtime/. */
#ifndef REPRISE_RUNTIME_MACHINE_H
#define REPRISE_RUNTIME_MACHINE_H

#include "runtime/executor_weights.h"
#include "runtime/serve.h"

/* What a server asks for. The bounds of memory are without the weights. */
struct machine_wanted {
    const struct backend *backend;
    struct backend_config config;
    struct model model;
    const char *weights; /* a file; NULL: random, of the seed */
    uint64_t seed;
};

struct machine_part {
    struct machine_wanted has; /* config: the bounds with which it was opened */
    struct device *device; /* NULL: none */
    struct executor_weights *weights;
};

struct serve_machine {
    struct machine_part *part; /* by server */
    uint32_t parts;
};

/* The index-th server's device and weights: those of the run before if they serve, else new ones.
 * *part is the machine's, valid until its next call. STATUS_IO, STATUS_INPUT: the device's, the
 * weights'. */
enum status machine_part(struct serve_machine *machine, uint32_t index,
                         const struct machine_wanted *wanted, const struct machine_part **part,
                         struct error *err);

/* Closes all: after a failure a device is not to be relied on. */
void machine_reset(struct serve_machine *machine);

#endif
