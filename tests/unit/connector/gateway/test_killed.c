#include "tests/unit/connector/gateway/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Either side goes away at each byte: half of a message never becomes a whole one (GW-64). */

static const char request[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

/* The message in `b` has all of the body that its head announces. False as well: no head yet. */
static bool is_whole(struct buf *b)
{
    const char *text = buf_cstr(b), *end = b->len == 0 ? NULL : strstr(text, "\r\n\r\n");
    const char *length = end == NULL ? NULL : strstr(text, "content-length: ");

    if (end == NULL)
        return false;
    size_t body = b->len - (size_t)(end + 4 - text);
    if (strstr(text, "transfer-encoding: chunked") != NULL)
        return body >= 5 && memcmp(b->at + b->len - 5, "0\r\n\r\n", 5) == 0;
    return length == NULL || body >= strtoul(length + 16, NULL, 10);
}

/* What was open between two tries is closed, and the next one begins anew. */
static void anew(struct rig *r)
{
    for (size_t i = 0; i < r->app_count; i++) {
        if (r->app_fd[i] >= 0)
            close(r->app_fd[i]);
        buf_reset(&r->app_in[i]);
    }
    r->app_count = 0;
    stream_free(r->users[0].stream);
    r->users[0].stream = NULL;
    rig_until(r, r->users[0].conn == NULL);
    rig_open(r, 0);
}

static void cut_answer(struct rig *r, const char *answer, size_t n)
{
    struct rig_user *u = &r->users[0];

    rig_send(r, 0, request);
    rig_until(r, rig_app_got(r, 0, "\r\n\r\n"));
    rig_answer_bytes(r, 0, (struct view){(const uint8_t *)answer, n});
    rig_hang_up(r, 0);
    rig_until(r, u->over || u->ended || rig_got(r, 0, "502 Bad Gateway"));
    for (int t = 0; t < 3; t++)
        rig_turn(r);
    if (rig_got(r, 0, "HTTP/1.1 200 ") && is_whole(&u->in))
        fail_msg("%zu bytes of %s became %s", n, answer, buf_cstr(&u->in));
}

static void GW_64_an_application_killed_at_any_byte_gives_no_whole_answer(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
        "9\r\n\r\n{\"a\":\"b\"}",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: "
        "chunked\r\n\r\n4\r\n{\"a\"\r\n5\r\n:\"b\"}\r\n0\r\n\r\n"};
    /* passed on at once; copied; held back to be read */
    static const char *const confs[] = {
        "detectors: {inventory: off, exposure: 'off', exfiltration: 'off'}\n",
        "detectors: {exposure: monitor}\n", "detectors: {exposure: block}\n"};

    (void)state;
    for (size_t c = 0; c < 3; c++) {
        struct rig r;
        rig_init(&r, confs[c]);
        for (size_t a = 0; a < 2; a++)
            for (size_t n = 0; n < strlen(answers[a]); n++) {
                cut_answer(&r, answers[a], n);
                anew(&r);
            }
        rig_send(&r, 0, request); /* and whole it is whole */
        rig_until(&r, rig_app_got(&r, 0, "\r\n\r\n"));
        rig_answer(&r, 0, answers[1]);
        rig_until(&r, rig_got(&r, 0, "200 OK") && is_whole(&r.users[0].in));
        rig_deinit(&r);
    }
}

/* The client's connection breaks after `n` bytes, by a reset or an end. */
static void cut_request(struct rig *r, const char *text, size_t n, bool reset)
{
    struct rig_user *u = &r->users[0];

    rig_send_bytes(r, 0, (struct view){(const uint8_t *)text, n});
    for (int t = 0; t < 3; t++)
        rig_turn(r);
    if (reset) {
        stream_free(u->stream);
        u->stream = NULL;
    } else {
        u->finish = true;
        stream_readable(u->stream);
    }
    rig_until(r, u->conn == NULL || u->over || u->ended);
    for (int t = 0; t < 3; t++)
        rig_turn(r);
    for (size_t i = 0; i < r->app_count; i++)
        if (is_whole(&r->app_in[i]))
            fail_msg("%zu bytes of %s became %s", n, text, buf_cstr(&r->app_in[i]));
}

static void GW_64_a_client_killed_at_any_byte_makes_no_whole_request(void **state)
{
    static const char *const requests[] = {
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: "
        "9\r\n\r\n{\"a\":\"b\"}",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: "
        "chunked\r\n\r\n4\r\n{\"a\"\r\n5\r\n:\"b\"}\r\n0\r\n\r\n"};
    static const char *const confs[] = {"detectors: {credential: 'off'}\n", /* streams */
                                        "input_rules: {mode: block, sqli: free-text}\n"};

    (void)state;
    for (size_t c = 0; c < 2; c++) {
        struct rig r;
        rig_init(&r, confs[c]);
        for (size_t q = 0; q < 2; q++)
            for (size_t n = 0; n < strlen(requests[q]); n++) {
                cut_request(&r, requests[q], n, n % 2 == 0);
                anew(&r);
            }
        rig_send(&r, 0, requests[1]);
        rig_until(&r, r.app_count > 0 && is_whole(&r.app_in[0]));
        rig_deinit(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GW_64_an_application_killed_at_any_byte_gives_no_whole_answer),
        cmocka_unit_test(GW_64_a_client_killed_at_any_byte_makes_no_whole_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
