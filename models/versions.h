/* models/versions.h - an engine's version: models/versions/NAME.yaml, the keys of an experiment
 * that follow from it and from the GPU, whatever KV policy it runs with.
 *
 * summary, version: one line each. keys: what the version does. by_gpu: rows of any name, in the
 * order of the file; of those that hold, the last goes first, and all before keys:
 *   by_gpu:
 *     large:
 *       when: {hbm_at_least: 70GiB, gpus_at_least: 4, device_without: A100}   # each optional
 *       keys: {engine.batch: 1024} */
#ifndef REPRISE_MODELS_VERSIONS_H
#define REPRISE_MODELS_VERSIONS_H

#include "base/config_tree.h"
#include "models/models.h"

/* The paper's engine: no version. */
#define ENGINE_VERSION_NONE "none"
/* What servers run of which nothing else is said; one release up is one word here. */
#define ENGINE_VERSION_CURRENT "vllm-0.19"

/* The version that servers of this hardware run unless an experiment says otherwise: what its file
 * says; else ENGINE_VERSION_NONE where it has measured times, which are of reprise's own runtime;
 * else ENGINE_VERSION_CURRENT. Never ""; lives as long as the hardware. */
const char *engine_version_of(const struct hardware *hardware);

/* "what it is (version that was read)". STATUS_INPUT: no such version, or one without these lines.
 */
enum status engine_version_summary(const char *name, char summary[CONFIG_TEXT_BYTES],
                                   struct error *err);

/* Lays the version's keys under the tree, as they are on so many GPUs of the hardware.
 * name_or_path: as hardware_load() takes it. STATUS_INPUT: no such version (the known ones are
 * named); a row of by_gpu that is not as above. */
enum status engine_version_lay(const char *name_or_path, const struct hardware *hardware,
                               uint32_t gpus, struct config_tree *tree, struct error *err);

#endif
