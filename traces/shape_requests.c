/* traces/shape_requests.c - shapes of single requests, of which many begin alike: groups with a
 * system prompt each, and documents that are asked for again. Which one is next is computed from
 * its number (shuffle.h), its lengths are drawn from its number's stream and its group's: nothing
 * that was given is held. */
#include "base/memory.h"
#include "traces/block_keys.h"
#include "traces/shape_sources.h"
#include "traces/shuffle.h"
#include "traces/source.h"

#include <stdlib.h>
#include <xxhash.h>

enum stream { STREAM_ARRIVALS, STREAM_REQUESTS, STREAM_PREFIXES, STREAM_COUNT };

struct requests {
    struct workload workload;
    struct workload_shape shape;
    struct shuffle shuffle;
    struct random arrivals;
    uint64_t count, given, arrival_ns;
    struct trace_turn turn;
    struct block_keys keys;
};

/* What is asked: the prefix that others have too, what is behind it, the reply. */
struct asked {
    uint64_t prefix;
    uint32_t prefix_tokens, own_tokens, reply_tokens;
};

static struct random stream_of(const struct requests *requests, enum stream stream, uint64_t number)
{
    return random_from(requests->workload.seed, (number + 1) * STREAM_COUNT + (uint64_t)stream);
}

/* SGLang's: any whole number from the share, rounded down and at least 1, to the whole. */
static uint32_t draw_ranged(struct random *random, uint32_t most, double share)
{
    uint32_t least = (uint32_t)((double)most * share);
    least = least > 1 ? least : 1;
    return draw_between(random, least, most);
}

static struct asked ask_group(const struct requests *requests, uint64_t number)
{
    const struct shared_prefix_shape *shape = &requests->shape.shared_prefix;
    uint64_t group = number / shape->prompts_per_group;
    struct random random = stream_of(requests, STREAM_REQUESTS, number);
    struct random of_group = stream_of(requests, STREAM_PREFIXES, group);
    struct asked asked = { .prefix = group };
    asked.prefix_tokens = draw_ranged(&of_group, shape->system_tokens, shape->range_ratio);
    asked.own_tokens = draw_ranged(&random, shape->question_tokens, shape->range_ratio);
    asked.reply_tokens = draw_ranged(&random, shape->reply_tokens, shape->range_ratio);
    return asked;
}

/* A document has one length, whoever asks. */
static struct asked ask_document(const struct requests *requests, uint64_t number)
{
    const struct documents_shape *shape = &requests->shape.documents;
    uint64_t document =
        shape->order == REPEATS_TILED ? number % shape->documents : number / shape->repeats;
    struct random random = stream_of(requests, STREAM_PREFIXES, document);
    return (struct asked){ .prefix = document,
                           .prefix_tokens =
                               whole_tokens(draw_skewed(&random, &shape->document_tokens)),
                           .own_tokens = shape->question_tokens,
                           .reply_tokens = shape->reply_tokens };
}

static bool is_shuffled(const struct workload_shape *shape)
{
    return shape->shape == SHAPE_SHARED_PREFIX ? shape->shared_prefix.order == PROMPTS_SHUFFLED
                                               : shape->documents.order == REPEATS_SHUFFLED;
}

static void make_keys(struct requests *requests, const struct asked *asked, uint64_t number)
{
    uint64_t own = asked->own_tokens > 0 ? block_owner(number, 0) : asked->prefix;
    block_keys_begin(&requests->keys);
    block_keys_add(&requests->keys, asked->prefix, asked->prefix_tokens);
    block_keys_add(&requests->keys, own, asked->own_tokens);
    block_keys_end(&requests->keys, own, 1);
}

static enum trace_step requests_next(void *state, struct trace_session *session, struct error *err)
{
    struct requests *requests = state;
    (void)err;
    if (requests->given >= requests->count)
        return TRACE_END;
    requests->arrival_ns = time_later_ns(
        requests->arrival_ns, draw_gap_ns(&requests->arrivals, requests->workload.sessions_per_s));
    uint64_t number = requests->given++;
    if (is_shuffled(&requests->shape))
        number = shuffle_at(&requests->shuffle, number);
    const struct asked asked = requests->shape.shape == SHAPE_SHARED_PREFIX
                                   ? ask_group(requests, number)
                                   : ask_document(requests, number);
    make_keys(requests, &asked, number);
    requests->turn = (struct trace_turn){ .prompt_tokens = (uint32_t)requests->keys.tokens,
                                          .reply_tokens = asked.reply_tokens };
    *session = (struct trace_session){ .arrival_ns = requests->arrival_ns,
                                       .turn_count = 1,
                                       .turns = &requests->turn,
                                       .block_keys = requests->keys.key,
                                       .block_count = requests->keys.count };
    return TRACE_ITEM;
}

static struct trace_facts requests_facts(const void *state)
{
    const struct requests *requests = state;
    return (struct trace_facts){ .open_loop = true,
                                 .block_tokens = requests->keys.block_tokens,
                                 .expected_turns = requests->count,
                                 .format =
                                     trace_shape_about((enum shape)requests->shape.shape).name };
}

static uint64_t requests_hash(const void *state)
{
    const struct requests *requests = state;
    const uint64_t parts[] = { shape_hash(&requests->workload, &requests->shape),
                               requests->keys.block_tokens };
    return XXH64(parts, sizeof parts, 0);
}

static void requests_close(void *state)
{
    struct requests *requests = state;
    block_keys_free(&requests->keys);
    free(requests);
}

static const struct source requests_source = {
    .next = requests_next, .facts = requests_facts, .hash = requests_hash, .close = requests_close
};

struct trace *shape_requests(const struct workload *workload, const struct workload_shape *shape,
                             uint32_t block_tokens)
{
    struct requests *requests = memory_new(1, sizeof *requests);
    requests->workload = *workload;
    requests->shape = *shape;
    requests->keys.block_tokens = block_tokens;
    requests->count = shape->shape == SHAPE_SHARED_PREFIX
                          ? shape->shared_prefix.groups * shape->shared_prefix.prompts_per_group
                          : shape->documents.documents * shape->documents.repeats;
    requests->shuffle = shuffle_of(requests->count, workload->seed);
    requests->arrivals = random_from(workload->seed, STREAM_ARRIVALS);
    return trace_of(&requests_source, requests);
}
