/* sim/engine/result.c - see result.h. */
#include "sim/engine/result.h"

#include <stdlib.h>
#include <string.h>

void sim_result_free(struct sim_result *result)
{
    for (uint32_t i = 0; i < result->series_count; i++) {
        free(result->series[i].x);
        free(result->series[i].y);
    }
    result->series_count = 0;
}

bool finding_tells_overload(const char *sentence)
{
    return strncmp(sentence, FINDING_OVERLOADED, strlen(FINDING_OVERLOADED)) == 0;
}

bool finding_tells_wear(const char *sentence)
{
    return strncmp(sentence, FINDING_WEARS_OUT, strlen(FINDING_WEARS_OUT)) == 0;
}
