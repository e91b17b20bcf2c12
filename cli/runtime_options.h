/* cli/runtime_options.h - options of the commands that compute for real. */
#ifndef REPRISE_CLI_RUNTIME_OPTIONS_H
#define REPRISE_CLI_RUNTIME_OPTIONS_H

#include "cli/options.h"
#include "runtime/serve.h"

#include <stdio.h>

struct runtime_options {
    const char *backend, *weights, *ssd_file;
    uint64_t threads, page_tokens;
    bool posix_io;
};

#define RUNTIME_OPTIONS_DEFAULT                                                                    \
    {                                                                                              \
        .backend = "host", .ssd_file = "."                                           \
    }

/* Rows of an option table; `given` is a struct runtime_options *. */
#define RUNTIME_OPTIONS(given)                                                                          \
    { "backend",         'b',    OPTION_TEXT,                                                           \
      &(given)->backend, "NAME", "what computes: cuda, where built with it (host)" },                   \
        { "weights",         0,      OPTION_READS,                                                      \
          &(given)->weights, "FILE", "a llama2.c or safetensors file; none: random weights" },          \
        { "ssd-file",         0,      OPTION_TEXT,                                                      \
          &(given)->ssd_file, "PATH", "where the SSD tier lies, in a file without a name: a folder, or a file that is not there (.)" }, \
        { "compute-threads", 0,   OPTION_U64,                                                           \
          &(given)->threads, "N", "of the host backend (0: all cores but one)" },                       \
        { "page-tokens", 0, OPTION_U64, &(given)->page_tokens, "N", "tokens of a KV page (0: 4 to 16, by the window)" },       \
    {                                                                                                   \
        "posix-io", 0, OPTION_FLAG, &(given)->posix_io, NULL, "pread and pwrite, not io_uring"          \
    }

/* STATUS_INPUT: an unknown backend. */
enum status runtime_options_config(const struct runtime_options *given, struct serve_config *config,
                                   struct error *err);

/* A line on the device and disk, and its iterations beside what timing says of them. */
void runtime_report_print(FILE *out, const char *name, const struct serve_report *report);

#endif
