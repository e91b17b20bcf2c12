/* traces/tenant_read.h - which tenant a session of a file is of: named in every session of it, or
 * in none. Private to traces/. */
#ifndef REPRISE_TRACES_TENANT_READ_H
#define REPRISE_TRACES_TENANT_READ_H

#include "traces/json_record.h"
#include "base/text_out.h"
#include "traces/traces.h"

/* Zeroed: no session was read. */
struct tenant_reader {
    struct trace_tenants tenants; /* in the order in which they came */
    bool begun;
};

/* 1 to 31 letters, digits and - _ . : @ +, so that it can stand in a list of values by tenant, in
 * CSV and in JSON as it is. */
bool tenant_name_is_valid(const char *name);

/* The number of the tenant that the session names by `text`; "": it names none. STATUS_INPUT, with
 * the line that `lines` gave last: no name; one that others do not have; one too many. */
enum status tenant_read(struct tenant_reader *reader, const struct lines *lines, const char *text,
                        uint8_t *tenant, struct error *err);
/* The same of the record's key "tenant", a string or a whole number; null names none. */
enum status tenant_read_json(struct tenant_reader *reader, struct json_record record,
                             uint8_t *tenant, struct error *err);

/* Whether a session above named that tenant; its number. */
bool tenant_known(const struct tenant_reader *reader, const char *name, size_t length,
                  uint8_t *tenant);

/* Writes `, "tenant": "name"`, where the trace names tenants. */
void tenant_write_json(struct text_out *out, const struct trace_facts *facts,
                       const struct trace_session *session);

#endif
