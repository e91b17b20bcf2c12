/* validate/store/store_handle.h - an open store, for store.c and store_read.c. Private to its
 * folder. */
#ifndef REPRISE_VALIDATE_STORE_STORE_HANDLE_H
#define REPRISE_VALIDATE_STORE_STORE_HANDLE_H

#include "validate/store/sql.h"
#include "validate/store/store.h"

struct store {
    char *path;
    struct sql sql; /* whose path that is */
};

#endif
