/* tests/sim/import_trace.h - a trace that is another one, or none, where an experiment's import
 * keys are not heeded: for everyone who opens it. */
#ifndef REPRISE_TESTS_SIM_IMPORT_TRACE_H
#define REPRISE_TESTS_SIM_IMPORT_TRACE_H

#include "tests/support.h"

/* One chat of three requests. Its blocks are not listed, so that the format its first line tells
 * (bailian) refuses it; the third request comes so late that it is a second session. */
#define IMPORT_TRACE_FORMAT "bailian-sessions"
#define IMPORT_TRACE_GAP "100ms"
enum { IMPORT_TRACE_TURNS = 3, IMPORT_TRACE_SESSIONS = 2, IMPORT_TRACE_GAP_NS = 100000000 };

/* As test_temp_file(). */
static inline char *import_trace_file(void)
{
    return test_temp_file(
        "{\"chat_id\": 1, \"parent_chat_id\": -1, \"timestamp\": 0.0, \"input_length\": 40, "
        "\"output_length\": 6, \"hash_ids\": []}\n"
        "{\"chat_id\": 2, \"parent_chat_id\": 1, \"timestamp\": 0.05, \"input_length\": 70, "
        "\"output_length\": 6, \"hash_ids\": []}\n"
        "{\"chat_id\": 3, \"parent_chat_id\": 2, \"timestamp\": 0.3, \"input_length\": 100, "
        "\"output_length\": 6, \"hash_ids\": []}\n");
}

#endif
