/* cli/explore/door.c - see door.h. HTTP itself is libmicrohttpd's. */
#include "cli/explore/door.h"

#include "base/memory.h"
#include "cli/explore/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TOKEN_BYTES = 16,
    TOKEN_CHARS = 2 * TOKEN_BYTES,
    CONNECTIONS_MOST = 32,
    CONNECTION_MEMORY_BYTES = 32768, /* a request's headers */
    IDLE_SECONDS = 15
};

struct door {
    struct door_config config;
    struct http http;
    struct MHD_Daemon *daemon;
    uint16_t port;
    char token[TOKEN_CHARS + 1];
    char address[DOOR_ADDRESS_BYTES];
    pthread_t starter;
    char why[128]; /* the first that the library told its starter */
};

/* A request that was let in, until it is answered. */
struct request {
    char *body;
    size_t bytes, capacity;
    bool too_long;
};

/* ---- who may ask ---- */

/* Takes as long wherever the first difference is. `given` has TOKEN_CHARS at least. */
static bool same_token(const char *given, const char *token)
{
    unsigned char differs = 0;
    for (int i = 0; i < TOKEN_CHARS; i++)
        differs |= (unsigned char)(given[i] ^ token[i]);
    return differs == 0;
}

/* What follows the token in "/TOKEN/..."; NULL: it is not there. */
static const char *behind_token(const struct door *door, const char *url)
{
    if (url[0] != '/' || strlen(url) < TOKEN_CHARS + 2 || !same_token(url + 1, door->token) ||
        url[TOKEN_CHARS + 1] != '/')
        return NULL;
    return url + TOKEN_CHARS + 2;
}

/* text is PREFIX and this machine's loopback address with the door's port. */
static bool names_us(const struct door *door, const char *prefix, const char *text)
{
    static const char *const hosts[] = { "127.0.0.1", "localhost" };
    char ours[64];
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        snprintf(ours, sizeof ours, "%s%s:%u", prefix, hosts[i], door->port);
        if (strcmp(text, ours) == 0)
            return true;
    }
    return false;
}

/* Headers that say whose request it is; who sends one twice would be judged by the first alone. */
struct senders {
    const char *host, *origin;
    unsigned hosts, origins;
};

static enum MHD_Result note_sender(void *context, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
    struct senders *senders = context;
    (void)kind;
    if (strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0) {
        senders->host = value;
        senders->hosts++;
    } else if (strcasecmp(key, MHD_HTTP_HEADER_ORIGIN) == 0) {
        senders->origin = value;
        senders->origins++;
    }
    return MHD_YES;
}

static bool is_ours(const struct door *door, struct MHD_Connection *connection)
{
    struct senders senders = { 0 };
    door->http.each_value(connection, MHD_HEADER_KIND, note_sender, &senders);
    return senders.hosts == 1 && senders.host != NULL && names_us(door, "", senders.host) &&
           (senders.origins == 0 || (senders.origins == 1 && senders.origin != NULL &&
                                     names_us(door, "http://", senders.origin)));
}

/* A form of another page cannot send this type without being asked first. */
static bool is_json(const struct door *door, struct MHD_Connection *connection)
{
    static const char json[] = "application/json";
    const char *type = door->http.header(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
    return type != NULL && strncmp(type, json, sizeof json - 1) == 0;
}

static bool says_too_long(const struct door *door, struct MHD_Connection *connection)
{
    const char *length =
        door->http.header(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length != NULL && strtoull(length, NULL, 10) > DOOR_BODY_MOST;
}

/* The status by which the request is refused from its headers; 0: it is not. */
static unsigned refusal(const struct door *door, struct MHD_Connection *connection, const char *url,
                        const char *method)
{
    bool post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    if (!is_ours(door, connection) || behind_token(door, url) == NULL)
        return MHD_HTTP_FORBIDDEN;
    if (!post && strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    if (says_too_long(door, connection))
        return MHD_HTTP_CONTENT_TOO_LARGE;
    if (post && !is_json(door, connection))
        return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
    return 0;
}

/* ---- answers ---- */

static void add_headers(const struct door *door, struct MHD_Response *response, const char *type)
{
    static const char *const always[][2] = {
        { "Content-Security-Policy",
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
        { "X-Content-Type-Options", "nosniff" },
        { "X-Frame-Options", "DENY" },
        { "Referrer-Policy", "no-referrer" }, /* the address holds the token */
        { "Cross-Origin-Resource-Policy", "same-origin" },
        { "Cross-Origin-Opener-Policy", "same-origin" },
        { "Cache-Control", "no-store" },
    };
    door->http.add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        door->http.add_header(response, always[i][0], always[i][1]);
}

static enum MHD_Result send_answer(const struct door *door, struct MHD_Connection *connection,
                                   const struct door_answer *answer)
{
    struct MHD_Response *response =
        answer->owned != NULL
            ? door->http.response(answer->size, answer->owned, MHD_RESPMEM_MUST_FREE)
            : door->http.response(answer->size, (void *)answer->bytes, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        memory_exhausted();
    add_headers(door, response, answer->type);
    enum MHD_Result queued = door->http.queue(connection, answer->status, response);
    door->http.free(response);
    return queued;
}

static enum MHD_Result refuse(const struct door *door, struct MHD_Connection *connection,
                              unsigned status)
{
    const char *words = door->http.reason(status);
    const struct door_answer answer = {
        .status = status, .type = "text/plain; charset=utf-8", .bytes = words, .size = strlen(words)
    };
    return send_answer(door, connection, &answer);
}

/* What is asked next, and not read yet, tells that somebody is there. */
static bool is_gone(const void *asker)
{
    char next;
    const int *fd = asker;
    ssize_t got = recv(*fd, &next, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static unsigned idle_seconds(const struct door *door)
{
    return door->config.idle_seconds > 0 ? door->config.idle_seconds : IDLE_SECONDS;
}

/* The answer may take as long as a run: the connection is not idle meanwhile. */
static enum MHD_Result answer_request(const struct door *door, struct MHD_Connection *connection,
                                      const char *url, const char *method,
                                      const struct request *request)
{
    const union MHD_ConnectionInfo *at =
        door->http.connection(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const struct door_ask ask = { .post = strcmp(method, MHD_HTTP_METHOD_POST) == 0,
                                  .path = behind_token(door, url),
                                  .body = request->body != NULL ? request->body : "",
                                  .body_bytes = request->bytes,
                                  .is_gone = at != NULL ? is_gone : NULL,
                                  .asker = at != NULL ? &at->connect_fd : NULL };
    door->http.set(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
    const struct door_answer answer = door->config.answer(door->config.context, &ask);
    door->http.set(connection, MHD_CONNECTION_OPTION_TIMEOUT, idle_seconds(door));
    return send_answer(door, connection, &answer);
}

/* ---- requests ---- */

static void take_part(struct request *request, const char *part, size_t bytes)
{
    if (request->too_long || bytes > DOOR_BODY_MOST - request->bytes) {
        request->too_long = true; /* of unknown length: the rest is read and dropped */
        return;
    }
    if (request->body == NULL)
        request->body = memory_new(DOOR_BODY_MOST + 1, 1);
    memcpy(request->body + request->bytes, part, bytes);
    request->bytes += bytes;
}

/* Called with the headers, then with each part of the body, then once more at its end. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *part,
                              size_t *part_bytes, void **kept)
{
    const struct door *door = context;
    struct request *request = *kept;
    (void)version;
    if (request == NULL) {
        unsigned refused = refusal(door, connection, url, method);
        if (refused != 0)
            return refuse(door, connection, refused);
        *kept = memory_new(1, sizeof *request);
        return MHD_YES;
    }
    if (*part_bytes > 0) {
        take_part(request, part, *part_bytes);
        *part_bytes = 0;
        return MHD_YES;
    }
    return request->too_long ? refuse(door, connection, MHD_HTTP_CONTENT_TOO_LARGE)
                             : answer_request(door, connection, url, method, request);
}

static void completed(void *context, struct MHD_Connection *connection, void **kept,
                      enum MHD_RequestTerminationCode how)
{
    struct request *request = *kept;
    (void)context, (void)connection, (void)how;
    if (request != NULL)
        free(request->body);
    free(request);
    *kept = NULL;
}

/* ---- the door ---- */

static enum status make_token(char token[TOKEN_CHARS + 1], struct error *err)
{
    unsigned char bytes[TOKEN_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return error_io(err, NULL, "get random bytes", strerror(errno));
    for (int i = 0; i < TOKEN_BYTES; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return STATUS_OK;
}

/* A socket of ours, since libmicrohttpd does not say why it could not have one. */
static enum status listen_there(uint16_t port, int *listening, uint16_t *got, struct error *err)
{
    struct sockaddr_in place = { .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof place;
    char name[32];
    const int on = 1;
    snprintf(name, sizeof name, "127.0.0.1:%u", port);
    *listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*listening < 0)
        return error_io(err, name, "make a socket", strerror(errno));
    setsockopt(*listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(*listening, (struct sockaddr *)&place, sizeof place) != 0 ||
        listen(*listening, CONNECTIONS_MOST) != 0 ||
        getsockname(*listening, (struct sockaddr *)&place, &bytes) != 0) {
        error_io(err, name, "listen", strerror(errno));
        close(*listening);
        return STATUS_IO;
    }
    *got = ntohs(place.sin_port);
    return STATUS_OK;
}

/* Threads of the server that has started tell what clients do, which is nobody's business. */
__attribute__((format(printf, 2, 0))) static void take_why(void *context, const char *format,
                                                           va_list arguments)
{
    struct door *door = context;
    if (!pthread_equal(pthread_self(), door->starter) || door->why[0] != '\0')
        return;
    int length = vsnprintf(door->why, sizeof door->why, format, arguments);
    char *space = strrchr(door->why, ' ');
    if (length >= (int)sizeof door->why && space != NULL)
        *space = '\0'; /* no half word */
    door->why[strcspn(door->why, "\n")] = '\0';
}

/* What it says is the reason: errno is that of closing the socket, which it does where it fails. */
static enum status start_server(struct door *door, int listening, struct error *err)
{
    door->starter = pthread_self();
    door->daemon = door->http.start(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
            MHD_USE_ITC | MHD_USE_ERROR_LOG,
        0, NULL, NULL, handle, door, MHD_OPTION_EXTERNAL_LOGGER, take_why, door,
        MHD_OPTION_LISTEN_SOCKET, listening, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MOST, MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds(door),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
    if (door->daemon != NULL)
        return STATUS_OK;
    return error_io(err, "127.0.0.1", "start the server",
                    door->why[0] != '\0' ? door->why : "the library does not say why");
}

static enum status start(struct door *door, struct error *err)
{
    int listening;
    enum status status = http_open(&door->http, err);
    if (status == STATUS_OK)
        status = make_token(door->token, err);
    if (status == STATUS_OK)
        status = listen_there(door->config.port, &listening, &door->port, err);
    return status == STATUS_OK ? start_server(door, listening, err) : status;
}

enum status door_open(const struct door_config *config, struct door **door, struct error *err)
{
    struct door *opened = memory_new(1, sizeof *opened);
    opened->config = *config;
    if (start(opened, err) != STATUS_OK) {
        free(opened);
        return err->status;
    }
    snprintf(opened->address, sizeof opened->address, "http://127.0.0.1:%u/%s/", opened->port,
             opened->token);
    *door = opened;
    return STATUS_OK;
}

const char *door_address(const struct door *door)
{
    return door->address;
}

void door_close(struct door *door)
{
    if (door == NULL)
        return;
    door->http.stop(door->daemon);
    free(door);
}
