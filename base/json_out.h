/* base/json_out.h - how JSON is written where people see it: in ASCII, so that nothing in a text is obeyed by a terminal, nor
 * taken for a line's end by a script. What a reader gets of it is the same. */
#ifndef REPRISE_BASE_JSON_OUT_H
#define REPRISE_BASE_JSON_OUT_H

/* Flags for jansson's json_dump...(), with those of numbers and of layout. */
#define JSON_OUT JSON_ENSURE_ASCII

#endif
