/* models/collectives_rows.c - the keys of models/collectives/NAME.yaml. */
#include "models/collectives.h"

#include <stddef.h>

#define AT(member) offsetof(struct collective_fit, member)

/* Written by a fit: what it did not see is 0. */
#define NUMBER(name, member, most, text)                                                           \
    {                                                                                              \
        .key = name, .kind = CONFIG_DOUBLE, .offset = AT(member), .min = 0, .max = most,           \
        .standard = "0", .help = text                                                              \
    }
#define RATE(name, member, text)                                                                   \
    {                                                                                              \
        .key = name, .kind = CONFIG_DOUBLE, .unit = UNIT_BYTES_PER_S, .offset = AT(member),        \
        .min = 0, .max = 1e15, .standard = "0", .help = text                                       \
    }
#define LINE(name, member)                                                                         \
    NUMBER(name ".most_bytes", member.most_bytes, 1e15, "the largest message; 0: none goes here"), \
        NUMBER(name ".latency_ns", member.latency_ns, 1e9, "whatever the size"),                   \
        RATE(name ".bytes_per_s", member.bytes_per_s, "of the message")
#define CURVE(name, member)                                                                        \
    LINE(name, member), NUMBER(name ".ramp_ns", member.ramp_ns, 1e9, "what size costs once"),      \
        NUMBER(name ".half_bytes", member.half_bytes, 1e15, "of the message that pays half of it")
#define OF_RANKS(name, index)                                                                      \
    LINE(name ".one_shot", curve[index][COLLECTIVE_ONE_SHOT]),                                     \
        LINE(name ".two_shot", curve[index][COLLECTIVE_TWO_SHOT]),                                 \
        LINE(name ".symmetric", curve[index][COLLECTIVE_SYMMETRIC]),                               \
        CURVE(name ".served", curve[index][COLLECTIVE_SERVED]),                                    \
        CURVE(name ".nccl", curve[index][COLLECTIVE_NCCL])
#define ERROR(name, member, text) NUMBER("fit." name, record.member, 10, text)

const struct config_row collective_rows[] = {
    { .key = "name",
      .kind = CONFIG_TEXT,
      .offset = AT(name),
      .help = "as in models/collectives/NAME.yaml; before '-': the GPU in its tables' names" },
    { .key = "source",
      .kind = CONFIG_TEXT,
      .offset = AT(source),
      .help = "where the measurements come from" },
    OF_RANKS("ranks2", 0),
    OF_RANKS("ranks4", 1),
    OF_RANKS("ranks8", 2),
    NUMBER("copy.latency_ns", copy_latency_ns, 1e9, "of a copy within a GPU's memory"),
    RATE("copy.bytes_per_s", copy_bytes_per_s, "of what is copied"),
    NUMBER("call.custom_ns", custom_call_ns, 1e9, "CPU, of a call that is not captured"),
    NUMBER("call.symmetric_ns", symmetric_call_ns, 1e9, "CPU, of a call that is not captured"),
    { .key = "fit.rows",
      .kind = CONFIG_U32,
      .offset = AT(record.rows),
      .min = 0,
      .max = 4e9,
      .standard = "0",
      .help = "measured sizes, over ranks and tables" },
    NUMBER("fit.bytes_least", record.bytes_least, 1e15, "range of a message"),
    NUMBER("fit.bytes_most", record.bytes_most, 1e15, "range of a message"),
    ERROR("graph_median_error", graph_median_error, "in CUDA graphs, fitted rows"),
    ERROR("graph_p95_error", graph_p95_error, "in CUDA graphs, fitted rows"),
    ERROR("nccl_median_error", nccl_median_error, "nccl-tests, fitted rows"),
    ERROR("nccl_p95_error", nccl_p95_error, "nccl-tests, fitted rows"),
    ERROR("held_out_graph_median_error", held_out_graph_median_error, "sizes left out"),
    ERROR("held_out_graph_p95_error", held_out_graph_p95_error, "sizes left out"),
    ERROR("held_out_nccl_median_error", held_out_nccl_median_error, "sizes left out"),
    ERROR("held_out_nccl_p95_error", held_out_nccl_p95_error, "sizes left out"),
    { .key = NULL },
};
