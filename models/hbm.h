/* models/hbm.h - what of HBM an engine leaves for KV: its rule, and what it holds beside weights.
 * docs/model.md, "HBM left for KV", has the equations and their error. */
#ifndef REPRISE_MODELS_HBM_H
#define REPRISE_MODELS_HBM_H

#include "base/choice.h"
#include "models/models.h"

/* profiled (vLLM, worker/gpu_worker.py): utilisation * HBM, less weights and what a trial run was
 * seen to need. static (SGLang, server_args.py): what is free before loading * (1 - withheld /
 * HBM), less weights. free (TensorRT-LLM, pyexecutor/_util.py): utilisation * what weights and a
 * trial run leave free. */
#define HBM_RULES(X) X(HBM_PROFILED, "profiled") X(HBM_STATIC, "static") X(HBM_FREE, "free")
enum hbm_rule { HBM_RULES(CHOICE_MEMBER) };

/* Its share of HBM is the hardware's hbm_utilisation. */
struct engine_memory {
    int rule; /* enum hbm_rule */
    /* Of the trial run: tokens of an iteration, sequences that are sampled at once. */
    uint64_t tokens, sequences;
    double sampler_bytes;    /* at the most at once, for each sequence and word of the vocabulary */
    uint64_t process_bytes;  /* per GPU, what the engine's allocator does not count */
    uint64_t withheld_bytes; /* static: per GPU, for activations and graphs */
    uint32_t block_tokens;   /* a page of HBM's */
    uint32_t state_block_multiple; /* as engine_state_block_tokens() has it */
};

/* An engine of which an experiment says nothing: the paper's batch of 24, iterations of 2,048. */
extern const struct engine_memory engine_memory_plain;

/* Per GPU, at the most at once while the engine runs its largest iteration: the larger of a layer's
 * live tensors and the sampler's, and the table of rotary positions. ranks >= 1. */
uint64_t engine_activation_bytes(const struct model *model, uint32_t ranks,
                                 const struct engine_memory *engine);

/* Per GPU, HBM that is neither weights nor KV nor left to others: the hardware's
 * hbm_reserved_bytes, where its file says them; else activations and what the process holds. */
uint64_t engine_reserved_bytes(const struct model *model, const struct hardware *hardware,
                               uint32_t ranks, const struct engine_memory *engine);

/* HBM left for KV over all ranks. Where the hardware's file says hbm_reserved_bytes, every rule is
 * ranks * (hbm_bytes * utilisation - reserved) - weights. STATUS_INPUT when the weights do not fit,
 * or as model_check_ranks(). */
enum status engine_kv_budget_bytes(const struct model *model, const struct hardware *hardware,
                                   uint32_t ranks, const struct engine_memory *engine,
                                   uint64_t *bytes, struct error *err);

/* States that a running sequence of an engine with prefix caching has: the one that runs, and one
 * that was kept (vLLM, v1/kv_cache_interface.py, MambaSpec.max_memory_usage_bytes, "align"). */
#define ENGINE_STATES_RUNNING 2

/* Between bytes of HBM and the tokens that vLLM prints of them as "GPU KV cache size": contexts of
 * the whole window, each of which keeps all tokens in layers that see all, the window and the block
 * that lies across its end in the others, and ENGINE_STATES_RUNNING states; times that window
 * (v1/core/kv_cache_utils.py, _report_kv_cache_config, since issue 40691: the largest concurrency
 * times max_model_len; earlier ones print blocks / groups * block for hybrid models, which is
 * another number: multiply the concurrency of their next line). Where all layers are alike both are
 * tokens * bytes of a token. The chunk that a prefill holds beside its window is in neither
 * direction, so that as many contexts run as were printed. shape: over all ranks, of which
 * state_bytes is one state's. window_tokens >= 1. A number beyond 2^64 - 1 bytes is that. */
uint64_t engine_held_tokens(const struct kv_shape *shape, uint32_t block_tokens,
                            uint32_t window_tokens, uint64_t bytes);
uint64_t engine_held_bytes(const struct kv_shape *shape, uint32_t block_tokens,
                           uint32_t window_tokens, uint64_t tokens);

/* Tokens of the smallest block, a multiple of `multiple`, of which one layer's KV takes no less
 * than one layer's state: vLLM's block for models with both, since all its pages are of one size
 * (HybridAttentionMambaModelConfig, model_executor/models/config.py, 0.10.1 to 0.15; later
 * platforms/interface.py, _align_hybrid_block_size; multiple: 16, what attention kernels take).
 * Qwen3-Next on 2 GPUs: 544. 0: multiple is 0, or the model has not both kinds of layer. */
uint32_t engine_state_block_tokens(const struct model *model, uint32_t ranks, uint32_t multiple);

/* The most that any engine could have for KV on so many GPUs: all of HBM but the weights; 0 where
 * they do not fit. */
uint64_t engine_kv_most_bytes(const struct model *model, const struct hardware *hardware,
                              uint32_t ranks);

/* What the estimate may be wrong by, for people: tests/models/capacity_cases.csv. */
#define ENGINE_KV_ERROR "median error 1 %, P95 6 % of what engines print; more where little is left"

#endif
