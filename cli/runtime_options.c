/* cli/runtime_options.c - see runtime_options.h. */
#include "cli/runtime_options.h"

#include "base/shown.h"

#include <inttypes.h>
#include <string.h>

enum status runtime_options_config(const struct runtime_options *given, struct serve_config *config,
                                   struct error *err)
{
    *config =
        (struct serve_config){ .backend = backend_find(given->backend),
                               .threads = (uint32_t)given->threads,
                               .page_tokens = (uint32_t)given->page_tokens,
                               .weights = given->weights,
                               .ssd_path = given->ssd_file,
                               .ssd_engine = given->posix_io ? SSD_ENGINE_POSIX : SSD_ENGINE_AUTO };
    if (config->backend != NULL)
        return STATUS_OK;
    char text[600], names[256] = "";
    for (int i = 0; backend_name(i) != NULL; i++) {
        size_t length = strlen(names);
        if (backend_built(backend_name(i)))
            snprintf(names + length, sizeof names - length, "%s%s", i > 0 ? ", " : "",
                     backend_name(i));
    }
    const char *missing = backend_missing(given->backend, text, sizeof text);
    if (backend_built(given->backend))
        return error_io(err, given->backend, "open the backend", missing);
    size_t length = strlen(names);
    if (missing != NULL)
        snprintf(names + length, sizeof names - length, " (%s is %s)", given->backend, missing);
    return error_input(err, NULL, 0, "--backend", names, given->backend);
}

void runtime_report_print(FILE *out, const char *name, const struct serve_report *report)
{
    shown_put(out, name);
    fputs(": ", out);
    shown_put(out, report->device);
    shown_line(out, report->ssd[0] != '\0' ? "; SSD: " : "", report->ssd);
    if (report->late_ns > report->run_ns / 2000)
        fprintf(out, "  for %.1f %% of the run this machine was behind the rates it is held to\n",
                100.0 * (double)report->late_ns / (double)report->run_ns);
    iteration_totals_print(out, report->iterations);
}
