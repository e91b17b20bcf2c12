/* tests/runtime/serve_case.h - a small model on a small server, and a trace that is served on them
 * in real time. */
#ifndef REPRISE_TESTS_RUNTIME_SERVE_CASE_H
#define REPRISE_TESTS_RUNTIME_SERVE_CASE_H

#include "runtime/serve.h"
#include "tests/support.h"

/* Writes the files that experiments name, for elements as wide as the backend's: fp32 has 4 layers
 * of 4 heads; bf16, which is emulated, 2 layers. */
void serve_case_open(const struct backend *backend);
void serve_case_close(void);

/* Sessions far enough apart that none is asked while another is served. */
struct experiment serve_case_experiment(const char *policy);
/* The same server with other rates from HBM to DRAM, and of the SSD both ways ("5MB/s"). The caller
 * unlinks the path and frees it. */
char *serve_case_hardware(const char *d2h_rate, const char *ssd_rate);
/* A model whose weights take a while to draw. The caller unlinks the path and frees it. */
char *serve_case_large_model(void);
/* An experiment as a file's text says it, of the same model and server. */
struct experiment serve_case_yaml(const char *yaml);
/* Without overflow, so that reused and recomputed KV mean the same context; a DRAM that does not
 * hold all of it. */
struct experiment serve_case_short_turns(const char *policy);
struct serve_config serve_case_config(const struct backend *backend);

struct served {
    struct sim_result result;
    struct serve_report report;
};
struct served serve_case_run(const struct experiment *experiment,
                             const struct serve_config *config);

/* Logits behind each turn's prompt; behind each token of its reply what a few sums of them come to,
 * and their length. Too large for a stack. */
enum { SERVE_CASE_SESSIONS = 64, SERVE_CASE_TURNS = 64, SERVE_CASE_VOCABULARY = 128 };
enum { SERVE_CASE_TOKENS = 48, SERVE_CASE_SUMS = 4 };
struct serve_case_seen {
    float logits[SERVE_CASE_SESSIONS][SERVE_CASE_TURNS][SERVE_CASE_VOCABULARY];
    float sums[SERVE_CASE_SESSIONS][SERVE_CASE_TURNS][SERVE_CASE_TOKENS][SERVE_CASE_SUMS + 1];
    uint32_t count;
};
struct served serve_case_run_seen(const struct experiment *experiment, struct serve_config config,
                                  struct serve_case_seen *seen);
/* The largest distance of a turn, relative to its logits' length in b. */
double serve_case_furthest(const struct serve_case_seen *a, const struct serve_case_seen *b);

#endif
