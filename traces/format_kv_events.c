/* traces/format_kv_events.c - what an engine publishes of its prefix cache, recorded: the KV events
 * of vLLM, of SGLang and of dynamo's router, as MessagePack or JSON lines (kv_records.h,
 * kv_batch.h), as requests for blocks (kv_chains.h).
 *
 * Open loop: a request comes when its first block is stored, which an engine does as it schedules
 * the prompt (vLLM) or has computed it (SGLang): queueing is not seen. Its prompt is all full
 * blocks of its chain, those of its reply too; the reply is unknown, and 1 token. The size of a
 * block is the events'; dynamo's say none, and import.block_tokens counts. */
#include "base/memory.h"
#include "traces/format.h"
#include "traces/json_record.h"
#include "traces/kv_chains.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct kv_events {
    struct kv_records records;
    struct kv_batch batch;
    struct kv_chains *chains;
    uint32_t server_wanted, block_tokens, tokens_not_said;
    bool begun, ended, assumed_size;
    uint64_t first_ns, now_ns;
    struct trace_turn turn;
};

/* Names that every log of such events has near its beginning. */
static bool names_events(const struct head *head)
{
    return head_bytes_have(head, "BlockStored") || head_bytes_have(head, "BlockRemoved") ||
           head_bytes_have(head, "AllBlocksCleared");
}

static bool kv_events_probe(const struct head *head)
{
    unsigned char first = (unsigned char)head->text[0];
    if (first == '{' && head_line_has(head, "\"event_id\"") && head_line_has(head, "\"worker_id\""))
        return true;
    /* MessagePack: an array or a map of 2 to 9, or a length of 4 bytes before it. */
    bool packed = first <= 1 || (first >= 0x82 && first <= 0x89) || first == 0x92 || first == 0x93;
    bool json =
        first == '[' ||
        (first == '{' && (head_line_has(head, "\"events\"") || head_line_has(head, "\"type\"")));
    return (packed || json) && names_events(head);
}

/* ---- reading ---- */

static enum status check_block_tokens(struct kv_events *events, const struct kv_event *event,
                                      struct error *err)
{
    char expected[64], found[32];
    uint32_t tokens = event->block_tokens != 0 ? event->block_tokens : events->tokens_not_said;
    if (event->kind != KV_STORED || event->medium != KV_GPU)
        return STATUS_OK;
    if (events->block_tokens == 0)
        events->block_tokens = tokens;
    events->assumed_size |= event->block_tokens == 0;
    if (events->block_tokens == tokens)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "%u, as of the blocks before", events->block_tokens);
    snprintf(found, sizeof found, "%u", tokens);
    return kv_refuse(&events->batch.where, "block_size", expected, found, err);
}

/* Servers of one log are several processes, whose clocks and messages may cross: only a server's
 * own time may not go back. */
static enum status check_time(struct kv_events *events, uint64_t before_ns, struct error *err)
{
    char expected[96], found[48];
    uint64_t now_ns = events->batch.time_ns;
    if (now_ns < before_ns) {
        snprintf(expected, sizeof expected, "a time not before the batch above it, %.6f s",
                 (double)before_ns / 1e9);
        snprintf(found, sizeof found, "%.6f s", (double)now_ns / 1e9);
        return kv_refuse(&events->batch.where, "ts", expected, found, err);
    }
    if (!events->begun)
        events->first_ns = events->now_ns = now_ns;
    events->begun = true;
    if (now_ns > events->now_ns)
        events->now_ns = now_ns;
    return STATUS_OK;
}

static enum status tell_batch(struct kv_events *events, const struct kv_record *record,
                              struct error *err)
{
    struct kv_batch *batch = &events->batch;
    uint64_t before_ns;
    if (kv_batch_begin(batch, record, err) != STATUS_OK)
        return err->status;
    uint32_t server = kv_chains_server(events->chains, batch, &before_ns);
    if (check_time(events, before_ns, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < batch->count; i++) {
        struct kv_event event;
        if (kv_batch_event(batch, i, &event, err) != STATUS_OK)
            return err->status;
        if (events->server_wanted != 0 && server != events->server_wanted)
            continue;
        if (check_block_tokens(events, &event, err) ||
            kv_chains_tell(events->chains, server, events->now_ns, &event, &batch->where, err))
            return err->status;
    }
    return STATUS_OK;
}

static enum status read_record(struct kv_events *events, struct lines *lines, struct error *err)
{
    struct kv_record record;
    enum lines_step step = kv_records_next(&events->records, lines, &record, err);
    events->ended = step == LINES_END;
    if (step != LINES_LINE)
        return step == LINES_END ? STATUS_OK : err->status;
    enum status status = tell_batch(events, &record, err);
    json_decref(record.value);
    return status;
}

/* The size of blocks must be known before the first request is given. */
static enum status kv_events_open(struct lines *lines, const struct format_settings *settings,
                                  void **state, struct error *err)
{
    struct kv_events *events = *state = memory_new(1, sizeof *events);
    events->chains = kv_chains_new(settings->import.chain_gap_ns);
    events->server_wanted = settings->import.server;
    events->tokens_not_said = settings->import.block_tokens;
    while (events->block_tokens == 0 && !events->ended)
        if (read_record(events, lines, err) != STATUS_OK)
            return err->status;
    if (events->block_tokens != 0)
        return STATUS_OK;
    if (events->batch.where.path == NULL)
        events->batch.where = (struct kv_where){ lines_path(lines), 1, 0, false };
    return kv_refuse(&events->batch.where, events->server_wanted != 0 ? "import.server" : NULL,
                     "a block that was stored on a GPU", "none in the whole log", err);
}

static void kv_events_close(void *state)
{
    struct kv_events *events = state;
    kv_records_free(&events->records);
    kv_batch_free(&events->batch);
    kv_chains_free(events->chains);
    free(events);
}

static enum status make_session(struct kv_events *events, const struct kv_chain *chain,
                                struct trace_session *session, struct error *err)
{
    uint64_t tokens = (uint64_t)chain->count * events->block_tokens;
    if (tokens > (uint64_t)RECORD_TOKENS_MOST)
        return kv_refuse(&events->batch.where, "block_hashes", "a chain of at most 2^30 tokens",
                         "a longer one", err);
    events->turn = (struct trace_turn){ .prompt_tokens = (uint32_t)tokens, .reply_tokens = 1 };
    *session = (struct trace_session){ .arrival_ns = chain->begin_ns - events->first_ns,
                                       .turn_count = 1,
                                       .turns = &events->turn,
                                       .block_keys = chain->keys,
                                       .block_count = chain->count,
                                       .measured_hits = chain->hits,
                                       .measured_hits_below = chain->hits_below };
    return STATUS_OK;
}

static enum trace_step kv_events_next(void *state, struct lines *lines,
                                      struct trace_session *session, struct error *err)
{
    struct kv_events *events = state;
    struct kv_chain chain;
    while (!kv_chains_take(events->chains, events->now_ns, events->ended, &chain)) {
        if (events->ended)
            return TRACE_END;
        if (read_record(events, lines, err) != STATUS_OK)
            return TRACE_ERROR;
    }
    return make_session(events, &chain, session, err) == STATUS_OK ? TRACE_ITEM : TRACE_ERROR;
}

static void kv_events_tell(const void *state, struct trace_facts *facts)
{
    const struct kv_events *events = state;
    facts->block_tokens = events->block_tokens;
    facts->engine = kv_chains_log(events->chains);
    facts_assume(facts, "replies of 1 token: the log has them among the prompts' blocks");
    if (events->assumed_size)
        facts_assume(facts, "blocks of import.block_tokens: these events say no size");
}

const struct trace_format trace_format_kv_events = {
    .name = "kv-events",
    .summary = "KV events of vLLM, SGLang or dynamo (BlockStored, BlockRemoved...), MessagePack or "
               "JSON lines",
    .facts = { .open_loop = true, .measured = TRACE_MEASURED_BY_EVENTS },
    .time_key = "ts",
    .probe = kv_events_probe,
    .open = kv_events_open,
    .close = kv_events_close,
    .next = kv_events_next,
    .tell = kv_events_tell,
};
