/* validate/calibrate/profile_modules.h - measured times of the modules of an engine's layer on one
 * GPU, as LLMServingSim's profiler writes them (casys-kaist/LLMServingSim, profiler/, MIT): the GPU
 * time of each of vLLM's modules within a forward pass, by tokens of the batch.
 *
 *   layer,tokens,time_us
 *
 * No line says a shape: they are those of the shipped model (models/llm) that the file's name has
 * before "_tpN", on N ranks: "lls_rtxpro6000_Llama-3.1-8B_tp1_dense.csv.gz". Private to its folder.
 *
 * What a module is (profiler/models/llama.yaml and core/engine.py there): qkv_proj, o_proj,
 * gate_up_proj, down_proj; rotary_emb; act_fn; embedding; final_layernorm, the kernel that sums and
 * norms, as all norms of a model do but the first. layernorm is not read: it is the mean of such a
 * kernel and of a norm alone, since the profiled model has one layer, before which nothing is to be
 * added. Other modules (lm_head, sampler) are passed over. */
#ifndef REPRISE_VALIDATE_CALIBRATE_PROFILE_MODULES_H
#define REPRISE_VALIDATE_CALIBRATE_PROFILE_MODULES_H

#include "validate/calibrate/profile.h"

#include <stdbool.h>

/* Whether the heading is this form's. */
bool profile_is_modules(const struct table *table);

/* Appends such a table, a layer a token count. STATUS_INPUT: the name has no shipped dense model
 * with heads of keys and values, or no "_tpN"; ranks that do not divide it; a time that is no
 * positive number; two lines of the same module and tokens; no known module at all. */
enum status profile_add_modules(struct profile *profile, const struct table *table,
                                struct error *err);

#endif
