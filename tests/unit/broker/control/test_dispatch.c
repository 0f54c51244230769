/* Who may say what: every message of the protocol from every kind of peer, known and unknown. */
#include "broker/control/control_internal.h"
#include "tests/unit/check.h"

enum { A = 1 << EDGE_AGENT, C = 1 << EDGE_CONNECTOR, R = 1 << EDGE_RELAY };

/* PROTOCOL section 5, written down a second time. */
static const struct {
    const char *type;
    unsigned known, stranger;
} rows[] = {
    {"login.start", A, A},
    {"login.poll", A, A},
    {"login.finish", A, A},
    {"login.factor", A, 0},
    {"login.end", A, 0},
    {"api.ticket", A, 0},
    {"posture.nonce", A, 0},
    {"posture.report", A, 0},
    {"app.list", A, 0},
    {"session.open", A, 0},
    {"session.end", A, 0},
    {"why", A, 0},
    {"enrol", C | R, C | R},
    {"boot", R, 0},
    {"load", R, 0},
    {"usage", R, 0},
    {"live.list", C | R, 0},
    {"live.delta", C | R, 0},
    {"audit", C, 0},
    {"audit.batch", C, 0},
    {"api.report", C, 0},
    {"api.keys", C, 0},
    {"api.demand", C, 0},
    {"api.objects", C, 0},
    {"api.usual", C, 0},
    {"blob.get", C, 0},
    {"stand.at", C | R, 0},
    {"at", C | R, 0},
    /* what a broker says itself, or nobody */
    {"session.cut", 0, 0},
    {"api.share", 0, 0},
    {"keys", 0, 0},
    {"grant", 0, 0},
    {"", 0, 0},
    {"session.open ", 0, 0},
    {"Session.open", 0, 0},
    {"session", 0, 0},
};

static bool takes(int kind, bool known, const char *type)
{
    const struct peer p = {.kind = (enum edge_kind)kind, .id = {{known ? 1 : 0}}};

    return dispatch_find(&p, type) != NULL;
}

static void TM_03_each_kind_of_peer_is_heard_with_its_own_messages_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int kind = 0; kind < 8; kind++) {
            if (takes(kind, true, rows[i].type) != ((rows[i].known >> kind & 1) != 0))
                fail_msg("%s from a known peer of kind %d", rows[i].type, kind);
            if (takes(kind, false, rows[i].type) != ((rows[i].stranger >> kind & 1) != 0))
                fail_msg("%s from a stranger of kind %d", rows[i].type, kind);
        }
}

static void an_enrolment_is_each_kind_s_own(void **state)
{
    const struct peer connector = {.kind = EDGE_CONNECTOR}, relay = {.kind = EDGE_RELAY};

    (void)state;
    check(dispatch_find(&connector, "enrol") == connector_enrol);
    check(dispatch_find(&relay, "enrol") == relay_enrol);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(TM_03_each_kind_of_peer_is_heard_with_its_own_messages_alone),
        cmocka_unit_test(an_enrolment_is_each_kind_s_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
