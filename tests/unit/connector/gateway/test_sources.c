#include "connector/gateway/introspect.h"
#include "connector/gateway/keyring.h"
#include "tests/unit/connector/gateway/idp.h"
#include "tests/unit/connector/gateway/mint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * idp (thread) <- client <- pool <- keyring, introspect: as in the product, over loopback.
 */
struct world {
    struct idp idp;
    struct loop *loop;
    struct pool *pool;
    struct client *client;
    struct outside outside;
    bool allowed;
    unsigned woken;
    char folder[32], text[1200];
    struct gwconf *conf;
    struct seen_tokens *seen;
    struct key_secret *key;
};

static bool floor_says(void *arg, struct view host, uint16_t port)
{
    struct world *w = arg;

    return w->allowed && view_is(host, "127.0.0.1") && port == w->idp.port;
}

static void write_file(const struct world *w, const char *name, const char *text)
{
    char path[80];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", w->folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    fputs(text, f);
    fclose(f);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    const struct client_options o = {.at_once = 4};

    assert_non_null(w);
    memcpy(w->folder, "/tmp/sp-sources-XXXXXX", 23);
    assert_non_null(mkdtemp(w->folder));
    write_file(w, "gw.secret", "s:cret+1\n");
    write_file(w, "keys.json", "{\"keys\":[]}");
    idp_start(&w->idp);
    assert_int_equal(loop_new(&w->loop), SP_OK);
    assert_int_equal(pool_new(w->loop, 8, &w->pool), SP_OK);
    assert_int_equal(client_new(&o, NULL, &w->client), SP_OK);
    assert_int_equal(seen_new(&w->seen), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &w->key), SP_OK);
    w->allowed = true;
    w->outside = (struct outside){w->loop, w->pool, w->client, w->folder, floor_says, w};
    snprintf(w->text, sizeof w->text,
             "oauth:\n  issuers:\n"
             "    - { iss: a, jwks_uri: 'http://127.0.0.1:%u/jwks', aud: [x], algs: [EdDSA] }\n"
             "    - { iss: b, jwks_file: keys.json, aud: [x], algs: [EdDSA] }\n"
             "  introspection: { url: 'http://127.0.0.1:%u/i', client_id: 'g w', secret_file: "
             "gw.secret, cache: 20s }\n",
             w->idp.port, w->idp.port);
    assert_int_equal(gwconf_parse(view_str(w->text), NULL, &w->conf), SP_OK);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char command[80];

    seen_free(w->seen);
    gwconf_free(w->conf);
    pool_free(w->pool);
    client_free(w->client);
    loop_free(w->loop);
    idp_stop(&w->idp);
    key_secret_free(w->key);
    snprintf(command, sizeof command, "%s/gw.secret", w->folder);
    unlink(command);
    snprintf(command, sizeof command, "%s/keys.json", w->folder);
    unlink(command);
    rmdir(w->folder);
    clock_set_for_test(-1, -1);
    free(w);
    return 0;
}

static void count(void *arg)
{
    ((struct world *)arg)->woken++;
}

static struct waiter waiter_of(struct world *w)
{
    return (struct waiter){.fn = count, .arg = w};
}

static void until_woken(struct world *w, unsigned n)
{
    while (w->woken < n)
        loop_turn(w->loop, true);
}

static const char *key_set(const struct world *w, const char *kid, struct buf *out)
{
    struct buf jwk;

    buf_init(&jwk, 4096);
    mint_jwk(w->key, kid, &jwk);
    buf_reset(out);
    buf_addf(out, "{\"keys\":[%s]}", buf_cstr(&jwk));
    buf_deinit(&jwk);
    return buf_cstr(out);
}

static void keys_are_fetched_once_and_kept_while_their_issuer_is_away(void **state)
{
    struct world *w = *state;
    struct keyring *k = NULL;
    const struct jwks *keys = NULL;
    struct waiter one = waiter_of(w), two = waiter_of(w), gone = waiter_of(w);
    struct buf set;
    sp_boot_ms now = clock_boot();

    buf_init(&set, 8192);
    idp_say(&w->idp, "200 OK", key_set(w, "k1", &set), 0);
    assert_int_equal(keyring_new(w->conf, &w->outside, &k), SP_OK);
    assert_int_equal(keyring_get(k, 0, now, &keys), KEYRING_COMING);
    keyring_wait(k, 0, &one);
    assert_int_equal(keyring_get(k, 0, now, &keys), KEYRING_COMING);
    keyring_wait(k, 0, &two);
    keyring_wait(k, 0, &gone);
    waiter_cancel(&gone);
    waiter_cancel(&gone);
    until_woken(w, 2);
    assert_int_equal(idp_asked(&w->idp), 1); /* one fetch for all */
    now = clock_boot();
    assert_int_equal(keyring_get(k, 0, now, &keys), KEYRING_HERE);
    assert_string_equal(keys->keys[0].kid, "k1");
    assert_int_equal(keyring_get(k, 0, now + KEYRING_FRESH_MS - 1000, &keys), KEYRING_HERE);
    assert_int_equal(idp_asked(&w->idp), 1);

    /* GW-15: a new kid is fetched at once, at most every 30 s. */
    assert_int_equal(keyring_again(k, 0, now), KEYRING_HERE);
    idp_say(&w->idp, "200 OK", key_set(w, "k2", &set), 0);
    assert_int_equal(keyring_again(k, 0, now + KEYRING_AGAIN_MS + 1000), KEYRING_COMING);
    assert_int_equal(keyring_get(k, 0, now, &keys), KEYRING_HERE); /* the old ones serve on */
    keyring_wait(k, 0, &one);
    until_woken(w, 3);
    assert_int_equal(keyring_get(k, 0, clock_boot(), &keys), KEYRING_HERE);
    assert_string_equal(keys->keys[0].kid, "k2");

    /* Away, and lying: nobody waits, the last good set serves an hour longer. */
    static const char *const bad[][2] = {{"500 Oops", "{}"},   {"", ""},
                                         {"200 OK", "<html>"}, {"200 OK", "{\"keys\":[]}"},
                                         {"302 Found", ""},    {"200 OK", "{\"keys\":7}"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        now += KEYRING_AGAIN_MS + KEYRING_RETRY_MS; /* of the test's clock: ahead of the fetches' */
        idp_say(&w->idp, bad[i][0], bad[i][1], 0);
        assert_int_equal(keyring_again(k, 0, now), KEYRING_COMING);
        keyring_wait(k, 0, &one);
        until_woken(w, 4 + (unsigned)i);
        assert_true(keyring_why(k, 0)[0] != '\0');
        assert_int_equal(keyring_get(k, 0, now, &keys), KEYRING_HERE);
    }
    now = clock_boot() + KEYRING_FRESH_MS + KEYRING_STALE_MS - 1000;
    assert_int_equal(keyring_get(k, 0, now, &keys), KEYRING_HERE);
    assert_string_equal(keys->keys[0].kid, "k2");
    assert_int_equal(keyring_get(k, 0, now + 2000, &keys), KEYRING_COMING); /* and no longer */
    keyring_free(k);
    keyring_free(NULL);
    buf_deinit(&set);
}

static void keys_only_of_hosts_that_the_floor_lists(void **state)
{
    struct world *w = *state;
    struct keyring *k = NULL;
    const struct jwks *keys = NULL;

    w->allowed = false;
    assert_int_equal(keyring_new(w->conf, &w->outside, &k), SP_OK);
    assert_int_equal(keyring_get(k, 0, clock_boot(), &keys), KEYRING_DOWN);
    assert_non_null(strstr(keyring_why(k, 0), "floor file lists no issuer"));
    assert_int_equal(idp_asked(&w->idp), 0);
    w->outside.issuer_allowed = NULL;
    assert_false(outside_allows(&w->outside, "http://127.0.0.1/"));
    keyring_free(k);
}

static void keys_of_a_file_need_nobody(void **state)
{
    struct world *w = *state;
    struct keyring *k = NULL;
    const struct jwks *keys = NULL;
    struct waiter one = waiter_of(w);
    struct buf set;

    buf_init(&set, 8192);
    w->allowed = false;
    assert_int_equal(keyring_new(w->conf, &w->outside, &k), SP_OK);
    assert_int_equal(keyring_get(k, 1, clock_boot(), &keys), KEYRING_COMING);
    keyring_wait(k, 1, &one);
    until_woken(w, 1);
    assert_int_equal(keyring_get(k, 1, clock_boot(), &keys), KEYRING_DOWN); /* empty set */
    assert_non_null(strstr(keyring_why(k, 1), "no usable key"));
    write_file(w, "keys.json", key_set(w, "f", &set));
    assert_int_equal(keyring_get(k, 1, clock_boot() + KEYRING_RETRY_MS + 1000, &keys),
                     KEYRING_COMING);
    keyring_wait(k, 1, &one);
    until_woken(w, 2);
    assert_int_equal(keyring_get(k, 1, clock_boot(), &keys), KEYRING_HERE);
    keyring_free(k);
    buf_deinit(&set);
}

static void a_fetch_may_outlive_who_asked(void **state)
{
    struct world *w = *state;
    struct keyring *k = NULL;
    const struct jwks *keys = NULL;
    struct waiter one = waiter_of(w);
    struct buf set;

    buf_init(&set, 8192);
    idp_say(&w->idp, "200 OK", key_set(w, "k", &set), 100);
    assert_int_equal(keyring_new(w->conf, &w->outside, &k), SP_OK);
    assert_int_equal(keyring_get(k, 0, clock_boot(), &keys), KEYRING_COMING);
    keyring_wait(k, 0, &one);
    keyring_free(k);
    assert_int_equal(w->woken, 1);
    while (idp_asked(&w->idp) == 0)
        usleep(1000);
    pool_free(w->pool); /* its end comes, and finds nobody */
    assert_int_equal(pool_new(w->loop, 2, &w->pool), SP_OK);
    buf_deinit(&set);
}

static enum introspect_answer ask(struct world *w, struct introspect *i, const char *token,
                                  sp_boot_ms now, struct waiter *one)
{
    struct hash name = hash_sha256(view_str(token));

    *one = waiter_of(w);
    return introspect_ask(i, view_str(token), &name, now, one);
}

static enum seen_state look(struct world *w, const char *token, sp_boot_ms now)
{
    struct hash name = hash_sha256(view_str(token));
    struct token *t = NULL;

    return seen_get(w->seen, &name, now, &t);
}

static void GW_14_one_question_for_each_token(void **state)
{
    struct world *w = *state;
    struct introspect *i = NULL;
    struct waiter a, b, c;

    assert_int_equal(introspect_new(&w->conf->oauth.introspection, &w->outside, w->seen, NULL, &i),
                     SP_OK);
    idp_say(&w->idp, "200 OK\r\nContent-Type: application/json;charset=UTF-8",
            "{\"active\":true,\"sub\":\"ann\"}", 30);
    assert_int_equal(ask(w, i, "opaque/1", clock_boot(), &a), INTROSPECT_COMING);
    assert_int_equal(ask(w, i, "opaque/1", clock_boot(), &b), INTROSPECT_COMING);
    assert_int_equal(ask(w, i, "opaque/1", clock_boot(), &c), INTROSPECT_COMING);
    waiter_cancel(&c);
    until_woken(w, 2);
    assert_int_equal(idp_asked(&w->idp), 1);
    assert_non_null(strstr(w->idp.request, "POST /i HTTP/1.1\r\n"));
    /* "g w" and "s:cret+1", form-encoded, then Basic (RFC 6749 section 2.3.1) */
    assert_non_null(strstr(w->idp.request, "Authorization: Basic ZyUyMHc6cyUzQWNyZXQlMkIx\r\n"));
    assert_non_null(strstr(w->idp.request, "token=opaque%2F1&token_type_hint=access_token"));
    assert_int_equal(look(w, "opaque/1", clock_boot()), SEEN_GOOD);
    assert_int_equal(look(w, "opaque/1", clock_boot() + 19000), SEEN_GOOD);
    assert_int_equal(look(w, "opaque/1", clock_boot() + 21000), SEEN_NOT);

    idp_say(&w->idp, "200 OK\r\nContent-Type: application/json", "{\"active\":false}", 0);
    assert_int_equal(ask(w, i, "opaque/2", clock_boot(), &a), INTROSPECT_COMING);
    until_woken(w, 3);
    assert_int_equal(look(w, "opaque/2", clock_boot() + 9000), SEEN_BAD);
    assert_int_equal(look(w, "opaque/2", clock_boot() + 11000), SEEN_NOT);
    introspect_free(i);
    introspect_free(NULL);
}

static void GW_14_down_slow_and_lying_is_503_and_the_circuit_opens(void **state)
{
    static const char *const bad[][2] = {
        {"200 OK\r\nContent-Type: text/html", "{\"active\":true}"},
        {"200 OK\r\nContent-Type: application/jsonx", "{\"active\":true}"},
        {"401 Unauthorized\r\nContent-Type: application/json", "{\"active\":true}"},
        {"", ""},
        {"200 OK\r\nContent-Type: application/json", "{\"active\":\"yes\"}"},
    };
    struct world *w = *state;
    struct introspect *i = NULL;
    struct waiter a, b;
    char token[16];
    sp_boot_ms now = clock_boot();

    assert_int_equal(introspect_new(&w->conf->oauth.introspection, &w->outside, w->seen, NULL, &i),
                     SP_OK);
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
        snprintf(token, sizeof token, "t%zu", n);
        idp_say(&w->idp, bad[n][0], bad[n][1], 0);
        assert_false(introspect_is_open(i, clock_boot()));
        assert_int_equal(ask(w, i, token, clock_boot(), &a), INTROSPECT_COMING);
        until_woken(w, (unsigned)n + 1);
        assert_int_equal(look(w, token, clock_boot()), SEEN_NOT);
        assert_int_equal(ask(w, i, token, clock_boot(), &a), INTROSPECT_DOWN); /* told so */
        assert_true(introspect_why(i)[0] != '\0');
    }
    assert_true(introspect_is_open(i, clock_boot()));
    assert_int_equal(idp_asked(&w->idp), 5);
    assert_int_equal(ask(w, i, "u", clock_boot(), &a), INTROSPECT_DOWN);
    assert_int_equal(idp_asked(&w->idp), 5);
    /* One question tries again; the others are still told 503; its success closes the circuit. */
    now = clock_boot() + INTROSPECT_OPEN_MS + 1000;
    idp_say(&w->idp, "200 OK\r\nContent-Type: application/json", "{\"active\":false}", 50);
    assert_int_equal(ask(w, i, "u", now, &a), INTROSPECT_COMING);
    assert_int_equal(ask(w, i, "v", now, &b), INTROSPECT_DOWN);
    until_woken(w, 6);
    assert_int_equal(ask(w, i, "v", now + INTROSPECT_OPEN_MS + 1, &b), INTROSPECT_COMING);
    until_woken(w, 7);
    introspect_free(i);
}

static void the_secret_is_0600_and_there(void **state)
{
    struct world *w = *state;
    struct introspect *i = NULL;
    struct sp_why why = {{0}, {0}, 0, 0};
    char path[80];

    snprintf(path, sizeof path, "%s/gw.secret", w->folder);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(introspect_new(&w->conf->oauth.introspection, &w->outside, w->seen, &why, &i),
                     SP_ERR_PERMISSION);
    assert_non_null(strstr(why.text, "gw.secret"));
    write_file(w, "gw.secret", "\n");
    assert_int_equal(introspect_new(&w->conf->oauth.introspection, &w->outside, w->seen, &why, &i),
                     SP_ERR_INVALID);
    assert_null(i);
}

static struct token *some_token(void)
{
    struct gwconf_introspection any = {0};
    struct token *t = NULL;

    assert_int_equal(token_from_answer(view_str("{\"active\":true,\"sub\":\"x\"}"), &any,
                                       clock_unix(), NULL, &t),
                     SP_OK);
    return t;
}

static void seen_tokens_are_bounded_and_the_shortest_lived_goes(void **state)
{
    struct world *w = *state;
    struct token *t = some_token(), *got = NULL;
    size_t good = 0;

    for (uint32_t n = 0; n < 3 * SEEN_ENTRIES; n++) {
        struct hash name = hash_sha256((struct view){(uint8_t *)&n, sizeof n});
        seen_put(w->seen, &name, t, 100, 1000, 2000 + n);
        assert_int_equal(seen_get(w->seen, &name, 1000, &got), SEEN_GOOD);
    }
    for (uint32_t n = 0; n < 3 * SEEN_ENTRIES; n++) {
        struct hash name = hash_sha256((struct view){(uint8_t *)&n, sizeof n});
        good += seen_get(w->seen, &name, 1000, &got) == SEEN_GOOD;
    }
    assert_in_range(good, SEEN_ENTRIES - 64, SEEN_ENTRIES); /* some sets of four got three */
    assert_int_equal(seen_bytes(w->seen), 100 * good);
    assert_int_equal(t->users, good + 1);
    /* Too many bytes: not kept, and nothing else is lost for it but its place. */
    struct hash big = hash_sha256(view_str("big"));
    seen_put(w->seen, &big, t, SEEN_BYTES_MAX, 1000, 99999999);
    assert_int_equal(seen_get(w->seen, &big, 1000, &got), SEEN_NOT);
    seen_put(w->seen, &big, NULL, 0, 1000, 500); /* over before it began */
    assert_int_equal(seen_get(w->seen, &big, 1000, &got), SEEN_NOT);
    token_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_are_fetched_once_and_kept_while_their_issuer_is_away,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_only_of_hosts_that_the_floor_lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_of_a_file_need_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fetch_may_outlive_who_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(GW_14_one_question_for_each_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(GW_14_down_slow_and_lying_is_503_and_the_circuit_opens,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_secret_is_0600_and_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(seen_tokens_are_bounded_and_the_shortest_lived_goes, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
