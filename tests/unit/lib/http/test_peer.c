/* Who asks, as handlers and the audit see it: from adoption, and from behind an HTTP proxy. */
#include "tests/unit/lib/http/harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void tell_peer(void *arg, const struct request *req, struct response *res)
{
    struct json *j = json_object();

    (void)arg;
    json_set_cstr(j, "peer", req->peer);
    json_set_int(j, "port", req->peer_port);
    response_json(res, 200, j);
}

static struct prefixes ours = {.count = 1};

/* Asks a server whose connections all come from `peer`, with `header` in the request. */
static void ask(const char *peer, bool l7, const char *header, char *room, size_t size)
{
    struct harness h = {.handle = tell_peer, .peer = peer, .proxies = l7 ? &ours : NULL};
    char request[512];

    assert_int_equal(prefix_parse(view_str("198.18.0.0/16"), &ours.at[0]), SP_OK);
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: h\r\n%sConnection: close\r\n\r\n",
             header);
    harness_start(&h);
    exchange_text(&h, request, room, size);
    harness_stop(&h);
}

#define XFF(list) "X-Forwarded-For: " list "\r\n"

static void INC_9_a_handler_sees_the_peer_that_the_front_saw(void **state)
{
    (void)state;
    static const struct {
        const char *name, *peer;
        bool l7;
        const char *header, *said;
    } cases[] = {
        {"the front knows", "203.0.113.9", false, "", "\"peer\":\"203.0.113.9\",\"port\":4711"},
        {"a header means nothing to us", "203.0.113.9", false, XFF("10.0.0.1"),
         "\"peer\":\"203.0.113.9\",\"port\":4711"},
        {"a stranger's header", "203.0.113.9", true, XFF("10.0.0.1"),
         "\"peer\":\"203.0.113.9\",\"port\":4711"},
        {"our proxy's", "198.18.0.5", true, XFF("10.0.0.1, 203.0.113.7"),
         "\"peer\":\"203.0.113.7\",\"port\":0"},
        {"our proxy's, in two headers", "198.18.0.5", true, XFF("10.0.0.1") XFF("203.0.113.7"),
         "\"peer\":\"203.0.113.7\",\"port\":0"},
        {"our proxy's own request", "198.18.0.5", true, "",
         "\"peer\":\"198.18.0.5\",\"port\":4711"},
        {"our proxy does not know", "198.18.0.5", true, XFF("unknown"), "HTTP/1.1 400 "},
    };
    char room[4096];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(cases[i].peer, cases[i].l7, cases[i].header, room, sizeof room);
        if (strstr(room, cases[i].said) == NULL)
            fail_msg("%s: %s", cases[i].name, room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(INC_9_a_handler_sees_the_peer_that_the_front_saw),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
