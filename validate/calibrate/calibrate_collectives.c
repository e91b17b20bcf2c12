/* validate/calibrate/calibrate_collectives.c - see calibrate_collectives.h. */
#include "validate/calibrate/calibrate_collectives.h"

#include "models/models.h"
#include "validate/calibrate/fit_collectives.h"
#include "validate/calibrate/fit_write.h"

#include <string.h>

static const char comment[] =
    "# Made by `reprise calibrate --from-profile`, but for most_bytes, which are the engine's; a\n"
    "# coefficient's meaning: models/collectives.h.\n";

static enum status fit(const struct profile_calibration *calibration,
                       const struct collective_profile *profile, const struct hardware *hardware,
                       FILE *report, struct error *err)
{
    struct collective_fit whole = hardware->collectives, held_out[COLLECTIVE_FOLDS];
    if (calibration->source != NULL)
        snprintf(whole.source, sizeof whole.source, "%s", calibration->source);
    fit_collectives_whole(profile, &whole, held_out);
    fit_collectives_print(report, profile, &whole, held_out);
    return calibration->out != NULL
               ? fit_write(calibration->out, comment, collective_rows, &whole, err)
               : STATUS_OK;
}

enum status calibrate_collectives(const struct profile_calibration *calibration, FILE *report,
                                  struct error *err)
{
    struct hardware hardware;
    enum status status = hardware_load(calibration->hardware, &hardware, err);
    if (status == STATUS_OK && hardware.allreduce_timing[0] == '\0')
        status = error_input(err, NULL, 0, "--hardware",
                             "hardware with an allreduce.timing that says what goes which way",
                             calibration->hardware);
    if (status != STATUS_OK)
        return status;
    char gpu[CONFIG_TEXT_BYTES];
    snprintf(gpu, sizeof gpu, "%.*s", (int)strcspn(hardware.collectives.name, "-"),
             hardware.collectives.name);
    struct collective_profile profile;
    status = collective_profile_read(calibration->path, gpu, &profile, err);
    if (status == STATUS_OK)
        status = fit(calibration, &profile, &hardware, report, err);
    collective_profile_free(&profile);
    return status;
}
