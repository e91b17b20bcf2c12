/* sim/record/json_quoted.h - a text as a JSON string. Private to sim/record/. */
#ifndef REPRISE_SIM_RECORD_JSON_QUOTED_H
#define REPRISE_SIM_RECORD_JSON_QUOTED_H

/* In ASCII, quotes and all; what shown.h escapes is escaped, since texts are names. The caller frees it. */
char *json_quoted(const char *text);

#endif
