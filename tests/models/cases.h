/* tests/models/cases.h - models and servers whose numbers a person can follow, and YAML to break.
 */
#ifndef REPRISE_TESTS_MODELS_CASES_H
#define REPRISE_TESTS_MODELS_CASES_H

#include "models/models.h"
#include "tests/support.h"

/* Two layers, hidden 8, four heads of 2 over two KV heads, feed-forward 16, vocabulary 32, fp16. */
struct model case_model(void);

/* Four GPUs of 1 FLOP/ns and 1 B/ns, all of it attained; a kernel starts in 10 ns; an all-reduce
 * has 1 B/ns and 100 ns; an iteration costs 1,000 ns. 1 MB of HBM. */
struct hardware case_server(void);

/* A complete YAML file with `changed` in place of its line for that key, or after its last line if
 * it has none ("kv_heads: 3"); NULL changes nothing. The caller unlinks and frees the path. */
char *case_model_file(const char *changed);
char *case_server_file(const char *changed);

/* The line of a case file at which the text stands, from 1. */
uint64_t case_line(const char *path, const char *text);

/* A shipped file. Fails the test when it does not load. */
struct model shipped_model(const char *name);
struct hardware shipped_hardware(const char *name);
/* The same without fitted operators: its times are the roofline's. */
struct hardware roofline_hardware(const char *name);

/* What models_list() gives. */
struct case_names {
    char name[64][CONFIG_TEXT_BYTES];
    uint32_t count;
};
struct case_names case_names(const char *kind);

#endif
