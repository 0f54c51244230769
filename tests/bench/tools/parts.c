/*
 * parts: what single parts of the gateway cost, in nanoseconds of this process' CPU time, the best
 * of five each; one line of JSON.
 *
 *   parts DOCUMENT OPERATION REQUEST BODY MS
 *
 * DOCUMENT is an OpenAPI file, REQUEST the head of a request that it knows, BODY an answer of
 * OPERATION with status 200, MS how long each measurement runs.
 *
 *   llhttp   REQUEST through llhttp, whose callbacks do nothing
 *   read     the same through http1 and strict, target and route, with an arena of its own
 *   jansson  parse of BODY
 *   check    parse and schema of BODY
 *   rate     one rule on a user, 1,000 users in turn
 *   detect   one answered request, all detectors, 1,000 users with 10 objects each
 *   inventory  the same call in the inventory
 */
#include "tests/bench/tools/parts.h"
#include "connector/gateway/detect/detect.h"
#include "connector/gateway/http1.h"
#include "connector/gateway/inventory/inventory.h"
#include "connector/gateway/rate.h"
#include "connector/gateway/route.h"
#include "connector/gateway/target.h"
#include "lib/os/file.h"

#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 5, FILE_MAX = 1 << 20, USERS = 1000, OBJECTS = 10, A_BATCH = 256 };

static const char configuration[] = "rate: [{name: per-user, key: [user], rate: 1000000/s}]\n";

struct bench {
    struct buf request, body;
    struct api_document *document;
    const struct api_operation *operation;
    struct routes *routes;
    struct http1 *http1;
    struct arena_pool pool;
    struct scratch scratch;
    struct gwconf *conf;
    struct rate *rate;
    struct detect *detect;
    struct inventory *inventory;
    char users[USERS][8];
    uint64_t hashes[USERS];
    uint64_t turn;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "parts: %s failed\n", what);
    exit(3);
}

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double best_of(struct bench *b, void (*once)(struct bench *b), double ms)
{
    double best = 0;

    for (int r = 0; r < ROUNDS; r++) {
        double began = cpu_ns(), took;
        size_t n = 0;
        do {
            for (size_t i = 0; i < A_BATCH; i++)
                once(b);
            n += A_BATCH;
            took = cpu_ns() - began;
        } while (took < ms * 1e6);
        if (best == 0 || took / (double)n < best)
            best = took / (double)n;
    }
    return best;
}

/* ---- reading ------------------------------------------------------------------------------- */

static int nothing(llhttp_t *p, const char *at, size_t len)
{
    (void)p, (void)at, (void)len;
    return 0;
}

static void llhttp_alone(struct bench *b)
{
    static const llhttp_settings_t settings = {
        .on_url = nothing, .on_header_field = nothing, .on_header_value = nothing};
    llhttp_t parser;

    llhttp_init(&parser, HTTP_REQUEST, &settings);
    must(llhttp_execute(&parser, (const char *)b->request.at, b->request.len) == HPE_OK, "llhttp");
}

static void read_request(struct bench *b)
{
    static const struct target_options options;
    struct gw_request q = {0};
    struct gw_route route = {0};
    struct arena *a = NULL;
    struct view target;
    size_t used = 0;

    must(arena_new(&b->pool, 1 << 20, &a) == SP_OK, "arena_new");
    must(http1_head(b->http1, buf_view(&b->request), &used) == SP_OK, "http1_head");
    must(http1_request(b->http1, a, &q, &target) == SP_OK, "http1_request");
    must(target_parse(target, q.host, q.method, &options, a, &q.target) == SP_OK, "target_parse");
    must(routes_find(b->routes, &q, &route) == SP_OK && route.operation != NULL, "routes_find");
    http1_next(b->http1);
    arena_free(a);
}

/* ---- bodies -------------------------------------------------------------------------------- */

static void jansson_alone(struct bench *b)
{
    must(parts_jansson((const char *)b->body.at, b->body.len), "json_loadb");
}

static void check_body(struct bench *b)
{
    static const struct api_strictness as_written;
    const struct api_message m = {200, view_str("application/json"), buf_view(&b->body)};
    struct schema_report report;

    must(api_check_response(b->operation, &m, &as_written, &b->scratch, &report, NULL) ==
             SCHEMA_VALID,
         "api_check_response");
    scratch_reset(&b->scratch, FILE_MAX);
}

/* ---- memory of the app --------------------------------------------------------------------- */

static void check_rate(struct bench *b)
{
    static struct arena *a;
    const char *user = b->users[b->turn++ % USERS];
    const struct rate_facts f = {.user = view_str(user),
                                 .target = {.method = GW_GET},
                                 .operation = view_str("/v1/accounts/{id}"),
                                 .weight = 1};
    struct rate_held *held = NULL;

    if (b->turn % A_BATCH == 1) {
        arena_free(a);
        a = NULL;
        must(arena_new(&b->pool, 1 << 20, &a) == SP_OK, "arena_new");
    }
    must(rate_check(b->rate, RATE_SESSION_KEYS, &f, (int64_t)b->turn * 1000000, a, &held).passed,
         "rate_check");
    rate_release(b->rate, held, 1024, (int64_t)b->turn * 1000000);
}

static const sp_unix_ms NOW = 1764000000000;

static void see(struct bench *b)
{
    uint64_t turn = b->turn++, user = b->hashes[turn % USERS];
    struct observation o = {.at = NOW + (sp_unix_ms)turn,
                            .user = user,
                            .source = user + 1,
                            .user_text = view_str(b->users[turn % USERS]),
                            .method = GW_GET,
                            .endpoint = 77,
                            .endpoint_text = view_str("GET /v1/accounts/{id}"),
                            .path = user + 2,
                            .object = user + 3 + turn / USERS % OBJECTS,
                            .status = 200,
                            .bytes = 1024,
                            .records = 1};

    (void)detect_see(b->detect, &o);
}

static void learn(struct bench *b)
{
    uint64_t turn = b->turn++;
    struct view segments[] = {view_str("v1"), view_str("accounts"),
                              view_str(b->users[turn % USERS])};
    struct inventory_call call = {.at = NOW + (sp_unix_ms)turn,
                                  .method = GW_GET,
                                  .segment_count = 3,
                                  .segments = segments,
                                  .status = 200,
                                  .user = b->hashes[turn % USERS],
                                  .latency_us = 900,
                                  .response_bytes = 1024};

    must(inventory_see(b->inventory, &call) != NULL, "inventory_see");
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void load(struct bench *b, char **argv)
{
    struct api_notes notes = {0};
    struct sp_why why = {0};
    static const struct http1_limits limits = {8192, 65536, 100};

    buf_init(&b->request, FILE_MAX);
    buf_init(&b->body, FILE_MAX);
    must(file_read(argv[3], FILE_MAX, &b->request, NULL) == SP_OK, argv[3]);
    must(file_read(argv[4], FILE_MAX, &b->body, NULL) == SP_OK, argv[4]);
    must(api_load_file(argv[1], NULL, &notes, &b->document) == SP_OK, argv[1]);
    api_notes_deinit(&notes);
    for (size_t i = 0; i < api_operation_count(b->document); i++) {
        const struct api_operation *one = api_operation_at(b->document, i);
        if (one->id != NULL && strcmp(one->id, argv[2]) == 0)
            b->operation = one;
    }
    must(b->operation != NULL, argv[2]);
    must(routes_new(b->document, (struct view){0}, &b->routes) == SP_OK, "routes_new");
    must(http1_new(HTTP1_REQUESTS, &limits, &b->http1) == SP_OK, "http1_new");
    b->pool.max = 64 << 20;
    scratch_init(&b->scratch, FILE_MAX);
    must(gwconf_parse(view_str(configuration), &why, &b->conf) == SP_OK, why.text);
}

static void make_memory(struct bench *b)
{
    struct detect_options d = {.key = "a bench's key", .began = NOW};
    struct inventory_options v = {.key = "a bench's key", .began = NOW};
    struct rate_options r = {.conf = b->conf};

    for (size_t i = 0; i < DETECTORS; i++)
        d.modes[i] = GW_MONITOR;
    must(rate_new(&r, &b->rate) == SP_OK, "rate_new");
    must(detect_new(&d, &b->detect) == SP_OK, "detect_new");
    must(inventory_new(&v, &b->inventory) == SP_OK, "inventory_new");
    for (size_t i = 0; i < USERS; i++) {
        snprintf(b->users[i], sizeof b->users[i], "%zu", 1000 + i);
        b->hashes[i] = detect_hash(b->detect, view_str(b->users[i]));
    }
}

int main(int argc, char **argv)
{
    static struct bench b;
    static const struct {
        const char *name;
        void (*once)(struct bench *b);
    } parts[] = {{"llhttp", llhttp_alone}, {"read", read_request}, {"jansson", jansson_alone},
                 {"check", check_body},    {"rate", check_rate},   {"detect", see},
                 {"inventory", learn}};

    if (argc != 6) {
        fprintf(stderr, "usage: parts DOCUMENT OPERATION REQUEST BODY MS\n");
        return 2;
    }
    load(&b, argv);
    make_memory(&b);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        printf("%s\"%s\":%.1f", i == 0 ? "{" : ",", parts[i].name,
               best_of(&b, parts[i].once, strtod(argv[5], NULL)));
    printf("}\n");
    return 0;
}
