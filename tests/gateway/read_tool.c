/*
 * read_tool: how the gateway reads the bytes of one connection. One connection a line on stdin, in
 * hex; one line of JSON on stdout: {"requests": [{"method", "path", "query", "host", "fields":
 * [[name, value], …], "body"}], "end": "idle" | "cut" | "refused" | "closed"}. Every text is hex.
 *   idle    all was read           cut      the bytes end in the middle of a request
 *   refused no more of it is read  closed   the last request asked for the end of the connection
 * A line that begins with '.' is read byte by byte.
 */
#include "connector/gateway/http1.h"
#include "connector/gateway/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 4 << 20, REQUEST_MAX = 1 << 20 };

static const struct http1_limits limits = {8192, 65536, 100};

struct reader {
    struct http1 *http1;
    struct arena_pool pool;
    struct arena *arena; /* NULL: between two requests */
    struct gw_request request;
    unsigned count;
    bool refused, closed;
};

static void hex(const char *key, struct view v)
{
    printf("\"%s\":\"", key);
    for (size_t i = 0; i < v.len; i++)
        printf("%02x", v.at[i]);
    printf("\"");
}

static void tell_head(struct reader *r)
{
    const struct gw_request *q = &r->request;

    printf("%s{", r->count++ == 0 ? "" : ",");
    hex("method", q->method_text);
    printf(",");
    hex("path", q->target.path);
    printf(",");
    hex("query", q->target.query);
    printf(",");
    hex("host", q->host);
    printf(",\"fields\":[");
    for (size_t i = 0; i < q->field_count; i++) {
        printf("%s{", i == 0 ? "" : ",");
        hex("name", q->fields[i].name);
        printf(",");
        hex("value", q->fields[i].value);
        printf("}");
    }
    printf("],\"body\":\"");
}

static bool head(struct reader *r)
{
    static const struct target_options strict;
    struct gw_request *q = &r->request;
    struct view target;

    *q = (struct gw_request){0};
    if (http1_request(r->http1, r->arena, q, &target) != SP_OK ||
        target_parse(target, q->host, q->method, &strict, r->arena, &q->target) != SP_OK)
        return false;
    tell_head(r);
    return true;
}

static void feed(struct reader *r, struct view in)
{
    while (in.len > 0 && !r->refused && !r->closed) {
        struct view data = {0};
        size_t used = 0;
        if (r->arena == NULL) {
            sp_error e = http1_head(r->http1, in, &used);
            if (e == SP_ERR_AGAIN)
                return;
            r->refused = e != SP_OK || arena_new(&r->pool, REQUEST_MAX, &r->arena) != SP_OK;
            if (!r->refused && !head(r)) {
                arena_free(r->arena);
                r->arena = NULL;
                r->refused = true;
            }
        } else {
            r->refused = http1_body(r->http1, in, &used, &data) != SP_OK;
            for (size_t i = 0; !r->refused && i < data.len; i++)
                printf("%02x", data.at[i]);
        }
        if (r->refused)
            return;
        in = view_slice(in, used, in.len - used);
        if (http1_ended(r->http1)) {
            printf("\",\"whole\":true}");
            r->closed = !r->request.keep_alive;
            arena_free(r->arena);
            r->arena = NULL;
            http1_next(r->http1);
        }
    }
}

static void read_connection(struct view in, bool slowly)
{
    struct reader r = {.pool = {.max = 8 << 20}};

    if (http1_new(HTTP1_REQUESTS, &limits, &r.http1) != SP_OK)
        exit(3);
    printf("{\"requests\":[");
    for (size_t at = 0, step = slowly ? 1 : in.len; at < in.len; at += step)
        feed(&r, view_slice(in, at, step));
    bool inside = r.arena != NULL;
    if (inside)
        printf("\",\"whole\":false}");
    printf("],\"end\":\"%s\"}\n", r.refused                        ? "refused"
                                  : r.closed                       ? "closed"
                                  : inside || !http1_idle(r.http1) ? "cut"
                                                                   : "idle");
    fflush(stdout);
    arena_free(r.arena);
    http1_free(r.http1);
}

static unsigned nibble(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10u;
}

int main(void)
{
    static char line[LINE_MAX_BYTES];
    static uint8_t bytes[LINE_MAX_BYTES / 2];

    while (fgets(line, sizeof line, stdin) != NULL) {
        bool slowly = line[0] == '.';
        const char *text = line + (slowly ? 1 : 0);
        size_t len = strcspn(text, "\n") / 2;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
        read_connection((struct view){bytes, len}, slowly);
    }
    return 0;
}
