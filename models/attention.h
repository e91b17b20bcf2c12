/* models/attention.h - how long the attention of one layer takes on one GPU, by its shape, with
 * coefficients fitted to measurements (models/attention/NAME.yaml; `reprise calibrate
 * --from-profile` fits them). Products, collectives and whole iterations are not here.
 *
 * The model is what the kernels do. Prefill cuts each sequence's queries into tiles of rows, walks
 * each tile over the keys that it sees, step by step, and deals the tiles to the multiprocessors;
 * few tiles leave most of the GPU idle, and the last ones end late. Decode has a tile a sequence
 * and KV head, split over the context where the kernel can, and is mostly the KV's bytes. Before
 * either, the new tokens' K and V are written to the cache (a kernel of its own). What lies in the
 * L2 from the run before moves faster: in a benchmark that runs a kernel again and again that is
 * most of a small KV, in serving none of it (attention_shape.cold).
 *
 * Ideas: tiles, causal steps and splits as in FlashAttention-2 (arXiv 2307.08691), -3 (2407.08608)
 * and Flash-Decoding (crfm.stanford.edu/2023/10/12/flashdecoding.html); which tiles each library
 * takes, its sources (vllm-project/flash-attention: csrc/flash_attn, hopper/tile_size.h). */
#ifndef REPRISE_MODELS_ATTENTION_H
#define REPRISE_MODELS_ATTENTION_H

#include "base/config_tree.h"
#include "models/operators.h"

#include <stdbool.h>
#include <stdint.h>

/* How a library schedules.
 * flash-attention-2: a tile is of one query head; prefill is not split over the context, nor is
 *   decode with as many KV heads as heads; a batch that decodes and prefills is one launch, in
 * which each decoding sequence is a tile per query head, unsplit. flash-attention-3: the query
 * heads of a KV head share a tile; tiles are split over the context until the GPU is full; one
 * launch for both. flashinfer: as flash-attention-3, its splits joined by a kernel of their own, and
 * decode's tiles of 16 rows where the group is small; two launches. trtllm (Blackwell): prefill
 * unsplit, decode as flashinfer's; two launches. */
enum attention_kernel {
    ATTENTION_FLASH_2,
    ATTENTION_FLASH_3,
    ATTENTION_FLASHINFER,
    ATTENTION_TRTLLM
};

/* By head width: up to 64, 128, 192, 256, and above. */
#define ATTENTION_WIDTHS 5
struct attention_width {
    double rows, keys; /* a tile's queries, and the keys of one step: the library's, not fitted */
    double window_rows, window_keys; /* the same with a window */
    double efficiency;               /* share of the peak of a full step */
    double tile_ns;                  /* of a tile of prefill, whatever its steps */
    double decode_efficiency;        /* share of HBM bandwidth that decode attains */
    double decode_tile_ns;           /* of a tile of decode, whatever its keys */
    double decode_window_ns;         /* more, where the context is beyond the window */
    double decode_group_ns;          /* more, of flashinfer's next tile: over 16 heads share it */
};

/* A kernel for KV of one format. */
struct attention_coefficients {
    int kernel;        /* enum attention_kernel */
    double prefill_ns; /* per launch */
    double decode_ns;
    double update_ns;         /* writing K and V: per wave of the GPU's threads */
    double update_efficiency; /* and its share of HBM bandwidth */
    double stream_efficiency; /* prefill's queries, KV and outputs: share of HBM bandwidth */
    double overlap;           /* computing a, moving b: sqrt(a^2 + b^2 + overlap a b) */
    double l2_start;          /* what fits this share of the L2 stays there from run to run */
    double l2_fade;           /* and nothing does of what is larger by this share */
    double l2_gain;           /* how much faster it moves then */
    double longest;           /* a tile alone, in times of a tile among others */
    double tail;              /* share of the longest tile by which the last one ends late */
    double sequence_ns;       /* flash-attention-3's decode: per sequence that is planned ahead */
    double join_ns;           /* flashinfer's prefill: per query and head, where tiles were split */
    double split_ns;          /* decode: joining the parts of a context, and */
    double split_part_ns;     /* per part */
    double splits_most;
    double tile_bytes_per_ns; /* decode: one tile's walk along its keys */
    double decode_flop_share; /* decode: share of the peak of a tile's rows, most of them empty */
    double decode_overlap;    /* as overlap: tiles' own time and moving KV */
    double decode_mix;        /* the same: those together and the longest tile */
    double head_ns;           /* decode: per query head of 128 values */
    double regroup_ns;        /* flash-attention-2's decode: grouping heads, several sequences */
    double empty_ns;          /* flash-attention-2, both in one launch: a tile without a query. Each
                                 sequence has as many tiles as the longest prefill needs */
    double reread;            /* GPUs full of tiles between heads of one KV head, from which on they
                                 read its KV again */
    /* HBM is read and written in such pieces, wider than the row of one token and KV head: where a
     * token's heads lie side by side (flashinfer) a row is read with the next head's, again if that
     * left the L2 before its turn; else it is written as a whole piece. Not fitted; 1: no matter.
     */
    double line_bytes;
    double uneven_ns; /* flash-attention-3: more, of a tile of prefill, 128 wide, whose rows the
                         query heads of a KV head do not divide */
    /* flash-attention-3, heads of over 256: vLLM takes FlashAttention-4, which launches walk_splits
     * blocks for each tile of decode (1 where it does not plan ahead; not fitted). Each block walks
     * over the sequences to find its own, and so does what joins the parts. */
    double walk_splits;
    double walk_ns;      /* per block and sequence; the block itself is decode_tile_ns */
    double walk_join_ns; /* per query head and sequence */
    double hidden_keys;  /* flash-attention-3's decode: a tile's first keys, there when it starts */
    struct attention_width width[ATTENTION_WIDTHS];
};

/* MLA (arXiv 2405.04434): prefill attends with decompressed K and V, decode in the latent space.
 * The public measurements waited for the CPU's launches of several kernels: host_ns is theirs, and
 * no part of a layer in a CUDA graph. */
struct attention_latent {
    double host_ns;
    double tile_heads; /* of decode: the library's, not fitted; each tile reads the KV for itself */
    double prefill_ns; /* per layer */
    double prefill_efficiency;
    double prefill_head_ns;  /* per token and head: decompressing, joining, padding */
    double prefill_token_ns; /* per token */
    double decode_ns;
    double decode_efficiency; /* share of HBM bandwidth */
    double decode_flop_share; /* share of the peak */
    double decode_tile_ns;    /* per sequence and tile of heads, on one multiprocessor */
    double decode_head_ns;    /* per sequence and head: absorbed products */
};

/* What the fit saw and how well it did; 0 where it is not known. Errors are absolute, relative to
 * the measured time, of heads and lengths that the fit had not seen. */
struct attention_errors {
    double median, p95;
};
struct attention_record {
    uint32_t rows, batch_most, context_most, heads_most, width_least, width_most;
    struct attention_errors prefill, decode; /* kernels of 20 us and more */
    struct attention_errors cached;          /* prefill behind a cached prefix */
    struct attention_errors mixed;           /* prefill and decode in one batch */
    struct attention_errors latent;          /* MLA, both */
};

struct attention_fit {
    char name[CONFIG_TEXT_BYTES];
    char source[CONFIG_TEXT_BYTES];    /* engine and version too */
    uint32_t multiprocessors, threads; /* threads: resident on one multiprocessor at most */
    uint64_t l2_bytes;
    struct attention_coefficients wide, narrow; /* KV of 2 bytes a value, of 1 */
    bool narrow_fitted;                         /* else KV of 1 byte takes the wide ones */
    bool latent_fitted;
    struct attention_latent latent;
    struct attention_record record;
};

/* The schema of models/attention/NAME.yaml. */
extern const struct config_row attention_rows[];

/* One layer on ONE rank. kv_heads: with fewer KV heads than ranks each rank has 1. */
struct attention_shape {
    double heads, kv_heads, head_dim;
    double window_tokens; /* sliding: each token sees that many, itself included; 0: all */
    double kv_bytes;      /* of a value of KV: 2, 1 */
    bool cold; /* KV comes from HBM, as in serving, where other layers ran in between; else as in a
                  benchmark that repeats one launch */
};

/* Times of one layer in ns, 0 for nothing to do. Each of `sequences` prefills new_tokens that
 * follow cached_tokens. */
double attention_prefill_ns(const struct attention_fit *fit, struct gpu_peak peak,
                            const struct attention_shape *shape, double sequences,
                            double new_tokens, double cached_tokens);
/* One new token of each of `sequences`; context_tokens: what they see, of all together, the new
 * tokens included. With a window the caller need not cut them: a sequence sees the mean at most. */
double attention_decode_ns(const struct attention_fit *fit, struct gpu_peak peak,
                           const struct attention_shape *shape, double sequences,
                           double context_tokens);
/* Both in one batch, as the library launches it: one sequence's prefill, and a decode step. Equals
 * the above where there is only one of both. No longer than the two apart, but for
 * flash-attention-2, which splits a decoding sequence's context in a launch of its own only. */
double attention_mixed_ns(const struct attention_fit *fit, struct gpu_peak peak,
                          const struct attention_shape *shape, double new_tokens,
                          double cached_tokens, double decode_sequences, double decode_context);

/* What of a fit and a shape no token changes, so that a time is some multiplications and a square
 * root or two. Holds copies, no pointers. Per token, sequence, tile, step or key, as said. */
struct attention_prepared {
    int kernel; /* enum attention_kernel */
    bool windowed, cold;
    double window_tokens, heads, kv_heads, group, processors, processors_inverse;
    struct {
        bool splitting;
        double per_token, per_sequence; /* tiles: of a head's rows, and heads that are tiles */
        double keys, keys_inverse;      /* of a step */
        double span, span_inverse;      /* steps by which each tile sees more than the one before */
        double first, window_steps, step_ns, own_ns, parts_per_step;
        double alone, split_ns, tail;
        double empty_ns; /* flash-attention-2: of a decoding sequence's heads without a query */
    } tiles;
    struct {
        double launch_ns, join_ns, overlap, stream_inverse;
        double update_ns, update_bytes, update_cold_ns; /* a token's: threads, bytes, both of HBM */
    } prefill;
    struct {
        double query, kv, written;                     /* of a token */
        double ns, l2_inverse, fade_inverse, l2_saved; /* of a byte */
        double line_more; /* KV of other heads that comes with a head's */
    } bytes;
    struct {
        bool whole, alone; /* no context is split; a query head is a tile of its own */
        double launch_ns, regroup_ns, planning_ns;
        double tiles;          /* of a sequence */
        double own_ns, far_ns; /* of a sequence's tiles, and more beyond the window */
        double blocks_ns, walk_ns, join_walk_ns, unplanned; /* FlashAttention-4's; 0: others */
        double longest_ns, hidden_keys, key_ns, split_ns, part_ns, splits_most;
        double flop_ns; /* of a sequence's key */
        double inverse, overlap, mix, reread_inverse;
    } decode;
};
struct attention_prepared attention_prepare(const struct attention_fit *fit, struct gpu_peak peak,
                                            const struct attention_shape *shape);
/* The three times above; mixed: `sequences` prefills in the launch with the decode step. */
double attention_prefill_prepared_ns(const struct attention_prepared *of, double sequences,
                                     double new_tokens, double cached_tokens);
double attention_decode_prepared_ns(const struct attention_prepared *of, double sequences,
                                    double context_tokens);
double attention_mixed_prepared_ns(const struct attention_prepared *of, double sequences,
                                   double new_tokens, double cached_tokens, double decode_sequences,
                                   double decode_context);

/* MLA on one rank. */
struct latent_shape {
    double heads, latent_dim, rope_dim, head_dim, kv_bytes;
    bool eager; /* as measured: not before the CPU has launched it */
};
/* fit->latent_fitted must hold. Units as above. Prefill decompresses the cached tokens' K and V
 * too. */
double attention_latent_prefill_ns(const struct attention_fit *fit, struct gpu_peak peak,
                                   const struct latent_shape *shape, double sequences,
                                   double new_tokens, double cached_tokens);
double attention_latent_decode_ns(const struct attention_fit *fit, struct gpu_peak peak,
                                  const struct latent_shape *shape, double sequences,
                                  double context_tokens);

#endif
