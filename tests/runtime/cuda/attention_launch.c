/* tests/runtime/cuda/attention_launch.c - see attention_launch.h. */
#include "tests/runtime/cuda/attention_launch.h"

#include "base/memory.h"
#include "tests/runtime/cuda/rig.h"

#include <stdlib.h>

static uint64_t arrivals(const struct attention_arrays *d, const struct plan *plan)
{
    return (uint64_t)(plan->merge_count - plan->prefill_merges) * d->a.heads;
}

void attention_arrivals_new(struct attention_arrays *d, const struct plan *plan)
{
    uint32_t *zeros = memory_new(arrivals(d, plan) + 1, sizeof *zeros);
    d->a.merges = d->merges + plan->prefill_merges;
    d->a.arrivals = rig_copy_of(zeros, arrivals(d, plan) * sizeof *zeros);
    free(zeros);
}

bool attention_arrivals_are_zero(const struct attention_arrays *d, const struct plan *plan)
{
    uint32_t *found = memory_new(arrivals(d, plan) + 1, sizeof *found), any = 0;
    rig_read(found, d->a.arrivals, arrivals(d, plan) * sizeof *found);
    for (uint64_t i = 0; i < arrivals(d, plan); i++)
        any |= found[i];
    free(found);
    return any == 0;
}

void attention_arrays_free(struct attention_arrays *d)
{
    void *all[] = { d->row_sequence,
                    d->ids,
                    d->prefill,
                    d->decode,
                    d->merges,
                    (void *)(uintptr_t)d->a.rope_table,
                    (void *)(uintptr_t)d->a.qkv,
                    d->a.pool,
                    d->a.out,
                    (void *)(uintptr_t)d->a.pages,
                    (void *)(uintptr_t)d->a.sequences,
                    d->a.rotated_keys,
                    d->a.wide_values,
                    d->a.partial,
                    d->a.partial_log2sum,
                    d->a.arrivals };
    for (uint32_t i = 0; i < sizeof all / sizeof *all; i++)
        rig_free(all[i]);
}

void attention_launch(const struct attention_arrays *d, const struct plan *plan, uint32_t rows)
{
    kernel_store_kv(&d->a, d->row_sequence, rows, d->a.pool_rotated, rig_stream());
    bool turns = d->a.rotation != ROTATION_NONE && !d->a.pool_rotated;
    if (plan->rotated_count > 0 && turns)
        kernel_rotate_keys(&d->a, d->ids, plan->rotated_count, plan->rotated_longest, rig_stream());
    if (plan->rotated_count > 0 && d->a.kv_fp8)
        kernel_widen_kv(&d->a, d->ids, plan->rotated_count, plan->rotated_longest, !turns,
                        rig_stream());
    if (plan->prefills > 0)
        kernel_prefill(&d->a, d->prefill, plan->prefills, rig_stream());
    if (plan->decodes > 0)
        kernel_decode(&d->a, d->decode, plan->decodes, rig_stream());
    if (plan->prefill_merges > 0)
        kernel_merge_parts(&d->a, d->merges, plan->prefill_merges, rig_stream());
}
