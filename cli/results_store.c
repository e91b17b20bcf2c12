/* cli/results_store.c - see results_store.h. */
#include "cli/results_store.h"

#include <stdio.h>
#include <string.h>

enum status results_store_open(const char *path, bool unwanted, struct store **store,
                               struct error *err)
{
    if (unwanted)
        return STATUS_OK;
    enum status status = store_open(path, false, store, err);
    if (status != STATUS_IO)
        return status;
    size_t length = strlen(err->found);
    snprintf(err->found + length, sizeof err->found - length,
             " (--no-db keeps no results, --db FILE keeps them elsewhere)");
    return status;
}
