/* traces/traces.h - what users ask of a server, as one stream, whatever file or generator it is
 * from. Public interface of traces/. Knows nothing of models, tiers or clocks.
 *
 * The item of the stream is a session: an arrival and its turns. Two modes, and a run names its
 * own: closed loop: a turn is asked think_ns after the reply before it has ended; open loop: a
 * request is asked at its recorded time whatever happened before. Each request is then a session of
 * one turn, and what it shares with others is in its block keys. */
#ifndef REPRISE_TRACES_TRACES_H
#define REPRISE_TRACES_TRACES_H

#include "base/choice.h"
#include "base/config_tree.h"
#include "base/error.h"
#include "base/units.h"

#include <stdbool.h>
#include <stdint.h>

/* No arrival and no think time in a file is later: 285 years, with room to 2^63 ns for what follows. */
#define TRACE_TIME_MOST_NS (UINT64_C(9000000000) * NS_PER_S)

struct trace_turn {
    uint64_t think_ns;      /* from the end of the reply before; 0 for the first turn */
    uint32_t prompt_tokens; /* new in this turn (open loop: the whole prompt); >= 1 */
    uint32_t reply_tokens;  /* >= 1 */
};

struct trace_session {
    uint64_t arrival_ns; /* since the trace began; never less than the item before */
    uint64_t id;         /* 0, 1, 2, ... in order */
    uint32_t turn_count; /* >= 1 */
    const struct trace_turn *turns;
    /* Prefix blocks of the prompt, open loop only, else NULL: key i stands for tokens
     * [i * block_tokens, (i + 1) * block_tokens) and for all tokens before them; the last one may
     * be partial. Equal keys mean equal prefixes. Keys have 63 bits, as JSON's whole numbers. */
    const uint64_t *block_keys;
    uint32_t block_count;
    /* Of the first blocks, what the engine that was recorded had itself (trace_facts.measured; else
     * 0): of its GPU, or of the cache whose look-ups these are; of the next ones, in tiers below.
     */
    uint32_t measured_hits, measured_hits_below;
    uint8_t tenant; /* of trace_facts.tenants; 0 where none is named */
};

struct trace; /* a source being read */

enum trace_step { TRACE_ITEM, TRACE_END, TRACE_ERROR };

/* Gives the next session. turns and block_keys belong to the trace and hold until the next call.
 * TRACE_ERROR fills err (a bad line is named by its number) and every later call gives it again. A
 * trace without any session is an error too, which says why: it has no results, only zeros. */
enum trace_step trace_next(struct trace *trace, struct trace_session *session, struct error *err);
void trace_close(struct trace *trace); /* NULL is fine */

/* Why a record of a file is no request, and is left out: enum, key of JSON, words. */
#define TRACE_SKIPS(X)                                                                             \
    X(SKIP_NO_REPLY, "no_reply", "without a reply")                                                \
    X(SKIP_NO_PROMPT, "no_prompt", "without a prompt")                                             \
    X(SKIP_FAILED, "failed", "that failed, as the file says")                                      \
    X(SKIP_OTHER, "other", "of another kind: headings, embeddings, warm-up")
#define TRACE_SKIP_MEMBER(name, key, words) name,
#define TRACE_SKIP_WORDS(name, key, words) { key, words },
enum trace_skip { TRACE_SKIPS(TRACE_SKIP_MEMBER) SKIP_CAUSES };
struct trace_skip_words {
    const char *key, *words;
};
extern const struct trace_skip_words trace_skip_words[SKIP_CAUSES];
struct trace_skips {
    uint64_t by[SKIP_CAUSES];
};
uint64_t trace_skips_total(const struct trace_skips *skips);
/* "5 records: 3 without a reply, 2 that failed, as the file says". */
void trace_skips_print(const struct trace_skips *skips, char *text, size_t text_bytes);

enum { TRACE_ASSUMED_MOST = 4 };

/* Whose sessions they are: those of each tenant are told apart, and may be treated apart. */
enum { TRACE_TENANTS_MOST = 16, TRACE_TENANT_BYTES = 32 };
struct trace_tenants {
    uint32_t count; /* read so far; 0: the trace names none, and all is one tenant's */
    char name[TRACE_TENANTS_MOST][TRACE_TENANT_BYTES];
};
/* Its name; "default" where none is named. */
const char *trace_tenant_name(const struct trace_tenants *tenants, uint32_t tenant);

/* Whether a trace tells what an engine's own cache hit, and how it is known. */
enum trace_measured {
    TRACE_UNMEASURED,
    TRACE_MEASURED_BY_EVENTS, /* blocks found when others were stored behind them: a lower bound */
    TRACE_MEASURED_BY_LOOKUPS /* each look-up's answer */
};

/* What an engine's log of KV events says of its cache, as far as it is read. Blocks are counted by
 * server, and of the GPU where no tier below is named. */
struct trace_engine_log {
    uint64_t servers;             /* data-parallel ranks, workers, topics */
    uint64_t stored_blocks;       /* each one missed */
    uint64_t stored_twice_blocks; /* of them: while a copy was there */
    uint64_t stored_again_blocks; /* of them: there once, and removed or cleared since */
    uint64_t from_below_blocks;   /* of them: a tier below had them */
    uint64_t removed_blocks;
    uint64_t removed_unknown_blocks; /* of them: not known to be there */
    uint64_t unknown_parents;        /* parents that no event stored */
    uint64_t clearings, passed_over_events, lost_batches;
    uint64_t resident_peak_blocks; /* different blocks at once, of the server that had most */
};

struct trace_facts {
    bool open_loop;
    uint32_t block_tokens;    /* tokens in a block key; 0: the trace has none */
    uint64_t expected_turns;  /* for progress; 0: not known */
    struct trace_skips skips; /* records read so far that are no request */
    /* What the file does not say and was assumed, for a record read so far: a line each, of static
     * text; NULL ends them. */
    const char *assumed[TRACE_ASSUMED_MOST + 1];
    const char *format; /* "mooncake", "sharegpt-like" */
    enum trace_measured measured;
    struct trace_engine_log engine; /* TRACE_MEASURED_BY_EVENTS; else zero */
    struct trace_tenants tenants;
};
struct trace_facts trace_facts(const struct trace *trace);
/* How much of the file is read, in [0, 1], for progress where expected_turns is 0. */
double trace_progress(const struct trace *trace);
/* xxHash64 of what was read so far (files: uncompressed bytes; generator: its parameters). */
uint64_t trace_hash(const struct trace *trace);

/* The ShareGPT-like workload. Its published statistics (paper.md, Workload): 73 % of sessions have
 * several turns; 5.75 turns a session over all sessions of the run; 47 % of sessions are longer
 * than 2K tokens, 30 % than 4K. Defaults and what is assumed beyond them: docs/workload.md. */
#define THINK_TIMES(X)                                                                             \
    X(THINK_EXPONENTIAL, "exponential")                                                            \
    X(THINK_LOGNORMAL, "lognormal")                                                                \
    X(THINK_CONSTANT, "constant")
enum think_time { THINK_TIMES(CHOICE_MEMBER) };
#define LENGTHS(X)                                                                                 \
    X(LENGTHS_LOGNORMAL, "lognormal")                                                              \
    X(LENGTHS_UNIFORM, "uniform")                                                                  \
    X(LENGTHS_CONSTANT, "constant")
enum lengths { LENGTHS(CHOICE_MEMBER) };
struct workload {
    uint64_t sessions;
    double sessions_per_s; /* Poisson arrivals: the paper's lambda; infinity: all come at time 0 */
    /* Sessions in flight at once, whatever their arrivals: who drives a trace
     * (sim/engine/sessions.h) begins the next when one has ended; 0: at their arrivals. The traces
     * themselves, generated ones and files alike, do not heed it. */
    uint32_t concurrency;
    double multi_turn_share; /* of sessions with two turns or more */
    double mean_turns;       /* over all sessions */
    int lengths;             /* enum lengths, of prompts and replies */
    double prompt_tokens_mean, prompt_tokens_cv;
    double reply_tokens_mean, reply_tokens_cv;
    uint32_t prompt_tokens_least, prompt_tokens_most; /* uniform only: both ends can be drawn */
    uint32_t reply_tokens_least, reply_tokens_most;
    double session_length_cv; /* log-normal only: of the factor all lengths of a session share */
    int think_time;           /* enum think_time */
    uint64_t think_mean_ns;
    double think_cv; /* log-normal only */
    uint64_t seed;
};
extern const struct config_row
    workload_rows[]; /* keys without prefix, offsets into struct workload */
/* STATUS_INPUT: parameters that contradict each other (mean_turns too small for multi_turn_share,
 * the least length above the most). */
enum status trace_generate(const struct workload *workload, struct trace **trace,
                           struct error *err);

/* Requests of shared documents, for the study of caches: open loop, with block keys. Each request
 * is a system prompt that all share, one of `documents` drawn by Zipf's law, and blocks of its own.
 * Needs no memory for what it gave. */
struct block_workload {
    uint64_t requests, documents;
    double requests_per_s; /* Poisson arrivals */
    double zipf;           /* exponent of the documents' popularity; 0: all alike */
    uint32_t block_tokens, system_blocks;
    double document_blocks_mean, document_blocks_cv; /* log-normal; a document has one length */
    double own_blocks_mean;                          /* geometric, from 0 */
    double reply_tokens_mean, reply_tokens_cv;
    uint64_t seed;
};
extern const struct config_row block_workload_rows[]; /* offsets into struct block_workload */
enum status trace_generate_blocks(const struct block_workload *workload, struct trace **trace,
                                  struct error *err);

/* What the import of a file assumes where the file says nothing. */
struct trace_import {
    char format[CONFIG_TEXT_BYTES]; /* "": told from the content */
    double bytes_per_token;
    uint32_t block_tokens; /* 0: the format's standard */
    bool sort;             /* records come in any order of time, and are held in memory */
    uint64_t hash_seed, session_gap_ns;
    double rate, think_scale; /* its times made others: trace_scaled() in write.h */
    uint64_t chain_gap_ns;    /* of KV events (kv_chains.h) */
    uint32_t server;          /* of KV events: that one's only, from 1; 0: all */
};
extern const struct config_row trace_import_rows[]; /* offsets into struct trace_import */
/* STATUS_INPUT: no known format. */
enum status trace_import_check(const struct trace_import *import, struct error *err);
/* Tokens of the blocks that texts, and the histories of trace_unroll(), are cut into. */
uint32_t trace_import_block_tokens(const struct trace_import *import);

/* Opens a trace file, plain, .zst or .gz, reading as it goes: its whole is never in memory. The
 * workload gives arrivals and think times where the file has none. An experiment's trace is opened
 * by experiment_open_trace() (sim.h). STATUS_IO: cannot be opened; STATUS_INPUT: no known format, a
 * malformed heading. */
enum status trace_open(const char *path, const struct workload *workload,
                       const struct trace_import *import, struct trace **trace, struct error *err);
/* Calls visit for each known format. */
void trace_formats(void (*visit)(const char *name, const char *summary, void *context),
                   void *context);

#endif
