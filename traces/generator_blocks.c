/* traces/generator_blocks.c - requests of shared documents, as prefix blocks: docs/workload.md.
 * What a request holds is drawn from streams of its own number and of its document's, so that
 * memory does not grow with either. */
#include "base/memory.h"
#include "traces/draws.h"
#include "traces/source.h"

#include <stddef.h>
#include <stdlib.h>

#define AT(member) offsetof(struct block_workload, member)

const struct config_row block_workload_rows[] = {
    { .key = "requests",
      .kind = CONFIG_U64,
      .offset = AT(requests),
      .min = 1,
      .max = 1e10,
      .standard = "10000",
      .help = "requests of the run" },
    { .key = "requests_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_PER_S,
      .offset = AT(requests_per_s),
      .min = 1e-6,
      .max = 1e6,
      .standard = "3.4",
      .help = "requests that arrive per second, a Poisson process (Mooncake's conversation: 3.4)" },
    { .key = "documents",
      .kind = CONFIG_U64,
      .offset = AT(documents),
      .min = 1,
      .max = 1e9,
      .standard = "2000",
      .help = "different documents (assumed)" },
    { .key = "zipf",
      .kind = CONFIG_DOUBLE,
      .offset = AT(zipf),
      .min = 0,
      .max = 5,
      .standard = "0.9",
      .help = "exponent of the documents' popularity; 0: all alike (assumed)" },
    { .key = "block_tokens",
      .kind = CONFIG_U32,
      .offset = AT(block_tokens),
      .min = 1,
      .max = 65536,
      .standard = "512",
      .help = "tokens of a block (Mooncake's: 512)" },
    { .key = "system_blocks",
      .kind = CONFIG_U32,
      .offset = AT(system_blocks),
      .min = 0,
      .max = 65536,
      .standard = "1",
      .help = "blocks that all requests begin with (assumed)" },
    { .key = "document_blocks.mean",
      .kind = CONFIG_DOUBLE,
      .offset = AT(document_blocks_mean),
      .min = 0,
      .max = 65536,
      .standard = "20",
      .help = "blocks of a document (assumed)" },
    { .key = "document_blocks.cv",
      .kind = CONFIG_DOUBLE,
      .offset = AT(document_blocks_cv),
      .min = 0,
      .max = 20,
      .standard = "1",
      .help = "their deviation over their mean, log-normal (assumed)" },
    { .key = "own_blocks.mean",
      .kind = CONFIG_DOUBLE,
      .offset = AT(own_blocks_mean),
      .min = 0,
      .max = 65536,
      .standard = "3",
      .help = "blocks behind the document that no other request has; geometric, from 0 (assumed)" },
    { .key = "reply_tokens.mean",
      .kind = CONFIG_DOUBLE,
      .offset = AT(reply_tokens_mean),
      .min = 1,
      .max = 1e6,
      .standard = "343",
      .help = "tokens of a reply (Mooncake's conversation: 343)" },
    { .key = "reply_tokens.cv",
      .kind = CONFIG_DOUBLE,
      .offset = AT(reply_tokens_cv),
      .min = 0,
      .max = 20,
      .standard = "1",
      .help = "their deviation over their mean, log-normal (assumed)" },
    { .key = "seed",
      .kind = CONFIG_U64,
      .offset = AT(seed),
      .min = 0,
      .max = 9007199254740992.0,
      .standard = "1",
      .help = "of all draws: the same seed gives the same requests on any machine" },
    { .key = NULL },
};

enum stream { STREAM_ARRIVALS, STREAM_REQUESTS, STREAM_DOCUMENTS, STREAM_COUNT };

/* Keys are positive as JSON's 63-bit integers: 2 bits of kind, 40 of number, 20 of place. */
enum { PLACE_BITS = 20, NUMBER_BITS = 40, BLOCKS_MOST = 1 << PLACE_BITS, TOKENS_MOST = 1 << 30 };
enum kind { KIND_SYSTEM, KIND_DOCUMENT, KIND_OWN };

struct blocks {
    struct block_workload workload;
    struct zipf zipf;
    struct random arrivals;
    uint64_t given, arrival_ns;
    struct trace_turn turn;
    uint64_t *keys;
    uint32_t keys_capacity;
};

static struct random stream_of(const struct blocks *blocks, enum stream stream, uint64_t number)
{
    return random_from(blocks->workload.seed, (number + 1) * STREAM_COUNT + (uint64_t)stream);
}

static uint32_t add_keys(struct blocks *blocks, uint32_t count, uint32_t more, enum kind kind,
                         uint64_t number)
{
    if (more > BLOCKS_MOST)
        more = BLOCKS_MOST;
    memory_grow(&blocks->keys, &blocks->keys_capacity, (uint64_t)count + more,
                sizeof *blocks->keys);
    uint64_t base = (uint64_t)kind << (NUMBER_BITS + PLACE_BITS) | number << PLACE_BITS;
    for (uint32_t i = 0; i < more; i++)
        blocks->keys[count + i] = base + i;
    return count + more;
}

/* A document's length is its own, whoever asks. */
static uint32_t document_blocks(const struct blocks *blocks, uint64_t document)
{
    const struct block_workload *workload = &blocks->workload;
    if (workload->document_blocks_mean <= 0.0)
        return 0;
    struct random random = stream_of(blocks, STREAM_DOCUMENTS, document);
    return whole_tokens(
        draw_lognormal(&random, workload->document_blocks_mean, workload->document_blocks_cv));
}

static uint32_t draw_own_blocks(const struct blocks *blocks, struct random *random)
{
    double mean = blocks->workload.own_blocks_mean;
    if (mean <= 0.0)
        return 0;
    uint64_t drawn = random_geometric(random, 1.0 / (1.0 + mean)) - 1;
    return drawn < BLOCKS_MOST ? (uint32_t)drawn : BLOCKS_MOST;
}

static enum trace_step blocks_next(void *state, struct trace_session *session, struct error *err)
{
    struct blocks *blocks = state;
    const struct block_workload *workload = &blocks->workload;
    (void)err;
    if (blocks->given >= workload->requests)
        return TRACE_END;
    struct random random = stream_of(blocks, STREAM_REQUESTS, blocks->given);
    blocks->arrival_ns += draw_gap_ns(&blocks->arrivals, workload->requests_per_s);
    uint64_t document = zipf_draw(&blocks->zipf, &random);
    uint32_t count = add_keys(blocks, 0, workload->system_blocks, KIND_SYSTEM, 0);
    count = add_keys(blocks, count, document_blocks(blocks, document), KIND_DOCUMENT, document);
    count = add_keys(blocks, count, draw_own_blocks(blocks, &random), KIND_OWN, blocks->given);
    if (count == 0) /* a request of nothing is no request */
        count = add_keys(blocks, 0, 1, KIND_OWN, blocks->given);
    uint32_t most = TOKENS_MOST / workload->block_tokens;
    count = count < most ? count : most;
    blocks->given++;
    blocks->turn = (struct trace_turn){
        .prompt_tokens = count * workload->block_tokens,
        .reply_tokens = whole_tokens(
            draw_lognormal(&random, workload->reply_tokens_mean, workload->reply_tokens_cv)),
    };
    *session = (struct trace_session){ .arrival_ns = blocks->arrival_ns,
                                       .turn_count = 1,
                                       .turns = &blocks->turn,
                                       .block_keys = blocks->keys,
                                       .block_count = count };
    return TRACE_ITEM;
}

static struct trace_facts blocks_facts(const void *state)
{
    const struct block_workload *workload = &((const struct blocks *)state)->workload;
    return (struct trace_facts){ .open_loop = true,
                                 .block_tokens = workload->block_tokens,
                                 .expected_turns = workload->requests,
                                 .format = "shared-documents" };
}

static uint64_t blocks_hash(const void *state)
{
    return hash_of_values(block_workload_rows, &((const struct blocks *)state)->workload);
}

static void blocks_close(void *state)
{
    struct blocks *blocks = state;
    free(blocks->keys);
    free(blocks);
}

static const struct source blocks_source = {
    .next = blocks_next, .facts = blocks_facts, .hash = blocks_hash, .close = blocks_close
};

enum status trace_generate_blocks(const struct block_workload *workload, struct trace **trace,
                                  struct error *err)
{
    (void)err;
    struct blocks *blocks = memory_new(1, sizeof *blocks);
    blocks->workload = *workload;
    blocks->zipf = zipf_of(workload->documents, workload->zipf);
    blocks->arrivals = random_from(workload->seed, STREAM_ARRIVALS);
    *trace = trace_of(&blocks_source, blocks);
    return STATUS_OK;
}
