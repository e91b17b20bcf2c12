/* cli/explore/http.c - see http.h. */
#include "cli/explore/http.h"

#include "base/library.h"

static const char *const files[] = { "libmicrohttpd.so.12", NULL };

#define FUNCTION(member, name) { #name, offsetof(struct http, member) },
static const struct library_function functions[] = { HTTP_FUNCTIONS(FUNCTION){ 0 } };
#undef FUNCTION

enum status http_open(struct http *http, struct error *err)
{
    static const struct library library = { .name = "libmicrohttpd",
                                            .files = files,
                                            .folder = REPRISE_MICROHTTPD_LIBRARIES,
                                            .functions = functions };
    return library_open(&library, NULL, http, err);
}
