#include "tests/unit/check.h"

#include "lib/tls/conn.h"

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Two ends of the inner layer (mutual TLS) and two queues between them. Whoever stands between may
 * change what passes: what the ends make of it is the test.
 */

enum { UP, DOWN, WAYS, QUEUE_MAX = 64 * 1024 }; /* UP: client to server */

struct queue {
    uint8_t at[QUEUE_MAX];
    size_t len, read, given; /* given: bytes that the sender handed over, spoiled or not */
};

enum harm { NO_HARM, FLIP, DROP, DOUBLE };

struct pair {
    struct tls_conn *client, *server;
    struct queue queues[WAYS];
    struct tls_wire wires[WAYS]; /* UP: the client's */
    enum harm harm;
    int way;      /* where the harm is done */
    size_t where; /* to which byte */
    bool done;
};

static struct key_secret *client_key, *server_key, *stranger;
static struct tls_context *client_tls, *server_tls;

static int make_keys(void **state)
{
    (void)state;
    check_ok(key_secret_new(KEY_ED25519, &client_key));
    check_ok(key_secret_new(KEY_ED25519, &server_key));
    check_ok(key_secret_new(KEY_ED25519, &stranger));
    check_ok(tls_mutual_client(client_key, &client_tls));
    check_ok(tls_mutual_server(server_key, &server_tls));
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    tls_context_free(client_tls);
    tls_context_free(server_tls);
    key_secret_free(client_key);
    key_secret_free(server_key);
    key_secret_free(stranger);
    return 0;
}

static void put(struct queue *q, const uint8_t *bytes, size_t n)
{
    check(q->len + n <= sizeof q->at);
    memcpy(q->at + q->len, bytes, n);
    q->len += n;
}

static size_t take(struct queue *q, uint8_t *to, size_t n)
{
    size_t there = q->len - q->read;

    if (n > there)
        n = there;
    memcpy(to, q->at + q->read, n);
    q->read += n;
    return n;
}

static bool give(struct pair *p, int way, struct view record)
{
    struct queue *q = &p->queues[way];

    for (size_t i = 0; i < record.len; i++, q->given++) {
        uint8_t byte = record.at[i];
        bool hit = p->harm != NO_HARM && p->way == way && q->given == p->where;
        p->done |= hit;
        if (hit && p->harm == FLIP)
            byte ^= (uint8_t)(1U << (p->where % 8));
        if (!hit || p->harm != DROP)
            put(q, &byte, 1);
        if (hit && p->harm == DOUBLE)
            put(q, &byte, 1);
    }
    return true;
}

static size_t client_take(void *arg, uint8_t *to, size_t n)
{
    return take(&((struct pair *)arg)->queues[DOWN], to, n);
}

static size_t server_take(void *arg, uint8_t *to, size_t n)
{
    return take(&((struct pair *)arg)->queues[UP], to, n);
}

static bool client_give(void *arg, struct view record)
{
    return give(arg, UP, record);
}

static bool server_give(void *arg, struct view record)
{
    return give(arg, DOWN, record);
}

static void pair_with(struct pair *p, struct tls_context *client, const struct key_secret *expected,
                      struct tls_context *server, const struct key_secret *by_server)
{
    const struct tls_expect of_client = {.peer = key_secret_public(expected)};
    const struct tls_expect of_server = {.peer = key_secret_public(by_server)};

    p->wires[UP] = (struct tls_wire){client_take, client_give, p};
    p->wires[DOWN] = (struct tls_wire){server_take, server_give, p};
    check_ok(tls_conn_new(client, &of_client, &p->wires[UP], &p->client));
    check_ok(tls_conn_new(server, &of_server, &p->wires[DOWN], &p->server));
}

static struct pair *pair_new(void)
{
    struct pair *p = calloc(1, sizeof *p);

    check(p != NULL);
    pair_with(p, client_tls, server_key, server_tls, client_key);
    return p;
}

static void pair_free(struct pair *p)
{
    tls_conn_free(p->client);
    tls_conn_free(p->server);
    free(p);
}

/* Both shake hands until neither can go on: what each end got to. */
static void shake(struct pair *p, sp_error *client, sp_error *server)
{
    for (size_t before = SIZE_MAX; before != p->queues[UP].len + p->queues[DOWN].len;) {
        before = p->queues[UP].len + p->queues[DOWN].len;
        *client = tls_conn_handshake(p->client);
        *server = tls_conn_handshake(p->server);
    }
    *client = tls_conn_handshake(p->client);
}

static bool comes(struct tls_conn *from, struct tls_conn *to)
{
    static const char word[] = "canary";
    uint8_t got[64];
    size_t n = 0;

    if (tls_conn_write(from, view_str(word)) != SP_OK || tls_conn_read(to, got, sizeof got, &n))
        return false;
    assert_int_equal(n, strlen(word)); /* what comes is what was sent, or nothing */
    assert_memory_equal(got, word, n);
    return true;
}

static void check_exports(const struct pair *p, bool alike)
{
    uint8_t of_client[TLS_EXPORT_BYTES], of_server[TLS_EXPORT_BYTES];

    check_ok(tls_conn_export(p->client, "EXPORTER-test", view_str("x"), true, of_client));
    check_ok(tls_conn_export(p->server, "EXPORTER-test", view_str("x"), true, of_server));
    check((memcmp(of_client, of_server, sizeof of_client) == 0) == alike);
}

static void E2E_4_each_end_takes_exactly_the_key_that_it_was_told(void **state)
{
    struct pair *p = pair_new();
    sp_error c, s;

    (void)state;
    shake(p, &c, &s);
    check_ok(c);
    check_ok(s);
    check(comes(p->client, p->server) && comes(p->server, p->client));
    check_exports(p, true);
    /* fresh on both sides in each handshake: keys that leak later open no capture */
    assert_string_equal(tls_conn_group(p->client), "X25519MLKEM768");
    pair_free(p);
}

static void TLS_4_a_wrong_key_at_either_end_is_refused(void **state)
{
    struct tls_context *as_client, *as_server;

    (void)state;
    check_ok(tls_mutual_client(stranger, &as_client));
    check_ok(tls_mutual_server(stranger, &as_server));
    const struct {
        struct tls_context *client, *server;
        const struct key_secret *expected, *by_server;
        bool client_refuses;
    } rows[] = {
        {as_client, server_tls, server_key, client_key, false},
        {client_tls, as_server, server_key, client_key, true},
        {client_tls, server_tls, stranger, client_key, true},
        {client_tls, server_tls, server_key, stranger, false},
        {client_tls, server_tls, client_key, client_key, true}, /* swapped */
        {client_tls, server_tls, server_key, server_key, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair *p = calloc(1, sizeof *p);
        sp_error c, s;
        check(p != NULL);
        pair_with(p, rows[i].client, rows[i].expected, rows[i].server, rows[i].by_server);
        shake(p, &c, &s);
        check(s == SP_ERR_TLS);
        check(!rows[i].client_refuses || c == SP_ERR_TLS);
        struct tls_conn *judge = rows[i].client_refuses ? p->client : p->server;
        assert_int_equal(tls_conn_refusal(judge), TLS_REFUSAL_KEY);
        check(!comes(p->client, p->server) && !comes(p->server, p->client));
        pair_free(p);
    }
    tls_context_free(as_client);
    tls_context_free(as_server);
}

/* ---- peers that are not ours --------------------------------------------------------------- */

static int raw_take(WOLFSSL *ssl, char *to, int n, void *arg)
{
    size_t got = take(arg, (uint8_t *)to, (size_t)n);

    (void)ssl;
    return got == 0 ? WOLFSSL_CBIO_ERR_WANT_READ : (int)got;
}

static int raw_give(WOLFSSL *ssl, char *bytes, int n, void *arg)
{
    (void)ssl;
    put(arg, (uint8_t *)bytes, (size_t)n);
    return n;
}

struct raw {
    WOLFSSL_METHOD *method;
    const struct key_secret *shows, *signs; /* NULL: no certificate */
    const char *suites;
    int group; /* 0: the library's */
};

static WOLFSSL_CTX *raw_context(const struct raw *raw)
{
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(raw->method);
    struct buf certificate, der;

    check(ctx != NULL);
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
    wolfSSL_SetIORecv(ctx, raw_take);
    wolfSSL_SetIOSend(ctx, raw_give);
    if (raw->suites != NULL)
        check(wolfSSL_CTX_set_cipher_list(ctx, raw->suites) == WOLFSSL_SUCCESS);
    if (raw->group != 0)
        check(wolfSSL_CTX_set_groups(ctx, (int[]){raw->group}, 1) == WOLFSSL_SUCCESS);
    if (raw->shows == NULL)
        return ctx;
    buf_init(&certificate, TLS_ENVELOPE_MAX);
    buf_init(&der, KEY_DER_MAX);
    check_ok(tls_envelope(key_secret_public(raw->shows), &certificate));
    check_ok(key_secret_der(raw->signs, &der));
    der.at[1] = (uint8_t)(der.len - 3); /* as wolfSSL spells it: context.c */
    der.at[49] = 32;
    memmove(der.at + 50, der.at + 51, 32);
    check(wolfSSL_CTX_use_certificate_buffer(ctx, certificate.at, (long)certificate.len,
                                             WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS);
    check(wolfSSL_CTX_use_PrivateKey_buffer(ctx, der.at, (long)der.len - 1,
                                            WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS);
    buf_deinit(&certificate);
    buf_wipe(&der);
    return ctx;
}

/* Our server, or our client, with a peer of another make. What ours said; `*reason` why. */
static sp_error against(const struct raw *raw, bool ours_serves, enum tls_refusal *reason)
{
    struct pair *p = pair_new();
    WOLFSSL_CTX *ctx = raw_context(raw);
    WOLFSSL *ssl = wolfSSL_new(ctx);
    struct tls_conn *ours = ours_serves ? p->server : p->client;
    sp_error e = SP_ERR_AGAIN;
    int other = -1;

    check(ssl != NULL);
    wolfSSL_SetIOReadCtx(ssl, &p->queues[ours_serves ? DOWN : UP]);
    wolfSSL_SetIOWriteCtx(ssl, &p->queues[ours_serves ? UP : DOWN]);
    for (int i = 0; i < 8 && e == SP_ERR_AGAIN; i++) {
        if (other != WOLFSSL_SUCCESS)
            other = ours_serves ? wolfSSL_connect(ssl) : wolfSSL_accept(ssl);
        e = tls_conn_handshake(ours);
    }
    *reason = tls_conn_refusal(ours);
    wolfSSL_free(ssl);
    wolfSSL_CTX_free(ctx);
    pair_free(p);
    return e;
}

static void TLS_4_no_certificate_and_a_stolen_one_are_refused(void **state)
{
    enum tls_refusal reason;

    (void)state;
    const struct raw with_key = {wolfTLSv1_3_client_method(), client_key, client_key, NULL, 0};
    check_ok(against(&with_key, true, &reason)); /* or what follows would prove nothing */
    const struct raw none = {wolfTLSv1_3_client_method(), NULL, NULL, NULL, 0};
    check(against(&none, true, &reason) == SP_ERR_TLS);
    assert_int_equal(reason, TLS_REFUSAL_KEY);
    /* the certificate of whom we expect, and a CertificateVerify by somebody else's key */
    const struct raw stolen = {wolfTLSv1_3_client_method(), client_key, stranger, NULL, 0};
    check(against(&stolen, true, &reason) == SP_ERR_TLS);
    const struct raw server = {wolfTLSv1_3_server_method(), server_key, stranger, NULL, 0};
    check(against(&server, false, &reason) == SP_ERR_TLS);
}

static void E2E_T10_another_version_suite_or_group_is_refused(void **state)
{
    enum tls_refusal reason;

    (void)state;
    for (int serve = 0; serve < 2; serve++) {
        const struct key_secret *key = serve ? client_key : server_key;
        const struct raw rows[] = {
            {serve ? wolfTLSv1_2_client_method() : wolfTLSv1_2_server_method(), key, key, NULL, 0},
            {serve ? wolfTLSv1_3_client_method() : wolfTLSv1_3_server_method(), key, key,
             "TLS13-AES256-GCM-SHA384", 0},
            {serve ? wolfTLSv1_3_client_method() : wolfTLSv1_3_server_method(), key, key, NULL,
             WOLFSSL_ECC_SECP384R1},
            {serve ? wolfTLSv1_3_client_method() : wolfTLSv1_3_server_method(), key, key, NULL,
             WOLFSSL_ECC_SECP256R1},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            check(against(&rows[i], serve, &reason) == SP_ERR_TLS);
    }
}

/* ---- E2E-T9: somebody changes the handshake ------------------------------------------------ */

/*
 * Where TLS lets a byte be anything: the version in the head of a record in the clear (RFC 8446
 * 5.1: it must be ignored), and a middlebox's change_cipher_spec. None is part of what is agreed.
 */
static bool is_free(const struct queue *clean, size_t where)
{
    size_t at = 0;

    while (at + 5 <= clean->given) {
        size_t body = (size_t)(clean->at[at + 3] << 8 | clean->at[at + 4]);
        if (where < at + 5 + body)
            return clean->at[at] == 20 ||
                   (clean->at[at] == 22 && where >= at + 1 && where <= at + 2);
        at += 5 + body;
    }
    return false;
}

/* Whatever was done: no byte of an application comes through a handshake that was changed. */
static void harm(const struct pair *clean, enum harm harm, int way, size_t where)
{
    struct pair *p = pair_new();
    sp_error c = SP_ERR_INTERNAL, s = SP_ERR_INTERNAL;

    p->harm = harm;
    p->way = way;
    p->where = where;
    shake(p, &c, &s);
    check(p->done);
    if (harm == FLIP && is_free(&clean->queues[way], where)) {
        if (c == SP_OK && s == SP_OK)
            check_exports(p, true); /* both still mean the same */
    } else {
        if (s == SP_OK)
            fail_msg("harm %d of byte %zu on way %d: the server went on", harm, where, way);
        p->harm = NO_HARM;
        check(!comes(p->client, p->server));
        check(!comes(p->server, p->client));
    }
    pair_free(p);
}

static struct pair *clean_run(void)
{
    struct pair *p = pair_new();
    sp_error c, s;

    shake(p, &c, &s);
    check_ok(c);
    check_ok(s);
    return p;
}

static void E2E_T9_every_byte_of_the_handshake_flipped(void **state)
{
    struct pair *clean = clean_run();

    (void)state;
    for (int way = UP; way < WAYS; way++)
        for (size_t at = 0; at < clean->queues[way].given; at++)
            harm(clean, FLIP, way, at);
    pair_free(clean);
}

static void E2E_T9_bytes_of_the_handshake_dropped_and_doubled(void **state)
{
    struct pair *clean = clean_run();

    (void)state;
    for (int way = UP; way < WAYS; way++)
        for (size_t at = 0; at < clean->queues[way].given; at += at < 100 ? 1 : 13) {
            harm(clean, DROP, way, at);
            /* a doubled last byte is the first of a record that never comes */
            if (at + 1 < clean->queues[way].given)
                harm(clean, DOUBLE, way, at);
        }
    pair_free(clean);
}

/* Flights of one session in another: replayed whole, and mixed. */
static void E2E_T9_flights_of_two_sessions_spliced(void **state)
{
    (void)state;
    for (int way = UP; way < WAYS; way++) {
        struct pair *old = clean_run(), *p = pair_new();
        struct queue *q = &p->queues[way];
        sp_error c = SP_OK, s = SP_OK;

        if (way == DOWN)
            check(tls_conn_handshake(p->client) == SP_ERR_AGAIN);
        put(q, old->queues[way].at, old->queues[way].given);
        for (int i = 0; i < 4; i++) {
            s = tls_conn_handshake(p->server);
            c = tls_conn_handshake(p->client);
        }
        check(way == UP ? s != SP_OK : c != SP_OK);
        check(!comes(p->client, p->server) && !comes(p->server, p->client));
        pair_free(p);
        pair_free(old);
    }
}

/* The client's last flight of another session, in which everything is the same but its keys. */
static void E2E_T9_the_end_of_another_handshake_is_none_of_this_one(void **state)
{
    struct pair *old = clean_run(), *p = pair_new();
    size_t hello;
    sp_error s;

    (void)state;
    check(tls_conn_handshake(p->client) == SP_ERR_AGAIN);
    hello = p->queues[UP].given;
    check(tls_conn_handshake(p->server) == SP_ERR_AGAIN);
    check(old->queues[UP].given > hello);
    put(&p->queues[UP], old->queues[UP].at + hello, old->queues[UP].given - hello);
    s = tls_conn_handshake(p->server);
    check(s == SP_ERR_TLS);
    check(!comes(p->server, p->client));
    pair_free(p);
    pair_free(old);
}

/* ---- its end, and what is not kept ---------------------------------------------------------- */

static void TLS_8_only_a_close_notify_is_a_clean_end(void **state)
{
    struct pair *p = clean_run();
    uint8_t got[16];
    size_t n;

    (void)state;
    check(comes(p->client, p->server));
    check(tls_conn_read(p->server, got, sizeof got, &n) == SP_ERR_AGAIN); /* silence is no end */
    tls_conn_close_notify(p->client);
    check(tls_conn_read(p->server, got, sizeof got, &n) == SP_ERR_CLOSED);
    pair_free(p);

    /* an alert that somebody on the way wrote, in the clear, ends nothing cleanly */
    static const uint8_t forged[] = {21, 3, 3, 0, 2, 1, 0};
    p = clean_run();
    put(&p->queues[UP], forged, sizeof forged);
    check(tls_conn_read(p->server, got, sizeof got, &n) == SP_ERR_TLS);
    pair_free(p);
}

static void TLS_6_nothing_is_given_out_that_could_resume_a_session(void **state)
{
    struct pair *p = clean_run();
    size_t given = p->queues[DOWN].given;
    uint8_t got[16];
    size_t n;

    (void)state;
    check(tls_conn_read(p->client, got, sizeof got, &n) == SP_ERR_AGAIN);
    check(comes(p->client, p->server) && comes(p->server, p->client));
    /* since the server's Finished only that word was sent: no NewSessionTicket */
    assert_int_equal(p->queues[DOWN].given - given, strlen("canary") + TLS_RECORD_OVERHEAD);
    pair_free(p);
}

/* ---- certificates for a literal address ------------------------------------------------------ */

static void path_of(const char *name, char out[512])
{
    const char *top = getenv("srcdir");

    snprintf(out, 512, "%s/tests/data/tls/%s", top != NULL ? top : ".", name);
}

/* A client that dials `name` and a server with that certificate: what the client makes of it. */
static enum tls_refusal named_against(const char *name, const char *stem)
{
    char ca[512], cert[512], key[512], file[64];
    const struct tls_named named = {.without_system_store = true, .ca_files = {ca}};
    const struct tls_expect expect = {.name = name};
    struct tls_context *client, *server;
    struct pair *p = calloc(1, sizeof *p);
    sp_error c, s;

    check(p != NULL);
    path_of("ca.pem", ca);
    snprintf(file, sizeof file, "%s.pem", stem);
    path_of(file, cert);
    snprintf(file, sizeof file, "%s.key", stem);
    path_of(file, key);
    check_ok(tls_named_client(&named, NULL, &client));
    check_ok(tls_served(cert, key, NULL, NULL, &server));
    p->wires[UP] = (struct tls_wire){client_take, client_give, p};
    p->wires[DOWN] = (struct tls_wire){server_take, server_give, p};
    check_ok(tls_conn_new(client, &expect, &p->wires[UP], &p->client));
    check_ok(tls_conn_new(server, NULL, &p->wires[DOWN], &p->server));
    shake(p, &c, &s);
    enum tls_refusal why = tls_conn_refusal(p->client);
    check((c == SP_OK) == (why == TLS_REFUSAL_NONE));
    check(c == SP_OK || tls_conn_write(p->client, view_str("x")) != SP_OK);
    pair_free(p);
    tls_context_free(client);
    tls_context_free(server);
    return why;
}

static void TLS_3_a_literal_address_needs_an_iPAddress_of_the_certificate(void **state)
{
    static const struct {
        const char *name, *stem;
        enum tls_refusal why;
    } rows[] = {
        {"127.0.0.1", "ip", TLS_REFUSAL_NONE},
        {"::1", "ip", TLS_REFUSAL_NONE},
        {"0:0:0:0:0:0:0:1", "ip", TLS_REFUSAL_NONE}, /* one address, however it is written */
        {"127.0.0.2", "ip", TLS_REFUSAL_NAME},
        {"::7f00:1", "ip", TLS_REFUSAL_NAME},
        {"::ffff:127.0.0.1", "ip", TLS_REFUSAL_NAME},
        {"localhost", "ip", TLS_REFUSAL_NAME},
        {"127.0.0.1", "ip-other", TLS_REFUSAL_NAME},
        {"127.0.0.1", "ip-as-dns", TLS_REFUSAL_NAME},
        {"localhost", "ip-as-dns", TLS_REFUSAL_NONE},
        {"127.0.0.1", "ip-as-cn", TLS_REFUSAL_NAME},
        {"127.0.0.1", "good", TLS_REFUSAL_NONE},
        {"127.0.0.1", "untrusted", TLS_REFUSAL_ISSUER},
        {"127.0.0.1", "expired", TLS_REFUSAL_DATE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum tls_refusal why = named_against(rows[i].name, rows[i].stem);
        if (why != rows[i].why)
            fail_msg("%s, %s: %s", rows[i].name, rows[i].stem, tls_refusal_text(why));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(E2E_4_each_end_takes_exactly_the_key_that_it_was_told),
        cmocka_unit_test(TLS_4_a_wrong_key_at_either_end_is_refused),
        cmocka_unit_test(TLS_4_no_certificate_and_a_stolen_one_are_refused),
        cmocka_unit_test(E2E_T10_another_version_suite_or_group_is_refused),
        cmocka_unit_test(E2E_T9_every_byte_of_the_handshake_flipped),
        cmocka_unit_test(E2E_T9_bytes_of_the_handshake_dropped_and_doubled),
        cmocka_unit_test(E2E_T9_flights_of_two_sessions_spliced),
        cmocka_unit_test(E2E_T9_the_end_of_another_handshake_is_none_of_this_one),
        cmocka_unit_test(TLS_8_only_a_close_notify_is_a_clean_end),
        cmocka_unit_test(TLS_3_a_literal_address_needs_an_iPAddress_of_the_certificate),
        cmocka_unit_test(TLS_6_nothing_is_given_out_that_could_resume_a_session),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
