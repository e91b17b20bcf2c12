/* models/attention_rows.c - the keys of models/attention/NAME.yaml. */
#include "models/attention.h"

#include <stddef.h>

#define AT(member) offsetof(struct attention_fit, member)

#define NUMBER(name, member, least, most, standard_text, text)                                     \
    {                                                                                              \
        .key = name, .kind = CONFIG_DOUBLE, .offset = AT(member), .min = least, .max = most,       \
        .standard = standard_text, .help = text                                                    \
    }
#define COUNT(name, member, text)                                                                  \
    {                                                                                              \
        .key = name, .kind = CONFIG_U32, .offset = AT(member), .min = 0, .max = 4e9,               \
        .standard = "0", .help = text                                                              \
    }
#define BOOLEAN(name, member, text)                                                                \
    {                                                                                              \
        .key = name, .kind = CONFIG_BOOL, .offset = AT(member), .standard = "no", .help = text     \
    }

static const char *const kernels[] = { "flash-attention-2", "flash-attention-3", "flashinfer",
                                       "trtllm", NULL };

/* A fit starts from the defaults: a GPU that does about as its datasheet says. */
#define WIDTH(prefix, member)                                                                      \
    NUMBER(prefix ".rows", member.rows, 1, 1024, "128", "queries of a tile"),                      \
        NUMBER(prefix ".keys", member.keys, 1, 1024, "128", "keys of a step"),                     \
        NUMBER(prefix ".window_rows", member.window_rows, 1, 1024, "128",                          \
               "queries of a tile, with a window"),                                                \
        NUMBER(prefix ".window_keys", member.window_keys, 1, 1024, "128",                          \
               "keys of a step, with a window"),                                                   \
        NUMBER(prefix ".efficiency", member.efficiency, 1e-3, 4, "0.6", "share of the peak"),      \
        NUMBER(prefix ".tile_ns", member.tile_ns, 0, 1e6, "1000", "per tile of prefill"),          \
        NUMBER(prefix ".decode_efficiency", member.decode_efficiency, 1e-3, 4, "0.9",              \
               "share of HBM bandwidth"),                                                          \
        NUMBER(prefix ".decode_tile_ns", member.decode_tile_ns, 0, 1e6, "3000",                    \
               "per tile of decode"),                                                              \
        NUMBER(prefix ".decode_window_ns", member.decode_window_ns, 0, 1e6, "1000",                \
               "per tile of decode beyond a window"),                                              \
        NUMBER(prefix ".decode_group_ns", member.decode_group_ns, 0, 1e6, "1000",                  \
               "flashinfer: per tile of decode of more than 16 heads")

#define KERNEL(prefix, member)                                                                     \
    { .key = prefix ".kernel",                                                                     \
      .kind = CONFIG_CHOICE,                                                                       \
      .offset = AT(member.kernel),                                                                 \
      .standard = "flash-attention-2",                                                             \
      .choices = kernels,                                                                          \
      .help = "how tiles are made, split and launched" },                                          \
        NUMBER(prefix ".prefill_ns", member.prefill_ns, 0, 1e7, "9000", "per launch"),             \
        NUMBER(prefix ".decode_ns", member.decode_ns, 0, 1e7, "9000", "per launch"),               \
        NUMBER(prefix ".update_ns", member.update_ns, 0, 1e6, "2000",                              \
               "writing K and V: per wave of threads"),                                            \
        NUMBER(prefix ".update_efficiency", member.update_efficiency, 1e-3, 10, "0.8",             \
               "the same: share of HBM bandwidth"),                                                \
        NUMBER(prefix ".stream_efficiency", member.stream_efficiency, 1e-3, 10, "0.8",             \
               "prefill: share of HBM bandwidth"),                                                 \
        NUMBER(prefix ".overlap", member.overlap, 0, 4, "0.5",                                     \
               "prefill: 0 computing and moving overlap, 2 add up"),                               \
        NUMBER(prefix ".l2_start", member.l2_start, 1e-3, 10, "0.7",                               \
               "share of the L2 that stays from run to run"),                                      \
        NUMBER(prefix ".l2_fade", member.l2_fade, 1e-3, 100, "0.7",                                \
               "larger by this share, nothing stays"),                                             \
        NUMBER(prefix ".l2_gain", member.l2_gain, 1, 100, "2", "faster by this within the L2"),    \
        NUMBER(prefix ".longest", member.longest, 1e-2, 10, "0.8",                                 \
               "prefill: a tile alone, in times of one among others"),                             \
        NUMBER(prefix ".tail", member.tail, 0, 1, "0.4",                                           \
               "prefill: share of the longest tile by which the last ends late"),                  \
        NUMBER(prefix ".sequence_ns", member.sequence_ns, 0, 1e5, "5",                             \
               "flash-attention-3's decode: per sequence planned ahead"),                          \
        NUMBER(prefix ".join_ns", member.join_ns, 0, 1e5, "3",                                     \
               "flashinfer's prefill: per query and head whose tile was split"),                   \
        NUMBER(prefix ".split_ns", member.split_ns, 0, 1e6, "2000", "joining parts of a context"), \
        NUMBER(prefix ".split_part_ns", member.split_part_ns, 0, 1e5, "100", "and per part"),      \
        NUMBER(prefix ".splits_most", member.splits_most, 1, 1e4, "64", "parts of a context"),     \
        NUMBER(prefix ".tile_bytes_per_ns", member.tile_bytes_per_ns, 1e-2, 1e5, "30",             \
               "decode: KV that one tile walks along"),                                            \
        NUMBER(prefix ".decode_flop_share", member.decode_flop_share, 1e-3, 10, "0.6",             \
               "decode: share of the peak of a tile's rows"),                                      \
        NUMBER(prefix ".decode_overlap", member.decode_overlap, 0, 4, "1",                         \
               "tiles' own time and moving KV: 0 overlap, 2 add up"),                              \
        NUMBER(prefix ".decode_mix", member.decode_mix, 0, 4, "1",                                 \
               "those and the longest tile: 0 overlap, 2 add up"),                                 \
        NUMBER(prefix ".head_ns", member.head_ns, 0, 1e5, "50",                                    \
               "decode: per query head of 128 values"),                                            \
        NUMBER(prefix ".regroup_ns", member.regroup_ns, 0, 1e6, "3000",                            \
               "flash-attention-2: grouping heads of several sequences"),                          \
        NUMBER(prefix ".empty_ns", member.empty_ns, 0, 1e5, "350",                                 \
               "flash-attention-2: a tile without a query, beside a prefill"),                     \
        NUMBER(prefix ".reread", member.reread, 1e-3, 1e3, "0.7",                                  \
               "GPUs full of tiles between heads, from which on they read KV again"),              \
        NUMBER(prefix ".line_bytes", member.line_bytes, 1, 4096, "1",                              \
               "HBM is read and written in such pieces"),                                          \
        NUMBER(prefix ".uneven_ns", member.uneven_ns, 0, 1e6, "500",                               \
               "flash-attention-3: more, of a prefill's tile that heads do not divide"),           \
        NUMBER(prefix ".walk_splits", member.walk_splits, 0, 1024, "0",                            \
               "FlashAttention-4 for heads over 256: blocks for each tile of decode; 0: not"),     \
        NUMBER(prefix ".walk_ns", member.walk_ns, 0, 1e5, "10", "per block and sequence"),         \
        NUMBER(prefix ".walk_join_ns", member.walk_join_ns, 0, 1e5, "50",                          \
               "joining parts, per query head and sequence"),                                      \
        NUMBER(prefix ".hidden_keys", member.hidden_keys, 0, 1024, "16",                           \
               "flash-attention-3's decode: a tile's first keys, there when it starts"),           \
        WIDTH(prefix ".64", member.width[0]), WIDTH(prefix ".128", member.width[1]),               \
        WIDTH(prefix ".192", member.width[2]), WIDTH(prefix ".256", member.width[3]),              \
        WIDTH(prefix ".512", member.width[4])

const struct config_row attention_rows[] = {
    { .key = "name",
      .kind = CONFIG_TEXT,
      .offset = AT(name),
      .help = "as in models/attention/NAME.yaml" },
    { .key = "source",
      .kind = CONFIG_TEXT,
      .offset = AT(source),
      .help = "where the measurements come from, the engine's version and their date" },
    { .key = "multiprocessors",
      .kind = CONFIG_U32,
      .offset = AT(multiprocessors),
      .min = 1,
      .max = 1024,
      .help = "of the GPU, datasheet" },
    { .key = "threads",
      .kind = CONFIG_U32,
      .offset = AT(threads),
      .min = 1,
      .max = 65536,
      .standard = "2048",
      .help = "resident on a multiprocessor at most, CUDA's programming guide" },
    { .key = "l2_bytes",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(l2_bytes),
      .min = 1,
      .max = 1e12,
      .help = "L2 cache, datasheet" },
    KERNEL("wide", wide),
    BOOLEAN("narrow_fitted", narrow_fitted, "KV of one byte a value was measured"),
    KERNEL("narrow", narrow),
    BOOLEAN("latent_fitted", latent_fitted, "MLA was measured"),
    NUMBER("latent.host_ns", latent.host_ns, 0, 1e8, "150000",
           "the CPU's launches, which the measurements waited for"),
    NUMBER("latent.tile_heads", latent.tile_heads, 1, 1024, "64", "heads of a tile of decode"),
    NUMBER("latent.prefill_ns", latent.prefill_ns, 0, 1e7, "20000", "per layer"),
    NUMBER("latent.prefill_efficiency", latent.prefill_efficiency, 1e-3, 4, "0.5",
           "share of the peak"),
    NUMBER("latent.prefill_head_ns", latent.prefill_head_ns, 0, 1e6, "1",
           "per token and head: decompressing, joining, padding"),
    NUMBER("latent.prefill_token_ns", latent.prefill_token_ns, 0, 1e6, "1", "per token"),
    NUMBER("latent.decode_ns", latent.decode_ns, 0, 1e7, "20000", "per layer"),
    NUMBER("latent.decode_efficiency", latent.decode_efficiency, 1e-3, 4, "0.8",
           "share of HBM bandwidth"),
    NUMBER("latent.decode_flop_share", latent.decode_flop_share, 1e-3, 4, "0.5",
           "share of the peak"),
    NUMBER("latent.decode_tile_ns", latent.decode_tile_ns, 0, 1e7, "3000",
           "per sequence and tile of heads, on one multiprocessor"),
    NUMBER("latent.decode_head_ns", latent.decode_head_ns, 0, 1e6, "3",
           "per sequence and head: absorbed products"),
    COUNT("fit.rows", record.rows, "measured launches"),
    COUNT("fit.batch_most", record.batch_most, "range: sequences"),
    COUNT("fit.context_most", record.context_most, "range: tokens of one"),
    COUNT("fit.heads_most", record.heads_most, "range: query heads of a rank"),
    COUNT("fit.width_least", record.width_least, "range: values of a head"),
    COUNT("fit.width_most", record.width_most, "range: values of a head"),
#define ERRORS(name, member, text)                                                                 \
    NUMBER("fit." name "_median_error", record.member.median, 0, 100, "0", text),                  \
        NUMBER("fit." name "_p95_error", record.member.p95, 0, 100, "0", text)
    ERRORS("prefill", prefill, "held-out heads and lengths, 20 us and more"),
    ERRORS("decode", decode, "held-out heads and lengths, 20 us and more"),
    ERRORS("cached", cached, "prefill behind a cached prefix, held-out lengths, 20 us and more"),
    ERRORS("mixed", mixed, "prefill and decode in one batch, held-out lengths, 20 us and more"),
    ERRORS("latent", latent, "MLA, held-out heads and lengths, longer than the CPU's launches"),
    { .key = NULL },
};
