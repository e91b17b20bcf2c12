/* cli/models_import.h - `reprise models import`. */
#ifndef REPRISE_CLI_MODELS_IMPORT_H
#define REPRISE_CLI_MODELS_IMPORT_H

#include "base/error.h"

/* Writes the config.json as YAML to the file `out`, or to stdout where that is empty. Of a file,
 * the model is named as it is; what is refused leaves no file behind. assume: struct
 * model_import's. */
enum status models_import(const char *config, const char *out, const char *assume,
                          struct error *err);

#endif
