/* sim/engine/turn_row.h - all that is told of one turn when its reply has ended: the one list of its
 * columns, from which files, the store, docs/turns.md and the words of `reprise explain` expand. */
#ifndef REPRISE_SIM_ENGINE_TURN_ROW_H
#define REPRISE_SIM_ENGINE_TURN_ROW_H

#include "sim/placement/placement.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value that is none: an empty cell. */
#define TURN_NOTHING UINT64_MAX

/* What kept KV from being reused: `lost_why`, and the columns of tokens. */
#define TURN_WHYS(X)                                                                               \
    X(ABSENT_NEVER, "never stored")                                                                \
    X(ABSENT_EVICTED, "evicted")                                                                   \
    X(ABSENT_EXPIRED, "expired")                                                                   \
    X(ABSENT_INVALIDATED, "invalidated")                                                           \
    X(ABSENT_UNSAVED, "no room to save it")                                                        \
    X(ABSENT_REFUSED, "refused by a filter")                                                       \
    X(ABSENT_BEHIND, "behind a gap")                                                               \
    X(ABSENT_LIMITED, "the engine's rule")                                                         \
    X(ABSENT_ELSEWHERE, "on another server")

/* X(member, kind, unit, meaning): COUNT a whole number, FLAG 0 or 1, WHY a word of TURN_WHYS, TIER a
 * tier's name. Times are ns since the run began unless they are durations, which the meaning says. */
#define TURN_COLUMNS(X)                                                                            \
    X(turn, COUNT, "1", "the turn's number in the run, in the order of asking, from 1 on")         \
    X(session, COUNT, "1", "its session's number in the trace, from 0 on")                         \
    X(turn_of_session, COUNT, "1", "its number within the session, from 1 on")                     \
    X(tenant, COUNT, "1", "whose it is, as numbered in the trace")                                 \
    X(server, COUNT, "1", "the server that prefilled it, from 0 on")                               \
    X(decode_server, COUNT, "1", "the server that decoded it")                                     \
    X(measured, FLAG, "1", "whether it counts in the metrics: it started after the warm-up")       \
    X(asked_ns, COUNT, "ns", "when its user asked")                                                \
    X(queued_ns, COUNT, "ns", "when its server's scheduler heard of it")                           \
    X(prepared_ns, COUNT, "ns", "when it was given HBM and its loads began")                       \
    X(prefill_start_ns, COUNT, "ns", "when its prefill began")                                     \
    X(first_token_ns, COUNT, "ns", "when its prefill ended, and with it the first token was made") \
    X(end_ns, COUNT, "ns", "when its last token was made")                                         \
    X(ttft_ns, COUNT, "ns", "time to first token, as its user waited for it: a duration, with what passes outside the scheduler") \
    X(decode_ns, COUNT, "ns", "first token to last: a duration")                                   \
    X(load_wait_ns, COUNT, "ns", "of its prefills, layers waiting for its KV: a duration; also of those after it was pushed out of HBM") \
    X(waiting_batch_ns, COUNT, "ns", "of its time in the queue, while the batch was full: a duration") \
    X(waiting_hbm_ns, COUNT, "ns", "... while HBM had no room for the queue's next turn")          \
    X(waiting_kv_ns, COUNT, "ns", "... while the next turn's KV was on its way")                   \
    X(waiting_gpu_ns, COUNT, "ns", "... while only the GPUs' work before it kept it waiting")      \
    X(wanted_tokens, COUNT, "tokens", "history and prompt: all that its prefill had to make ready") \
    X(history_tokens, COUNT, "tokens", "of them the conversation before it; 0 where the trace does not tell") \
    X(cut_tokens, COUNT, "tokens", "history that the window cut off before it")                    \
    X(reply_tokens, COUNT, "tokens", "of its reply")                                               \
    X(found_tokens, COUNT, "tokens", "of wanted_tokens: those whose KV was found in some tier, without a gap before") \
    X(reused_tokens, COUNT, "tokens", "of wanted_tokens: those that were not computed; the sum of the next four") \
    X(reused_hbm_tokens, COUNT, "tokens", "... in HBM already")                                    \
    X(reused_dram_tokens, COUNT, "tokens", "... loaded from DRAM")                                 \
    X(reused_ssd_tokens, COUNT, "tokens", "... loaded from SSD")                                   \
    X(reused_remote_tokens, COUNT, "tokens", "... loaded from the remote pool")                    \
    X(computed_tokens, COUNT, "tokens", "of wanted_tokens: computed; the sum of what follows")     \
    X(new_tokens, COUNT, "tokens", "... new: nobody asked for them before this turn; or after the last whole block") \
    X(never_stored_tokens, COUNT, "tokens", "... asked before, but not stored on this server by then") \
    X(evicted_tokens, COUNT, "tokens", "... stored, and evicted since")                            \
    X(expired_tokens, COUNT, "tokens", "... stored, and outlived their time to live")              \
    X(invalidated_tokens, COUNT, "tokens", "... made useless by a context overflow")               \
    X(unsaved_tokens, COUNT, "tokens", "... not saved, since no tier had room")                    \
    X(refused_tokens, COUNT, "tokens", "... kept out of the tier below by a filter (admit_uses, admit_bytes)") \
    X(elsewhere_tokens, COUNT, "tokens", "... another server has them")                            \
    X(behind_gap_tokens, COUNT, "tokens", "... there, but something before them is not")           \
    X(too_slow_tokens, COUNT, "tokens", "... found, but loading them would have taken longer than computing (reuse: if-faster)") \
    X(not_fetched_tokens, COUNT, "tokens", "... found on SSD or in the pool, from which the engine does not load them at a turn's start, or not so few") \
    X(rule_tokens, COUNT, "tokens", "... found, but computed by the engine's rule: the prompt's last token or block") \
    X(lost_why, WHY, "1", "why the first token that is not new and was not found is not there; empty: all was found") \
    X(lost_tier, TIER, "1", "the tier that gave it up, or did not take it")                        \
    X(lost_ns, COUNT, "ns", "when that was")                                                       \
    X(lost_for_turn, COUNT, "1", "the turn for which it was done; empty: for none")                \
    X(preemptions, COUNT, "1", "times that it was pushed out of HBM")                              \
    X(computed_again_tokens, COUNT, "tokens", "tokens that it computed once more after that")

struct turn_row {
#define TURN_MEMBER(member, kind, unit, meaning) uint64_t member;
    TURN_COLUMNS(TURN_MEMBER)
#undef TURN_MEMBER
};

enum turn_column_kind { TURN_COUNT, TURN_FLAG, TURN_WHY, TURN_TIER };
struct turn_column {
    const char *name, *unit, *meaning;
    enum turn_column_kind kind;
    size_t offset; /* of a uint64_t in struct turn_row */
};
/* All columns, in their order. */
extern const struct turn_column turn_columns[];
extern const uint32_t turn_column_count;

static inline uint64_t turn_value(const struct turn_row *row, const struct turn_column *column)
{
    return *(const uint64_t *)(const void *)((const char *)row + column->offset);
}
/* The word for a WHY's or TIER's value; NULL for TURN_NOTHING. */
const char *turn_word(const struct turn_column *column, uint64_t value);
/* The value of such a word; false: it is none. */
bool turn_word_value(const struct turn_column *column, const char *word, uint64_t *value);

#endif
