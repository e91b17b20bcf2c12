/* validate/accuracy/capacity.h - HBM left for KV beside what engines printed when they started.
 * Private to validate/accuracy. */
#ifndef REPRISE_VALIDATE_ACCURACY_CAPACITY_H
#define REPRISE_VALIDATE_ACCURACY_CAPACITY_H

#include "validate/accuracy/folder.h"

/* A row is a printed count: set, model (a shipped one, or configs/NAME.yaml or .json beside the
 * table), hbm_gib, device, collectives, gpus, version (models/versions), utilisation, settings
 * (KEY=VALUE, parted by blanks), tokens or kv_gib (a GPU's). Rows of the set "aside" are unseen;
 * the rules of models/hbm.h were written with the others. */
enum status capacity_measure(const struct folder_file *file, struct accuracy *accuracy,
                             struct error *err);

#endif
