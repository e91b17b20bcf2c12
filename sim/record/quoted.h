/* sim/record/quoted.h - texts as files take them. Private to sim/record/. */
#ifndef REPRISE_SIM_RECORD_QUOTED_H
#define REPRISE_SIM_RECORD_QUOTED_H

/* As a JSON string in ASCII, quotes and all. The caller frees it. */
char *quoted_json(const char *text);
/* As a cell of CSV (RFC 4180): in quotes, and those doubled, where it needs to be. The caller frees it. */
char *quoted_csv(const char *text);

#endif
