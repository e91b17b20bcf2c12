/* validate/accuracy/kernels.h - single kernels and layers of tables, each by a file of its own.
 * Private to validate/accuracy.
 *
 * Rows are read by the readers that the fits use, and predicted as the fits predict them (validate/
 * calibrate): what a benchmark's loop does to a kernel (a warm L2, launches by the CPU) is in both.
 */
#ifndef REPRISE_VALIDATE_ACCURACY_KERNELS_H
#define REPRISE_VALIDATE_ACCURACY_KERNELS_H

#include "models/models.h"
#include "validate/accuracy/folder.h"

/* A file of models/ that is there and could not be read is not one that is not shipped: what STATUS_IO of err is kept for. */
void kernels_unread(struct accuracy *accuracy, const struct error *err);

/* The file's server; false, with a note: none is shipped, or it cannot be read. */
bool kernels_hardware(const struct folder_file *file, struct accuracy *accuracy,
                      struct hardware *hardware);
struct gpu_peak kernels_peak(const struct hardware *hardware);

/* The first word of the file's GPU: "h100" of "h100_sxm". */
void kernels_gpu(const struct folder_file *file, char gpu[ACCURACY_NAME_BYTES]);

/* A key with the file's GPU and engine. */
struct accuracy_key kernels_key(const struct folder_file *file, enum accuracy_family family);

/* Whose measurements a fit of that name is of: the file's GPU's, or another's. */
enum accuracy_origin kernels_origin(const char *fit, const struct folder_file *file);

/* Sets a group's origin and, of a fitted one, its record's errors (0: it has none). */
void kernels_set_origin(struct accuracy *accuracy, uint32_t group, enum accuracy_origin origin,
                        double held_out_median, double held_out_p95);

/* Each reads the file and adds its points. STATUS_INPUT: it is malformed. */
enum status attention_measure(const struct folder_file *file, struct accuracy *accuracy,
                              struct error *err);
enum status collectives_measure(const struct folder_file *file, struct accuracy *accuracy,
                                struct error *err);
enum status products_measure(const struct folder_file *file, struct accuracy *accuracy,
                             struct error *err);
enum status experts_measure(const struct folder_file *file, struct accuracy *accuracy,
                            struct error *err);
/* Vidur's whole layers. */
enum status layers_measure(const struct folder_file *file, struct accuracy *accuracy,
                           struct error *err);
/* The layers of an iteration: the attention's table, and that of the other operators of the same
 * GPU and model, without which nothing is added. */
enum status iterations_measure(const struct folder *folder, const struct folder_file *attention,
                               struct accuracy *accuracy, struct error *err);

#endif
