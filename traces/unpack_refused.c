/* traces/unpack_refused.c - see unpack_refused.h. Magic numbers: RFC 1952 (gzip), RFC 8878 (zstd),
 * the formats' own specifications, and file(1)'s magic, version 5.45, for where they stand. */
#include "traces/unpack_refused.h"

#include <string.h>

#define UNPACK_FIRST "a trace, unpacked first: "
#define AS_LINES "a trace as JSON lines or CSV: "
#define IN_UTF_8 "a trace in UTF-8: "

struct magic {
    size_t at, length;
    const char *bytes;
    struct refused_kind kind;
};

#define MAGIC(at, bytes, name, way_on)                                                             \
    {                                                                                              \
        at, sizeof(bytes) - 1, bytes,                                                              \
        {                                                                                          \
            name, way_on                                                                           \
        }                                                                                          \
    }

/* Longer marks before those that begin alike. */
static const struct magic magics[] = {
    MAGIC(0,
          "\xFD"
          "7zXZ\0",
          "xz", UNPACK_FIRST "xz -dc FILE > TRACE"),
    MAGIC(0, "BZh", "bzip2", UNPACK_FIRST "bzip2 -dc FILE > TRACE"),
    MAGIC(0, "\x04\x22\x4D\x18", "lz4", UNPACK_FIRST "lz4 -dc FILE > TRACE"),
    MAGIC(0, "7z\xBC\xAF\x27\x1C", "7z", UNPACK_FIRST "7z x FILE"),
    MAGIC(0, "PK\x03\x04", "zip", UNPACK_FIRST "unzip FILE"),
    MAGIC(257, "ustar", "tar", UNPACK_FIRST "tar -xf FILE"),
    MAGIC(0, "\x1F\x8B", "gzip within gzip or zstd", UNPACK_FIRST "once more, with gzip -dc"),
    MAGIC(0, "\x28\xB5\x2F\xFD", "zstd within gzip or zstd",
          UNPACK_FIRST "once more, with zstd -dc"),
    MAGIC(0, "PAR1", "Parquet",
          AS_LINES "pandas.read_parquet(FILE).to_json(TRACE, "
                   "orient=\"records\", lines=True)"),
    MAGIC(0, "ARROW1", "Arrow",
          AS_LINES "pandas.read_feather(FILE).to_json(TRACE, "
                   "orient=\"records\", lines=True)"),
    MAGIC(0, "\x89HDF\r\n", "HDF5", AS_LINES "export it with the program that wrote it"),
    MAGIC(0, "SQLite format 3", "SQLite", AS_LINES "sqlite3 -csv -header FILE \"select ...\""),
    MAGIC(0, "\xFF\xFE\0\0", "UTF-32", IN_UTF_8 "iconv -f utf-32 -t utf-8 FILE > TRACE"),
    MAGIC(0, "\xFF\xFE", "UTF-16", IN_UTF_8 "iconv -f utf-16 -t utf-8 FILE > TRACE"),
    MAGIC(0, "\xFE\xFF", "UTF-16", IN_UTF_8 "iconv -f utf-16 -t utf-8 FILE > TRACE"),
};

const struct refused_kind *refused_kind_of(const char *bytes, size_t length)
{
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        const struct magic *magic = &magics[i];
        if (length >= magic->at + magic->length &&
            memcmp(bytes + magic->at, magic->bytes, magic->length) == 0)
            return &magic->kind;
    }
    return NULL;
}
