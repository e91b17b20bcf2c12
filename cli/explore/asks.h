/* cli/explore/asks.h - what the page asks of the program, in JSON, and what it is told; the page's own files.
 *
 *   GET  ""             the page; its scripts and styles by their names
 *   GET  api/start      keys, names, metrics, the experiment to begin with
 *   POST api/run        {page, slot, set, curves}: runs the experiment of the keys `set`; metrics, words, curves
 *   POST api/cancel     {page, slot}
 *   POST api/progress   {page}: how far each slot's run is
 *   POST api/compare    {page, sets}: what `reprise sim` says of two experiments beside each other: {words: [{of: policy,
 *                       verdict, overload or finding; subject, sentence}], same_load}
 *   POST api/turn       {page, sets, session, turn_of_session}: that turn's prefill under one experiment or two, as
 *                       `reprise plot --timeline` draws it: {least_ms, most_ms, panels}; a panel has {title, facts, before,
 *                       first_token_ms, blocks: [[lane, kind, begin_ms, end_ms, layer]]} (plots/gantt_blocks.h), or is
 *                       null where that turn is not served or its layers are not told
 *   POST api/report     {page, sets}: the page of `reprise report`, of one run or of two beside each other
 *   POST api/trace      {name}: {file}, a trace of the user's begins; {file, at, part}: its bytes behind `at`, in
 *                       base64, and with last: true {trace}, under which name it may be run
 *
 * What an experiment or its files are refused for is an answer like others, {error: {key, expected, found,
 * text}}; a body that is not as above is answered with 400 and the same. A run that a newer one of its page and
 * slot (jobs.h) replaced is answered {stopped: true}. */
#ifndef REPRISE_CLI_EXPLORE_ASKS_H
#define REPRISE_CLI_EXPLORE_ASKS_H

#include "base/config_tree.h"
#include "cli/explore/door.h"

struct asks;

/* start is copied; traces: files that may be read beside its own. STATUS_IO, STATUS_INPUT: a shipped file
 * cannot be read. */
enum status asks_new(const struct config_tree *start, const char *const *traces,
                     uint32_t trace_count, struct asks **asks, struct error *err);
void asks_free(struct asks *asks); /* nobody asks any more; NULL is fine */

/* From any thread; context is the struct asks. */
struct door_answer asks_answer(void *context, const struct door_ask *ask);

/* Ends the runs under way; later ones end at once. */
void asks_stop(struct asks *asks);

#endif
