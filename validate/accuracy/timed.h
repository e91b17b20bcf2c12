/* validate/accuracy/timed.h - a served run that was measured request by request. Private to
 * validate/accuracy. */
#ifndef REPRISE_VALIDATE_ACCURACY_TIMED_H
#define REPRISE_VALIDATE_ACCURACY_TIMED_H

#include "validate/accuracy/folder.h"

/* Lengths in tokens; times in ns since the first request reached the scheduler. */
struct timed_request {
    uint64_t queued_ns, first_token_ns, last_token_ns;
    uint32_t prompt_tokens, reply_tokens;
};
struct timed_requests {
    uint32_t count, capacity;
    struct timed_request *request; /* by queued_ns */
};

/* Reads JSON lines, plain or gzip'd, as LLMServingSim's bench writes them: input_toks, output_toks,
 * and queued_ts, first_token_ts, last_token_ts in seconds of one clock. arrival_time is of another
 * clock and is not read. STATUS_INPUT: no JSON, a key that is not there, times out of order. */
enum status timed_read(const char *path, struct timed_requests *requests, struct error *err);
void timed_free(struct timed_requests *requests);

/* Simulates the run on the file's GPU and model, and adds points of TTFT, TPOT and end-to-end
 * latency of each request, by its number. */
enum status timed_measure(const struct folder_file *file, struct accuracy *accuracy,
                          struct error *err);

#endif
