/* models/drive.c - the YAML of an SSD: capacity and rated endurance. */
#include "models/folder.h"
#include "models/models.h"

#include <stddef.h>
#include <string.h>

#define AT(member) offsetof(struct drive, member)

const struct config_row drive_rows[] = {
    { .key = "name",
      .kind = CONFIG_TEXT,
      .offset = AT(name),
      .help = "as in models/drive/NAME.yaml" },
    { .key = "source",
      .kind = CONFIG_TEXT,
      .offset = AT(source),
      .help = "where the numbers come from" },
    { .key = "capacity",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(capacity_bytes),
      .min = 1e9,
      .max = 1e16,
      .help = "of one drive" },
    { .key = "endurance",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(endurance_bytes),
      .min = 1e9,
      .max = 9e18,
      .help = "host writes it is rated for (TBW)" },
    { .key = "warranty_years",
      .kind = CONFIG_DOUBLE,
      .offset = AT(warranty_years),
      .min = 0.1,
      .max = 50,
      .help = "over which drive writes per day are rated" },
    { .key = NULL },
};

enum status drive_load(const char *name_or_path, struct drive *drive, struct error *err)
{
    char path[MODELS_PATH_BYTES];
    memset(drive, 0, sizeof *drive);
    enum status status = models_path("drive", "ssd.drive", name_or_path, path, err);
    return status == STATUS_OK ? models_read(path, drive_rows, drive, err) : status;
}
