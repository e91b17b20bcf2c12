/* runtime/machine.c - see machine.h. */
#include "runtime/machine.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct serve_machine *serve_machine_new(void)
{
    return memory_new(1, sizeof(struct serve_machine));
}

static void close_part(struct machine_part *part)
{
    executor_weights_free(part->weights);
    if (part->device != NULL)
        part->has.backend->close(part->device);
    part->weights = NULL;
    part->device = NULL;
}

void machine_reset(struct serve_machine *machine)
{
    for (uint32_t i = 0; i < machine->parts; i++)
        close_part(&machine->part[i]);
}

void serve_machine_free(struct serve_machine *machine)
{
    if (machine == NULL)
        return;
    machine_reset(machine);
    free(machine->part);
    free(machine);
}

static bool same_rates(const struct backend_config *a, const struct backend_config *b)
{
    return a->h2d_bytes_per_s == b->h2d_bytes_per_s && a->d2h_bytes_per_s == b->d2h_bytes_per_s &&
           a->held.flop_per_s == b->held.flop_per_s && a->held.bytes_per_s == b->held.bytes_per_s;
}

/* A file may have changed between runs, and is read again; so are weights of another seed. */
static bool serves(const struct machine_part *part, const struct machine_wanted *wanted)
{
    const struct machine_wanted *has = &part->has;
    return part->weights != NULL && has->backend == wanted->backend && wanted->weights == NULL &&
           has->weights == NULL && has->seed == wanted->seed &&
           has->config.threads == wanted->config.threads &&
           has->config.hbm_bytes >= wanted->config.hbm_bytes &&
           has->config.dram_bytes >= wanted->config.dram_bytes &&
           same_rates(&has->config, &wanted->config) &&
           executor_weights_fit(part->weights, &wanted->model);
}

static uint64_t more(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static enum status open_part(struct machine_part *part, const struct machine_wanted *wanted,
                             struct error *err)
{
    struct backend_config config = wanted->config;
    if (part->has.backend == wanted->backend) { /* what was enough once shall be so again */
        config.hbm_bytes = more(config.hbm_bytes, part->has.config.hbm_bytes);
        config.dram_bytes = more(config.dram_bytes, part->has.config.dram_bytes);
    }
    part->has = *wanted;
    part->has.config = config;
    config.hbm_bytes += executor_weights_bytes(wanted->backend, &wanted->model);
    enum status status = wanted->backend->open(&config, &part->device, err);
    if (status != STATUS_OK)
        return status;
    status = executor_weights_new(wanted->backend, part->device, &wanted->model, wanted->weights,
                                  wanted->seed, &part->weights, err);
    if (status != STATUS_OK)
        close_part(part);
    return status;
}

enum status machine_part(struct serve_machine *machine, uint32_t index,
                         const struct machine_wanted *wanted, const struct machine_part **part,
                         struct error *err)
{
    memory_grow(&machine->part, &machine->parts, (uint64_t)index + 1, sizeof *machine->part);
    struct machine_part *mine = &machine->part[index];
    enum status status = STATUS_OK;
    if (!serves(mine, wanted)) {
        close_part(mine);
        status = open_part(mine, wanted, err);
    }
    *part = mine;
    return status;
}
