/* runtime/executor_kv.h - how the executor's KV lies: its shape and its pool. Private to runtime/.
 */
#ifndef REPRISE_RUNTIME_EXECUTOR_KV_H
#define REPRISE_RUNTIME_EXECUTOR_KV_H

#include "runtime/executor.h"

/* RoPE's, of every model. */
#define EXECUTOR_ROPE_THETA 10000.0F

/* STATUS_INPUT, by key kv_bytes_per_value: a width in which the backend stores no KV, with those in
 * which it does. */
enum status executor_kv_supports(const struct backend *backend, const struct model *model,
                                 struct error *err);

/* Bytes of the pool, up to whole elements. */
uint64_t executor_pool_bytes(const struct executor_config *config);

#endif
