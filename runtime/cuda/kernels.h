/* runtime/cuda/kernels.h - the CUDA kernels as C functions: what each reads and writes, and where
 * it lies. Private to runtime/cuda/. Implemented by the .cu file named above each group; the same
 * source is compiled for the CPU by tests/runtime/cuda/ (see device.cuh).
 *
 * Every function queues one launch on `stream` and returns; a launch that fails is kept by the CUDA
 * runtime (cudaGetLastError). Pointers are to device memory unless said otherwise, aligned to 16
 * bytes. Elements are bf16 or fp16; widths are multiples of 8 elements, so that a thread moves 16
 * bytes at once. Sums are in fp32. */
#ifndef REPRISE_RUNTIME_CUDA_KERNELS_H
#define REPRISE_RUNTIME_CUDA_KERNELS_H

#include "runtime/cuda/divisor.h"
#include "runtime/routing.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct CUstream_st *cudaStream_t; /* as CUDA has it; kernels.h needs none of its headers */

enum element { ELEMENT_BF16, ELEMENT_FP16 };

/* ---- attention ----
 *
 * The KV pool, as runtime/backend.h draws it; values:
 *
 *   page p:  [layer 0: K rows | V rows][layer 1: K rows | V rows]...      page_stride apart
 *   K rows:  page_tokens rows of kv_heads * head_dim, one token each, before RoPE
 *            (unless pool_rotated); elements, or (kv_fp8) E4M3 codes of a byte
 *
 * Activations: a row a token; the sequences of a batch one behind the other.
 *
 *   qkv row: [q head 0 | ... | q head heads-1 | k head 0 | ... | v head 0 | ...]
 *   out row: [head 0 | ... | head heads-1]
 *
 * Query heads h * heads/kv_heads ... share KV head h (MHA: one each; GQA, MQA: several). */

#define ATTENTION_HEAD_DIM_MAX 128

enum rotation {
    ROTATION_NONE,      /* no RoPE */
    ROTATION_HALVES,    /* pairs (i, i + dims / 2) */
    ROTATION_NEIGHBOURS /* pairs (2i, 2i + 1) */
};

/* A context of the batch. Token t of it is in row (skip + t) % page_tokens of page
 * pages[first_page + (skip + t) / page_tokens]; its position is t. */
struct kernel_sequence {
    uint32_t first_page, skip;
    uint32_t cached_tokens, new_tokens;
    uint32_t first_row;   /* of the activations */
    uint32_t rotated_row; /* where its rotated keys begin, in rows of the scratch */
};

/* What one block of attention works on: some queries of a sequence, over some of its keys. */
struct kernel_work {
    uint32_t sequence;
    uint32_t first_query; /* of the sequence's new tokens */
    uint32_t first_key, end_key;
    uint32_t part; /* where its partial result goes; PART_NONE: it is the whole, written to out */
    uint32_t merge; /* of a decoded row's part: which of kernel_attention's merges joins it */
};
#define PART_NONE UINT32_MAX

/* One row's parts: part first_part + i * part_stride for i < parts. */
struct kernel_merge {
    uint32_t row, first_part, part_stride, parts;
};

struct kernel_attention {
    enum element element;
    uint32_t heads, kv_heads, head_dim; /* head_dim: a multiple of 8 (kv_fp8: 16), at most 128 */
    struct divisor page_tokens;
    uint64_t page_stride, layer_offset; /* values of KV */
    bool kv_fp8;                        /* the pool has E4M3 codes, not elements */
    uint32_t window_tokens;             /* window_begin() (backend.h); 0: all is seen */
    bool window_chunked;
    enum rotation rotation;
    bool pool_rotated;       /* the pool's keys were rotated when they were stored */
    uint32_t rope_dims;      /* even, <= head_dim */
    const float *rope_table; /* rope_rows rows of rope_dims / 2 (cos, sin) pairs */
    uint32_t rope_rows;
    const void *qkv;
    void *pool; /* attention only reads */
    void *out;
    const uint32_t *pages;
    const struct kernel_sequence *sequences;
    void *rotated_keys;     /* rows of kv_heads * head_dim elements, for kernel_prefill(); NULL: the
                               pool's keys are used as they are */
    void *wide_values;      /* kv_fp8: V as elements, rows as those of rotated_keys; NULL: the
                               pool's */
    uint32_t rotated_rows;  /* how many */
    float *partial;         /* [part][heads][head_dim], each normalised by its own sum */
    float *partial_log2sum; /* [part][heads] */
    /* kernel_decode(), where there are parts: decode's merges, and [merge][heads] zeros by which
     * their blocks find out who is the last; zeros again when it ends. */
    const struct kernel_merge *merges;
    uint32_t *arrivals;
    bool hopper;            /* the GPU is of compute capability 9.0: kernels made for it may run */
    void *map_encoder;      /* kernel_map_encoder()'s; NULL: they copy without tensor maps */
};

/* rope.cu. The table for positions [0, rows): pair i turns by position * theta^(-2i / dims),
 * computed in double precision. */
void kernel_rope_table(float theta, uint32_t dims, uint32_t rows, float *table,
                       cudaStream_t stream);
/* Rotates the keys of context tokens [0, tokens) of each of `count` sequences (ids: which) out of
 * the pool into rotated_keys; those that no new token sees (window_tokens) are left out. ids: device
 * memory; longest: the most tokens of one. */
void kernel_rotate_keys(const struct kernel_attention *a, const uint32_t *ids, uint32_t count,
                        uint32_t longest, cudaStream_t stream);

/* kv.cu. Writes the rows' new K and V into their pages, rounded to E4M3 if kv_fp8. row_sequence
 * [row]: whose. Rotates K if `rotate`, for the position it then has. */
void kernel_store_kv(const struct kernel_attention *a, const uint32_t *row_sequence, uint32_t rows,
                     bool rotate, cudaStream_t stream);
/* Of a pool of E4M3 codes: V of context tokens that some new one sees, as elements, into
 * wide_values, and if `keys` K into rotated_keys, as it is. ids, count, longest: as above. */
void kernel_widen_kv(const struct kernel_attention *a, const uint32_t *ids, uint32_t count,
                     uint32_t longest, bool keys, cudaStream_t stream);

/* prefill.cu. Blocks of PREFILL_QUERIES queries of one head. Keys: rotated_keys, or the pool's when
 * that is NULL. */
#define PREFILL_QUERIES 128u
#define PREFILL_KEYS 64u /* first_key of a work is a multiple, but in windowed layers */
void kernel_prefill(const struct kernel_attention *a, const struct kernel_work *work,
                    uint32_t works, cudaStream_t stream);
/* How many of its blocks one multiprocessor runs at once; hopper, head_dim, window_tokens:
 * kernel_attention's. */
uint32_t kernel_prefill_resident(bool hopper, uint32_t head_dim, uint32_t window_tokens);
/* The driver's cuTensorMapEncodeTiled(), NULL where it has none. Looking it up is for once a
 * device: it takes longer than a launch; what it encodes, each launch encodes for itself. */
void *kernel_map_encoder(void);
/* prefill_hopper.cu: the same by sm_90a's instructions, for head_dim above 32 and without windows.
 * kernel_prefill() calls it where it was built (REPRISE_HOPPER) and a->hopper is set. */
void kernel_prefill_hopper(const struct kernel_attention *a, const struct kernel_work *work,
                           uint32_t works, cudaStream_t stream);
void *kernel_hopper_map_encoder(void);

/* decode.cu. One query a work (the one at first_query); all heads of a KV head in one block, so
 * that KV is read once. Rotates keys in registers; where it rotates, rope_dims must be head_dim,
 * and that 32, 64 or 128; the table must have DECODE_KEYS rows at least. */
#define DECODE_KEYS 64u
static inline bool decode_can_turn(uint32_t head_dim, uint32_t rope_dims)
{
    return rope_dims == head_dim && (head_dim == 32 || head_dim == 64 || head_dim == 128);
}
/* Parts are joined as well, by a->merges. */
void kernel_decode(const struct kernel_attention *a, const struct kernel_work *work, uint32_t works,
                   cudaStream_t stream);

/* merge.cu. Joins the parts of rows whose keys kernel_prefill() had in several blocks. */
void kernel_merge_parts(const struct kernel_attention *a, const struct kernel_merge *merges,
                        uint32_t count, cudaStream_t stream);

/* ---- latent attention (MLA) ----
 *
 * The KV pool, as runtime/backend.h draws it; elements:
 *
 *   page p:  [layer 0: rows][layer 1: rows]...     page_stride apart
 *   row:     [latent | rope key], one token; the rope key before RoPE (unless pool_rotated)
 *
 * Activations: a row a token.
 *
 *   query row:                 [head 0: head_dim, not read | rope_dim][head 1: ...]
 *   query_latent row, out row: [head 0: latent_dim][head 1: ...]
 *
 * A pair is a head of a new token: pair i of a sequence is head i % heads of its token i / heads.
 * Of a kernel_work, first_query is the first pair; its LATENT_PAIRS pairs have as many partial
 * results from `part` on. Of a kernel_merge, row is a pair of the batch. */

#define LATENT_PAIRS 16u
#define LATENT_KEYS 64u /* first_key of a work is a multiple */
#define LATENT_DIM_MAX 512
#define LATENT_ROPE_DIM_MAX 64

struct kernel_latent {
    enum element element;
    uint32_t heads, head_dim, latent_dim, rope_dim; /* widths: multiples of 8 */
    struct divisor page_tokens;
    bool kv_fp8;                        /* the pool has E4M3 codes, not elements */
    uint64_t page_stride, layer_offset; /* values of the pool */
    enum rotation rotation;             /* not ROTATION_NONE */
    bool pool_rotated;
    const float *rope_table; /* of rope_dim, with a row for each position of the batch */
    const uint32_t *pages;
    const struct kernel_sequence *sequences;
    void *pool; /* attention only reads */
    /* kernel_store_latent(): rows of [latent | rope key], and the norm of the latent. */
    const void *compressed, *norm_weight;
    float epsilon;
    /* Attention; out may be query_latent. */
    const void *query, *query_latent;
    void *out;
    float *partial;         /* [part][latent_dim], each normalised by its own sum */
    float *partial_log2sum; /* [part] */
};

/* latent_kv.cu. Writes the rows' new latents, normed, and rope keys into their pages.
 * row_sequence[row]: whose. */
void kernel_store_latent(const struct kernel_latent *a, const uint32_t *row_sequence, uint32_t rows,
                         cudaStream_t stream);
/* latent.cu. */
void kernel_latent_attention(const struct kernel_latent *a, const struct kernel_work *work,
                             uint32_t works, cudaStream_t stream);
void kernel_latent_merge(const struct kernel_latent *a, const struct kernel_merge *merges,
                         uint32_t count, cudaStream_t stream);

/* product_heads.cu. runtime/backend.h, gemm_heads(); all widths and strides are multiples of 8. */
struct kernel_head_products {
    enum element element;
    uint32_t rows, heads, inputs, outputs;
    bool inputs_first;
    uint32_t in_row, out_row, in_head, out_head;
    uint64_t weights_head;
    const void *in, *weights;
    void *out;
};
void kernel_head_products(const struct kernel_head_products *p, cudaStream_t stream);

/* ---- the rest of a layer ---- */

/* norm.cu. out = norm(in), where in may be out; or, where there is a sum, sum += in, rounded to
 * elements, and out = norm(sum): the same bits as kernel_add() and then the norm. */
struct kernel_norm {
    enum element element;
    bool centred; /* LayerNorm, else RMSNorm */
    uint32_t rows, width;
    float epsilon;
    const void *in;
    void *sum;                 /* NULL: none */
    const void *weight, *bias; /* elements; bias NULL: none */
    void *out;
};
void kernel_norm(const struct kernel_norm *n, cudaStream_t stream);

/* ---- a mixture of experts ----
 *
 * How many rows each expert has stands in device memory only (runtime/routing.h), so grids are as
 * large as they can come to, and blocks find out what they are for. */

/* experts.cu. routing's arrays of `rows` rows from in * router^T: scores, choices, weights, slots.
 * Three launches. */
void kernel_route(enum element element, const struct routing *routing, uint32_t rows,
                  uint32_t width, const void *in, const void *router, cudaStream_t stream);
/* out[row] = SUM weight * in[slot], plus what is in out where `added`; rounded once. */
void kernel_combine(enum element element, const struct routing *routing, uint32_t rows,
                    uint32_t width, const void *in, bool added, void *out, cudaStream_t stream);
/* expert_gemm.cu. out[slot] = in[row of the slot, or the slot] * weights[expert]^T; weights:
 * [experts][outputs][inputs]. */
void kernel_expert_gemm(enum element element, const struct routing *routing, bool by_row,
                        uint32_t rows, uint32_t inputs, uint32_t outputs, const void *in,
                        const void *weights, void *out, cudaStream_t stream);

/* elementwise.cu. */
void kernel_swiglu(enum element element, uint32_t rows, uint32_t width, const void *in, void *out,
                   cudaStream_t stream); /* in: rows of [gate | up] */
void kernel_gelu(enum element element, uint64_t count, const void *in, void *out,
                 cudaStream_t stream); /* the tanh form */
void kernel_add(enum element element, uint64_t count, const void *in, void *sum,
                cudaStream_t stream);
/* A small array out of the host's pinned memory, where `in` is, both aligned to 16 bytes and with
 * room up to a multiple of them: what a copy engine does, without waiting for one (staging.c). */
void kernel_fetch(uint64_t bytes, const void *in, void *out, cudaStream_t stream);
/* out[i] = table[row[i]]: embedding, last tokens. */
void kernel_gather_rows(enum element element, uint32_t width, const void *table,
                        const uint32_t *row, uint32_t rows, void *out, cudaStream_t stream);
/* Any count. */
void kernel_from_float(enum element element, uint64_t count, const float *in, void *out,
                       cudaStream_t stream);
void kernel_to_float(enum element element, uint64_t count, const void *in, float *out,
                     cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
