/* cli/profile_options.c - see profile_options.h. */
#include "cli/profile_options.h"

#include "validate/calibrate/calibrate_from_profile.h"

#include <inttypes.h>
#include <stdio.h>

enum status profile_options_run(const struct profile_options *given, const char *out,
                                struct error *err)
{
    if (given->every < 1 || given->every > 1000) {
        char found[32];
        snprintf(found, sizeof found, "%" PRIu64, given->every);
        return error_input(err, NULL, 0, "--every", "1 to 1000", found);
    }
    const struct profile_calibration calibration = { .path = given->path,
                                                     .hardware = given->hardware,
                                                     .out = out,
                                                     .source = given->source,
                                                     .stride = (uint32_t)given->every };
    return calibrate_from_profile(&calibration, stdout, err);
}
