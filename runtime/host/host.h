/* runtime/host/host.h - the host as a device: what its rooms share. Private to runtime/host/.
 *   host.c       memory of the two tiers, opening and closing, the v-table
 *   blas.c       OpenBLAS, loaded when a device is opened
 *   streams.c    queues of commands, their threads, events; copies and operators held to rates
 *   operators.c  products by OpenBLAS, norms, activations
 *   experts.c    choosing experts, their products and their sum
 *   attention.c  KV in pages, RoPE at use, attention
 *   kv.c         what KV is stored as in pages (narrow.h: its values)
 *   latent.c     the same of MLA, and the products of single heads
 * Each stream is a thread. STREAM_COMPUTE computes (OpenBLAS may add threads of its own); the other
 * two copy. So on two cores computation has one and copies and the serving loop share the other. */
#ifndef REPRISE_RUNTIME_HOST_H
#define REPRISE_RUNTIME_HOST_H

#include "runtime/backend.h"
#include "runtime/host/blas.h"

#include <pthread.h>

enum event_state { EVENT_IDLE, EVENT_RECORDED, EVENT_HAPPENED };

struct backend_event {
    enum event_state state;
    uint64_t time_ns;
};

struct command {
    /* Runs on the stream's thread, without the device's lock. */
    void (*run)(struct device *device, struct command *command);
    struct backend_event *event; /* of record and wait, which the thread itself carries out */
    bool waits;
    enum stream stream;
    uint64_t queued_ns;
    double held_ns; /* how long it takes at the rates it is held to; set at the latest by run() */
    /* The operator's arguments, by what it takes. */
    uint32_t rows, inputs, outputs, layer, kind;
    uint64_t count;
    float epsilon;
    const void *in, *weights, *bias;
    void *out;
    struct attention_dims shape;
    struct head_products products;
    /* Copies of the caller's arrays; the slot keeps the memory for its next command. */
    void *extra;
    uint64_t extra_bytes, extra_capacity;
};

/* Invariant: commands next_run .. next_put - 1 (modulo capacity) are queued; the one at next_run
 * may be running. The ring never grows: a full one makes the caller wait, as a GPU's queue does. */
struct host_stream {
    pthread_t thread;
    pthread_cond_t work; /* something was queued, or stop */
    pthread_cond_t room;
    struct command *ring;
    uint64_t next_put, next_run;
    double bytes_per_s; /* copies are held to it; 0: not held */
    uint64_t free_ns;   /* when what is held to a rate may begin: the end of the one before */
    bool started;
    bool holds; /* an operator held to the rates was run since the last event */
};
enum { STREAM_RING = 1024 };

struct host_tier {
    uint64_t capacity_bytes, used_bytes;
};

struct allocation {
    void *memory;
    uint64_t size_bytes;
    struct allocation *next;
};

/* The contexts of the present batch; only STREAM_COMPUTE's thread touches it. */
struct batch {
    struct sequence *sequences; /* their pages point behind the array */
    uint32_t count;
    void *memory;
    uint64_t capacity_bytes;
};

/* cos and sin of position * theta^(-2i / dims), rows of dims / 2, made when first asked for. */
struct rope_table {
    float theta;
    uint32_t dims, positions;
    float *cosine, *sine;
};

struct scratch {
    float *memory;
    uint64_t capacity; /* floats */
};

struct device {
    pthread_mutex_t lock;   /* guards streams' queues, events, tiers, the error */
    pthread_cond_t changed; /* an event happened */
    struct host_stream stream[STREAM_COUNT];
    bool stop, news;
    struct host_tier tier[TIER_COUNT];
    struct allocation *allocations[TIER_COUNT];
    struct error err;
    uint32_t threads;
    struct blas blas;
    struct held_rates held;
    uint64_t late_ns;
    struct batch batch;
    struct rope_table rope;
    struct scratch keys, values, queries, scores;
    struct scratch gathered; /* experts.c */
};

extern const struct backend backend_host;

/* streams.c */
enum status streams_start(struct device *device, struct error *err);
void streams_stop(struct device *device);
/* A slot of the stream's ring with room for extra_bytes; fill it, then streams_put(). */
struct command *streams_slot(struct device *device, enum stream stream, uint64_t extra_bytes);
void streams_put(struct device *device, enum stream stream);
void streams_drain(struct device *device, enum stream stream);
void host_copy(struct device *device, enum stream stream, enum copy_kind kind,
               const struct copy *copies, uint32_t count);
struct backend_event *host_event_new(struct device *device);
void host_event_free(struct device *device, struct backend_event *event);
void host_record(struct device *device, enum stream stream, struct backend_event *event);
void host_wait(struct device *device, enum stream stream, struct backend_event *event);
bool host_happened(struct device *device, struct backend_event *event, uint64_t *time_ns);
void host_synchronise(struct device *device, struct backend_event *event);
void host_sleep_until(struct device *device, uint64_t time_ns);
void host_wake(struct device *device);

/* How long work takes on the device that the host stands for: the longer of both; ns. */
double host_held_ns(const struct device *device, double flop, double flop_share, double bytes);

/* operators.c */
void host_embed(struct device *device, const void *table, uint32_t width, const uint32_t *tokens,
                uint32_t rows, void *out);
void host_gemm(struct device *device, uint32_t rows, uint32_t inputs, uint32_t outputs,
               const void *in, const void *weights, void *out);
void host_norm(struct device *device, enum norm_kind kind, uint32_t rows, uint32_t width,
               float epsilon, const void *in, const void *weight, const void *bias, void *out);
void host_activate(struct device *device, enum activation_kind kind, uint32_t rows, uint32_t width,
                   const void *in, void *out);
void host_add(struct device *device, uint64_t count, const void *in, void *sum);
void host_gather_rows(struct device *device, const void *from, uint32_t width, const uint32_t *row,
                      uint32_t rows, void *to);

/* out[rows][outputs] = in[rows][inputs] * weights[outputs][inputs]^T, at once. */
void host_multiply(const struct blas *blas, uint32_t rows, uint32_t inputs, uint32_t outputs, const float *in,
                   const float *weights, float *out);

/* experts.c */
void host_route(struct device *device, const struct routing *routing, uint32_t rows,
                uint32_t inputs, const void *in, const void *router);
void host_expert_gemm(struct device *device, const struct routing *routing, bool by_row,
                      uint32_t rows, uint32_t inputs, uint32_t outputs, const void *in,
                      const void *weights, void *out);
void host_combine(struct device *device, const struct routing *routing, uint32_t rows,
                  uint32_t width, const void *in, bool added, void *out);
void experts_free(struct device *device);

/* attention.c */
void host_set_batch(struct device *device, const struct sequence *sequences, uint32_t count);
void host_store_kv(struct device *device, const struct attention_dims *shape, uint32_t layer,
                   const void *qkv, void *pool);
void host_attention(struct device *device, const struct attention_dims *shape, uint32_t layer,
                    const void *qkv, const void *pool, void *out);
void attention_free(struct device *device);
/* For latent.c too: the table for positions [0, positions); to = the vector at from, its first dims
 * turned to the position, scaled; room for so many floats; scores from .. end - 1 of `count`
 * become probabilities, the others 0. */
void need_rope(struct device *device, const struct rope *rope, uint32_t positions);
void turn(const struct device *device, const struct rope *rope, uint32_t head_dim,
          uint32_t position, float scale, const float *from, float *to);
float *need(struct scratch *scratch, uint64_t floats);
void softmax(float *scores, uint32_t from, uint32_t end, uint32_t count);

/* latent.c */
void host_gemm_heads(struct device *device, const struct head_products *products, uint32_t rows,
                     const void *in, const void *weights, void *out);
void host_store_latent(struct device *device, const struct attention_dims *shape, uint32_t layer,
                       float epsilon, const void *compressed, const void *weight, void *pool);
void host_latent_attention(struct device *device, const struct attention_dims *shape,
                           uint32_t layer, const void *query, const void *query_latent,
                           const void *pool, void *out);

/* kv.c. `count` values between floats and the format; from may be to where that is floats. */
void kv_narrow(enum kv_format format, const float *from, uint32_t count, void *to);
void kv_widen(enum kv_format format, const void *from, uint32_t count, float *to);

#endif
