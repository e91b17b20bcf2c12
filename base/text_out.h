/* base/text_out.h - a text file being written: it comes into being under its name when it is
 * whole, or not at all. Names that end in .zst or .gz are compressed. */
#ifndef REPRISE_BASE_TEXT_OUT_H
#define REPRISE_BASE_TEXT_OUT_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct text_out;

/* STATUS_IO: nothing can be created beside `path`. */
enum status text_out_open(const char *path, struct text_out **out, struct error *err);

/* None of these fails: what goes wrong is told by text_out_finish(). */
void text_out_text(struct text_out *out, const char *text);
void text_out_whole(struct text_out *out, uint64_t value);
/* "12", "0.25", "1.000000001": exact. */
void text_out_seconds(struct text_out *out, uint64_t ns);

/* The file takes its place, over one that was there. STATUS_IO: something could not be written;
 * what was there stays. err holds no error yet. Frees out either way. */
enum status text_out_finish(struct text_out *out, struct error *err);
/* Leaves nothing. NULL is fine. */
void text_out_abandon(struct text_out *out);

#endif
