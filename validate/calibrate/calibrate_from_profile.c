/* validate/calibrate/calibrate_from_profile.c - see calibrate_from_profile.h. */
#include "validate/calibrate/calibrate_from_profile.h"

#include "models/models.h"
#include "validate/calibrate/fit_attention.h"
#include "validate/calibrate/fit_operators.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static enum status write_file(const char *path, const struct operators *operators,
                              struct error *err)
{
    struct config_section sections[OPERATORS_SECTIONS_MAX];
    operators_written(operators, sections);
    char temporary[1024];
    int length = snprintf(temporary, sizeof temporary, "%s.part", path);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return error_io(err, path, "write", strerror(ENAMETOOLONG));
    FILE *out = fopen(temporary, "w");
    if (out == NULL)
        return error_io(err, temporary, "write", strerror(errno));
    fprintf(out, "# Made by `reprise calibrate --from-profile`; docs/timing.md has its errors. A\n"
                 "# coefficient's meaning: models/operators.h.\n");
    config_print_values(out, sections, operators);
    bool written = !ferror(out);
    written = fclose(out) == 0 && written;
    if (written && rename(temporary, path) == 0)
        return STATUS_OK;
    enum status status = error_io(err, path, "write", strerror(errno));
    unlink(temporary);
    return status;
}

static enum status fit(const struct profile_calibration *calibration, const struct profile *profile,
                       const struct hardware *hardware, FILE *report, struct error *err)
{
    struct gpu_peak peak = { .flop = hardware->flop_per_s / 1e9,
                             .bytes = hardware->hbm_bytes_per_s / 1e9 };
    struct operators operators = hardware->operators, held_out[PROFILE_MODELS_MAX];
    struct fit_intervals intervals;
    const char *slash = strrchr(calibration->path, '/');
    snprintf(operators.source, sizeof operators.source, "%s",
             calibration->source != NULL         ? calibration->source
             : slash != NULL && slash[1] != '\0' ? slash + 1
                                                 : calibration->path);
    fit_operators(profile, peak,
                  (struct fit_choice){ .stride = calibration->stride, .without = FIT_NO_MODEL },
                  &operators, &intervals);
    bool unseen = fit_hold_out(profile, peak, calibration->stride, &operators, held_out) != 0;
    fit_print_report(report, profile, peak, &operators, &intervals, unseen ? held_out : NULL);
    return calibration->out != NULL ? write_file(calibration->out, &operators, err) : STATUS_OK;
}

enum status calibrate_from_profile(const struct profile_calibration *calibration, FILE *report,
                                   struct error *err)
{
    if (attention_profile_is(calibration->path))
        return calibrate_attention(calibration, report, err);
    struct hardware hardware;
    struct profile profile = { 0 };
    enum status status = hardware_load(calibration->hardware, &hardware, err);
    if (status == STATUS_OK && hardware.timing[0] == '\0')
        status = error_input(err, NULL, 0, "--hardware",
                             "hardware with a gpu.timing that names the GPU's facts",
                             calibration->hardware);
    if (status == STATUS_OK)
        status = profile_read(calibration->path, hardware.operators.name, &profile, err);
    if (status == STATUS_OK)
        status = fit(calibration, &profile, &hardware, report, err);
    profile_free(&profile);
    return status;
}
