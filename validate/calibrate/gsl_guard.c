/* validate/calibrate/gsl_guard.c - see gsl_guard.h. */
#include "validate/calibrate/gsl_guard.h"

#include "base/memory.h"

#include <gsl/gsl_errno.h>

static void on_failure(const char *reason, const char *file, int line, int code)
{
    (void)reason, (void)file, (void)line;
    if (code == GSL_ENOMEM)
        memory_exhausted();
}

void gsl_guard(void)
{
    gsl_set_error_handler(on_failure);
}
