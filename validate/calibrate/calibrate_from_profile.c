/* validate/calibrate/calibrate_from_profile.c - see calibrate_from_profile.h. Here: whose tables
 * they are, what they hold, and who fits that. */
#include "validate/calibrate/calibrate_from_profile.h"

#include "base/shown.h"
#include "models/models.h"
#include "validate/calibrate/calibrate_collectives.h"
#include "validate/calibrate/calibrate_operators.h"
#include "validate/calibrate/fit_attention.h"

#include <inttypes.h>
#include <string.h>

#define PATH_BYTES 1024

/* What is fitted together, into a file of one kind. */
enum family { FAMILY_OPERATORS, FAMILY_ATTENTION, FAMILY_COLLECTIVES, FAMILIES };

static bool family_of(enum table_kind kind, enum family *family)
{
    *family = kind == TABLE_ATTENTION     ? FAMILY_ATTENTION
              : kind == TABLE_COLLECTIVES ? FAMILY_COLLECTIVES
                                          : FAMILY_OPERATORS;
    return kind != TABLE_UNKNOWN;
}

/* What a reader must know of which tables were taken. */
static void say_tables(const struct profile_tables *tables, FILE *report)
{
    for (uint32_t i = 0; i < tables->count; i++) {
        const struct profile_table *item = &tables->item[i];
        if (item->kind == TABLE_UNKNOWN)
            shown_line(report, "Left out, of no known heading: ", item->table.path);
        else if (!item->says_gpu)
            shown_line(report,
                       "Taken as of this GPU, though its name says none: ", item->table.path);
    }
    if (tables->of_others > 0)
        fprintf(report, "Left out, of other GPUs: %" PRIu32 " tables.\n", tables->of_others);
}

/* "x.yaml" for attention: "x-attention.yaml". */
static void add_to_name(const char *out, const char *word, char path[PATH_BYTES])
{
    size_t length = strlen(out), ending = strlen(".yaml");
    bool yaml = length > ending && strcmp(out + length - ending, ".yaml") == 0;
    size_t kept = length - (yaml ? ending : 0);
    snprintf(path, PATH_BYTES, "%.*s-%s%s", (int)kept, out, word, yaml ? ".yaml" : "");
}

static enum status fit_family(enum family family, const struct profile_calibration *calibration,
                              const struct hardware *hardware, const struct profile_tables *tables,
                              FILE *report, struct error *err)
{
    if (family == FAMILY_ATTENTION)
        return calibrate_attention(calibration, report, err);
    if (family == FAMILY_COLLECTIVES)
        return calibrate_collectives(calibration, report, err);
    return calibrate_operators(calibration, hardware, tables, report, err);
}

static void tell_written(FILE *report, const char *what, const char *path)
{
    fprintf(report, "\nWritten, %s", what);
    shown_line(report, ": ", path);
}

static enum status fit_all(const struct profile_calibration *calibration,
                           const struct hardware *hardware, const struct profile_tables *tables,
                           FILE *report, struct error *err)
{
    static const char *const word[FAMILIES] = { "operators", "attention", "collectives" };
    bool has[FAMILIES] = { false };
    int families = 0;
    enum family family;
    for (uint32_t i = 0; i < tables->count; i++)
        if (family_of(tables->item[i].kind, &family) && !has[family]) {
            has[family] = true;
            families++;
        }
    if (families == 0)
        return error_input(err, calibration->path, 0, "--from-profile",
                           "tables of layers, products, experts, attention or all-reduces", "none");
    for (int f = 0; f < FAMILIES; f++) {
        struct profile_calibration one = *calibration;
        char path[PATH_BYTES];
        if (!has[f])
            continue;
        if (families > 1 && f != FAMILY_OPERATORS && calibration->out != NULL) {
            add_to_name(calibration->out, word[f], path);
            one.out = path;
        }
        if (fit_family((enum family)f, &one, hardware, tables, report, err) != STATUS_OK)
            return err->status;
        if (families > 1 && one.out != NULL)
            tell_written(report, word[f], one.out);
    }
    return STATUS_OK;
}

enum status calibrate_from_profile(const struct profile_calibration *calibration, FILE *report,
                                   struct error *err)
{
    struct hardware hardware;
    struct profile_tables tables;
    if (hardware_load(calibration->hardware, &hardware, err) != STATUS_OK)
        return err->status;
    char gpu[PROFILE_GPU_BYTES];
    profile_gpu_of(&hardware, gpu);
    if (profile_tables_open(calibration->path, gpu, &tables, err) != STATUS_OK)
        return err->status;
    say_tables(&tables, report);
    enum status status = fit_all(calibration, &hardware, &tables, report, err);
    profile_tables_close(&tables);
    return status;
}
