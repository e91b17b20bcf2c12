/* traces/generator.c - the ShareGPT-like workload; docs/workload.md has each equation and source.
 * Each session's numbers come from streams of its own id, so that memory does not grow with
 * sessions and a changed parameter leaves the other draws as they were. */
#include "base/memory.h"
#include "base/units.h"
#include "traces/draws.h"
#include "traces/source.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const think_choices[] = { THINK_TIMES(CHOICE_WORD) NULL };
static const char *const length_choices[] = { LENGTHS(CHOICE_WORD) NULL };

#define AT(member) offsetof(struct workload, member)

const struct config_row workload_rows[] = {
    { .key = "sessions",
      .kind = CONFIG_U64,
      .offset = AT(sessions),
      .min = 1,
      .max = 1e9,
      .standard = "9000",
      .help = "sessions of the run (paper: 9K of ShareGPT's 90K)" },
    { .key = "sessions_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_PER_S,
      .offset = AT(sessions_per_s),
      .min = 1e-6,
      .max = 1e6,
      .standard = "1.0",
      .word = "inf",
      .help =
          "sessions that arrive per second, a Poisson process (paper: lambda = 1.0); inf: all at "
          "once, at time 0" },
    { .key = "concurrency",
      .kind = CONFIG_U32,
      .offset = AT(concurrency),
      .min = 0,
      .max = 1000000,
      .standard = "0",
      .help =
          "sessions in flight at once, of a trace file too: the next begins when one has ended, "
          "whatever their arrivals, and one whose user thinks is in flight (vLLM's "
          "--max-concurrency at rate inf); 0: they come as they arrive" },
    { .key = "multi_turn_share",
      .kind = CONFIG_DOUBLE,
      .offset = AT(multi_turn_share),
      .min = 0,
      .max = 1,
      .standard = "0.73",
      .help = "share of sessions with two turns or more (paper: 73 %)" },
    { .key = "mean_turns",
      .kind = CONFIG_DOUBLE,
      .offset = AT(mean_turns),
      .min = 1,
      .max = 1e5,
      .standard = "5.75",
      .help = "turns a session, over all sessions (paper: 5.75)" },
    { .key = "lengths",
      .kind = CONFIG_CHOICE,
      .offset = AT(lengths),
      .choices = length_choices,
      .standard = "lognormal",
      .help =
          "of prompts and replies. lognormal: by mean and cv; uniform: any whole number from least "
          "to most, as benchmarks draw them; constant: the mean" },
    { .key = "prompt_tokens.mean",
      .kind = CONFIG_DOUBLE,
      .offset = AT(prompt_tokens_mean),
      .min = 1,
      .max = 1e6,
      .standard = "250",
      .help =
          "new tokens a turn asks with; prompt and reply in vLLM's ratio, scaled to the paper's "
          "lengths (docs/workload.md)" },
    { .key = "prompt_tokens.cv",
      .kind = CONFIG_DOUBLE,
      .offset = AT(prompt_tokens_cv),
      .min = 0,
      .max = 20,
      .standard = "1.0",
      .help = "their deviation over their mean, log-normal (assumed)" },
    { .key = "prompt_tokens.least",
      .kind = CONFIG_U32,
      .offset = AT(prompt_tokens_least),
      .min = 1,
      .max = 1e6,
      .standard = "819",
      .help = "uniform: the shortest (InferenceMAX: 0.8 of the longest, 1,024)" },
    { .key = "prompt_tokens.most",
      .kind = CONFIG_U32,
      .offset = AT(prompt_tokens_most),
      .min = 1,
      .max = 1e6,
      .standard = "1024",
      .help = "uniform: the longest" },
    { .key = "reply_tokens.mean",
      .kind = CONFIG_DOUBLE,
      .offset = AT(reply_tokens_mean),
      .min = 1,
      .max = 1e6,
      .standard = "525",
      .help = "tokens of a reply; see prompt_tokens.mean" },
    { .key = "reply_tokens.cv",
      .kind = CONFIG_DOUBLE,
      .offset = AT(reply_tokens_cv),
      .min = 0,
      .max = 20,
      .standard = "1.0",
      .help = "their deviation over their mean, log-normal (assumed)" },
    { .key = "reply_tokens.least",
      .kind = CONFIG_U32,
      .offset = AT(reply_tokens_least),
      .min = 1,
      .max = 1e6,
      .standard = "819",
      .help = "uniform: the shortest" },
    { .key = "reply_tokens.most",
      .kind = CONFIG_U32,
      .offset = AT(reply_tokens_most),
      .min = 1,
      .max = 1e6,
      .standard = "1024",
      .help = "uniform: the longest" },
    { .key = "session_length_cv",
      .kind = CONFIG_DOUBLE,
      .offset = AT(session_length_cv),
      .min = 0,
      .max = 20,
      .standard = "1.0",
      .help =
          "log-normal: deviation of the factor, of mean 1, that all lengths of a session share: "
          "solved for 47 % of sessions over 2K and 30 % over 4K tokens (docs/workload.md)" },
    { .key = "think_time.distribution",
      .kind = CONFIG_CHOICE,
      .offset = AT(think_time),
      .choices = think_choices,
      .standard = "exponential",
      .help =
          "of the time between a reply's end and the next turn, which the paper does not state" },
    { .key = "think_time.mean",
      .kind = CONFIG_U64,
      .unit = UNIT_DURATION,
      .offset = AT(think_mean_ns),
      .min = 0,
      .max = 1e17,
      .standard = "60s",
      .help = "its mean (others use 60 s; assumed)" },
    { .key = "think_time.cv",
      .kind = CONFIG_DOUBLE,
      .offset = AT(think_cv),
      .min = 0,
      .max = 20,
      .standard = "1.0",
      .help = "deviation over mean of the log-normal one" },
    { .key = "seed",
      .kind = CONFIG_U64,
      .offset = AT(seed),
      .min = 0,
      .max = 9007199254740992.0,
      .standard = "1",
      .help = "of all draws: the same seed gives the same workload on any machine" },
    { .key = NULL },
};

enum stream { STREAM_ARRIVALS, STREAM_TURNS, STREAM_LENGTHS, STREAM_THINK, STREAM_COUNT };

struct generator {
    struct workload workload;
    struct random arrivals;
    uint64_t next_id, arrival_ns;
    struct trace_turn *turns;
    uint32_t turns_capacity;
};

static struct random session_stream(const struct generator *generator, enum stream stream)
{
    return random_from(generator->workload.seed,
                       (generator->next_id + 1) * STREAM_COUNT + (uint64_t)stream);
}

/* One turn, or two and a geometric number more, so that the mean over all sessions is mean_turns.
 */
static uint32_t draw_turn_count(const struct generator *generator)
{
    enum { TURNS_MAX = 1 << 20 };
    const struct workload *workload = &generator->workload;
    struct random random = session_stream(generator, STREAM_TURNS);
    if (random_uniform(&random) >= workload->multi_turn_share)
        return 1;
    double mean_of_several =
        (workload->mean_turns - (1.0 - workload->multi_turn_share)) / workload->multi_turn_share;
    double mean_more = mean_of_several - 1.0; /* beyond the first turn; 1 or more */
    uint64_t count = 1 + random_geometric(&random, mean_more > 1.0 ? 1.0 / mean_more : 1.0);
    return count < TURNS_MAX ? (uint32_t)count : TURNS_MAX;
}

/* factor: what all lengths of the session share. */
static void draw_lengths(const struct workload *workload, double factor, struct random *random,
                         struct trace_turn *turn)
{
    double prompt = workload->prompt_tokens_mean, reply = workload->reply_tokens_mean;
    if (workload->lengths == LENGTHS_UNIFORM) {
        turn->prompt_tokens =
            draw_between(random, workload->prompt_tokens_least, workload->prompt_tokens_most);
        turn->reply_tokens =
            draw_between(random, workload->reply_tokens_least, workload->reply_tokens_most);
        return;
    }
    if (workload->lengths == LENGTHS_LOGNORMAL) {
        prompt = factor * draw_lognormal(random, prompt, workload->prompt_tokens_cv);
        reply = factor * draw_lognormal(random, reply, workload->reply_tokens_cv);
    }
    turn->prompt_tokens = whole_tokens(prompt);
    turn->reply_tokens = whole_tokens(reply);
}

static void draw_turns(struct generator *generator, uint32_t count)
{
    const struct workload *workload = &generator->workload;
    struct random lengths = session_stream(generator, STREAM_LENGTHS);
    struct random think = session_stream(generator, STREAM_THINK);
    memory_grow(&generator->turns, &generator->turns_capacity, count, sizeof *generator->turns);
    double factor = draw_lognormal(&lengths, 1.0, workload->session_length_cv);
    for (uint32_t i = 0; i < count; i++) {
        struct trace_turn *turn = &generator->turns[i];
        turn->think_ns = i > 0 ? draw_think_ns(workload, &think) : 0;
        draw_lengths(workload, factor, &lengths, turn);
    }
}

static enum trace_step generator_next(void *state, struct trace_session *session, struct error *err)
{
    struct generator *generator = state;
    (void)err;
    if (generator->next_id >= generator->workload.sessions)
        return TRACE_END;
    generator->arrival_ns =
        time_later_ns(generator->arrival_ns,
                      draw_gap_ns(&generator->arrivals, generator->workload.sessions_per_s));
    uint32_t count = draw_turn_count(generator);
    draw_turns(generator, count);
    generator->next_id++;
    *session = (struct trace_session){ .arrival_ns = generator->arrival_ns,
                                       .turn_count = count,
                                       .turns = generator->turns };
    return TRACE_ITEM;
}

static struct trace_facts generator_facts(const void *state)
{
    const struct workload *workload = &((const struct generator *)state)->workload;
    double turns = (double)workload->sessions * workload->mean_turns;
    return (struct trace_facts){ .format = workload->lengths == LENGTHS_LOGNORMAL ? "sharegpt-like"
                                                                                  : "synthetic",
                                 .expected_turns = (uint64_t)(turns + 0.5) };
}

static uint64_t generator_hash(const void *state)
{
    return hash_of_values(workload_rows, &((const struct generator *)state)->workload);
}

static void generator_close(void *state)
{
    struct generator *generator = state;
    free(generator->turns);
    free(generator);
}

static const struct source generator_source = { .next = generator_next,
                                                .facts = generator_facts,
                                                .hash = generator_hash,
                                                .close = generator_close };

static enum status check_turns(const struct workload *workload, struct error *err)
{
    double least = 1.0 + workload->multi_turn_share;
    if (workload->mean_turns < least ||
        (workload->multi_turn_share == 0.0 && workload->mean_turns > 1.0)) {
        char expected[128], found[32];
        snprintf(
            expected, sizeof expected,
            workload->multi_turn_share > 0.0
                ? "at least 1 + multi_turn_share = %.4g: sessions of several turns have two or more"
                : "1, since multi_turn_share is 0",
            least);
        snprintf(found, sizeof found, "%g", workload->mean_turns);
        return error_input(err, NULL, 0, "workload.mean_turns", expected, found);
    }
    return STATUS_OK;
}

/* What a workload must satisfy beyond its rows' ranges. */
static enum status check_workload(const struct workload *workload, struct error *err)
{
    enum status status = check_turns(workload, err);
    if (status == STATUS_OK && workload->lengths == LENGTHS_UNIFORM)
        status = check_least("workload.prompt_tokens.least", workload->prompt_tokens_least,
                             workload->prompt_tokens_most, err);
    if (status == STATUS_OK && workload->lengths == LENGTHS_UNIFORM)
        status = check_least("workload.reply_tokens.least", workload->reply_tokens_least,
                             workload->reply_tokens_most, err);
    return status;
}

enum status trace_generate(const struct workload *workload, struct trace **trace, struct error *err)
{
    if (check_workload(workload, err) != STATUS_OK)
        return err->status;
    struct generator *generator = memory_new(1, sizeof *generator);
    generator->workload = *workload;
    generator->arrivals = random_from(workload->seed, STREAM_ARRIVALS);
    *trace = trace_of(&generator_source, generator);
    return STATUS_OK;
}
