/* validate/calibrate/profile_attention.h - measured launches of attention on one GPU, read from CSV
 * files (plain or gzip'd): what models/attention/ is fitted to and judged by.
 *
 * Three forms, told by the heading; other tables are none of these:
 * - batch_size, isl, step, num_heads, num_key_value_heads, head_dim, kv_cache_dtype, latency in ms,
 *   perhaps window_size and kernel_source (aiconfigurator's context_attention and
 *   generation_attention): each of batch_size sequences has isl new tokens behind step cached ones,
 *   launched again and again, its KV in the L2 if that is large enough;
 * - mla_dtype in the place of the KV heads and widths (its context_mla, generation_mla): MLA with
 *   DeepSeek-V3's widths, launched by the CPU;
 * - prefill_chunk, kv_prefill, n_decode, kv_decode, time_us (LLMServingSim's): inside an engine;
 * one prefill and n_decode decoding sequences of kv_decode tokens. Heads are those of the model
 * that the file's name says, *_MODEL_tpRANKS_attention.csv, of models/llm. */
#ifndef REPRISE_VALIDATE_CALIBRATE_PROFILE_ATTENTION_H
#define REPRISE_VALIDATE_CALIBRATE_PROFILE_ATTENTION_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum attention_part { ATTENTION_PREFILL, ATTENTION_CACHED, ATTENTION_DECODE, ATTENTION_MIXED };

struct attention_launch {
    enum attention_part part;
    bool latent; /* MLA: kv_heads, head_dim and window are not said */
    bool cold;   /* measured among other layers: no KV in the L2 */
    double heads, kv_heads, head_dim, window_tokens, kv_bytes;
    double sequences, new_tokens, cached_tokens; /* of each; ATTENTION_DECODE: 0 new */
    double decode_sequences, decode_context;     /* all together */
    double measured_ns;
};

struct attention_profile {
    struct attention_launch *launch; /* owned */
    uint32_t count, capacity;
};

/* Reads path if it is a file, or each table of these forms in the folder, in the order of names, of
 * which one part between '_' is the GPU's name ("aic_h100_sxm_..."). Kernels that are nobody's
 * first choice are left out (Triton's, beside a library's). STATUS_INPUT: a file of another GPU or
 * form, no such table, a damaged one, an unknown model or KV format. *profile is the caller's to
 * free with attention_profile_free(), whatever is returned. */
enum status attention_profile_read(const char *path, const char *gpu,
                                   struct attention_profile *profile, struct error *err);
void attention_profile_free(struct attention_profile *profile);

/* Whether the file is such a table, or every table in the folder (and there is one). */
bool attention_profile_is(const char *path);

#endif
