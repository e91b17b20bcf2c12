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

/* What the estimate may be wrong by, for people: tests/models/capacity_cases.csv. */
#define ENGINE_KV_ERROR "median error 1 %, P95 6 % of what engines print; more where little is left"

#endif
