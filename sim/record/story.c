/* sim/record/story.c - see story.h. */
#include "sim/record/story.h"

#include "base/units.h"
#include "sim/placement/tier.h"

#include <inttypes.h>

enum { TEXT_BYTES = 48 };

static const char *duration(uint64_t time_ns, char out[TEXT_BYTES])
{
    return units_format((double)time_ns, UNIT_DURATION, out, TEXT_BYTES);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0.0;
}

/* A clock within the run. */
static const char *moment(uint64_t time_ns, char out[TEXT_BYTES])
{
    snprintf(out, TEXT_BYTES, "%.3f s", (double)time_ns / (double)NS_PER_S);
    return out;
}

static void tell_asked(FILE *out, const struct turn_row *row, const struct turn_row *before)
{
    char when[TEXT_BYTES], later[TEXT_BYTES];
    fprintf(out, "Turn %" PRIu64 ": session %" PRIu64 "'s turn %" PRIu64 ", asked at %s", row->turn,
            row->session, row->turn_of_session, moment(row->asked_ns, when));
    if (before != NULL && row->asked_ns >= before->end_ns)
        fprintf(out, ", %s after the reply before it ended",
                duration(row->asked_ns - before->end_ns, later));
    fprintf(out, ".%s\n", row->measured != 0 ? "" : " It is of the warm-up: no metric counts it.");
    fprintf(out, "It wants %" PRIu64 " tokens of context", row->wanted_tokens);
    if (row->history_tokens > 0)
        fprintf(out, " (%" PRIu64 " of history, %" PRIu64 " new)", row->history_tokens,
                row->wanted_tokens - row->history_tokens);
    fprintf(out, " and %" PRIu64 " of reply.\n", row->reply_tokens);
    if (row->cut_tokens > 0)
        fprintf(out,
                "Its conversation had outgrown the model's window: the first %" PRIu64
                " tokens were cut off.\n",
                row->cut_tokens);
}

/* ---- waiting ---- */

static void tell_cause(FILE *out, uint64_t time_ns, const char *why, const char **join)
{
    char text[TEXT_BYTES];
    if (time_ns == 0)
        return;
    fprintf(out, "%s%s %s", *join, duration(time_ns, text), why);
    *join = ", ";
}

/* On the way to the scheduler and, with the first token, from it: reception, tokenising, streaming.
 */
static void tell_outside(FILE *out, const struct turn_row *row)
{
    char before[TEXT_BYTES], behind[TEXT_BYTES];
    uint64_t before_ns = row->queued_ns - row->asked_ns;
    uint64_t behind_ns = row->ttft_ns - (row->first_token_ns - row->asked_ns);
    if (before_ns + behind_ns > 0)
        fprintf(out,
                "%s before the scheduler heard of it, and %s from there to its user (the API "
                "server's CPU: "
                "engine.request_cpu, engine.reply_cpu); ",
                duration(before_ns, before), duration(behind_ns, behind));
}

static void tell_waiting(FILE *out, const struct turn_row *row)
{
    char text[TEXT_BYTES];
    const char *join = ": ";
    uint64_t waited_ns = row->prefill_start_ns - row->queued_ns;
    fprintf(out, "\nWaiting: ");
    tell_outside(out, row);
    if (waited_ns == 0) {
        fprintf(out, "in the queue its prefill began at once.\n");
        return;
    }
    fprintf(out, "%s in the queue", duration(waited_ns, text));
    tell_cause(out, row->waiting_gpu_ns, "for the GPUs' work before it", &join);
    tell_cause(out, row->waiting_batch_ns, "while the batch was full (engine.batch)", &join);
    tell_cause(out, row->waiting_hbm_ns, "while HBM had no room", &join);
    tell_cause(out, row->waiting_kv_ns, "while KV was on its way", &join);
    fprintf(out, ".\n");
}

/* ---- what was reused, and what not ---- */

static void tell_part(FILE *out, uint64_t tokens, uint64_t of, const char *what)
{
    if (tokens > 0)
        fprintf(out, "  %8" PRIu64 "  %5.1f %%  %s\n", tokens, percent(tokens, of), what);
}

static void tell_reused(FILE *out, const struct turn_row *row)
{
    uint64_t all = row->wanted_tokens;
    fprintf(out, "\nOf its %" PRIu64 " tokens %" PRIu64 " were reused and %" PRIu64 " computed:\n",
            all, row->reused_tokens, row->computed_tokens);
    tell_part(out, row->reused_hbm_tokens, all, "reused: they were in HBM");
    tell_part(out, row->reused_dram_tokens, all, "reused: loaded from DRAM");
    tell_part(out, row->reused_ssd_tokens, all, "reused: loaded from SSD");
    tell_part(out, row->reused_remote_tokens, all, "reused: loaded from the remote pool");
    tell_part(out, row->new_tokens, all,
              "computed: new in this turn, or behind the last whole block");
    tell_part(out, row->never_stored_tokens, all,
              "computed: asked before, but not stored on this server by then");
    tell_part(out, row->evicted_tokens, all, "computed: they had been stored, and were evicted");
    tell_part(out, row->expired_tokens, all, "computed: they had outlived their time to live");
    tell_part(out, row->invalidated_tokens, all,
              "computed: the cut had made their KV useless (positions are in it)");
    tell_part(out, row->unsaved_tokens, all, "computed: no tier had had room to save them");
    tell_part(out, row->refused_tokens, all, "computed: a filter had kept them out (admit_*)");
    tell_part(out, row->elsewhere_tokens, all, "computed: another server has them");
    tell_part(out, row->behind_gap_tokens, all,
              "computed: they are there, but something before them is not");
    tell_part(
        out, row->too_slow_tokens, all,
        "computed: they were found, but loading them would have taken longer (reuse: if-faster)");
    tell_part(out, row->not_fetched_tokens, all,
              "computed: they were found below DRAM, from where the engine does not load them now");
    tell_part(out, row->rule_tokens, all,
              "computed: they were found, but the last token or block always is computed");
}

/* Why the first of what was missing was not there. */
static void tell_loss(FILE *out, const struct turn_row *row, const struct turn_row *cause)
{
    char when[TEXT_BYTES], idle[TEXT_BYTES];
    if (row->lost_ns == TURN_NOTHING || row->lost_tier == TURN_NOTHING)
        return;
    const char *tier = tier_name((enum tier)row->lost_tier);
    switch ((enum absence)row->lost_why) {
    case ABSENT_EVICTED:
        fprintf(out, "\nWhat is missing was evicted from %s at %s", tier,
                moment(row->lost_ns, when));
        break;
    case ABSENT_UNSAVED:
        fprintf(out, "\nWhat is missing found no room in %s or below at %s", tier,
                moment(row->lost_ns, when));
        break;
    case ABSENT_REFUSED:
        fprintf(out, "\nWhat is missing was kept out of %s at %s", tier,
                moment(row->lost_ns, when));
        break;
    default:
        fprintf(out, "\nWhat is missing went from %s at %s", tier, moment(row->lost_ns, when));
    }
    if (row->asked_ns > row->lost_ns)
        fprintf(out, ", %s before this turn was asked",
                duration(row->asked_ns - row->lost_ns, idle));
    else
        fprintf(out, ", after this turn was asked");
    if (row->lost_for_turn == TURN_NOTHING)
        fprintf(out, ".\n");
    else if (row->lost_for_turn == row->turn)
        fprintf(out, ", for the turn itself: what it needs did not fit beside it.\n");
    else if (cause != NULL)
        fprintf(out,
                ", to make room for turn %" PRIu64 " (session %" PRIu64 "'s turn %" PRIu64
                ", %" PRIu64 " tokens).\n",
                cause->turn, cause->session, cause->turn_of_session,
                cause->wanted_tokens + cause->reply_tokens);
    else
        fprintf(out, ", to make room for turn %" PRIu64 ".\n", row->lost_for_turn);
}

/* ---- how long it took ---- */

/* A row has one sum of its layers' waits: where the turn was prefilled again, how much of it was
 * before the first token is not known. */
static void tell_loads(FILE *out, const struct turn_row *row)
{
    char wait[TEXT_BYTES];
    if (row->load_wait_ns == 0 && row->reused_tokens > row->reused_hbm_tokens)
        fprintf(out, "; its loads were hidden behind computing");
    else if (row->load_wait_ns > 0 && row->preemptions == 0)
        fprintf(out, ", of which layers waited %s for their KV", duration(row->load_wait_ns, wait));
}

static void tell_prefill(FILE *out, const struct turn_row *row)
{
    char prefill[TEXT_BYTES], ttft[TEXT_BYTES], decode[TEXT_BYTES];
    fprintf(out, "\nIts prefill took %s",
            duration(row->first_token_ns - row->prefill_start_ns, prefill));
    tell_loads(out, row);
    fprintf(out, ". Time to first token: %s", duration(row->ttft_ns, ttft));
    if (row->decode_ns > 0)
        fprintf(out, "; the rest of the reply took %s", duration(row->decode_ns, decode));
    fprintf(out, ".\n");
}

static void tell_preemptions(FILE *out, const struct turn_row *row)
{
    char wait[TEXT_BYTES];
    if (row->preemptions == 0)
        return;
    fprintf(out,
            "It was pushed out of HBM %" PRIu64 " times, and computed %" PRIu64 " tokens once more",
            row->preemptions, row->computed_again_tokens);
    if (row->load_wait_ns > 0)
        fprintf(out, "; in all its prefills together layers waited %s for their KV",
                duration(row->load_wait_ns, wait));
    fprintf(out, ".\n");
}

void story_tell(FILE *out, const struct turn_row *row, const struct turn_row *before,
                const struct turn_row *cause)
{
    tell_asked(out, row, before);
    tell_waiting(out, row);
    tell_reused(out, row);
    tell_loss(out, row, cause);
    tell_prefill(out, row);
    tell_preemptions(out, row);
}
