/* validate/store_handle.h - an open store, for store.c and store_read.c. Private to validate/. */
#ifndef REPRISE_VALIDATE_STORE_HANDLE_H
#define REPRISE_VALIDATE_STORE_HANDLE_H

#include "validate/sql.h"
#include "validate/store.h"

struct store {
    struct sql sql;
};

#endif
