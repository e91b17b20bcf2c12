/* cli/explore/folder.h - temporary folders that are their user's alone. */
#ifndef REPRISE_CLI_EXPLORE_FOLDER_H
#define REPRISE_CLI_EXPLORE_FOLDER_H

#include "base/error.h"

enum { FOLDER_BYTES = 64 };

/* Makes a new one (0700) and says where; who made it removes it. STATUS_IO: folder is then "". */
enum status folder_make(char folder[FOLDER_BYTES], struct error *err);

#endif
