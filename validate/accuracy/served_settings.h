/* validate/accuracy/served_settings.h - with which flags the servers of public runs were started.
 * Private to validate/accuracy. */
#ifndef REPRISE_VALIDATE_ACCURACY_SERVED_SETTINGS_H
#define REPRISE_VALIDATE_ACCURACY_SERVED_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct served_row;

struct served_settings {
    /* Of which rows: "" any; a model by the beginning of its name. */
    const char *backend, *model, *gpu, *format;
    uint32_t batch;        /* most sequences; 0: as many as are in flight */
    uint32_t chunk_tokens; /* most tokens of an iteration; 0: the engine's default */
    bool kv_fp8;
    bool overlap; /* asynchronous scheduling was switched on */
    const char
        *not_modelled; /* a flag that costs time and that the simulator does not have; or NULL */
};

/* The row's; NULL: nothing is known of them, and the version's defaults hold. */
const struct served_settings *served_settings(const struct served_row *row);

#endif
