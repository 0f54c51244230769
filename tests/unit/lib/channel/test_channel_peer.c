/* dialer.c: whom an edge takes for its broker: by certificate, then by the pinned identity key. */
#include "tests/unit/lib/channel/rig.h"

#include "lib/channel/backoff.h"

#include <stdio.h>

static void an_address_in_place_of_a_name_is_checked_too(void **state)
{
    struct rig *r = *state;

    rig_dial(r, "127.0.0.1"); /* in the certificate */
    rig_until(r, &r->heard.opened, 1);
    dialer_free(r->dialer);
    rig_dial(r, "127.0.0.2"); /* not in it; nobody listens there anyway */
    rig_until(r, &r->heard.lost, 1);
    assert_int_equal(r->heard.opened, 0);
}

static void TLS_3_an_address_must_be_an_iPAddress_of_the_certificate(void **state)
{
    static const struct {
        const char *stem;
        bool good;
    } cases[] = {{"ip", true}, {"ip-other", false}, {"ip-as-dns", false}, {"ip-as-cn", false}};
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_stop_serving(r);
        rig_serve(r, cases[i].stem);
        rig_dial(r, "127.0.0.1");
        rig_until(r, cases[i].good ? &r->heard.opened : &r->heard.lost, 1);
        if ((r->heard.opened == 1) != cases[i].good ||
            (!cases[i].good && (r->heard.end.error != SP_ERR_TLS || r->side.proven != 0 ||
                                strstr(r->heard.end.why.text, "name") == NULL)))
            fail_msg("%s: %s %s", cases[i].stem, sp_error_code(r->heard.end.error),
                     r->heard.end.why.text);
        dialer_free(r->dialer);
        r->dialer = NULL;
    }
}

static void refused_with(struct rig *r, const char *stem, const char *part)
{
    rig_stop_serving(r);
    rig_serve(r, stem);
    rig_dial(r, "localhost");
    rig_until(r, &r->heard.lost, 1);
    assert_int_equal(r->heard.opened, 0);
    assert_int_equal(r->side.proven, 0); /* the edge has said nothing */
    if (r->heard.end.error != SP_ERR_TLS || strstr(r->heard.end.why.text, part) == NULL)
        fail_msg("%s: %s", sp_error_code(r->heard.end.error), r->heard.end.why.text);
    assert_true(r->heard.end.again_ms >= 0);
}

static void TLS_3_a_certificate_for_another_name_is_refused(void **state)
{
    struct rig *r = *state;

    refused_with(r, "wrong-name", "name");
}

static void TLS_3_an_expired_certificate_is_refused(void **state)
{
    struct rig *r = *state;

    refused_with(r, "expired", "");
}

/* What servers of the field send (DATAPATH fact 6): the trusted root's key lies behind `mid`. */
static void TLS_3_odd_chains_are_judged_by_what_holds(void **state)
{
    static const struct {
        const char *stem;
        bool good;
    } cases[] = {
        {"chain-plain", true},     {"chain-cross", true},    {"chain-swapped", true},
        {"chain-extra", true},     {"chain-gap", false},     {"chain-late", false},
        {"chain-stranger", false}, {"chain-leaf-ca", false},
    };
    struct rig *r = *state;
    const struct tls_named before = r->trust;
    char root[512];

    snprintf(root, sizeof root, "%s", rig_data("chain-root.pem"));
    r->trust = (struct tls_named){.without_system_store = true, .ca_files = {root}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_stop_serving(r);
        rig_serve(r, cases[i].stem);
        rig_dial(r, "localhost");
        rig_until(r, cases[i].good ? &r->heard.opened : &r->heard.lost, 1);
        if ((r->heard.opened == 1) != cases[i].good ||
            (!cases[i].good && r->heard.end.error != SP_ERR_TLS))
            fail_msg("%s: %s", cases[i].stem, r->heard.end.why.text);
        dialer_free(r->dialer);
        r->dialer = NULL;
    }
    r->trust = before;
}

static void TLS_3_a_certificate_of_an_unknown_CA_is_refused(void **state)
{
    struct rig *r = *state;

    refused_with(r, "untrusted", "");
}

static void OA_7_another_identity_key_than_the_pinned_one_is_refused(void **state)
{
    struct rig *r = *state;

    r->edge.pin = key_secret_public(r->stranger);
    rig_dial(r, "localhost");
    rig_until(r, &r->heard.lost, 1);
    assert_int_equal(r->heard.end.error, SP_ERR_AUDIENCE);
    assert_int_equal(r->side.proven, 0);
    assert_int_equal(r->heard.end.again_ms, BACKOFF_MAX_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(an_address_in_place_of_a_name_is_checked_too),
        RIG_TEST(TLS_3_an_address_must_be_an_iPAddress_of_the_certificate),
        RIG_TEST(TLS_3_a_certificate_for_another_name_is_refused),
        RIG_TEST(TLS_3_an_expired_certificate_is_refused),
        RIG_TEST(TLS_3_odd_chains_are_judged_by_what_holds),
        RIG_TEST(TLS_3_a_certificate_of_an_unknown_CA_is_refused),
        RIG_TEST(OA_7_another_identity_key_than_the_pinned_one_is_refused),
    };
    return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
