/* plots/report_config.h - what was asked of runs: names, values with units, and the key of each, which can be copied into
 * YAML. Private to plots/. */
#ifndef REPRISE_PLOTS_REPORT_CONFIG_H
#define REPRISE_PLOTS_REPORT_CONFIG_H

#include "sim/engine/experiment.h"

#include <stdint.h>
#include <stdio.h>

/* First what differs between the experiments (names[i] tells them apart), then what the first one says itself; folded:
 * what the policy and the engine's version say, the defaults, and all of it as YAML. count >= 1. STATUS_INPUT,
 * STATUS_IO: a preset's or version's file cannot be read. */
enum status report_config(FILE *out, const struct experiment *experiments,
                          const char *const *names, uint32_t count, struct error *err);

/* A table of the experiment's keys that `wanted` says yes to, with what they mean. */
void report_config_table(FILE *out, const struct experiment *experiment,
                         bool (*wanted)(const struct config_row *row));

#endif
