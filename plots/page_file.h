/* plots/page_file.h - a page's file: whole when it is there, or as it was before. Private to
 * plots/, but for asking beforehand. */
#ifndef REPRISE_PLOTS_PAGE_FILE_H
#define REPRISE_PLOTS_PAGE_FILE_H

#include "base/error.h"

#include <stdio.h>

#define PAGE_PATH_BYTES 4096

/* Written under another name beside its own, which it takes at the end. */
struct page_file {
    const char *path; /* the caller's */
    char beside[PAGE_PATH_BYTES];
    FILE *out;
};

/* Whether a page can be written there. STATUS_IO: no such folder, not to be written; something that
 * is no plain file is in its place and stays. */
enum status page_file_check(const char *path, struct error *err);

enum status page_file_open(struct page_file *file, const char *path, struct error *err);
/* *err without an error: the page is whole and takes its name; else what was there stays. */
enum status page_file_close(struct page_file *file, struct error *err);

#endif
