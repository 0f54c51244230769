#include "tests/unit/lib/channel/fake_broker.h"

#include "lib/os/acceptor.h"
#include "lib/os/loop.h"
#include "lib/proto/registry.h"
#include "lib/proto/session.h"
#include "lib/trust/mint.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *data(const char *name)
{
    static char paths[4][512];
    static unsigned at;
    const char *top = getenv("srcdir");
    char *path = paths[at++ % 4];

    snprintf(path, sizeof paths[0], "%s/tests/data/tls/%s", top != NULL ? top : ".", name);
    return path;
}

const char *fake_broker_ca(void)
{
    return data("ca.pem");
}

/* ---- edges -------------------------------------------------------------------------------- */

static void on_proven(void *arg, uint64_t edge, const struct channel_peer *peer)
{
    struct fake_broker *b = arg;

    b->peer = *peer;
    listener_welcome(b->listener, edge, &b->welcome);
}

static void on_opened(void *arg, uint64_t edge, const struct channel_peer *peer, struct channel *c)
{
    struct fake_broker *b = arg;

    (void)peer;
    (void)c;
    b->edge = edge;
    b->opened++;
}

static void on_batch(struct fake_broker *b, const struct envelope *m)
{
    struct audit_batch *batch = calloc(1, sizeof *batch);

    assert_non_null(batch);
    b->batches++;
    check_ok(fields_read(m->members, audit_batch_fields, NULL, batch));
    if (!id_equal(b->spool, batch->spool))
        b->told = 0;
    b->spool = batch->spool;
    for (size_t i = 0; b->refuse == NULL && i < batch->record_count; i++)
        if (batch->first + (int64_t)i > b->told) {
            b->told = batch->first + (int64_t)i;
            buf_addf(&b->audited, "%lld %.*s\n", (long long)b->told,
                     VIEW_ARG(batch->records[i].text));
        }
    const struct audit_batch_answer answer = {.told = b->told};
    if (b->refuse != NULL)
        listener_answer_error(b->listener, b->edge, m->i, b->refuse, "not now", NULL);
    else if (!b->mute)
        listener_answer(b->listener, b->edge, m->i,
                        fields_write(audit_batch_answer_fields, &answer));
    free(batch);
}

static void on_message(void *arg, uint64_t edge, const struct channel_peer *peer, struct channel *c,
                       const struct envelope *m)
{
    struct fake_broker *b = arg;

    (void)edge;
    (void)peer;
    (void)c;
    b->last_i = m->i;
    buf_addf(&b->heard, "%s ", m->type);
    check_ok(json_write(m->members, &b->heard));
    buf_addf(&b->heard, " #%lld\n", (long long)m->i);
    if (strcmp(m->type, "audit.batch") == 0)
        on_batch(b, m);
}

static void on_lost(void *arg, uint64_t edge, const struct channel_peer *peer)
{
    struct fake_broker *b = arg;

    (void)peer;
    b->lost++;
    if (b->edge == edge)
        b->edge = 0;
}

static const struct listener_events events = {on_proven, on_opened, on_message, on_lost};

static void on_connection(void *arg, int fd, const struct address *peer)
{
    struct fake_broker *b = arg;

    (void)peer;
    sp_ignore(server_adopt(b->server, fd, NULL, 0)); /* the edge sees a closed socket */
}

static void no_pages(void *arg, const struct request *req, struct response *res)
{
    (void)arg;
    (void)req;
    response_empty(res, 404);
}

/* ---- what the broker says ----------------------------------------------------------------- */

void fake_broker_new_keys(struct fake_broker *b, int64_t epoch, const struct key_secret *by)
{
    const struct key_secret *signer = by == NULL ? b->identity : by;

    b->keys.epoch = epoch;
    b->keys.identity = b->keys.keys[2].key = *key_secret_public(signer);
    buf_reset(&b->statement);
    check_ok(keyset_mint(&b->keys, signer, NULL, &b->statement));
    b->config.keys = buf_view(&b->statement);
}

struct json *fake_broker_keys(const struct fake_broker *b)
{
    const struct statement_put p = {.statement = buf_view(&b->statement)};

    return fields_write(statement_put_fields, &p);
}

void fake_broker_send(struct fake_broker *b, const char *type, struct json *members)
{
    check(b->edge != 0);
    listener_send(b->listener, b->edge, type, members);
}

static void on_answer(void *arg, sp_error e, const struct envelope *m)
{
    struct fake_broker *b = arg;

    b->answered = true;
    b->answer = e;
    b->said = m == NULL ? NULL : json_ref(m->members);
}

void fake_broker_call(struct fake_broker *b, const char *type, struct json *members)
{
    struct channel *c = listener_channel(b->listener, b->edge);
    struct call *call;

    check(c != NULL);
    json_free(b->said);
    b->said = NULL;
    b->answered = false;
    check_ok(channel_call(c, &(struct call_ask){type, members, 5000}, on_answer, b, &call));
}

bool fake_broker_heard(const struct fake_broker *b, const char *type, const char *words)
{
    const uint8_t *at = b->heard.at, *end = at + b->heard.len;
    size_t tag = strlen(type);

    while (at < end) {
        const uint8_t *line = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)(line - at);
        if (n > tag && memcmp(at, type, tag) == 0 && at[tag] == ' ' &&
            memmem(at, n, words, strlen(words)) != NULL)
            return true;
        at = line + 1;
    }
    return false;
}

/* ---- life --------------------------------------------------------------------------------- */

static void make_keys(struct fake_broker *b)
{
    check_ok(key_secret_new(KEY_ED25519, &b->identity));
    check_ok(key_secret_new(KEY_ED25519, &b->grants));
    check_ok(key_secret_new(KEY_ED25519, &b->records));
    b->keys = (struct keyset){
        .issued = clock_unix(), .identity = *key_secret_public(b->identity), .count = 3};
    b->keys.keys[0] = (struct keyset_key){KEYSET_GRANT, *key_secret_public(b->grants),
                                          clock_unix() - 1000, clock_unix() + 3600 * 1000};
    b->keys.keys[1] = (struct keyset_key){KEYSET_RECORD, *key_secret_public(b->records),
                                          clock_unix() - 1000, clock_unix() + 3600 * 1000};
    b->keys.keys[2] = (struct keyset_key){KEYSET_IDENTITY, *key_secret_public(b->identity),
                                          clock_unix() - 1000, clock_unix() + 3600 * 1000};
    buf_init(&b->statement, 64 * 1024);
    fake_broker_new_keys(b, 1, NULL);
}

void fake_broker_init(struct fake_broker *b, struct loop *loop, struct engine *engine,
                      struct pool *pool)
{
    const struct lws_protocols *endpoints[1];
    struct sp_why why = {0};
    struct address at;

    *b = (struct fake_broker){
        .loop = loop, .engine = engine, .pool = pool, .welcome = {.state = view_str("approved")}};
    buf_init(&b->heard, 4 * 1024 * 1024);
    buf_init(&b->audited, 1024 * 1024);
    make_keys(b);
    b->config.key = b->identity;
    const struct listener_options lo = {.server = &b->config, .events = &events, .arg = b};
    check_ok(listener_new(engine, &lo, &b->listener));
    endpoints[0] = listener_protocol(b->listener);
    const struct server_options so = {.pool = pool,
                                      .cert_file = data("good.pem"),
                                      .key_file = data("good.key"),
                                      .handle = no_pages,
                                      .endpoints = endpoints,
                                      .endpoint_count = 1};
    if (server_new(engine, &so, &why, &b->server) != SP_OK)
        fail_msg("%s", why.text);
    check_ok(address_parse(view_str("127.0.0.1:0"), &at));
    check_ok(sock_listen(&at, NULL, &b->fd));
    check_ok(sock_local(b->fd, &at));
    b->port = address_port(&at);
    check_ok(acceptor_start(loop, b->fd, on_connection, b, &b->acceptor));
}

void fake_broker_deinit(struct fake_broker *b)
{
    acceptor_stop(b->acceptor);
    close(b->fd);
    server_free(b->server);
    listener_free(b->listener);
    json_free(b->said);
    buf_deinit(&b->heard);
    buf_deinit(&b->audited);
    buf_deinit(&b->statement);
    key_secret_free(b->identity);
    key_secret_free(b->grants);
    key_secret_free(b->records);
}
