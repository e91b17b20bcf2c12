/* tests/fuzz/pages.c - the page that explores: its questions in JSON, and its door's HTTP. */
#include "tests/fuzz/fuzz.h"

#include "cli/explore/asks.h"
#include "cli/explore/door.h"
#include "tests/fuzz/input.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- questions ---- */

/* Runs end as they begin: what is fuzzed is what is asked. */
static struct asks *asks_once(void)
{
    static struct asks *asks;
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    if (asks != NULL)
        return asks;
    FUZZ_EXPECT(config_tree_parse("{}", "fuzz", &tree, &err) == STATUS_OK);
    FUZZ_EXPECT(asks_new(tree, NULL, 0, &asks, &err) == STATUS_OK);
    config_tree_free(tree);
    asks_stop(asks);
    return asks;
}

/* The first line is the path, the rest the body. */
static void run_asks(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    const uint8_t *newline = memchr(bytes, '\n', size);
    size_t path_bytes = newline != NULL ? (size_t)(newline - bytes) : size;
    size_t body_bytes = newline != NULL ? size - path_bytes - 1 : 0;
    char *path = input_text(bytes, path_bytes), *body = malloc(body_bytes + 1);
    FUZZ_EXPECT(body != NULL);
    if (body_bytes > 0)
        memcpy(body, newline + 1, body_bytes);
    body[body_bytes] = '\0';
    const struct door_ask ask = {
        .post = newline != NULL, .path = path, .body = body, .body_bytes = body_bytes
    };
    struct door_answer answer = asks_answer(asks_once(), &ask);
    FUZZ_EXPECT(answer.status == 200 || answer.status == 400 || answer.status == 404);
    FUZZ_EXPECT(answer.size == 0 || answer.bytes != NULL);
    free(answer.owned);
    free(path);
    free(body);
}

/* ---- HTTP ---- */

static atomic_uint answered;

static struct door_answer answer(void *context, const struct door_ask *ask)
{
    (void)context;
    FUZZ_EXPECT(ask->body[ask->body_bytes] == '\0' && ask->body_bytes <= DOOR_BODY_MOST);
    FUZZ_EXPECT(strlen(ask->path) < 65536);
    atomic_fetch_add(&answered, 1);
    return (struct door_answer){ .status = 200, .type = "text/plain", .bytes = "ok", .size = 2 };
}

static struct door *door_once(unsigned *port, const char **token)
{
    static struct door *door;
    static unsigned its_port;
    static char its_token[64];
    const struct door_config config = { .idle_seconds = 1, .answer = answer };
    struct error err = { 0 };
    if (door == NULL) {
        FUZZ_EXPECT(door_open(&config, &door, &err) == STATUS_OK);
        FUZZ_EXPECT(sscanf(door_address(door), "http://127.0.0.1:%u/%63[0-9a-f]/", &its_port,
                           its_token) == 2);
    }
    *port = its_port;
    *token = its_token;
    return door;
}

/* An input cannot know these: byte 1 stands for the token, byte 2 for the door's address. */
static char *fill_in(const uint8_t *bytes, size_t size, const char *token, const char *address,
                     size_t *length, bool *has_token)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    FUZZ_EXPECT(out != NULL);
    *has_token = false;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == 1)
            fputs(token, out);
        else if (bytes[i] == 2)
            fputs(address, out);
        else
            fputc(bytes[i], out);
        *has_token = *has_token || bytes[i] == 1;
    }
    FUZZ_EXPECT(fclose(out) == 0);
    return text;
}

static void talk(unsigned port, const char *text, size_t length)
{
    char answer_text[4096];
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_EXPECT(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    if (send(fd, text, length, MSG_NOSIGNAL) >= 0) {
        shutdown(fd, SHUT_WR);
        while (recv(fd, answer_text, sizeof answer_text, 0) > 0)
            continue;
    }
    close(fd);
}

/* Nobody is answered who does not know the token. */
static void run_door(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    unsigned port, before = atomic_load(&answered);
    const char *token;
    char address[32];
    size_t length;
    bool has_token;
    door_once(&port, &token);
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    char *text = fill_in(bytes, size, token, address, &length, &has_token);
    talk(port, text, length);
    FUZZ_EXPECT(has_token || atomic_load(&answered) == before);
    free(text);
}

const struct fuzz_target fuzz_pages[] = {
    { "asks", "asks", run_asks, NULL },
    { "door", "http", run_door, NULL },
    { .name = NULL },
};
