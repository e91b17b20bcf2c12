/* tests/failures/visitor.c - see visitor.h. Answers are read and not judged: what is under test is
 * that whatever fails behind them neither ends nor stops the program without a word. */
#define _DEFAULT_SOURCE /* usleep() */
#include "tests/failures/visitor.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { TRIES = 2500, TRY_US = 10000, WAIT_S = 5 };

struct address {
    unsigned port;
    char token[64];
};

static bool find_address(const char *streams, struct address *address)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/stdout", streams);
    for (int i = 0; i < TRIES; i++) {
        FILE *in = fopen(path, "r");
        bool found = in != NULL && fscanf(in, "http://127.0.0.1:%u/%40[0-9a-f]/", &address->port,
                                          address->token) == 2;
        if (in != NULL)
            fclose(in);
        if (found)
            return true;
        usleep(TRY_US);
    }
    return false;
}

static void ask(const struct address *address, const char *method, const char *path,
                const char *body)
{
    char text[1024];
    const struct timeval wait = { .tv_sec = WAIT_S };
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)address->port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int door = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(door, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    int length = snprintf(text, sizeof text,
                          "%s /%s/%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n"
                          "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          method, address->token, path, address->port, strlen(body), body);
    if (connect(door, (const struct sockaddr *)&to, sizeof to) == 0 &&
        send(door, text, (size_t)length, MSG_NOSIGNAL) == length)
        while (recv(door, text, sizeof text, 0) > 0)
            continue;
    close(door);
}

pid_t visitor_send(const char *streams, pid_t program)
{
    struct address address;
    pid_t visitor = fork();
    if (visitor != 0)
        return visitor;
    if (find_address(streams, &address)) {
        ask(&address, "GET", "", "");
        ask(&address, "GET", "api/start", "");
        ask(&address, "POST", "api/run",
            "{\"slot\":\"a\",\"curves\":true,\"set\":{\"workload.sessions\":\"6\",\"warmup_turns\":"
            "\"0\"}}");
        ask(&address, "GET", "api/no-such-thing", "");
    }
    kill(program, SIGINT);
    _exit(0);
}
