/* sim/engine/result.c - see result.h. */
#include "sim/engine/result.h"

#include <stdlib.h>

void sim_result_free(struct sim_result *result)
{
    for (uint32_t i = 0; i < result->series_count; i++) {
        free(result->series[i].x);
        free(result->series[i].y);
    }
    result->series_count = 0;
}
