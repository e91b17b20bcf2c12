/* cli/explore/http.h - the functions of libmicrohttpd that the door uses, found when it is opened: no other
 * command loads that library, which brings a dozen (GnuTLS). Private to cli/explore/. */
#ifndef REPRISE_CLI_EXPLORE_HTTP_H
#define REPRISE_CLI_EXPLORE_HTTP_H

#include "base/error.h"

#include <microhttpd.h>

/* X(member, libmicrohttpd's name) */
#define HTTP_FUNCTIONS(X)                                                                          \
    X(start, MHD_start_daemon)                                                                     \
    X(stop, MHD_stop_daemon)                                                                       \
    X(each_value, MHD_get_connection_values)                                                       \
    X(header, MHD_lookup_connection_value)                                                         \
    X(connection, MHD_get_connection_info)                                                         \
    X(set, MHD_set_connection_option)                                                              \
    X(reason, MHD_get_reason_phrase_for)                                                           \
    X(response, MHD_create_response_from_buffer)                                                   \
    X(add_header, MHD_add_response_header)                                                         \
    X(queue, MHD_queue_response)                                                                   \
    X(free, MHD_destroy_response)

/* As microhttpd.h declares them. */
struct http {
#define HTTP_MEMBER(member, name) __typeof__(name) *member;
    HTTP_FUNCTIONS(HTTP_MEMBER)
#undef HTTP_MEMBER
};

/* STATUS_IO: the library is not there. */
enum status http_open(struct http *http, struct error *err);

#endif
