/* models/models.h - large language models and hardware: what the YAML files under models/ say, KV
 * bytes per token, HBM budgets, and how long prefill and decode take.
 * Public interface of models/. Knows nothing of traces, tiers' policies or clocks. */
#ifndef REPRISE_MODELS_MODELS_H
#define REPRISE_MODELS_MODELS_H

#include "base/config_tree.h"
#include "base/error.h"
#include "models/attention.h"
#include "models/collectives.h"
#include "models/drive.h"
#include "models/number_format.h"
#include "models/operators.h"
#include "models/prices.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define MODEL_LAYERS_MAX 256

enum attention_kind { ATTENTION_MULTI_HEAD, ATTENTION_LATENT }; /* MHA, GQA and MQA; MLA */
enum window_kind { WINDOW_SLIDING, WINDOW_CHUNKED }; /* the last tokens; those of one's own chunk */
enum state_kind { STATE_MAMBA, STATE_MAMBA2, STATE_DELTA, STATE_LINEAR };

/* A decoder's architecture. Counts are per layer and before any sharding. A layer mixes tokens, by
 * attention to all of the context, by attention within a window, or by a recurrent state of fixed
 * size (Mamba, linear attention), and then has a feed-forward; or, where ffn_only_layers > 0, does
 * one of both. Which layer is of which kind does not matter here, only how many are. */
struct model {
    char name[CONFIG_TEXT_BYTES];
    char source[CONFIG_TEXT_BYTES]; /* where the numbers come from */
    char notes[CONFIG_TEXT_BYTES];  /* what its import took for granted; "": nothing */
    uint32_t layers, hidden, heads, kv_heads, head_dim;
    uint32_t ffn;            /* width of the (dense) feed-forward's inner layer */
    bool gated_ffn;          /* three matrices (SwiGLU), not two */
    bool parallel_attention; /* attention and FFN from one norm (Falcon): one all-reduce a layer */
    bool tied_embeddings;    /* the output head is the embedding's matrix: stored once */
    uint32_t vocabulary;
    uint32_t context_window_tokens;
    int attention;        /* enum attention_kind */
    uint32_t value_dim;   /* of a value's head; 0: head_dim */
    bool values_are_keys; /* layers that see all make keys and values by one projection (Gemma 4) */
    uint32_t latent_dim;  /* MLA: compressed KV width (DeepSeek-V3: 512) */
    uint32_t rope_dim;    /* MLA: the decoupled RoPE key's width (64) */
    uint32_t query_latent_dim; /* of a compressed query; 0: it is not */
    uint32_t experts, experts_per_token, shared_experts, expert_ffn; /* MoE; experts 0: dense */
    uint32_t expert_hidden;     /* what routed experts read and write (latent MoE); 0: hidden */
    uint32_t shared_expert_ffn; /* width of each shared expert; 0: expert_ffn */
    uint32_t dense_layers;      /* MoE: the layers whose feed-forward is dense */
    uint32_t window_layers, window_tokens; /* of the attention layers; 0: all see everything */
    int window;                            /* enum window_kind */
    /* Heads of windowed layers, where they are others; 0: as those of all layers. */
    uint32_t window_heads, window_kv_heads, window_head_dim, window_value_dim;
    /* Attention layers that keep no KV: they read that of a layer before (Gemma 3n, Hunyuan); and
     * those of them that have a window. */
    uint32_t shared_kv_layers, shared_kv_window_layers;
    /* Sparse attention (DeepSeek-V3.2): in index_layers an indexer of so many heads scores every
     * token by a key of its own, which is kept beside the KV; attention then reads index_tokens. */
    uint32_t index_layers, index_heads, index_dim, index_tokens;
    uint32_t state_layers;                /* layers that keep a state in the place of KV */
    bool state_beside_attention;          /* those attend too (Falcon-H1) */
    int state;                            /* enum state_kind */
    uint32_t state_heads, state_head_dim; /* of its values; Mamba-1: channels of one */
    uint32_t state_dim;                   /* state (or key) width that each value channel has */
    uint32_t state_groups;                /* heads of B and C (or of keys); Mamba-1: 0 */
    uint32_t state_rank;                  /* Mamba-1: dt_rank */
    uint32_t state_conv;                  /* width of the convolution before it; 0: none */
    uint32_t ffn_only_layers;   /* then the other layers have no feed-forward, unless ffn_layers */
    uint32_t ffn_layers;        /* that have one; 0: as ffn_only_layers says, else all */
    bool gated_attention;       /* the query's projection makes an output gate too */
    uint32_t learned_positions; /* rows of a position embedding */
    uint32_t layer_embedding_dim; /* an embedding of so many values for each layer (Gemma 3n) */
    double weight_bytes_per_parameter; /* 2: bf16/fp16; 1: fp8 */
    double expert_bytes_per_parameter; /* of routed experts; 0: as the others */
    double
        head_bytes_per_parameter; /* of embedding and output head; 0: as the others, at least 2 */
    /* Of attention's, states', dense feed-forwards' and shared experts' products; 0: as the others.
     * A mean, where some layers' are wider than the rest's. */
    double attention_bytes_per_parameter, state_weight_bytes_per_parameter;
    double ffn_bytes_per_parameter, shared_bytes_per_parameter;
    int weight_format, expert_format; /* 0: what their bytes say; else 1 + enum number_format */
    int attention_format, state_format, ffn_format,
        shared_format;            /* of those that have bytes of their own */
    double kv_bytes_per_value;    /* 2: bf16/fp16; 1: fp8 */
    double state_bytes_per_value; /* of the recurrence; the convolution's take 2 */
};

/* Words of weight_format and expert_format: "by-bytes", then those of number_format.h. */
extern const char *const model_weight_format_choices[];

/* The model as it is served with its weights in that format: all products but the output head,
 * which stays in 2 bytes as the embedding does, whatever its file says. mxfp4 is of routed experts,
 * where there are any, and leaves the rest in bf16 (gpt-oss, arXiv 2508.10925). */
void model_set_weight_format(struct model *model, enum number_format format);

/* Layers of each kind. mixers: with attention or a state. */
static inline uint32_t model_mixer_layers(const struct model *model)
{
    return model->layers - model->ffn_only_layers;
}
static inline uint32_t model_attention_layers(const struct model *model)
{
    return model_mixer_layers(model) - (model->state_beside_attention ? 0 : model->state_layers);
}
static inline uint32_t model_ffn_layers(const struct model *model)
{
    if (model->ffn_layers > 0)
        return model->ffn_layers;
    return model->ffn_only_layers > 0 ? model->ffn_only_layers : model->layers;
}

static inline uint32_t model_expert_hidden(const struct model *model)
{
    return model->expert_hidden > 0 ? model->expert_hidden : model->hidden;
}

/* Attention of one kind: of the layers that see everything, or of the windowed ones. Over all
 * ranks. MLA: key_dim is of its part without position, as head_dim is. */
struct attention_heads {
    uint32_t layers, kept_layers; /* kept: those that keep KV of their own */
    uint32_t heads, kv_heads, key_dim, value_dim;
};
struct attention_heads model_full_attention(const struct model *model);
struct attention_heads model_window_attention(const struct model *model);

/* Times measured with one model on one machine, where the hardware's file names such points
 * (timing_measured.c); points 0: none. */
#define MEASURED_MOST 48
struct measured_timing {
    uint32_t
        shape[7]; /* the model's: layers, hidden, heads, KV heads, head width, FFN, vocabulary */
    uint32_t experts[5]; /* its experts, those of a token, shared ones, their FFN, dense layers */
    uint32_t news, cacheds, batches, points;
    double new_tokens[MEASURED_MOST], cached_tokens[MEASURED_MOST], batch[MEASURED_MOST];
    double layer_ns[MEASURED_MOST][MEASURED_MOST], overhead_ns[MEASURED_MOST];
    double base_ns[MEASURED_MOST], per_token_ns[MEASURED_MOST];
    /* What a layer takes besides in a launch that prefills and decodes: attention is two kernels.
     */
    double mixed_layer_ns;
    /* What a host that stood for a device was held to (runtime/backend.h); 0: not held. */
    double held_flop_per_s, held_bytes_per_s;
    bool disk_free; /* the disk was held to no rate, and is to be held to none */
};
/* Fills in whose times they are. */
void measured_timing_is_of(struct measured_timing *measured, const struct model *model);

/* The drive that a server's disks are taken for where its file does not say. */
#define HARDWARE_DRIVE "samsung-pm9d3a-7.68tb"

/* hbm_reserved_bytes: left to be derived from model and engine. */
#define HBM_RESERVED_DERIVED UINT64_MAX

/* A server: GPUs, links, memories, disks, prices. Rates are effective where the file says so. */
struct hardware {
    char name[CONFIG_TEXT_BYTES];
    char source[CONFIG_TEXT_BYTES];
    uint32_t gpus;                         /* in the server; an experiment may use fewer */
    uint64_t hbm_bytes;                    /* per GPU */
    double hbm_bytes_per_s;                /* per GPU, datasheet */
    double flop_per_s;                     /* per GPU, dense bf16/fp16 tensor, datasheet */
    double fp8_flop_per_s, fp4_flop_per_s; /* the same in fp8 and nvfp4; 0: no such units */
    double gemm_efficiency;                /* attained share of flop_per_s, large GEMMs */
    double attention_efficiency;           /* attained share of flop_per_s, prefill attention */
    double hbm_efficiency;                 /* attained share of hbm_bytes_per_s */
    double allreduce_bytes_per_s;          /* bus bandwidth per GPU of a ring all-reduce */
    uint64_t allreduce_latency_ns;
    uint64_t kernel_launch_ns;      /* per kernel: start and tail, whatever its size */
    uint64_t iteration_overhead_ns; /* CPU work of an engine iteration not hidden */
    double hbm_utilisation;         /* share of HBM the engine may use */
    /* Per GPU: activations, workspaces, CUDA context; or HBM_RESERVED_DERIVED (hbm.h). */
    uint64_t hbm_reserved_bytes;
    uint64_t hbm_collectives_bytes; /* per GPU of several: NCCL's and the all-reduce's buffers */
    char engine_version[CONFIG_TEXT_BYTES];  /* "": not said; engine_version_of() (versions.h) */
    char device[CONFIG_TEXT_BYTES];          /* the GPU as its driver calls it; "": not said */
    double h2d_bytes_per_s, d2h_bytes_per_s; /* all GPUs in use together, effective */
    double h2d_bytes_per_s_per_gpu, d2h_bytes_per_s_per_gpu;
    /* Both directions together, when both are busy; 0: neither slows the other. */
    double pcie_both_bytes_per_s, pcie_both_bytes_per_s_per_gpu;
    uint64_t pcie_latency_ns;
    uint64_t dram_bytes; /* for KV */
    uint64_t ssd_bytes;
    double ssd_read_bytes_per_s, ssd_write_bytes_per_s;
    double ssd_both_bytes_per_s;         /* reads and writes together; 0: neither slows the other */
    uint64_t ssd_latency_ns;             /* to the first byte */
    char prices_name[CONFIG_TEXT_BYTES]; /* models/prices/NAME.yaml; "": none */
    /* The server's own word on its rent, HUGE_VAL: none. Read `prices`, which heeds it. */
    char drive[CONFIG_TEXT_BYTES]; /* of which these disks are, for their wear:
                                      models/drive/NAME.yaml */
    double usd_per_gpu_hour, usd_per_dram_gb_hour, usd_per_ssd_gb_hour;
    struct prices prices;
    char measured_file[CONFIG_TEXT_BYTES]; /* beside the hardware's own; "": none */
    struct measured_timing measured;
    char timing[CONFIG_TEXT_BYTES]; /* models/timing/NAME.yaml; "": times are the roofline's */
    struct operators operators;     /* what that file says; all 0 without */
    char attention_file[CONFIG_TEXT_BYTES];   /* models/attention/NAME.yaml; "": the roofline's */
    struct attention_fit attention;           /* what that file says; all 0 without */
    char allreduce_timing[CONFIG_TEXT_BYTES]; /* models/collectives/NAME.yaml; "": latency and ring
                                               */
    struct collective_fit collectives;        /* what that file says; all 0 without */
};

/* Reads `name_or_path`: a path if it holds '/' or ends in .yaml, else models/llm/NAME.yaml (or
 * models/hardware/NAME.yaml) under the data folder: $REPRISE_MODELS, else the build's own. An
 * unknown name is refused with the list of known ones; so is an inconsistent file (heads that do
 * not divide, MLA without latent_dim...). A model may also be a Hugging Face config.json: a path
 * that ends in .json, or that holds '/' and is a folder with a config.json. */
enum status model_load(const char *name_or_path, struct model *model, struct error *err);
enum status hardware_load(const char *name_or_path, struct hardware *hardware, struct error *err);
/* The server's prices (its file's `prices`, and over them what it says itself), with assignments
 * laid over them as prices_load() does. hardware->prices is this without any. */
enum status hardware_prices(const struct hardware *hardware, const char *const *assignments,
                            uint32_t count, struct prices *prices, struct error *err);
/* What the server's own file says and no more, which takes a tenth of the time: enough for
 * versions.h. Fits and measured times that it names are not read. */
enum status hardware_load_keys(const char *name_or_path, struct hardware *hardware,
                               struct error *err);
/* How a config.json is read; NULL for all of it. assume: what its reader may take for granted,
 * words with commas between. known-fields: fields that are not known here change no size.
 * dense-gqa: besides, every layer attends to everything and has one dense feed-forward, whatever
 * other fields say. gated-ffn, plain-ffn: of three matrices, of two. */
struct model_import {
    const char *name;   /* the model's; NULL: the folder's or file's */
    const char *assume; /* NULL or "": nothing */
};
/* Reads a Hugging Face config.json, or the one in a folder. yaml, unless NULL: also written there
 * as a file of models/llm, each number with the field that it is from. STATUS_INPUT: no JSON, no
 * decoder, a field that is missing, has a value whose meaning is not known, or is not known and
 * looks like a size; STATUS_IO: cannot be read. docs/model.md says what is read. */
enum status model_import(const char *path, const struct model_import *how, struct model *model,
                         FILE *yaml, struct error *err);
/* Whether model_load() would read the path with model_import(). */
bool model_is_config(const char *name_or_path);
/* Whether the numbers fit each other, as model_load() asks. path is for messages. */
enum status model_check(const struct model *model, const char *path, struct error *err);
/* The schema of these kinds of file; of gpu.timing's it is operators.h's, of gpu.attention's
 * attention.h's. */
extern const struct config_row model_rows[], hardware_rows[];
/* Calls visit for each shipped file's name, sorted. kind: "llm", "hardware", "drive", "prices",
 * "timing", "attention", "collectives", "engines" or "versions". */
enum status models_list(const char *kind, void (*visit)(const char *name, void *context),
                        void *context, struct error *err);

/* All parameters, and those a token is multiplied with: the chosen experts only, and no embedding,
 * which is a look-up. Biases and norms are left out (under 0.1 %). */
uint64_t model_parameters(const struct model *model);
uint64_t model_active_parameters(const struct model *model);

/* Bytes of weights over all ranks of a tensor-parallel group. More than parameters * width where a
 * matrix cannot be split: K and V projections with more ranks than KV heads, MLA's compressions,
 * the experts' router. */
uint64_t model_weight_bytes(const struct model *model, uint32_t ranks);

/* Bytes of KV that one token takes over all attention layers that keep any, windowed ones too, and
 * all GPUs of a tensor-parallel group: MHA/GQA: layers * kv_heads * (head_dim + value_dim) *
 * kv_bytes_per_value, KV heads replicated when there are more ranks than heads; MLA: layers *
 * (latent_dim + rope_dim) * bytes on every rank; an indexer's keys besides, on every rank. ranks
 * >= 1.
 */
uint64_t model_kv_bytes_per_token(const struct model *model, uint32_t ranks);

/* What a sequence keeps, over all ranks, by kind of layer. */
struct kv_shape {
    uint64_t full_bytes, window_bytes; /* a token's, in layers that see all and in windowed ones */
    uint64_t state_bytes;              /* a sequence's, whatever its length */
    uint32_t window_tokens;
};
struct kv_shape model_kv_shape(const struct model *model, uint32_t ranks);

/* Bytes that a sequence of so many tokens needs to go on: windowed layers need their window only.
 * A block of `slack` tokens may lie across the window's far end. */
static inline uint64_t kv_shape_bytes(const struct kv_shape *shape, uint64_t tokens, uint64_t slack)
{
    uint64_t most = shape->window_tokens + slack;
    return tokens * shape->full_bytes + (tokens < most ? tokens : most) * shape->window_bytes +
           shape->state_bytes;
}

/* STATUS_INPUT when the server has fewer GPUs, or the heads cannot be split evenly over the ranks.
 */
enum status model_check_ranks(const struct model *model, const struct hardware *hardware,
                              uint32_t ranks, struct error *err);

/* HBM left for KV over all ranks, by an engine of which nothing is said (hbm.h has the rest).
 * STATUS_INPUT when the weights do not fit, or as model_check_ranks(). */
enum status model_kv_budget_bytes(const struct model *model, const struct hardware *hardware,
                                  uint32_t ranks, uint64_t *bytes, struct error *err);

/* Timing, prepared once per run; evaluating never allocates. Operators that were fitted to
 * measurements (hardware with a `timing`) are summed into tables over the number of tokens;
 * without, an analytic roofline of some tens of multiplications. docs/model.md has each equation.
 */
#define TIMING_MATRICES_MAX 32
#define TIMING_SOURCE_BYTES 512

/* One matrix product of the average layer, on one rank: over T tokens it takes the longer of
 * computing, T * compute_ns, and of moving its weights and activations, weights_ns + T * stream_ns.
 */
struct timing_matrix {
    double compute_ns, weights_ns, stream_ns;
    bool routed; /* weights of all experts: the share that T tokens touch is read */
};

/* A time over the number of tokens. Tiles have 64 rows or a multiple, so between multiples of 64 it
 * is as good as linear: few[i] is at i + 1 tokens, first[i] and last[i] at 64 i + 1 and 64 (i + 1).
 */
#define TIMING_BLOCK 64
#define TIMING_BLOCKS 128
struct timing_table {
    double few[TIMING_BLOCK], first[TIMING_BLOCKS], last[TIMING_BLOCKS];
    double per_token; /* beyond the last block */
};

/* A decode step's attention of one layer, all of the batch together, over the batch and the tokens
 * that it attends to in all. Between places a line: 1, then 2 and 3 times each power of two. */
#define TIMING_BATCH_PLACES 24
#define TIMING_CONTEXT_PLACES 64
struct timing_surface {
    double ns[TIMING_BATCH_PLACES][TIMING_CONTEXT_PLACES];
};

/* The CPU's work for an iteration: overlapped with the GPU's iteration before it (the longer of
 * both counts), or before the GPU's. Iterations of more than graph_tokens are no replay of a CUDA
 * graph: the CPU launches each layer's kernels, beside the GPU, which waits for it where it is the
 * slower. */
struct timing_host {
    double iteration_ns, sequence_ns; /* an iteration's, and of each sequence in it */
    double layer_ns;                  /* to launch a layer where no graph holds it */
    double gap_ns;                    /* the GPU idles between iterations: sampling, inputs */
    uint32_t graph_tokens;
    bool overlaps;
};

/* One layer's attention by the roofline. */
struct timing_attention {
    double pair_ns;                       /* prefill: one query and one key, all heads */
    double query_stream_ns, kv_stream_ns; /* its bytes: per new token, per token of context */
    double cached_ns;                     /* MLA: decompressing a cached token's K and V */
    double decode_context_ns;             /* decode: per token of context */
};

/* The caller's by value; only layers, source, fitted_tokens and host are for reading. */
struct timing {
    uint32_t layers;
    /* Where the times come from, their range and their error there, and what about this model is
     * outside of it. */
    char source[TIMING_SOURCE_BYTES];
    uint64_t
        fitted_tokens; /* an iteration of more is outside the fitted range; 0: nothing fitted */
    bool tabled;       /* layer_table and head_table, instead of matrix[] and head */
    struct timing_table layer_table, head_table;
    double allreduces; /* of the average layer; 0: one rank, or they are in layer_ns */
    struct timing_table allreduce_table;
    uint32_t matrices;
    struct timing_matrix matrix[TIMING_MATRICES_MAX];
    double expert_miss_log;          /* ln(1 - experts_per_token / experts); 0: dense */
    double layer_ns, layer_token_ns; /* launches, all-reduces, element-wise operators */
    double full_share, window_share; /* of the layers: attention to everything, to a window */
    uint32_t window_tokens;          /* 0: no such layers. Sparse attention is an indexer that sees
                                        everything and attention within as many tokens */
    bool window_chunked;
    double state_token_ns, state_sequence_ns; /* of the average layer: scan, and state moved */
    struct timing_attention full_rates, window_rates; /* the roofline's */
    double iteration_ns, token_ns; /* the GPU's once an iteration, per token: embedding */
    struct timing_host host;
    /* Attention fitted to measurements, in the place of the roofline's above. */
    bool attention_fitted;
    bool attention_latent;
    struct attention_fit attention;
    struct gpu_peak peak;
    struct attention_prepared full, window, window_decoding;
    struct latent_shape latent;
    struct timing_surface full_decode, window_decode;
    struct timing_matrix head;       /* logits */
    struct measured_timing measured; /* in the place of all above, where it is of the model */
    bool is_measured;
};

/* Defined for what model_kv_budget_bytes() accepts. */
struct timing timing_new(const struct model *model, const struct hardware *hardware,
                         uint32_t ranks);

/* Prefill of new_tokens >= 1 that follow cached_tokens whose KV is already in HBM. */
struct prefill_time {
    uint64_t layer_ns;    /* one layer's time; all layers take the same */
    uint64_t overhead_ns; /* once an iteration: embedding, last norm, logits of one token, CPU */
};
struct prefill_time timing_prefill(const struct timing *timing, uint64_t new_tokens,
                                   uint64_t cached_tokens);

/* A prefill's time by position: all layers of a token at position p of its context take base_ns +
 * slope_ns * p. From two points (512 tokens at 0 and behind 8,192), for those who weigh KV. */
struct recompute_time {
    double base_ns, slope_ns;
};
struct recompute_time timing_recompute(const struct timing *timing);

/* What the engine's CPU does beside the GPU from now on, in the place of the hardware's
 * iteration_overhead_ns before each iteration. Times measured as a whole (is_measured) hold their
 * machine's own: those stay as they are. */
void timing_set_host(struct timing *timing, struct timing_host host);

/* One decode iteration of `batch` >= 1 sequences that together attend to context_tokens takes
 * base_ns + context_tokens * per_token_ns + window_tokens * window_token_ns, where window_tokens
 * sums timing_window_context() of each (0 without windowed layers). Piecewise linear: so it is for
 * `repeats` iterations, the first included, each of which attends to a token more of each sequence,
 * so that they sum in closed form; until a window is full (timing_window_growth()). */
struct decode_time {
    double base_ns, per_token_ns, window_token_ns;
    uint64_t repeats;
};
static inline double decode_time_ns(const struct decode_time *time, uint64_t context_tokens,
                                    uint64_t window_tokens)
{
    return time->base_ns + time->per_token_ns * (double)context_tokens +
           time->window_token_ns * (double)window_tokens;
}
struct decode_time timing_decode(const struct timing *timing, uint32_t batch,
                                 uint64_t context_tokens, uint64_t window_tokens);

/* `tokens` decode iterations of one sequence alone, the first of which attends to context_tokens.
 */
double timing_reply_ns(const struct timing *timing, uint64_t context_tokens, uint64_t tokens);

/* Tokens that a windowed layer attends to for the last of `context` >= 1 tokens; 0 without such
 * layers. */
static inline uint64_t timing_window_context(const struct timing *timing, uint64_t context)
{
    if (timing->window_tokens == 0)
        return 0;
    if (timing->window_chunked)
        return (context - 1) % timing->window_tokens + 1;
    return context < timing->window_tokens ? context : timing->window_tokens;
}

/* For how many more tokens, beginning with the next, that grows by one each; UINT64_MAX: it stays
 * as it is. */
static inline uint64_t timing_window_growth(const struct timing *timing, uint64_t context)
{
    uint64_t seen = timing_window_context(timing, context);
    if (timing->window_tokens == 0 || (seen == timing->window_tokens && !timing->window_chunked))
        return UINT64_MAX;
    return timing->window_tokens - seen;
}

/* One iteration of chunked prefill: prefills chunks with prefill_new tokens in all, each behind
 * prefill_cached ones, together with a decode step of `decodes` sequences that attend to
 * decode_context tokens in all (decode_window: the sum of their timing_window_context()). The
 * matrices are read once for both; attention is computed for each. */
struct timing_work {
    uint32_t prefills, decodes; /* one at least */
    uint64_t prefill_new, prefill_cached, decode_context, decode_window;
    /* Unlike chunks: of this size are those that stand for all, as many as make prefill_new and
     * each behind prefill_cached, which is the tokens' mean. 0: prefill_new / prefills. With
     * sum(n^2) / sum(n) as many pairs of tokens attend to each other as in the chunks themselves.
     */
    uint64_t prefill_alike;
};
/* With one prefill and no decodes it is timing_prefill(), with no prefills timing_decode() (to the
 * rounding of a layer to whole ns). */
struct prefill_time timing_mixed(const struct timing *timing, const struct timing_work *work);

/* A model's and a hardware's description for people: parameters, KV per token, HBM budget, times;
 * host as in breakdown.h.
 */
struct engine_memory; /* hbm.h */
void models_print(FILE *out, const struct model *model, const struct hardware *hardware,
                  uint32_t ranks, const struct engine_memory *engine,
                  const struct timing_host *host);

/* Whether what a file or an experiment names is a name, or a path below the current folder: the file may be a stranger's, and
 * only model, hardware, trace and ssd.drive are any path by right (names_file in their rows: what they name is no pipe either).
 * STATUS_INPUT: it is absolute, has a "..", or is a pipe or a device. */
enum status models_check_inside(const char *file, const char *key, const char *name_or_path,
                                struct error *err);

/* ---- presets: models/engines/NAME.yaml, keys of an experiment that together make it an engine
 * ----
 *
 * summary, version: one line each. keys: what the engine does unless the experiment says otherwise.
 * fixed: without which it would not be that engine; it goes before what the experiment says. */

bool preset_exists(const char *name);
/* "what it is (version that was read)". STATUS_INPUT: no such preset, or one without these lines.
 */
enum status preset_summary(const char *name, char summary[CONFIG_TEXT_BYTES], struct error *err);
/* Lays the preset's keys under the experiment's tree, and its fixed ones over it; lost (may be
 * NULL) hears of each value that gave way to one of those. */
enum status preset_lay(const char *name, struct config_tree *tree, const struct config_lost *lost,
                       struct error *err);

#endif
