/* cli/explore/folder.c - see folder.h. */
#include "cli/explore/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status folder_make(char folder[FOLDER_BYTES], struct error *err)
{
    snprintf(folder, FOLDER_BYTES, "/tmp/reprise-explore-XXXXXX");
    if (mkdtemp(folder) != NULL)
        return STATUS_OK;
    folder[0] = '\0';
    return error_io(err, "/tmp", "create folder", strerror(errno));
}
