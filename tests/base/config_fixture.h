/* tests/base/config_fixture.h - a small schema of two sections with every kind of row, for the
 * three suites on configuration. */
#ifndef REPRISE_TESTS_BASE_CONFIG_FIXTURE_H
#define REPRISE_TESTS_BASE_CONFIG_FIXTURE_H

#include "base/config_tree.h"

struct fixture_inner {
    double rate_per_s;
    uint64_t seed;
};

struct fixture_target {
    uint32_t before; /* in no row: must stay as it was */
    uint32_t batch;
    uint64_t capacity_bytes;
    uint64_t ttl_ns;
    double share;
    bool inclusive;
    char model[CONFIG_TEXT_BYTES];
    int overflow;
    struct fixture_inner inner;
    uint32_t after; /* in no row */
};

static const char *const fixture_choices[] = { "truncate", "invalidate", NULL };

#define FIXTURE_AT(member) offsetof(struct fixture_target, member)

static const struct config_row fixture_rows[] = {
    { .key = "model",
      .kind = CONFIG_TEXT,
      .offset = FIXTURE_AT(model),
      .standard = "llama-13b",
      .help = "a model" },
    { .key = "engine.batch",
      .kind = CONFIG_U32,
      .offset = FIXTURE_AT(batch),
      .min = 1,
      .max = 4096,
      .standard = "24",
      .help = "turns that decode together" },
    { .key = "engine.overflow",
      .kind = CONFIG_CHOICE,
      .offset = FIXTURE_AT(overflow),
      .choices = fixture_choices,
      .standard = "truncate",
      .help = "truncate | invalidate" },
    { .key = "tiers.dram.capacity",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = FIXTURE_AT(capacity_bytes),
      .min = 0,
      .max = 1e18,
      .standard = "hardware",
      .word = "hardware",
      .help = "DRAM for KV" },
    { .key = "tiers.dram.reserve",
      .kind = CONFIG_DOUBLE,
      .offset = FIXTURE_AT(share),
      .min = 0,
      .max = 0.9,
      .standard = "0.1",
      .help = "share kept free" },
    { .key = "tiers.inclusive",
      .kind = CONFIG_BOOL,
      .offset = FIXTURE_AT(inclusive),
      .standard = "true",
      .help = "keeps copies" },
    { .key = "ttl",
      .kind = CONFIG_U64,
      .unit = UNIT_DURATION,
      .offset = FIXTURE_AT(ttl_ns),
      .min = 0,
      .max = 1e18,
      .standard = "1h",
      .help = "time to live" },
    { .key = NULL },
};

static const struct config_row fixture_inner_rows[] = {
    { .key = "rate",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_PER_S,
      .offset = offsetof(struct fixture_inner, rate_per_s),
      .min = 0.001,
      .max = 1000,
      .standard = "1/s",
      .word = "boundless",
      .help = "arrivals" },
    { .key = "seed",
      .kind = CONFIG_U64,
      .offset = offsetof(struct fixture_inner, seed),
      .min = 0,
      .max = 18446744073709551615.0,
      .standard = "1",
      .help = "of the generator" },
    { .key = NULL },
};

static const struct config_section fixture_sections[] = {
    { .prefix = "", .rows = fixture_rows, .offset = 0 },
    { .prefix = "workload.", .rows = fixture_inner_rows, .offset = FIXTURE_AT(inner) },
    { .rows = NULL },
};

#endif
