/* models/model.c - the YAML of a large language model: its keys, and what makes one consistent.
 * What follows from the numbers (parameters, bytes) is size.c. */
#include "models/folder.h"
#include "models/models.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define AT(member) offsetof(struct model, member)

static const char *const attention_choices[] = {
    [ATTENTION_MULTI_HEAD] = "multi-head", [ATTENTION_LATENT] = "latent", NULL
};

/* The ranges are those of models that could exist; with them no sum in size.c leaves 64 bits. */
const struct config_row model_rows[] = {
    { .key = "name",
      .kind = CONFIG_TEXT,
      .offset = AT(name),
      .help = "as in models/llm/NAME.yaml" },
    { .key = "source",
      .kind = CONFIG_TEXT,
      .offset = AT(source),
      .help = "where the numbers come from" },
    { .key = "layers",
      .kind = CONFIG_U32,
      .offset = AT(layers),
      .min = 1,
      .max = MODEL_LAYERS_MAX,
      .help = "decoder layers" },
    { .key = "hidden",
      .kind = CONFIG_U32,
      .offset = AT(hidden),
      .min = 1,
      .max = 131072,
      .help = "width of the residual stream" },
    { .key = "attention",
      .kind = CONFIG_CHOICE,
      .offset = AT(attention),
      .choices = attention_choices,
      .standard = "multi-head",
      .help = "multi-head: MHA, GQA or MQA by kv_heads; latent: MLA (DeepSeek)" },
    { .key = "heads",
      .kind = CONFIG_U32,
      .offset = AT(heads),
      .min = 1,
      .max = 1024,
      .help = "query heads" },
    { .key = "kv_heads",
      .kind = CONFIG_U32,
      .offset = AT(kv_heads),
      .min = 1,
      .max = 1024,
      .help = "key and value heads; fewer than heads: GQA" },
    { .key = "head_dim",
      .kind = CONFIG_U32,
      .offset = AT(head_dim),
      .min = 1,
      .max = 4096,
      .help = "width of a head; MLA: of its part without position, and of its value" },
    { .key = "ffn",
      .kind = CONFIG_U32,
      .offset = AT(ffn),
      .min = 0,
      .max = 1048576,
      .standard = "0",
      .help = "inner width of the dense feed-forward; 0: every layer has experts" },
    { .key = "gated_ffn",
      .kind = CONFIG_BOOL,
      .offset = AT(gated_ffn),
      .standard = "true",
      .help = "three matrices (SwiGLU), not two" },
    { .key = "parallel_attention",
      .kind = CONFIG_BOOL,
      .offset = AT(parallel_attention),
      .standard = "false",
      .help = "attention and feed-forward side by side (Falcon)" },
    { .key = "tied_embeddings",
      .kind = CONFIG_BOOL,
      .offset = AT(tied_embeddings),
      .standard = "false",
      .help = "the output head is the embedding's matrix" },
    { .key = "vocabulary",
      .kind = CONFIG_U32,
      .offset = AT(vocabulary),
      .min = 1,
      .max = 16777216,
      .help = "tokens known" },
    { .key = "context_window_tokens",
      .kind = CONFIG_U32,
      .offset = AT(context_window_tokens),
      .min = 1,
      .max = 16777216,
      .help = "longest context" },
    { .key = "latent_dim",
      .kind = CONFIG_U32,
      .offset = AT(latent_dim),
      .min = 0,
      .max = 65536,
      .standard = "0",
      .help = "MLA: width of the compressed KV" },
    { .key = "rope_dim",
      .kind = CONFIG_U32,
      .offset = AT(rope_dim),
      .min = 0,
      .max = 4096,
      .standard = "0",
      .help = "MLA: width of the decoupled RoPE key" },
    { .key = "query_latent_dim",
      .kind = CONFIG_U32,
      .offset = AT(query_latent_dim),
      .min = 0,
      .max = 65536,
      .standard = "0",
      .help = "MLA: width of the compressed query; 0: not compressed" },
    { .key = "experts",
      .kind = CONFIG_U32,
      .offset = AT(experts),
      .min = 0,
      .max = 4096,
      .standard = "0",
      .help = "routed experts a layer; 0: dense" },
    { .key = "experts_per_token",
      .kind = CONFIG_U32,
      .offset = AT(experts_per_token),
      .min = 0,
      .max = 4096,
      .standard = "0",
      .help = "routed experts a token passes through" },
    { .key = "shared_experts",
      .kind = CONFIG_U32,
      .offset = AT(shared_experts),
      .min = 0,
      .max = 4096,
      .standard = "0",
      .help = "experts every token passes through" },
    { .key = "expert_ffn",
      .kind = CONFIG_U32,
      .offset = AT(expert_ffn),
      .min = 0,
      .max = 1048576,
      .standard = "0",
      .help = "inner width of an expert" },
    { .key = "dense_layers",
      .kind = CONFIG_U32,
      .offset = AT(dense_layers),
      .min = 0,
      .max = MODEL_LAYERS_MAX,
      .standard = "0",
      .help = "the first layers, which have no experts" },
    { .key = "weight_bytes_per_parameter",
      .kind = CONFIG_DOUBLE,
      .offset = AT(weight_bytes_per_parameter),
      .min = 0.125,
      .max = 8,
      .standard = "2",
      .help = "2: bf16 and fp16; 1: fp8" },
    { .key = "kv_bytes_per_value",
      .kind = CONFIG_DOUBLE,
      .offset = AT(kv_bytes_per_value),
      .min = 0.125,
      .max = 8,
      .standard = "2",
      .help = "2: bf16 and fp16; 1: fp8" },
    { .key = NULL },
};

static enum status refuse(const char *path, const char *key, const char *expected, uint64_t found,
                          struct error *err)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, found);
    return error_input(err, path, 0, key, expected, text);
}

static enum status check_attention(const struct model *model, const char *path, struct error *err)
{
    if (model->heads % model->kv_heads != 0)
        return refuse(path, "kv_heads", "a divisor of heads", model->kv_heads, err);
    bool latent = model->attention == ATTENTION_LATENT;
    if (latent && model->latent_dim == 0)
        return refuse(path, "latent_dim", "a width above 0, since attention is latent", 0, err);
    if (latent && model->rope_dim == 0)
        return refuse(path, "rope_dim", "a width above 0, since attention is latent", 0, err);
    const char *unused = "0, since attention is multi-head";
    if (!latent && model->latent_dim != 0)
        return refuse(path, "latent_dim", unused, model->latent_dim, err);
    if (!latent && model->rope_dim != 0)
        return refuse(path, "rope_dim", unused, model->rope_dim, err);
    if (!latent && model->query_latent_dim != 0)
        return refuse(path, "query_latent_dim", unused, model->query_latent_dim, err);
    return STATUS_OK;
}

static enum status check_dense(const struct model *model, const char *path, struct error *err)
{
    const char *unused = "0, since there are no experts";
    if (model->ffn == 0)
        return refuse(path, "ffn", "a width above 0, since there are no experts", 0, err);
    if (model->experts_per_token != 0)
        return refuse(path, "experts_per_token", unused, model->experts_per_token, err);
    if (model->shared_experts != 0)
        return refuse(path, "shared_experts", unused, model->shared_experts, err);
    if (model->expert_ffn != 0)
        return refuse(path, "expert_ffn", unused, model->expert_ffn, err);
    if (model->dense_layers != 0)
        return refuse(path, "dense_layers", unused, model->dense_layers, err);
    return STATUS_OK;
}

static enum status check_experts(const struct model *model, const char *path, struct error *err)
{
    if (model->experts_per_token == 0 || model->experts_per_token > model->experts)
        return refuse(path, "experts_per_token", "1 to experts", model->experts_per_token, err);
    if (model->expert_ffn == 0)
        return refuse(path, "expert_ffn", "a width above 0, since there are experts", 0, err);
    if (model->dense_layers >= model->layers)
        return refuse(path, "dense_layers", "fewer than layers", model->dense_layers, err);
    if (model->dense_layers > 0 && model->ffn == 0)
        return refuse(path, "ffn", "a width above 0, since there are dense layers", 0, err);
    if (model->dense_layers == 0 && model->ffn != 0)
        return refuse(path, "ffn", "0, since no layer is dense", model->ffn, err);
    return STATUS_OK;
}

static enum status check(const struct model *model, const char *path, struct error *err)
{
    enum status status = check_attention(model, path, err);
    if (status != STATUS_OK)
        return status;
    return model->experts == 0 ? check_dense(model, path, err) : check_experts(model, path, err);
}

enum status model_load(const char *name_or_path, struct model *model, struct error *err)
{
    char path[MODELS_PATH_BYTES];
    memset(model, 0, sizeof *model);
    enum status status = models_path("llm", "model", name_or_path, path, err);
    if (status == STATUS_OK)
        status = models_read(path, model_rows, model, err);
    return status == STATUS_OK ? check(model, path, err) : status;
}
