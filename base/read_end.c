/* base/read_end.c - see read_end.h. */
#include "base/read_end.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

enum status read_end(FILE *file, const char *path, struct error *err)
{
    if (ferror(file))
        error_io(err, path, "read", strerror(errno));
    fclose(file);
    return err->status;
}

/* What zlib wrote when it failed, "PATH: REASON": errno is another by now, where more was called.
 */
static const char *reason_of(const char *text)
{
    const char *reason = text;
    for (const char *colon; (colon = strstr(reason, ": ")) != NULL;)
        reason = colon + 2;
    return reason;
}

enum status read_end_gzip(gzFile file, const char *path, struct error *err)
{
    int code;
    const char *text = gzerror(file, &code);
    if (code != Z_OK && code != Z_BUF_ERROR)
        error_io(err, path, "read", reason_of(text));
    errno = 0;
    code = gzclose(file);
    if (code != Z_OK) /* only now is a gzip'd file told to break off */
        error_io(err, path, "read",
                 code == Z_ERRNO ? strerror(errno) : "the compressed file breaks off");
    return err->status;
}

char *read_most(FILE *file, size_t most_bytes, size_t *bytes)
{
    enum { PIECE_BYTES = 1 << 14 };
    char *text = NULL;
    uint32_t capacity = 0;
    size_t got;
    *bytes = 0;
    do {
        memory_grow(&text, &capacity, *bytes + PIECE_BYTES + 1, 1);
        got = fread(text + *bytes, 1, PIECE_BYTES, file);
        *bytes += got;
    } while (got > 0 && *bytes <= most_bytes);
    text[*bytes] = '\0';
    return text;
}
