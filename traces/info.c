/* traces/info.c - reads a trace to its end for what it holds. */
#include "traces/info.h"

#include "traces/reuse.h"

#include <string.h>

static void add_turns(struct trace_info *info, const struct trace_session *session)
{
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < session->turn_count; i++) {
        const struct trace_turn *turn = &session->turns[i];
        info->prompt_tokens += turn->prompt_tokens;
        info->reply_tokens += turn->reply_tokens;
        if (turn->prompt_tokens > info->prompt_tokens_max)
            info->prompt_tokens_max = turn->prompt_tokens;
        if (turn->reply_tokens > info->reply_tokens_max)
            info->reply_tokens_max = turn->reply_tokens;
        tokens += (uint64_t)turn->prompt_tokens + turn->reply_tokens;
    }
    info->turns += session->turn_count;
    info->multi_turn_sessions += session->turn_count > 1;
    info->sessions_over_2k += tokens > 2048;
    info->sessions_over_4k += tokens > 4096;
}

enum status trace_info_read(struct trace *trace, const struct trace_reuse_config *config,
                            struct trace_info *info, struct error *err)
{
    struct trace_reuse_config standard = trace_reuse_standard();
    struct reuse *reuse = reuse_new(config != NULL ? config : &standard);
    struct trace_session session;
    enum trace_step step;
    uint64_t first_ns = 0;
    memset(info, 0, sizeof *info);
    while ((step = trace_next(trace, &session, err)) == TRACE_ITEM) {
        if (info->sessions++ == 0)
            first_ns = session.arrival_ns;
        info->duration_ns = session.arrival_ns - first_ns;
        add_turns(info, &session);
        info->blocks += session.block_count;
        reuse_request(reuse, session.block_keys, session.block_count);
    }
    info->facts = trace_facts(trace);
    info->hash = trace_hash(trace);
    reuse_result(reuse, &info->reuse);
    reuse_free(reuse);
    return step == TRACE_ERROR ? err->status : STATUS_OK;
}
