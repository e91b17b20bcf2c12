/* cli/profile_options.h - `reprise calibrate --from-profile`: a file's measurements in place of
 * this machine's. */
#ifndef REPRISE_CLI_PROFILE_OPTIONS_H
#define REPRISE_CLI_PROFILE_OPTIONS_H

#include "cli/options.h"

struct profile_options {
    const char *path; /* NULL: not asked for */
    const char *hardware, *source;
    uint64_t every;
};

#define PROFILE_OPTIONS_DEFAULT                                                                    \
    {                                                                                              \
        .hardware = "a100-80gb", .every = 2                                                        \
    }

/* Rows of an option table; `given` is a struct profile_options *. */
#define PROFILE_OPTIONS(given)                                                                     \
    {                                                                                              \
        "from-profile",                                                                            \
        0,                                                                                         \
        OPTION_READS,                                                                              \
        &(given)->path,                                                                            \
        "DIR",                                                                                     \
        "measure nothing: fit operators' times to the profiles of this folder or file"             \
    },                                                                                             \
        { "hardware",  'H',                                                                        \
          OPTION_READS, &(given)->hardware,                                                        \
          "NAME",      "of this server's GPU (a100-80gb): its gpu.timing names the GPU's facts" }, \
        { "source",         0,      OPTION_TEXT,                                                   \
          &(given)->source, "TEXT", "what the coefficients shall say of the profiles' origin" },   \
    {                                                                                              \
        "every", 0, OPTION_U64, &(given)->every, "N",                                              \
            "fit every N-th token count (2); errors are of all"                                    \
    }

/* Fits, prints the report and writes the coefficients to `out` (NULL: nowhere). */
enum status profile_options_run(const struct profile_options *given, const char *out,
                                struct error *err);

#endif
