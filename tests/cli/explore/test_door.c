/* tests/cli/explore/test_door.c - who is let in, and what is sent along, as a client sees it on the
 * wire. */
#include "cli/explore/door.h"

#include "base/random.h"

#include "tests/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MOST = 262144 };

struct heard {
    atomic_uint asks; /* begun */
    bool was_gone;
    size_t body_bytes;
    bool post;
    char path[64], body[64];
};

static void sleep_ms(long ms)
{
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&time, NULL);
}

/* Until who asked has gone, or for 5 s. */
static bool wait_until_gone(const struct door_ask *ask)
{
    for (int i = 0; i < 1000 && !ask->is_gone(ask->asker); i++)
        sleep_ms(5);
    return ask->is_gone(ask->asker);
}

/* Answers with the path, and keeps what was asked. */
static struct door_answer echo(void *context, const struct door_ask *ask)
{
    struct heard *heard = context;
    heard->asks++;
    heard->post = ask->post;
    heard->body_bytes = ask->body_bytes;
    snprintf(heard->path, sizeof heard->path, "%s", ask->path);
    snprintf(heard->body, sizeof heard->body, "%s", ask->body);
    if (strcmp(ask->path, "until-gone") == 0)
        heard->was_gone = wait_until_gone(ask);
    if (strcmp(ask->path, "slow") == 0)
        sleep_ms(1400);
    char *text = strdup(ask->path);
    return (struct door_answer){
        .status = 200, .type = "text/plain", .bytes = text, .size = strlen(text), .owned = text
    };
}

struct house {
    struct door *door;
    struct heard heard;
    unsigned port;
    char token[64];
    char answer[ANSWER_MOST];
};

static void open_house_with(struct house *house, unsigned idle_seconds)
{
    struct error err = { 0 };
    memset(house, 0, sizeof *house);
    const struct door_config config = { .answer = echo,
                                        .context = &house->heard,
                                        .idle_seconds = idle_seconds };
    ck_assert_int_eq(door_open(&config, &house->door, &err), STATUS_OK);
    ck_assert_int_eq(sscanf(door_address(house->door), "http://127.0.0.1:%u/%63[^/]/", &house->port,
                            house->token),
                     2);
}

static void open_house(struct house *house)
{
    open_house_with(house, 0);
}

static int connect_to(const char *host, unsigned port)
{
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    inet_pton(AF_INET, host, &place.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    if (connect(fd, (struct sockaddr *)&place, sizeof place) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Sends the text as it is and reads all that comes; the answer's status. */
static int say(struct house *house, const char *text)
{
    int fd = connect_to("127.0.0.1", house->port), status = 0;
    ck_assert_int_ge(fd, 0);
    size_t length = strlen(text), sent = 0, got = 0;
    while (sent < length) {
        ssize_t part = send(fd, text + sent, length - sent, MSG_NOSIGNAL);
        if (part <= 0)
            break; /* it was refused before its end */
        sent += (size_t)part;
    }
    ssize_t part;
    while (got < ANSWER_MOST - 1 &&
           (part = recv(fd, house->answer + got, ANSWER_MOST - 1 - got, 0)) > 0)
        got += (size_t)part;
    house->answer[got] = '\0';
    close(fd);
    sscanf(house->answer, "HTTP/1.1 %d", &status);
    return status;
}

/* A request line's path behind the slash, and headers of the test's own. */
static int ask(struct house *house, const char *method, const char *path, const char *host,
               const char *headers, const char *body)
{
    static char text[2 * DOOR_BODY_MOST];
    snprintf(text, sizeof text, "%s /%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n%s",
             method, path, host, headers, body);
    return say(house, text);
}

static const char *own_host(const struct house *house)
{
    static char text[64];
    snprintf(text, sizeof text, "127.0.0.1:%u", house->port);
    return text;
}

static const char *with_token(const struct house *house, const char *path)
{
    static char text[256];
    snprintf(text, sizeof text, "%s/%s", house->token, path);
    return text;
}

static int get(struct house *house, const char *path, const char *headers)
{
    return ask(house, "GET", with_token(house, path), own_host(house), headers, "");
}

static int post(struct house *house, const char *headers, const char *body)
{
    return ask(house, "POST", with_token(house, "api"), own_host(house), headers, body);
}

/* ---- the token ---- */

START_TEST(the_token_has_128_bits_and_is_another_each_time)
{
    struct house one, two;
    open_house(&one);
    open_house(&two);
    ck_assert_uint_eq(strlen(one.token), 32);
    ck_assert_uint_eq(strspn(one.token, "0123456789abcdef"), 32);
    ck_assert_str_ne(one.token, two.token);
    door_close(one.door);
    door_close(two.door);
}
END_TEST

START_TEST(without_the_token_nothing_is_answered)
{
    struct house house;
    char wrong[96];
    open_house(&house);
    const char *paths[] = { "", "x", "api/start", "favicon.ico", wrong, house.token };
    snprintf(wrong, sizeof wrong, "%s/", house.token);
    wrong[31] = wrong[31] == '0' ? '1' : '0'; /* its last digit */
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        ck_assert_int_eq(ask(&house, "GET", paths[i], own_host(&house), "", ""), 403);
    ck_assert_uint_eq(house.heard.asks, 0);
    ck_assert_int_eq(get(&house, "x", ""), 200);
    ck_assert_str_eq(house.heard.path, "x");
    door_close(house.door);
}
END_TEST

/* ---- other pages ---- */

START_TEST(a_name_that_was_pointed_here_is_refused)
{
    struct house house;
    char other_port[64], local[64];
    open_house(&house);
    snprintf(other_port, sizeof other_port, "127.0.0.1:%u", house.port + 1);
    snprintf(local, sizeof local, "localhost:%u", house.port);
    const char *hosts[] = { "evil.example", "127.0.0.1", other_port, "127.0.0.1.evil.example" };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        ck_assert_int_eq(ask(&house, "GET", with_token(&house, ""), hosts[i], "", ""), 403);
    ck_assert_uint_eq(house.heard.asks, 0);
    ck_assert_int_eq(ask(&house, "GET", with_token(&house, ""), local, "", ""), 200);
    door_close(house.door);
}
END_TEST

START_TEST(a_foreign_origin_is_refused_and_our_own_is_not)
{
    struct house house;
    char own[96];
    open_house(&house);
    snprintf(own, sizeof own, "Origin: http://127.0.0.1:%u\r\n", house.port);
    ck_assert_int_eq(get(&house, "", "Origin: http://evil.example\r\n"), 403);
    ck_assert_int_eq(get(&house, "", "Origin: null\r\n"), 403);
    ck_assert_int_eq(get(&house, "", "Origin: http://127.0.0.1:1\r\n"), 403);
    ck_assert_uint_eq(house.heard.asks, 0);
    ck_assert_int_eq(get(&house, "", own), 200);
    door_close(house.door);
}
END_TEST

/* ---- what may be sent ---- */

START_TEST(only_json_is_taken_and_only_by_post)
{
    struct house house;
    open_house(&house);
    ck_assert_int_eq(post(&house, "Content-Length: 2\r\n", "{}"), 415);
    ck_assert_int_eq(post(&house, "Content-Type: text/plain\r\nContent-Length: 2\r\n", "{}"), 415);
    ck_assert_int_eq(ask(&house, "PUT", with_token(&house, "x"), own_host(&house), "", ""), 405);
    ck_assert_int_eq(ask(&house, "DELETE", with_token(&house, "x"), own_host(&house), "", ""), 405);
    ck_assert_uint_eq(house.heard.asks, 0);
    ck_assert_int_eq(
        post(&house, "Content-Type: application/json\r\nContent-Length: 7\r\n", "{\"a\":1}"), 200);
    ck_assert(house.heard.post);
    ck_assert_str_eq(house.heard.body, "{\"a\":1}");
    door_close(house.door);
}
END_TEST

static const char *long_body(size_t bytes)
{
    static char body[DOOR_BODY_MOST + 2];
    memset(body, 'x', bytes);
    body[bytes] = '\0';
    return body;
}

START_TEST(a_body_has_a_most_whether_or_not_its_length_is_told)
{
    struct house house;
    char headers[128], chunk[DOOR_BODY_MOST + 64];
    static const char json[] = "Content-Type: application/json\r\n";
    open_house(&house);
    snprintf(headers, sizeof headers, "%sContent-Length: %d\r\n", json, DOOR_BODY_MOST + 1);
    ck_assert_int_eq(post(&house, headers, ""), 413); /* before any of it */
    snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n0\r\n\r\n", DOOR_BODY_MOST + 1,
             long_body(DOOR_BODY_MOST + 1));
    snprintf(headers, sizeof headers, "%sTransfer-Encoding: chunked\r\n", json);
    ck_assert_int_eq(post(&house, headers, chunk), 413);
    ck_assert_uint_eq(house.heard.asks, 0);
    snprintf(headers, sizeof headers, "%sContent-Length: %d\r\n", json, DOOR_BODY_MOST);
    ck_assert_int_eq(post(&house, headers, long_body(DOOR_BODY_MOST)), 200);
    ck_assert_uint_eq(house.heard.body_bytes, DOOR_BODY_MOST);
    door_close(house.door);
}
END_TEST

/* ---- who dawdles ---- */

/* A connection on which so much of a request was sent. */
static int begin(struct house *house, const char *method, const char *path, const char *headers)
{
    char text[512];
    int fd = connect_to("127.0.0.1", house->port);
    ck_assert_int_ge(fd, 0);
    int length = snprintf(text, sizeof text, "%s /%s/%s HTTP/1.1\r\nHost: %s\r\n%s", method,
                          house->token, path, own_host(house), headers);
    ck_assert_int_eq(send(fd, text, (size_t)length, MSG_NOSIGNAL), length);
    return fd;
}

/* What comes until the other end closes; false: it does not within 10 s. */
static bool is_closed(int fd, char *text, size_t text_bytes)
{
    const struct timeval most = { .tv_sec = 10 };
    size_t got = 0;
    ssize_t part;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    while ((part = recv(fd, text + got, text_bytes - 1 - got, 0)) > 0)
        got += (size_t)part;
    text[got] = '\0';
    close(fd);
    return part == 0;
}

static const char half_a_body[] =
    "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"a\"";

START_TEST(who_dawdles_keeps_nobody_waiting)
{
    struct house house;
    open_house(&house);
    int silent = connect_to("127.0.0.1", house.port);
    int headers = begin(&house, "GET", "", "");
    int body = begin(&house, "POST", "x", half_a_body);
    int waiting = begin(&house, "GET", "until-gone", "\r\n"); /* of a long run */
    while (house.heard.asks == 0)
        sleep_ms(2);
    ck_assert_int_eq(get(&house, "x", ""), 200);
    ck_assert(!house.heard.was_gone);
    close(waiting);         /* for which nobody waits any more */
    door_close(house.door); /* with the others still there */
    ck_assert(house.heard.was_gone);
    close(silent);
    close(headers);
    close(body);
}
END_TEST

START_TEST(who_dawdles_is_put_out_and_who_waits_for_an_answer_is_not)
{
    struct house house;
    char text[2048];
    open_house_with(&house, 1);
    int headers = begin(&house, "GET", "", "");
    int body = begin(&house, "POST", "x", half_a_body);
    int slow = begin(&house, "GET", "slow", "\r\n");
    int answered = begin(&house, "GET", "x", "\r\n"); /* and kept open */
    ck_assert(is_closed(headers, text, sizeof text));
    ck_assert(is_closed(body, text, sizeof text));
    ck_assert_ptr_null(strstr(text, " 200 "));
    ck_assert(is_closed(answered, text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, " 200 "));
    ck_assert(is_closed(slow, text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, " 200 "));
    door_close(house.door);
}
END_TEST

START_TEST(headers_have_a_most_too)
{
    struct house house;
    static char path[60000];
    open_house(&house);
    memset(path, 'x', sizeof path - 1);
    ck_assert_int_ne(ask(&house, "GET", path, own_host(&house), "", ""), 200);
    ck_assert_uint_eq(house.heard.asks, 0);
    ck_assert_int_eq(get(&house, "x", ""), 200);
    door_close(house.door);
}
END_TEST

/* ---- on the wire ---- */

START_TEST(who_says_twice_whose_request_it_is_is_refused)
{
    struct house house;
    char twice[256];
    open_house(&house);
    ck_assert_int_eq(get(&house, "x", "hOsT: evil.example\r\n"), 403);
    snprintf(twice, sizeof twice, "Host: %s\r\n", own_host(&house));
    ck_assert_int_eq(ask(&house, "GET", with_token(&house, "x"), "evil.example", twice, ""), 403);
    snprintf(twice, sizeof twice, "Origin: http://%s\r\nOrigin: http://evil.example\r\n",
             own_host(&house));
    ck_assert_int_eq(get(&house, "x", twice), 403);
    ck_assert_uint_eq(house.heard.asks, 0);
    door_close(house.door);
}
END_TEST

/* Each is judged by itself, and what stands in a body is none. */
START_TEST(requests_one_behind_the_other_are_each_judged)
{
    struct house house;
    char text[2048], inner[512];
    open_house(&house);
    snprintf(text, sizeof text,
             "GET /%s/x HTTP/1.1\r\nHost: %s\r\nOrigin: http://evil.example\r\n\r\n"
             "GET /%s/y HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
             house.token, own_host(&house), house.token, own_host(&house));
    ck_assert_int_eq(say(&house, text), 403);
    ck_assert_uint_le(house.heard.asks, 1);
    ck_assert_str_ne(house.heard.path, "x");
    unsigned before = house.heard.asks;
    snprintf(inner, sizeof inner, "GET /%s/smuggled HTTP/1.1\r\nHost: %s\r\n\r\n", house.token,
             own_host(&house));
    snprintf(text, sizeof text, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
             strlen(inner));
    ck_assert_int_eq(post(&house, text, inner), 200);
    ck_assert_uint_eq(house.heard.asks, before + 1);
    ck_assert_str_eq(house.heard.path, "api");
    door_close(house.door);
}
END_TEST

START_TEST(a_length_that_is_none_is_not_believed)
{
    static const char *const lengths[] = { "-1",   "1e3", "0x10", "18446744073709551617",
                                           "5, 5", "5 5", "+5",   "x" };
    struct house house;
    char headers[128];
    open_house(&house);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        snprintf(headers, sizeof headers,
                 "Content-Type: application/json\r\nContent-Length: %s\r\n", lengths[i]);
        ck_assert_msg(post(&house, headers, "") != 200, "%s", lengths[i]);
    }
    ck_assert_uint_eq(house.heard.asks, 0);
    ck_assert_int_eq(get(&house, "x", ""), 200);
    door_close(house.door);
}
END_TEST

/* What a path means, the caller knows; no form of it makes a header or does without the token. */
START_TEST(no_path_makes_a_header_or_does_without_the_token)
{
    static const char *const before[] = { "/", "../", "%00/", "./", "x/", "%2f" };
    struct house house;
    char path[256];
    open_house(&house);
    get(&house, "%0d%0aSet-Cookie:%20a=b", "");
    const char *body = strstr(house.answer, "\r\n\r\n"),
               *cookie = strstr(house.answer, "Set-Cookie");
    ck_assert(body != NULL && (cookie == NULL || cookie > body));
    unsigned asks = house.heard.asks;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        snprintf(path, sizeof path, "%s%s/x", before[i], house.token);
        ck_assert_msg(ask(&house, "GET", path, own_host(&house), "", "") != 200, "%s", path);
    }
    snprintf(path, sizeof path, "GET http://evil.example/%s/x HTTP/1.1\r\nHost: evil\r\n\r\n",
             house.token);
    ck_assert_int_ne(say(&house, path), 200);
    snprintf(path, sizeof path, "GET /%s/x HTTP/1.0\r\n\r\n", house.token); /* without Host */
    ck_assert_int_ne(say(&house, path), 200);
    ck_assert_uint_eq(house.heard.asks, asks);
    door_close(house.door);
}
END_TEST

/* More connections than there are threads for: the rest is turned away, and it goes on after. */
START_TEST(many_connections_are_bounded_and_pass)
{
    enum { MANY = 100 };
    struct house house;
    int fd[MANY], status = 0;
    open_house_with(&house, 1);
    for (int i = 0; i < MANY; i++)
        fd[i] = connect_to("127.0.0.1", house.port);
    for (int i = 0; i < MANY; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    for (int i = 0; i < 200 && status != 200; i++) {
        status = get(&house, "x", "");
        sleep_ms(10);
    }
    ck_assert_int_eq(status, 200);
    door_close(house.door);
}
END_TEST

static void damage(char *text, size_t *length, struct random *random)
{
    for (uint64_t times = 1 + random_below(random, 6); times > 0; times--) {
        size_t at = random_below(random, *length);
        if (random_below(random, 3) == 0)
            memmove(text + at, text + at + 1, (*length)-- - at);
        else
            text[at] = (char)(1 + random_below(random, 255));
    }
}

/* Requests of who lacks the token, with bytes changed and left out: nothing is heard of them, and
 * the door stays open. */
START_TEST(damaged_requests_are_refused_and_the_door_stays)
{
    struct random random = random_from(test_seed(), 0);
    struct house house;
    char whole[512], text[1024];
    open_house_with(&house, 1);
    snprintf(whole, sizeof whole,
             "POST /0123456789abcdef0123456789abcdef/api HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
             "Content-Type: application/json\r\nConnection: close\r\nContent-Length: 7\r\n\r\n"
             "{\"a\":1}",
             house.port);
    for (int round = 0; round < TRIES(200); round++) {
        size_t length = strlen(whole);
        memcpy(text, whole, length + 1);
        damage(text, &length, &random);
        int fd = connect_to("127.0.0.1", house.port);
        ck_assert_int_ge(fd, 0);
        send(fd, text, length, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR); /* what is waited for does not come */
        ssize_t got = recv(fd, text, sizeof text - 1, 0);
        text[got > 0 ? got : 0] = '\0';
        ck_assert_ptr_null(strstr(text, "HTTP/1.1 200"));
        close(fd);
    }
    ck_assert_uint_eq(house.heard.asks, 0);
    ck_assert_int_eq(get(&house, "x", ""), 200);
    door_close(house.door);
}
END_TEST

/* ---- what is sent along ---- */

START_TEST(every_answer_forbids_what_is_not_the_pages_own)
{
    struct house house;
    open_house(&house);
    for (int refused = 0; refused < 2; refused++) {
        if (refused)
            ck_assert_int_eq(ask(&house, "GET", "x", own_host(&house), "", ""), 403);
        else
            ck_assert_int_eq(get(&house, "", ""), 200);
        ck_assert_ptr_nonnull(
            strstr(house.answer, "Content-Security-Policy: default-src 'none'; script-src 'self'"));
        ck_assert_ptr_nonnull(strstr(house.answer, "X-Content-Type-Options: nosniff"));
        ck_assert_ptr_nonnull(strstr(house.answer, "Referrer-Policy: no-referrer"));
        ck_assert_ptr_nonnull(strstr(house.answer, "Cache-Control: no-store"));
        ck_assert_ptr_null(strstr(house.answer, "Access-Control-Allow"));
    }
    door_close(house.door);
}
END_TEST

START_TEST(it_listens_on_loopback_alone_and_a_taken_port_is_told)
{
    struct house house;
    struct door *second = NULL;
    struct error err = { 0 };
    open_house(&house);
    ck_assert_int_eq(connect_to("127.0.0.2", house.port), -1);
    const struct door_config config = { .port = (uint16_t)house.port, .answer = echo };
    ck_assert_int_eq(door_open(&config, &second, &err), STATUS_IO);
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(strstr(err.file, own_host(&house)));
    door_close(house.door);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("door");
    TCase *door = tcase_create("door");
    tcase_add_test(door, the_token_has_128_bits_and_is_another_each_time);
    tcase_add_test(door, without_the_token_nothing_is_answered);
    tcase_add_test(door, a_name_that_was_pointed_here_is_refused);
    tcase_add_test(door, a_foreign_origin_is_refused_and_our_own_is_not);
    tcase_add_test(door, only_json_is_taken_and_only_by_post);
    tcase_add_test(door, a_body_has_a_most_whether_or_not_its_length_is_told);
    tcase_add_test(door, who_dawdles_keeps_nobody_waiting);
    tcase_add_test(door, who_dawdles_is_put_out_and_who_waits_for_an_answer_is_not);
    tcase_add_test(door, headers_have_a_most_too);
    tcase_add_test(door, every_answer_forbids_what_is_not_the_pages_own);
    tcase_add_test(door, it_listens_on_loopback_alone_and_a_taken_port_is_told);
    tcase_add_test(door, who_says_twice_whose_request_it_is_is_refused);
    tcase_add_test(door, requests_one_behind_the_other_are_each_judged);
    tcase_add_test(door, a_length_that_is_none_is_not_believed);
    tcase_add_test(door, no_path_makes_a_header_or_does_without_the_token);
    tcase_add_test(door, many_connections_are_bounded_and_pass);
    tcase_add_test(door, damaged_requests_are_refused_and_the_door_stays);
    tcase_set_timeout(door, 30);
    suite_add_tcase(suite, door);
    return test_main(suite);
}
