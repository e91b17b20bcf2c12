/* traces/tenants.h - whose sessions they are: values by tenant as keys list them, and generated
 * sessions that are given to tenants by their shares. Public interface of traces/. Names of tenants
 * are in the facts of a trace (traces.h). */
#ifndef REPRISE_TRACES_TENANTS_H
#define REPRISE_TRACES_TENANTS_H

#include "traces/traces.h"

/* "0.8/0.2": of the first tenant of a trace, of the second; or "chat=0.8/batch=0.2", by name. */
struct tenant_list {
    uint32_t count; /* 0: the list is empty */
    bool named;
    char name[TRACE_TENANTS_MOST][TRACE_TENANT_BYTES];
    double value[TRACE_TENANTS_MOST];
};

/* STATUS_INPUT: the text is no such list of numbers from least to most, names a tenant twice, or
 * some by name and others not. key and `what` ("shares above 0") are for the message. */
enum status tenant_list_parse(const char *key, const char *what, double least, double most,
                              const char *text, struct tenant_list *list, struct error *err);
/* The value of the trace's tenant of that number and name; none where the list does not have it. */
double tenant_list_value(const struct tenant_list *list, uint32_t tenant, const char *name,
                         double none);

/* Tenants of the generated workload. */
struct workload_tenants {
    char shares[CONFIG_TEXT_BYTES]; /* of the sessions, in proportion; "": one tenant */
};
extern const struct config_row workload_tenant_rows[]; /* under "workload." */

/* STATUS_INPUT: shares that are no list. */
enum status workload_tenants_check(const struct workload_tenants *tenants, struct error *err);

/* Gives the trace's sessions to tenants: each is drawn by the session's number from a stream of its
 * own. Owns *trace, and takes its place; with one tenant it is left as it is. STATUS_INPUT: shares
 * that are no list; *trace stays the caller's. */
enum status trace_give_tenants(const struct workload_tenants *tenants, uint64_t seed,
                               struct trace **trace, struct error *err);

#endif
