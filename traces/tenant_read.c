/* traces/tenant_read.c - see tenant_read.h. */
#include "traces/tenant_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char name_expected[] = "a name of 1 to 31 letters, digits and - _ . : @ +";

bool tenant_name_is_valid(const char *name)
{
    static const char signs[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:@+";
    size_t length = strlen(name);
    return length > 0 && length < TRACE_TENANT_BYTES && strspn(name, signs) == length;
}

/* Its number, from 0; the count of those known: it is new. */
static uint32_t find(const struct trace_tenants *tenants, const char *name)
{
    uint32_t tenant = 0;
    while (tenant < tenants->count && strcmp(tenants->name[tenant], name) != 0)
        tenant++;
    return tenant;
}

bool tenant_known(const struct tenant_reader *reader, const char *name, size_t length,
                  uint8_t *tenant)
{
    const struct trace_tenants *tenants = &reader->tenants;
    uint32_t number = 0;
    while (number < tenants->count && (strlen(tenants->name[number]) != length ||
                                       memcmp(tenants->name[number], name, length) != 0))
        number++;
    *tenant = (uint8_t)number;
    return number < tenants->count;
}

enum status tenant_read(struct tenant_reader *reader, const struct lines *lines, const char *text,
                        uint8_t *tenant, struct error *err)
{
    struct trace_tenants *tenants = &reader->tenants;
    bool names = *text != '\0', others_name = tenants->count > 0;
    char found[48], expected[96];
    *tenant = 0;
    if (reader->begun && names != others_name)
        return lines_refuse(lines, "tenant", "one in every session or in none",
                            names ? "one, and none above it" : "none", err);
    reader->begun = true;
    if (!names)
        return STATUS_OK;
    snprintf(found, sizeof found, "a text of %zu bytes", strlen(text));
    if (!tenant_name_is_valid(text))
        return lines_refuse(lines, "tenant", name_expected, found, err);
    uint32_t number = find(tenants, text);
    snprintf(expected, sizeof expected, "at most %d tenants in a trace", TRACE_TENANTS_MOST);
    if (number == TRACE_TENANTS_MOST)
        return lines_refuse(lines, "tenant", expected, "one more", err);
    if (number == tenants->count)
        memcpy(tenants->name[tenants->count++], text, strlen(text) + 1);
    *tenant = (uint8_t)number;
    return STATUS_OK;
}

enum status tenant_read_json(struct tenant_reader *reader, struct json_record record,
                             uint8_t *tenant, struct error *err)
{
    const json_t *item = json_object_get(record.object, "tenant");
    char number[32] = "", found[64];
    const char *text = json_string_value(item);
    bool is_number = json_is_integer(item) && json_integer_value(item) >= 0;
    if (is_number)
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(item));
    if ((text == NULL && item != NULL && !json_is_null(item) && !is_number) ||
        (text != NULL && *text == '\0'))
        return json_record_refuse(record, "tenant", "a name, or a whole number of 0 or more",
                                  json_kind(item, found, sizeof found), err);
    if (text != NULL && strlen(text) != json_string_length(item)) /* JSON's texts may hold a 0 */
        return json_record_refuse(record, "tenant", name_expected, "a text with \\u0000 in it",
                                  err);
    return tenant_read(reader, record.lines, text != NULL ? text : number, tenant, err);
}

void tenant_write_json(struct text_out *out, const struct trace_facts *facts,
                       const struct trace_session *session)
{
    if (facts->tenants.count == 0)
        return;
    text_out_text(out, ", \"tenant\": \"");
    text_out_text(out, trace_tenant_name(&facts->tenants, session->tenant));
    text_out_text(out, "\"");
}
