/* runtime/cuda/module.c - the CUDA backend as a file that is opened when it is wanted (backends.c):
 * CUDA's runtime registers all kernels when its file is loaded, and no simulation waits for that.
 */
#include "base/module.h"
#include "runtime/backend.h"

extern const struct backend backend_cuda;

extern const struct module reprise_module;
const struct module reprise_module = { .stamp = REPRISE_STAMP, .door = &backend_cuda };
