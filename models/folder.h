/* models/folder.h - where the YAML files of models/ lie, and how a name becomes a path.
 * Private to models/. */
#ifndef REPRISE_MODELS_FOLDER_H
#define REPRISE_MODELS_FOLDER_H

#include "base/config_tree.h"
#include "base/error.h"

/* Longer than any struct error can show in full. */
#define MODELS_PATH_BYTES 1024

/* The file that name_or_path means (models.h says how). kind: as for models_list(); key:
 * what the name is called in messages. STATUS_INPUT names the known ones when there is no such
 * file. */
enum status models_path(const char *kind, const char *key, const char *name_or_path,
                        char path[MODELS_PATH_BYTES], struct error *err);

/* Reads the file by sections, or by rows alone, into *target, which starts out zeroed. */
enum status models_read_sections(const char *path, const struct config_section *sections,
                                 void *target, struct error *err);
enum status models_read(const char *path, const struct config_row *rows, void *target,
                        struct error *err);

/* "what it is (version that was read)", of a preset or version in a tree. STATUS_INPUT: without
 * these two lines; `expected` says so of `name`. */
enum status models_summary(const struct config_tree *tree, const char *name, const char *expected,
                           char summary[CONFIG_TEXT_BYTES], struct error *err);

#endif
