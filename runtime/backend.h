/* runtime/backend.h - what a device must offer to the executor and the serving loop: memory of two
 * tiers, copies beside the computation, and the operators of a decoder-only transformer.
 * host/ and cuda/ each fill in one, const, and keep what varies in their own struct device. The SSD
 * is not here: it reads and writes DRAM, the same on every device (ssd.h).
 *
 * Streams are queues of work that run beside each other; within one, in order. Every operator is
 * queued on STREAM_COMPUTE and returns at once; a device may also run it before returning.
 * Descriptors and the arrays they point to are the caller's and may change when the call has
 * returned; matrices and activations are addresses in HBM and must stay until the operation has
 * run. A failure inside a stream is kept and told by check(), once; what follows it in the streams
 * may not run, but its events still come.
 *
 * Numbers: weights and activations are elements of element_bytes (host: fp32; cuda: bf16); KV is
 * too, or is stored narrower (enum kv_format) and made elements again where it is used. Matrices
 * are row-major and dense; "rows" are tokens. Sums are made in fp32 or better.
 *
 * KV: one pool of pages in HBM (any allocation of that tier). A page holds page_tokens consecutive
 * tokens of one context for all layers, layer after layer. The slice of page p and layer l begins
 * at pool + (p * layers + l) * slice_bytes() and holds page_tokens rows of K, then page_tokens rows
 * of V; a row is kv_heads * head_dim values of kv_value_bytes() each. K is stored before RoPE
 * (CachedAttention, ATC'24, decoupled position encoding): positions are applied when K is used,
 * counted from the first token of the context as it is now.
 *
 * Latent attention (MLA; DeepSeek-V2, arXiv 2405.04434, 2.1) keeps one row of a token that all
 * heads share: [latent, after its norm | rope key, before RoPE], latent_dim + rope.dims values; a
 * slice is page_tokens such rows and no more. */
#ifndef REPRISE_RUNTIME_BACKEND_H
#define REPRISE_RUNTIME_BACKEND_H

#include "base/error.h"
#include "runtime/routing.h"
#include "sim/placement/tier.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;        /* a backend's own */
struct backend_event; /* a backend's own: a place in a stream */

/* A roofline that operators are held to, so that a machine whose speed varies (a virtual one's by
 * half) is a device whose speed does not: the host's work ends no sooner than its FLOPs at
 * flop_per_s (attention: at half of it) and its bytes of weights or KV at bytes_per_s would take.
 * Either 0: not held. GPUs ignore it. */
struct held_rates {
    double flop_per_s, bytes_per_s;
};

struct backend_config {
    uint64_t hbm_bytes, dram_bytes; /* bounds of what allocate() gives of each */
    uint32_t threads;               /* host: that compute; 0: all cores but one. GPUs ignore it */
    /* The rate to which the copies of each direction are held; 0: as fast as they go. The host
     * holds its memcpy to it, so that its links are known and the same on every machine; GPUs
     * ignore it. */
    double h2d_bytes_per_s, d2h_bytes_per_s;
    struct held_rates held;
};

enum stream { STREAM_COMPUTE, STREAM_LOAD, STREAM_SAVE, STREAM_COUNT };

enum copy_kind { COPY_H2D, COPY_D2H, COPY_D2D }; /* DRAM to HBM, HBM to DRAM, within HBM */

struct copy {
    void *to;
    const void *from;
    uint64_t size_bytes;
};

enum norm_kind { NORM_RMS, NORM_LAYER }; /* x / rms(x) * w;  (x - mean) / deviation * w + bias */

enum activation_kind {
    ACTIVATION_SWIGLU, /* in: rows of [gate | up], 2 * width; out = silu(gate) * up */
    ACTIVATION_GELU    /* in: rows of width; out = gelu(in), the tanh form */
};

/* Rotary position encoding (RoFormer, arXiv 2104.09864). Pair i of a head's first `dims` elements
 * is turned by position * theta^(-2i / dims). */
struct rope {
    uint32_t dims;    /* of each head; 0: no rotation */
    float theta;      /* 10000 */
    bool interleaved; /* pairs are (2i, 2i + 1), as llama2.c has them; else (i, i + dims / 2), as
                         Hugging Face */
    /* false: decoupled, as above. true: K is turned by store_kv() for the position it then has, and
     * attention() turns the queries only; there to show what truncation does to it. */
    bool at_store;
};

/* What K and V are stored as. store_kv() rounds to it, to nearest and ties to even; attention()
 * computes with what was stored. */
enum kv_format {
    KV_AS_ELEMENTS,
    KV_BF16,
    /* OCP 8-bit floating point, E4M3 (OFP8 1.0; "e4m3fn"): 1 sign, 4 exponent and 3 fraction bits,
     * no infinity. What is above 448, the largest, becomes 448. Scale 1, as vLLM has it where
     * nothing was calibrated (docs.vllm.ai, "Quantized KV Cache": all scales 1.0). */
    KV_FP8_E4M3
};

/* Layers of which a token sees only some of the tokens before it, itself included. */
struct attention_window {
    uint32_t layers; /* how many are windowed; 0: none */
    uint32_t tokens; /* >= 1 where there are some */
    bool chunked;    /* those of its own chunk: from the last multiple of `tokens` on (Llama 4);
                        else the last `tokens` */
};

struct attention_dims {
    uint32_t heads, kv_heads, head_dim, layers, page_tokens;
    /* MLA: width of the compressed KV; 0: K and V. A head's query then is head_dim elements without
     * and rope.dims with a position, its value head_dim; kv_heads means nothing. */
    uint32_t latent_dim;
    struct rope rope;
    enum kv_format kv;
    struct attention_window window;
};

/* The window of a layer in tokens; 0: its tokens see all. Windowed layers are spread evenly and
 * come first: of 26 layers with 13 every other one from layer 0 on (as in Gemma 2 and gpt-oss), of
 * 48 with 40 all but every sixth (Gemma 3). Their KV is stored as the others' is. */
static inline uint32_t layer_window(const struct attention_dims *shape, uint32_t layer)
{
    const uint64_t layers = shape->layers, windowed = shape->window.layers;
    if (windowed == 0)
        return 0;
    const uint64_t before = (layer * windowed + layers - 1) / layers;
    return ((layer + 1) * windowed + layers - 1) / layers > before ? shape->window.tokens : 0;
}

/* The first position that a token at `position` sees in a layer of that window; never falls as the
 * position grows. */
static inline uint32_t window_begin(uint32_t window, bool chunked, uint32_t position)
{
    if (window == 0)
        return 0;
    if (chunked)
        return position - position % window;
    return position < window ? 0 : position + 1 - window;
}

/* A slice of a page is planes of page_tokens rows each, one row a token: of K, then of V; or,
 * latent, of both at once. */
static inline uint32_t kv_planes(const struct attention_dims *shape)
{
    return shape->latent_dim > 0 ? 1 : 2;
}

/* One product for each head, of its own columns and its own matrix: head h's begin h * in_head
 * elements into a row of `in`, h * out_head into one of `out`, h * weights_head into the weights.
 */
struct head_products {
    uint32_t heads, inputs, outputs;
    bool inputs_first;        /* a matrix is [inputs][outputs]; else [outputs][inputs] */
    uint32_t in_row, out_row; /* elements from a row to the next */
    uint32_t in_head, out_head;
    uint64_t weights_head;
};

/* A context whose KV lies in pages: token i of it is in row (skip + i) % page_tokens of page
 * pages[(skip + i) / page_tokens] and has position i. */
struct sequence {
    const uint32_t *pages; /* in the host's memory; the device takes a copy */
    uint32_t page_count;
    uint32_t skip;          /* < page_tokens: rows of the first page whose tokens were cut off */
    uint32_t cached_tokens; /* whose KV is there, or will be when the stream comes to it */
    uint32_t
        new_tokens; /* >= 1: rows of the activations, behind those of the sequences before it */
};

struct backend {
    const char *name, *summary; /* as in `reprise run --backend NAME` */
    uint32_t element_bytes;
    const char *element; /* "fp32", "bf16" */
    uint32_t kv_formats; /* 1 << each enum kv_format that store_kv() and attention() take */
    /* Rows by which the memory of gemm()'s `in` and `out` must be longer than what is asked for: a
     * device may multiply a few rows more, so that shapes are few. They hold any bits, NaN too, and
     * reach nothing but the slack of `out`, which is written over. 0: none. */
    uint32_t gemm_slack_rows;

    /* *device is the caller's to close(), and set only with STATUS_OK. STATUS_IO: no such device
     * here. */
    enum status (*open)(const struct backend_config *config, struct device **device,
                        struct error *err);
    void (*close)(struct device *device); /* waits for what is queued; NULL is fine */
    /* What it is, in words: "OpenBLAS 0.3.21 Zen, 1 thread"; returns text. */
    char *(*describe)(struct device *device, char *text, size_t text_bytes);
    /* Optional. STATUS_INPUT, by key: a head's width (for the shape's KV format) or a row's
     * (hidden, ffn) that its operators cannot take. NULL: any. */
    enum status (*supports)(const struct attention_dims *shape, const uint32_t *widths,
                            uint32_t count, struct error *err);

    /* tier: TIER_HBM or TIER_DRAM. Zeroed, aligned to 4096 bytes; DRAM can be used by the host and
     * by O_DIRECT. STATUS_IO when the tier has no more: says what was asked and what is left. */
    enum status (*allocate)(struct device *device, enum tier tier, uint64_t size_bytes,
                            void **memory, struct error *err);
    void (*release)(struct device *device, enum tier tier, void *memory); /* NULL is fine */

    /* Between floats of the host and elements in HBM; return when it is done, behind all that is
     * queued on STREAM_COMPUTE. */
    void (*upload)(struct device *device, void *to, const float *from, uint64_t count);
    void (*download)(struct device *device, float *to, const void *from, uint64_t count);
    /* Optional, where elements are bf16: upload() of such. NULL: only floats are taken. */
    void (*upload_bf16)(struct device *device, void *to, const uint16_t *from, uint64_t count);

    /* Queues copies; any stream. A call's copies may be made in any order and must not overlap; the
     * next call's come after them. */
    void (*copy)(struct device *device, enum stream stream, enum copy_kind kind,
                 const struct copy *copies, uint32_t count);

    /* Events. A new one, and one recorded but not reached, has not happened; it may be recorded
     * again once it has happened. */
    struct backend_event *(*event_new)(struct device *device);
    void (*event_free)(struct device *device, struct backend_event *event); /* NULL is fine */
    void (*record)(struct device *device, enum stream stream, struct backend_event *event);
    /* What is queued on the stream from now on waits until the event's present record has happened.
     */
    void (*wait)(struct device *device, enum stream stream, struct backend_event *event);
    /* Whether it has happened, and when, on CLOCK_MONOTONIC (at the device's resolution). */
    bool (*happened)(struct device *device, struct backend_event *event, uint64_t *time_ns);
    /* The host waits for it. */
    void (*synchronise)(struct device *device, struct backend_event *event);
    /* Optional. Sleeps until an event happens or wake() is called, at once if that was since the
     * last return from here; or until time_ns on CLOCK_MONOTONIC. NULL, both: the caller polls. */
    void (*sleep_until)(struct device *device, uint64_t time_ns);
    void (*wake)(struct device *device); /* from any thread */

    /* Optional. For how long, since open(), computing ended behind the rates it is held to: the
     * machine was slower than the device that it stands for. NULL: it is not held. */
    uint64_t (*late_ns)(struct device *device);

    /* ---- operators, on STREAM_COMPUTE ---- */

    /* out[i] = table[tokens[i]]; a row is width elements. tokens: the host's. */
    void (*embed)(struct device *device, const void *table, uint32_t width, const uint32_t *tokens,
                  uint32_t rows, void *out);
    /* out[rows][outputs] = in[rows][inputs] * weights[outputs][inputs]^T; each begins at a multiple
     * of 256 bytes. */
    void (*gemm)(struct device *device, uint32_t rows, uint32_t inputs, uint32_t outputs,
                 const void *in, const void *weights, void *out);
    /* Optional. A product's first time of its shape costs more than its time: runs it for all
     * numbers of rows up to most_rows that make a difference, perhaps in several ways to keep the
     * fastest, and may wait for it. NULL: there is nothing to warm. */
    void (*warm)(struct device *device, uint32_t inputs, uint32_t outputs, uint32_t most_rows,
                 const void *in, const void *weights, void *out);
    /* bias NULL: none. in may be out. */
    void (*norm)(struct device *device, enum norm_kind kind, uint32_t rows, uint32_t width,
                 float epsilon, const void *in, const void *weight, const void *bias, void *out);
    /* Optional. add() of rows * width elements, then norm() of the sum: the same bits, and one
     * operator instead of two. NULL: both are called. */
    void (*add_norm)(struct device *device, enum norm_kind kind, uint32_t rows, uint32_t width,
                     float epsilon, const void *in, void *sum, const void *weight, const void *bias,
                     void *out);
    /* Which contexts the rows of store_kv() and attention() that follow belong to; until the next.
     */
    void (*set_batch)(struct device *device, const struct sequence *sequences, uint32_t count);
    /* qkv: rows of [q | k | v], (heads + 2 * kv_heads) * head_dim elements. Writes the new tokens'
     * K and V of the layer into their pages, rounded to the shape's KV format. */
    void (*store_kv)(struct device *device, const struct attention_dims *shape, uint32_t layer,
                     const void *qkv, void *pool);
    /* Causal attention, scaled by 1 / sqrt(head_dim), of each sequence's new tokens over those of
     * its cached ones and themselves that layer_window() lets them see, whose KV store_kv() has
     * written; queries from qkv are turned to their positions. One sequence with many new tokens is
     * prefill, many with one each are decode; any mix is valid. out: rows of heads * head_dim. */
    void (*attention)(struct device *device, const struct attention_dims *shape, uint32_t layer,
                      const void *qkv, const void *pool, void *out);
    /* out_h[rows][outputs] = in_h[rows][inputs] * weights_h for each head h; sums in fp32. All that
     * it counts by is a multiple of 8 elements on a GPU. out does not overlap in. */
    void (*gemm_heads)(struct device *device, const struct head_products *products, uint32_t rows,
                       const void *in, const void *weights, void *out);
    /* Of latent shapes: store_kv(). compressed: rows of [latent | rope key], latent_dim + rope.dims
     * elements; NORM_RMS of the latent, by `weight`, and the rope key go to the new tokens' rows.
     */
    void (*store_latent)(struct device *device, const struct attention_dims *shape, uint32_t layer,
                         float epsilon, const void *compressed, const void *weight, void *pool);
    /* Of latent shapes: attention() in the latent space ("absorbed": a head's key matrix has been
     * multiplied into its query, its value matrix comes after it). Of head h and context token t,
     *   score = (query_latent_h . latent_t + turned rope part of query_h . turned rope key_t)
     *           / sqrt(head_dim + rope.dims),   out_h = SUM over t of softmax(score) * latent_t.
     * query: rows of heads * [head_dim, not read | rope.dims]; query_latent and out: rows of heads
     * * latent_dim, and may be the same. */
    void (*latent_attention)(struct device *device, const struct attention_dims *shape,
                             uint32_t layer, const void *query, const void *query_latent,
                             const void *pool, void *out);
    void (*activate)(struct device *device, enum activation_kind kind, uint32_t rows,
                     uint32_t width, const void *in, void *out);
    /* ---- a mixture of experts: the feed-forward of some layers ---- */
    /* score = in * router^T in fp32, also where elements are not: by a rounding fewer do two
     * devices choose another expert. The best per_token of each row (of equals the lower number),
     * their weights the softmax over their scores, and the slots. router: experts rows of inputs;
     * any number of rows up to what the routing's memory is for. */
    void (*route)(struct device *device, const struct routing *routing, uint32_t rows,
                  uint32_t inputs, const void *in, const void *router);
    /* out[slot] = in[] * weights[expert of the slot]^T. weights: the experts' matrices
     * [outputs][inputs], one behind the other. in has a row for each row of the last route(), of
     * which there were `rows`, where by_row is set, else one for each slot. */
    void (*expert_gemm)(struct device *device, const struct routing *routing, bool by_row,
                        uint32_t rows, uint32_t inputs, uint32_t outputs, const void *in,
                        const void *weights, void *out);
    /* out[row] = SUM weight * in[slot] over its slots; added to what is in out, if `added`. */
    void (*combine)(struct device *device, const struct routing *routing, uint32_t rows,
                    uint32_t width, const void *in, bool added, void *out);
    /* sum[i] += in[i] */
    void (*add)(struct device *device, uint64_t count, const void *in, void *sum);
    /* to[i] = from[row[i]], rows of width: the last token of each sequence. row: the host's. */
    void (*gather_rows)(struct device *device, const void *from, uint32_t width,
                        const uint32_t *row, uint32_t rows, void *to);

    /* The first failure inside a stream since the last call, as STATUS_IO. */
    enum status (*check)(struct device *device, struct error *err);
};

/* Bytes of one value of K or V in a page. */
static inline uint32_t kv_value_bytes(const struct backend *backend,
                                      const struct attention_dims *shape)
{
    switch (shape->kv) {
    case KV_AS_ELEMENTS:
        break;
    case KV_BF16:
        return 2;
    case KV_FP8_E4M3:
        return 1;
    }
    return backend->element_bytes;
}

/* Bytes of a token's row in one plane. */
static inline uint64_t kv_row_bytes(const struct backend *backend,
                                    const struct attention_dims *shape)
{
    uint64_t values = shape->latent_dim > 0 ? (uint64_t)shape->latent_dim + shape->rope.dims
                                            : (uint64_t)shape->kv_heads * shape->head_dim;
    return values * kv_value_bytes(backend, shape);
}

/* Bytes of a slice: of one page's KV of one layer. */
static inline uint64_t slice_bytes(const struct backend *backend,
                                   const struct attention_dims *shape)
{
    return kv_planes(shape) * shape->page_tokens * kv_row_bytes(backend, shape);
}

/* <- a new backend: a line in backends.c, its folder in runtime/CMakeLists.txt. */
/* The names of all that a build can have, the default's first; NULL behind the end. */
const char *backend_name(int i);
/* Whether this build has it. */
bool backend_built(const char *name);
/* Opens the backend's module, if it is one. NULL: an unknown name, or backend_missing() says why. */
const struct backend *backend_find(const char *name);
/* Why backend_find() does not give the backend of that name, written into text; NULL: it does, or nobody
 * knows the name. */
const char *backend_missing(const char *name, char *text, size_t text_bytes);

#endif
