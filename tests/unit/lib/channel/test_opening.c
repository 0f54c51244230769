#include "lib/channel/opening.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct key_secret *broker, *other, *device, *tunnel, *connector;

static int make_keys(void **state)
{
    (void)state;
    assert_int_equal(key_secret_new(KEY_ED25519, &broker), SP_OK);
    assert_int_equal(key_secret_new(KEY_P256, &other), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &device), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &tunnel), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &connector), SP_OK);
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    key_secret_free(broker);
    key_secret_free(other);
    key_secret_free(device);
    key_secret_free(tunnel);
    key_secret_free(connector);
    return 0;
}

static struct opening_edge_config device_config(void)
{
    return (struct opening_edge_config){
        .kind = PROVE_DEVICE, .key = device, .tunnel_key = tunnel, .software = "test 1"};
}

static struct opening_binding binding(uint8_t fill)
{
    struct opening_binding b = {0};

    memset(b.exporter, fill, sizeof b.exporter);
    return b;
}

/* One opening, with what each side sees of the connection. */
struct run {
    struct opening_edge_config edge;
    struct opening_server_config server;
    struct opening_binding edge_binding, server_binding;
    struct opening_edge e;
    struct opening_server s;
    struct channel_peer peer;
    struct buf hello, prove;
};

static struct run run_of(struct opening_edge_config c)
{
    return (struct run){.edge = c,
                        .server = {.key = broker},
                        .edge_binding = binding(7),
                        .server_binding = binding(7)};
}

static void drop(struct run *r)
{
    buf_deinit(&r->hello);
    buf_deinit(&r->prove);
}

static sp_error take(struct view text, struct envelope *m)
{
    return envelope_parse(text, m);
}

/* hello by the server, read by the edge. */
static sp_error to_edge(struct run *r)
{
    struct envelope m;
    sp_error e;

    buf_init(&r->hello, ENVELOPE_BYTES_MAX);
    buf_init(&r->prove, ENVELOPE_BYTES_MAX);
    opening_edge_init(&r->e, &r->edge);
    r->e.binding = r->edge_binding;
    assert_int_equal(
        opening_server_hello(&r->s, &r->server, r->e.nonce, &r->server_binding, 1000, &r->hello),
        SP_OK);
    assert_int_equal(take(buf_view(&r->hello), &m), SP_OK);
    e = opening_edge_hello(&r->e, &m, &r->prove);
    envelope_deinit(&m);
    return e;
}

static sp_error to_server(struct run *r, struct view prove)
{
    struct envelope m;
    sp_error e;

    assert_int_equal(take(prove, &m), SP_OK);
    e = opening_server_prove(&r->s, &m, &r->peer);
    envelope_deinit(&m);
    return e;
}

static void a_device_proves_itself(void **state)
{
    (void)state;
    struct run r = run_of(device_config());

    r.edge.id = (struct sp_id){{5}};
    assert_int_equal(to_edge(&r), SP_OK);
    assert_true(key_equal(&r.e.server, key_secret_public(broker)));
    assert_int_equal(r.e.server_time, 1000);
    assert_int_equal(to_server(&r, buf_view(&r.prove)), SP_OK);
    assert_int_equal(r.peer.kind, PROVE_DEVICE);
    assert_true(key_equal(&r.peer.key, key_secret_public(device)));
    assert_true(key_equal(&r.peer.tunnel_key, key_secret_public(tunnel)));
    assert_string_equal(r.peer.software, "test 1");
    assert_int_equal(r.peer.id.bytes[0], 5);
    drop(&r);
}

static void a_connector_and_a_relay_with_a_P256_key(void **state)
{
    (void)state;
    static const char *const caps[] = {"grant/1", NULL};
    struct run r = run_of((struct opening_edge_config){.kind = PROVE_CONNECTOR,
                                                       .key = connector,
                                                       .software = "c",
                                                       .caps = caps,
                                                       .stand = view_str("v4.public.x")});

    assert_int_equal(to_edge(&r), SP_OK);
    assert_int_equal(to_server(&r, buf_view(&r.prove)), SP_OK);
    assert_string_equal(r.peer.caps[0], "grant/1");
    assert_string_equal(r.peer.stand, "v4.public.x");
    drop(&r);

    r = run_of((struct opening_edge_config){
        .kind = PROVE_RELAY, .key = other, .software = "r", .boot = {{1}}});
    assert_int_equal(to_edge(&r), SP_OK);
    assert_int_equal(to_server(&r, buf_view(&r.prove)), SP_OK);
    assert_int_equal(r.peer.kind, PROVE_RELAY);
    drop(&r);
}

static void OA_7_a_hello_of_another_connection_is_refused(void **state)
{
    (void)state;
    struct run r = run_of(device_config());

    r.edge_binding = binding(8); /* someone ends TLS in between */
    assert_int_equal(to_edge(&r), SP_ERR_SIGNATURE);
    assert_int_equal(r.prove.len, 0); /* the edge says nothing about itself */
    drop(&r);
}

static void OA_7_a_proof_of_another_connection_is_refused(void **state)
{
    (void)state;
    struct run first = run_of(device_config()), second = run_of(device_config());

    assert_int_equal(to_edge(&first), SP_OK);
    assert_int_equal(to_edge(&second), SP_OK);
    /* replayed: the nonce is not this connection's */
    assert_int_equal(to_server(&second, buf_view(&first.prove)), SP_ERR_REPLAY);
    /* relayed with both nonces: the exporter is not */
    second.s = first.s;
    second.s.binding = binding(9);
    assert_int_equal(to_server(&second, buf_view(&first.prove)), SP_ERR_SIGNATURE);
    assert_int_equal(second.peer.kind, PROVE_NOBODY);
    drop(&first);
    drop(&second);
}

static void a_proof_for_another_server_is_refused(void **state)
{
    (void)state;
    struct run r = run_of(device_config());
    struct opening_server_config stranger = {.key = other};

    assert_int_equal(to_edge(&r), SP_OK);
    r.s.config = &stranger;
    assert_int_equal(to_server(&r, buf_view(&r.prove)), SP_ERR_SIGNATURE);
    drop(&r);
}

static void the_pinned_identity_key_is_held_to(void **state)
{
    (void)state;
    struct run r = run_of(device_config());

    r.edge.pin = key_secret_public(broker);
    assert_int_equal(to_edge(&r), SP_OK);
    drop(&r);
    r.edge.pin = key_secret_public(device);
    assert_int_equal(to_edge(&r), SP_ERR_AUDIENCE);
    drop(&r);
}

static void a_fingerprint_from_an_enrolment_string_is_held_to(void **state)
{
    (void)state;
    struct run r = run_of(device_config());
    struct key_fingerprint right = key_fingerprint(key_secret_public(broker)),
                           wrong = key_fingerprint(key_secret_public(other));

    r.edge.fingerprint = right.s;
    assert_int_equal(to_edge(&r), SP_OK);
    drop(&r);
    r.edge.fingerprint = wrong.s;
    assert_int_equal(to_edge(&r), SP_ERR_AUDIENCE);
    drop(&r);
}

static void front_l7_holds_only_where_both_sides_say_so(void **state)
{
    (void)state;
    struct run r = run_of(device_config());

    r.edge_binding = r.server_binding = (struct opening_binding){.l7 = true};
    assert_int_equal(to_edge(&r), SP_OK);
    assert_int_equal(to_server(&r, buf_view(&r.prove)), SP_OK);
    assert_true(r.peer.l7);
    drop(&r);

    r = run_of(device_config());
    r.server_binding = (struct opening_binding){.l7 = true}; /* an interceptor asks for it */
    assert_int_equal(to_edge(&r), SP_ERR_SIGNATURE);
    drop(&r);
}

/* The prove with one member changed or removed. */
static sp_error with_member(struct run *r, const char *name, struct json *value)
{
    struct json *j = NULL;
    struct buf text;
    sp_error e;

    buf_init(&text, ENVELOPE_BYTES_MAX);
    assert_int_equal(json_parse(buf_view(&r->prove), ENVELOPE_BYTES_MAX, NULL, &j), SP_OK);
    if (value != NULL)
        json_set(j, name, value);
    else
        json_remove(j, name);
    assert_int_equal(json_write(j, &text), SP_OK);
    json_free(j);
    e = to_server(r, buf_view(&text));
    buf_deinit(&text);
    return e;
}

static struct json *text(const char *s)
{
    return json_new_str(view_str(s));
}

static void what_a_prove_says_is_signed_or_refused(void **state)
{
    (void)state;
    struct run r = run_of(device_config());
    struct key_text theirs = key_text(key_secret_public(connector));

    assert_int_equal(to_edge(&r), SP_OK);
    assert_int_equal(with_member(&r, "kind", text("connector")), SP_ERR_PROTOCOL);
    assert_int_equal(with_member(&r, "kind", text("admin")), SP_ERR_PROTOCOL);
    assert_int_equal(with_member(&r, "tunnel_key", NULL), SP_ERR_PROTOCOL);
    assert_int_equal(with_member(&r, "tunnel_key", text(theirs.s)), SP_ERR_SIGNATURE);
    assert_int_equal(with_member(&r, "key", text(theirs.s)), SP_ERR_SIGNATURE);
    assert_int_equal(with_member(&r, "boot", text("AAAAAAAAAAAAAAAAAAAAAQ")), SP_ERR_PROTOCOL);
    assert_int_equal(with_member(&r, "v", json_new_int(2)), SP_ERR_VERSION);
    assert_int_equal(with_member(&r, "sig", NULL), SP_ERR_PROTOCOL);
    assert_int_equal(with_member(&r, "sig", text("AAAA")), SP_ERR_SIGNATURE);
    assert_int_equal(with_member(&r, "user", text("root")), SP_ERR_PROTOCOL);
    assert_int_equal(with_member(&r, "i", json_new_int(2)), SP_ERR_PROTOCOL);
    assert_int_equal(with_member(&r, "t", text("welcome")), SP_ERR_PROTOCOL);
    assert_int_equal(r.peer.kind, PROVE_NOBODY);
    assert_int_equal(to_server(&r, buf_view(&r.prove)), SP_OK); /* the untouched one is good */
    drop(&r);
}

static void every_single_bit_of_the_signature_counts(void **state)
{
    (void)state;
    struct run r = run_of(device_config());
    struct envelope m;

    assert_int_equal(to_edge(&r), SP_OK);
    assert_int_equal(take(buf_view(&r.prove), &m), SP_OK);
    char *sig = strdup(json_cstr(json_get(m.members, "sig")));
    envelope_deinit(&m);
    for (size_t i = 0; i < strlen(sig); i += 5) {
        char was = sig[i];
        sig[i] = was == 'A' ? 'B' : 'A';
        assert_int_equal(with_member(&r, "sig", text(sig)), SP_ERR_SIGNATURE);
        sig[i] = was;
    }
    free(sig);
    drop(&r);
}

static void versions_without_a_common_one_are_4426(void **state)
{
    (void)state;
    struct run r = run_of(device_config());
    struct envelope m;
    struct json *range = json_array();

    assert_int_equal(to_edge(&r), SP_OK);
    assert_int_equal(take(buf_view(&r.hello), &m), SP_OK);
    json_push(range, json_new_int(2));
    json_push(range, json_new_int(3));
    json_set(m.members, "v", range);
    buf_reset(&r.prove);
    assert_int_equal(opening_edge_hello(&r.e, &m, &r.prove), SP_ERR_VERSION);
    envelope_deinit(&m);
    assert_int_equal(opening_close(SP_ERR_VERSION), 4426);
    assert_int_equal(opening_close(SP_ERR_SIGNATURE), 4401);
    drop(&r);
}

static void a_prove_fits_what_may_be_sent_before_welcome(void **state)
{
    (void)state;
    char stand[1025];
    struct run r = run_of(
        (struct opening_edge_config){.kind = PROVE_CONNECTOR, .key = connector, .software = "c"});

    memset(stand, 'x', sizeof stand - 1);
    stand[1024] = '\0';
    r.edge.stand = view_str(stand);
    assert_int_equal(to_edge(&r), SP_OK);
    assert_true(r.prove.len <= ENVELOPE_OPENING_BYTES_MAX);
    drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_proves_itself),
        cmocka_unit_test(a_connector_and_a_relay_with_a_P256_key),
        cmocka_unit_test(OA_7_a_hello_of_another_connection_is_refused),
        cmocka_unit_test(OA_7_a_proof_of_another_connection_is_refused),
        cmocka_unit_test(a_proof_for_another_server_is_refused),
        cmocka_unit_test(the_pinned_identity_key_is_held_to),
        cmocka_unit_test(a_fingerprint_from_an_enrolment_string_is_held_to),
        cmocka_unit_test(front_l7_holds_only_where_both_sides_say_so),
        cmocka_unit_test(what_a_prove_says_is_signed_or_refused),
        cmocka_unit_test(every_single_bit_of_the_signature_counts),
        cmocka_unit_test(versions_without_a_common_one_are_4426),
        cmocka_unit_test(a_prove_fits_what_may_be_sent_before_welcome),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
