/* sweep/point_key.h - what makes two runs the same run: a hash over all that a result depends on.
 * The configuration whole (config_print_values()), the trace's content, the model's and the
 * server's values as loaded (a file of the same name may have been edited), and reprise's version.
 * A finished point is looked up by it, so that no run is done twice and none is taken for another.
 */
#ifndef REPRISE_SWEEP_POINT_KEY_H
#define REPRISE_SWEEP_POINT_KEY_H

#include "sim/sim.h"

/* 128 bits in hexadecimal, and the terminator. */
#define POINT_KEY_BYTES 33

/* Remembers hashes of files, each read once. */
struct point_keys;

/* inputs: what the runs read from, who then need not read the trace again; NULL: nothing is shared. */
struct point_keys *point_keys_new(struct inputs *inputs);
void point_keys_free(struct point_keys *keys); /* NULL is fine */

/* STATUS_INPUT, STATUS_IO: the model, hardware or trace cannot be read. */
enum status point_key(struct point_keys *keys, const struct experiment *experiment,
                      char key[POINT_KEY_BYTES], struct error *err);

/* The whole configuration, as config_print_values() writes it; the caller frees it. */
char *experiment_text(const struct experiment *experiment);

#endif
