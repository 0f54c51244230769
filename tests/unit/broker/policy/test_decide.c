/* The decision table of ECOSYSTEM.md section 1.7: every row, in every order of policies and rules,
 * with the sentences that people see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/policy/explain.h"
#include "broker/policy/parse.h"
#include "broker/policy/tests.h"
#include "tests/unit/broker/policy/example.h"

#include <stdio.h>
#include <stdlib.h>

enum { SECOND = 1000, MIN = 60 * SECOND, HOUR = 60 * MIN };
static const sp_unix_ms NOW = 1795597200000; /* Wednesday 2026-11-25, 10:00 in Berlin */

static struct policy_doc *doc;

/* Facts that a row can change; everything else is "anna" of the table. */
struct person {
    struct facts f;
    struct fact_value agent_version[1], disk[2], lock[1], falcon[1];
    struct fact_signal signals[4];
    const char *groups[4];
};

static const struct label wiki_labels[] = {{"tier", "internal"}, {"env", "prod"}};
static const struct label payroll_labels[] = {{"env", "prod"}, {"data", "salary"}};

static struct net_address address(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct net_address){true, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
}

static struct fact_value reported(int64_t age, int64_t ttl)
{
    return (struct fact_value){.kind = VALUE_PASS_FAIL,
                               .pass = true,
                               .source = "agent",
                               .assurance = ASSURANCE_SIGNED,
                               .observed_at = NOW - age,
                               .expires_at = NOW - age + ttl};
}

static void set_groups(struct person *p, const char *a, const char *b, const char *c)
{
    p->groups[0] = a; /* sorted by the caller */
    p->groups[1] = b;
    p->groups[2] = c;
    p->f.group_count = (size_t)((a != NULL) + (b != NULL) + (c != NULL));
}

static void on_payroll(struct person *p)
{
    p->f.app = "payroll";
    p->f.labels = payroll_labels;
    p->f.label_count = 2;
}

static void on_wiki(struct person *p)
{
    p->f.app = "wiki";
    p->f.labels = wiki_labels;
    p->f.label_count = 2;
}

static void anna(struct person *p)
{
    memset(p, 0, sizeof *p);
    p->agent_version[0] = reported(2 * MIN, 15 * MIN);
    p->agent_version[0].kind = VALUE_TEXT;
    p->agent_version[0].text = "1.2";
    p->disk[0] = p->lock[0] = reported(2 * MIN, 15 * MIN);
    p->signals[0] = (struct fact_signal){"agent_version", p->agent_version, 1};
    p->signals[1] = (struct fact_signal){"disk_encryption", p->disk, 1};
    p->signals[2] = (struct fact_signal){"screen_lock", p->lock, 1};
    p->f = (struct facts){
        .now = NOW,
        .mfa_now = NOW,
        .user = "anna",
        .groups_known = true,
        .groups = p->groups,
        .proofs = {{.kind = MFA_OTP, .at = NOW - 5 * MIN}},
        .proof_count = 1,
        .device_known = true,
        .device_state = DEVICE_APPROVED,
        .device_owner = DEVICE_OWNER_USER,
        .device_key = DEVICE_KEY_SOFTWARE,
        .signals = p->signals,
        .signal_count = 3,
        .peer = address(198, 18, 10, 7),
        .risk = RISK_LOW,
        .app_exists = true,
    };
    set_groups(p, "corp/hr", "corp/staff", NULL);
    on_payroll(p);
}

static void vera(struct person *p, int64_t score_age)
{
    p->f.user = "vera";
    p->falcon[0] = (struct fact_value){.kind = VALUE_NUMBER,
                                       .number = 82,
                                       .source = "falcon",
                                       .assurance = ASSURANCE_VENDOR,
                                       .observed_at = NOW - score_age,
                                       .expires_at = NOW - score_age + 48 * HOUR};
    p->signals[3] = p->signals[2]; /* names stay sorted */
    p->signals[2] = (struct fact_signal){"falcon:overall", p->falcon, 1};
    p->f.signal_count = 4;
}

static void phr_proof(struct person *p)
{
    p->f.proofs[0] =
        (struct mfa_proof){.kind = MFA_PHISHING_RESISTANT, .at = NOW - MIN, .acr = "phr"};
}

static void row1(struct person *p)
{
    on_payroll(p);
}
static void row2(struct person *p)
{
    p->f.proofs[0].at = NOW - 25 * MIN;
}
static void row3(struct person *p)
{
    set_groups(p, "corp/contractors", "corp/hr", "corp/staff");
}
static void row4(struct person *p)
{
    set_groups(p, "corp/staff", NULL, NULL);
}
static void row4_nosuch(struct person *p)
{
    p->f.app = "nosuch";
    p->f.app_exists = false;
    p->f.label_count = 0;
}
static void row5(struct person *p)
{
    p->disk[1] = (struct fact_value){.kind = VALUE_PASS_FAIL,
                                     .pass = false,
                                     .source = "intune",
                                     .assurance = ASSURANCE_VENDOR,
                                     .observed_at = NOW - 4 * HOUR,
                                     .expires_at = NOW + 4 * HOUR};
    p->signals[1].count = 2;
}
static void row6_expired(struct person *p)
{
    p->disk[0] = reported(20 * MIN, 15 * MIN);
}
static void row6_never(struct person *p)
{
    p->f.signal_count = 2;
}
static void row7(struct person *p)
{
    int64_t later = 10 * HOUR; /* to 20:00; everything else keeps its age */
    p->f.now += later;
    p->f.mfa_now += later;
    p->f.proofs[0].at += later;
    for (size_t i = 0; i < p->f.signal_count; i++) {
        struct fact_value *v = (struct fact_value *)p->signals[i].values;
        v->observed_at += later;
        v->expires_at += later;
    }
}
static void row8(struct person *p)
{
    p->f.peer = address(203, 0, 113, 9);
}
static void row9(struct person *p)
{
    on_wiki(p);
    p->f.risk = RISK_NONE;
    p->f.proofs[0] = (struct mfa_proof){.kind = MFA_ANY, .at = NOW - 2 * HOUR};
}
static void row10(struct person *p)
{
    on_wiki(p);
    p->f.peer = address(198, 18, 66, 5);
}
static void row11_pending(struct person *p)
{
    on_wiki(p);
    p->f.device_state = DEVICE_PENDING;
}
static void row11_no_agent(struct person *p)
{
    on_wiki(p);
    p->f.device_known = false;
    p->f.signal_count = 0;
}
static void row12(struct person *p)
{
    vera(p, HOUR);
    set_groups(p, "corp/audit", NULL, NULL);
    p->f.proofs[0].at = NOW - MIN;
}
static void row13(struct person *p)
{
    vera(p, 25 * HOUR);
    set_groups(p, "corp/audit", NULL, NULL);
    phr_proof(p);
}
static void row14(struct person *p)
{
    on_wiki(p);
    p->f.groups_known = false;
    p->f.group_count = 0;
}
static void row15(struct person *p)
{
    vera(p, HOUR);
    set_groups(p, "corp/hr", NULL, NULL);
    phr_proof(p);
}
static void row_fixed_proof_of_future(struct person *p)
{
    p->f.proofs[0].at = NOW + 1;
}
static void row_risky(struct person *p)
{
    on_wiki(p);
    p->f.risk = RISK_HIGH;
}

static const struct row {
    const char *name;
    void (*change)(struct person *);
    const char *line;            /* explain_line() */
    const char *reason, *remedy; /* of the first pair; NULL: none */
    int exit_code;
    struct limits limits;
} rows[] = {
    {"1 all good",
     row1,
     "allow via payroll/hr",
     NULL,
     NULL,
     0,
     {1 * HOUR, 10 * MIN, 30 * MIN, MFA_OTP, 15 * MIN}},
    {"2 OTP proof 25 min old",
     row2,
     "step_up step_up payroll/hr",
     "payroll asks for a code not older than 15 minutes; yours is 25 minutes old.",
     "Enter the code of your authenticator.",
     6,
     {1 * HOUR, 10 * MIN, 30 * MIN, MFA_OTP, 15 * MIN}},
    {"3 contractor",
     row3,
     "deny deny_rule payroll/contractors",
     "Payroll is closed to contractors.",
     "Ask the app's owner; quote request R-7Q2M4K.",
     5,
     {0}},
    {"4 staff only",
     row4,
     "deny not_visible",
     "There is no app of this name for you.",
     "`sallyport apps` lists yours.",
     5,
     {0}},
    {"4 no such app",
     row4_nosuch,
     "deny not_visible",
     "There is no app of this name for you.",
     "`sallyport apps` lists yours.",
     5,
     {0}},
    {"5 vendor says fail",
     row5,
     "deny requirement payroll/require[0]",
     "Disk encryption: off, says the device management (4 h ago).",
     "Turn encryption on, then sync the device management.",
     7,
     {0}},
    {"6 expired",
     row6_expired,
     "deny requirement payroll/require[0]",
     "Disk encryption: unknown, last report 20 min ago.",
     "Is the agent running? `sallyport posture --send`",
     7,
     {0}},
    {"6 never reported",
     row6_never,
     "deny requirement payroll/require[0]",
     "Screen lock: unknown, never reported.",
     "Is the agent running? `sallyport posture --send`",
     7,
     {0}},
    {"7 closed at 20:00",
     row7,
     "deny no_allow payroll/hr",
     "Payroll is open Monday to Friday, 07:00–20:00 (Europe/Berlin).",
     "Try again tomorrow at 07:00, or `sallyport request payroll`.",
     5,
     {0}},
    {"8 elsewhere",
     row8,
     "deny no_allow payroll/hr",
     "Your network is not on the list and its country is unknown.",
     "Connect from the office network, or `sallyport request payroll`.",
     5,
     {0}},
    {"9 unknown risk and country deny nobody",
     row9,
     "allow via intranet/staff",
     NULL,
     NULL,
     0,
     {12 * HOUR, 30 * MIN, 0, MFA_NONE, 0}},
    {"10 guest network",
     row10,
     "deny deny_rule baseline/prod-from-guest-wifi",
     "Production apps are closed from this network.",
     "Use another network.",
     5,
     {0}},
    {"11 pending",
     row11_pending,
     "deny requirement baseline/require[0]",
     "This device is waiting for approval.",
     "An admin has been told; request R-7Q2M4K.",
     7,
     {0}},
    {"11 no agent",
     row11_no_agent,
     "deny requirement baseline/require[0]",
     "This app needs the Sallyport agent.",
     "Install the agent.",
     7,
     {0}},
    {"12 OTP where phr is asked",
     row12,
     "step_up step_up payroll/auditor",
     "payroll asks for a phishing-resistant sign-in.",
     "Sign in again with your security key.",
     6,
     {30 * MIN, 30 * MIN, 0, MFA_NONE, 0}},
    {"13 score too old",
     row13,
     "deny no_allow payroll/auditor",
     "CrowdStrike score: unknown, last value 25 h ago.",
     "Check that the sensor runs; then `sallyport why payroll`.",
     7,
     {0}},
    {"14 groups unreadable",
     row14,
     "deny groups_unknown",
     "Your groups could not be read from your sign-in provider.",
     "Try again in a minute; request R-7Q2M4K.",
     5,
     {0}},
    {"15 two rules allow",
     row15,
     "allow via payroll/hr and payroll/auditor",
     NULL,
     NULL,
     0,
     {30 * MIN, 10 * MIN, 30 * MIN, MFA_OTP, 15 * MIN}},
    {"a proof from the future proves nothing",
     row_fixed_proof_of_future,
     "step_up step_up payroll/hr",
     "payroll asks for a code not older than 15 minutes; you have given none.",
     "Enter the code of your authenticator.",
     6,
     {1 * HOUR, 10 * MIN, 30 * MIN, MFA_OTP, 15 * MIN}},
    {"high risk",
     row_risky,
     "deny deny_rule baseline/risky",
     "Your account shows unusual activity. Call the service desk.",
     "Ask the app's owner; quote request R-7Q2M4K.",
     5,
     {0}},
};

static void same_limits(const char *name, struct limits got, struct limits want)
{
    if (got.session_max_ms != want.session_max_ms || got.idle_ms != want.idle_ms ||
        got.reverify_ms != want.reverify_ms || got.step_up != want.step_up ||
        got.step_up_every_ms != want.step_up_every_ms)
        fail_msg("%s: limits %lld %lld %lld %d %lld", name, (long long)got.session_max_ms,
                 (long long)got.idle_ms, (long long)got.reverify_ms, (int)got.step_up,
                 (long long)got.step_up_every_ms);
}

static void check_row(const struct row *r, const struct policy_doc *d)
{
    struct person p;
    struct sentences said;
    struct buf line;

    anna(&p);
    r->change(&p);
    struct decision got = decide(d, NULL, &p.f);
    explain_sentences(d, &p.f, &got, "R-7Q2M4K", &said);
    buf_init(&line, 4096);
    explain_line(d, &p.f, &got, &line);
    if (strcmp(buf_cstr(&line), r->line) != 0 && got.verdict != VERDICT_ALLOW)
        fail_msg("%s: %s", r->name, buf_cstr(&line));
    bool has = false; /* with shuffled rules the same pairs stand in another order */
    for (size_t i = 0; i < said.count; i++)
        has = has || (r->reason != NULL && strcmp(said.at[i].reason, r->reason) == 0 &&
                      strcmp(said.at[i].remedy, r->remedy) == 0);
    if (has != (r->reason != NULL) || (said.count > 0) != (r->reason != NULL))
        fail_msg("%s: %zu sentences, first: %s / %s", r->name, said.count, said.at[0].reason,
                 said.at[0].remedy);
    same_limits(r->name, got.limits, r->limits);
    assert_int_equal(explain_exit_code(&got), r->exit_code);
    assert_int_equal(got.deadline,
                     got.verdict == VERDICT_ALLOW ? p.f.now + r->limits.session_max_ms : 0);
    buf_deinit(&line);
}

static void HRD_22_the_fifteen_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct person p;
        struct buf line;

        check_row(&rows[i], doc);
        anna(&p);
        rows[i].change(&p);
        struct decision d = decide(doc, NULL, &p.f);
        buf_init(&line, 4096);
        explain_line(doc, &p.f, &d, &line);
        assert_string_equal(buf_cstr(&line), rows[i].line);
        buf_deinit(&line);
    }
}

/* All orders of the three policies, with the rules of each as they stand and reversed. */
static void HRD_22_order_never_matters(void **state)
{
    (void)state;
    static const int order[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                   {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    for (size_t o = 0; o < 12; o++) {
        struct policy shuffled[3];
        struct rule turned[3][2][8];
        for (size_t i = 0; i < 3; i++) {
            struct policy *p = &shuffled[i];
            *p = doc->policies[order[o % 6][i]];
            for (size_t k = 0; k < p->deny_count; k++)
                turned[i][0][k] = p->deny[p->deny_count - 1 - k];
            for (size_t k = 0; k < p->allow_count; k++)
                turned[i][1][k] = p->allow[p->allow_count - 1 - k];
            if (o >= 6) {
                p->deny = turned[i][0];
                p->allow = turned[i][1];
            }
        }
        struct policy_doc d = *doc;
        d.policies = shuffled;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            check_row(&rows[i], &d);
    }
}

static void HRD_8_a_zeroed_question_is_denied(void **state)
{
    (void)state;
    struct facts nothing = {0};
    struct decision d = decide(doc, NULL, &nothing);

    assert_int_equal(d.verdict, VERDICT_DENY);
    assert_int_equal(((struct decision){0}).verdict, VERDICT_DENY);
    struct policy_doc empty = {0};
    struct person p;
    anna(&p);
    d = decide(&empty, NULL, &p.f);
    assert_int_equal(d.verdict, VERDICT_DENY);
    assert_int_equal(d.reason, REASON_NOT_VISIBLE);
}

/* Posture expires 13 min from now (2 min old of 15), before the window closes at 20:00. */
static void the_next_look_is_at_the_first_change_of_time(void **state)
{
    (void)state;
    struct person p;

    anna(&p);
    assert_int_equal(decide_again_at(doc, &p.f), NOW + 13 * MIN);
    for (size_t i = 0; i < 3; i++)
        ((struct fact_value *)p.signals[i].values)->expires_at = NOW + 100 * HOUR;
    assert_int_equal(decide_again_at(doc, &p.f), NOW + 58 * MIN + 1); /* max_age 1h of the disk */
    p.f.signal_count = 0;
    assert_int_equal(decide_again_at(doc, &p.f), NOW + 10 * HOUR); /* 20:00 */
}

static void an_app_can_only_narrow(void **state)
{
    (void)state;
    struct person p;
    struct limits app = {.session_max_ms = 5 * MIN, .idle_ms = 99 * HOUR};

    anna(&p);
    struct decision d = decide(doc, &app, &p.f);
    assert_int_equal(d.limits.session_max_ms, 5 * MIN);
    assert_int_equal(d.limits.idle_ms, 10 * MIN);
}

/* An approved request is an allow rule for its person, app and time; it beats nothing. */
static void a_request_adds_an_allow_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*change)(struct person *p);
        enum verdict without, with;
    } cases[] = {
        {"closed at this time", row7, VERDICT_DENY, VERDICT_ALLOW},
        {"closed from this network", row8, VERDICT_DENY, VERDICT_ALLOW},
        {"an app of other groups", row4, VERDICT_DENY, VERDICT_ALLOW},
        {"a deny rule", row3, VERDICT_DENY, VERDICT_DENY},
        {"a failing requirement", row5, VERDICT_DENY, VERDICT_DENY},
        {"an unknown requirement", row6_never, VERDICT_DENY, VERDICT_DENY},
        {"a device that waits", row11_pending, VERDICT_DENY, VERDICT_DENY},
        {"unreadable groups", row14, VERDICT_DENY, VERDICT_DENY},
        {"an app that is not there", row4_nosuch, VERDICT_DENY, VERDICT_DENY},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct person p;
        anna(&p);
        on_payroll(&p);
        cases[i].change(&p);
        assert_int_equal(decide(doc, NULL, &p.f).verdict, cases[i].without);
        p.f.access_until = p.f.now; /* over */
        p.f.access_ref = "R-1";
        assert_int_equal(decide(doc, NULL, &p.f).verdict, cases[i].without);
        p.f.access_until = p.f.now + 5 * MIN;
        struct decision d = decide(doc, NULL, &p.f);
        if (d.verdict != cases[i].with)
            fail_msg("%s: %s", cases[i].name, reason_word(d.reason));
        if (d.verdict == VERDICT_ALLOW) {
            assert_true(d.by_access && d.rule == NULL);
            assert_int_equal(d.deadline, p.f.now + 5 * MIN);
            assert_int_equal(decide_again_at(doc, &p.f), p.f.now + 5 * MIN);
        }
    }
}

/* Beside a rule that allows, its end is nobody's deadline. */
static void a_request_beside_a_rule_that_allows_ends_nothing(void **state)
{
    (void)state;
    struct person p;
    struct buf line;

    anna(&p);
    on_payroll(&p);
    p.f.access_until = NOW + 5 * MIN;
    p.f.access_ref = "R-1";
    struct decision d = decide(doc, NULL, &p.f);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    assert_false(d.by_access);
    assert_int_equal(d.deadline, NOW + HOUR);
    buf_init(&line, 256);
    explain_line(doc, &p.f, &d, &line);
    assert_string_equal(buf_cstr(&line), "allow via payroll/hr and request R-1");
    buf_deinit(&line);
}

static void a_proof_for_each_session(void **state)
{
    (void)state;
    struct person p;
    struct limits app = {.step_up = MFA_OTP, .step_up_every_ms = 0};

    anna(&p);
    struct decision d = decide(doc, &app, &p.f);
    assert_int_equal(d.verdict, VERDICT_STEP_UP);
    p.f.proof_is_for_session = true;
    d = decide(doc, &app, &p.f);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    p.f.proofs[0].kind = MFA_ANY; /* too weak for the limit, whatever session it is for */
    d = decide(doc, &app, &p.f);
    assert_int_equal(d.verdict, VERDICT_STEP_UP);
}

/* Documents of one policy each, and what anna gets from them: every check of decide() takes part in
 * one of these (tests/mutants). */
static void HRD_20_each_check_of_a_decision_counts(void **state)
{
    static const struct {
        const char *name, *policy; /* behind `name` and `apps` */
        enum verdict enforced, shadowed;
        enum reason reason;
    } cases[] = {
        {"a deny rule over what nobody knows",
         "    deny: [{name: d, when: {score: {feed: falcon, field: overall, at_least: 70, max_age: "
         "1h}}, or_unknown: true}]\n"
         "    allow: [{name: a, when: {users: [anna]}}]\n",
         VERDICT_DENY, VERDICT_DENY, REASON_DENY_RULE},
        {"the same without or_unknown",
         "    deny: [{name: d, when: {score: {feed: falcon, field: overall, at_least: 70, max_age: "
         "1h}}}]\n"
         "    allow: [{name: a, when: {users: [anna]}}]\n",
         VERDICT_ALLOW, VERDICT_ALLOW, REASON_NONE},
        {"a required proof that is too old",
         "    require: [{mfa: {max_age: 1m}}]\n    allow: [{name: a, when: {users: [anna]}}]\n",
         VERDICT_STEP_UP, VERDICT_STEP_UP, REASON_STEP_UP},
        {"a proof, or what nobody knows",
         "    allow: [{name: a, when: {any: [{mfa: {max_age: 1m}}, {score: {feed: falcon, field: "
         "overall, at_least: 70, max_age: 1h}}]}}]\n",
         VERDICT_STEP_UP, VERDICT_STEP_UP, REASON_STEP_UP},
        {"a policy that only watches",
         "    mode: shadow\n    allow: [{name: a, when: {users: [anna]}}]\n", VERDICT_DENY,
         VERDICT_ALLOW, REASON_NOT_VISIBLE},
        {"a policy that is off", "    mode: off\n    allow: [{name: a, when: {users: [anna]}}]\n",
         VERDICT_DENY, VERDICT_DENY, REASON_NOT_VISIBLE},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy_doc *one = NULL;
        struct sp_why why = {0};
        struct person p;
        char text[1024];

        snprintf(text, sizeof text,
                 "version: 1\npolicies:\n  - name: p\n    apps: {names: [payroll]}\n%s",
                 cases[i].policy);
        if (policy_parse(view_str(text), NULL, &why, &one) != SP_OK)
            fail_msg("%s: line %u: %s", cases[i].name, why.line, why.text);
        anna(&p);
        struct decision d = decide(one, NULL, &p.f);
        if (d.verdict != cases[i].enforced || d.reason != cases[i].reason)
            fail_msg("%s: %s", cases[i].name, reason_word(d.reason));
        assert_int_equal(decide_with_shadow(one, NULL, &p.f).verdict, cases[i].shadowed);
        policy_doc_free(one);
    }
}

/* Where nobody says anything the defaults count; where two say something, the stricter. */
static void HRD_20_limits_are_never_absent_and_never_widened(void **state)
{
    static const char plain[] = "version: 1\npolicies:\n  - name: p\n    apps: {names: [payroll]}\n"
                                "    allow: [{name: a, when: {users: [anna]}}]\n";
    static const char limited[] = "version: 1\nlimits: {session_max: 1h, idle: 5m}\npolicies:\n"
                                  "  - name: p\n    apps: {names: [payroll]}\n"
                                  "    allow: [{name: a, when: {users: [anna]}}]\n";
    const struct limits wide = {.session_max_ms = 9 * HOUR, .idle_ms = 3 * HOUR};
    struct policy_doc *one = NULL;
    struct person p;
    (void)state;

    anna(&p);
    assert_int_equal(policy_parse(view_str(plain), NULL, NULL, &one), SP_OK);
    struct decision d = decide(one, NULL, &p.f);
    assert_int_equal(d.verdict, VERDICT_ALLOW);
    assert_int_equal(d.limits.session_max_ms, DEFAULT_SESSION_MAX_MS);
    assert_int_equal(d.limits.idle_ms, DEFAULT_IDLE_MS);
    assert_int_equal(d.deadline, p.f.now + DEFAULT_SESSION_MAX_MS);
    const struct limits each = {.step_up = MFA_OTP};
    p.f.proof_is_for_session = true;
    assert_int_equal(decide(one, &each, &p.f).verdict, VERDICT_ALLOW);
    p.f.proofs[0].at = 0; /* no proof at all, whatever it is said to be for */
    assert_int_equal(decide(one, &each, &p.f).verdict, VERDICT_STEP_UP);
    policy_doc_free(one);

    assert_int_equal(policy_parse(view_str(limited), NULL, NULL, &one), SP_OK);
    d = decide(one, &wide, &p.f);
    assert_int_equal(d.limits.session_max_ms, HOUR);
    assert_int_equal(d.limits.idle_ms, 5 * MIN);
    policy_doc_free(one);
}

/* The trace is JSON, and its facts are enough to decide again (ZT-7). */
static void ZT_7_the_trace_holds_the_decision(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int form = TRACE_RECORD; form <= TRACE_PEOPLE; form++) {
            struct person p;
            anna(&p);
            rows[i].change(&p);
            struct decision d = decide(doc, NULL, &p.f);
            struct json *t = explain_trace(doc, &p.f, &d, (enum trace_form)form);
            assert_non_null(t);
            struct view decided = {0};
            assert_int_equal(json_get_str(t, "decided", 4096, &decided), SP_OK);
            assert_int_equal(decided.len, strlen(rows[i].line));
            assert_memory_equal(decided.at, rows[i].line, decided.len);
            assert_non_null(json_get(t, "facts"));
            assert_int_equal(json_kind(json_get(t, "allow")), JSON_ARRAY);
            json_free(t);
        }
}

/* What was written down is enough to take the decision again: replay rests on it. */
static void ZT_7_a_decision_taken_again_from_its_record_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct person p;
        struct facts *f = NULL;
        anna(&p);
        rows[i].change(&p);
        p.f.access_until = i % 2 == 0 ? 0 : p.f.now + MIN;
        p.f.access_ref = "R-1";
        struct decision then = decide(doc, NULL, &p.f);
        struct json *t = explain_trace(doc, &p.f, &then, TRACE_RECORD);
        assert_int_equal(facts_from_trace(t, &f), SP_OK);
        f->app_exists = p.f.app_exists; /* the record's own app says it */
        struct decision again = decide(doc, NULL, f);
        if (again.verdict != then.verdict || again.reason != then.reason ||
            again.policy != then.policy || again.rule != then.rule ||
            again.lacking != then.lacking || again.deadline != then.deadline)
            fail_msg("%s: %s, then %s", rows[i].name, reason_word(again.reason),
                     reason_word(then.reason));
        same_limits(rows[i].name, again.limits, then.limits);
        facts_free(f);
        json_free(t);
    }
}

static void a_record_without_facts_is_no_decision(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}", "{\"facts\":{}}", "{\"facts\":{\"app\":\"x\"}}",
                                        "{\"facts\":7}",
                                        ("{\"facts\":{\"app\":\"x\",\"now\":1,\"mfa_now\":1,"
                                         "\"posture\":[{\"signal\":7}]}}")};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct json *t = NULL;
        struct facts *f = NULL;
        assert_int_equal(json_parse(view_str(texts[i]), 4096, NULL, &t), SP_OK);
        assert_int_equal(facts_from_trace(t, &f), SP_ERR_MALFORMED);
        json_free(t);
    }
}

static void TM_05_no_reason_for_what_is_not_visible(void **state)
{
    (void)state;
    struct person p;
    struct sentences a, b;

    anna(&p);
    row4(&p);
    p.f.device_state = DEVICE_BLOCKED;
    struct decision d = decide(doc, NULL, &p.f);
    explain_sentences(doc, &p.f, &d, "R-1", &a);
    row4_nosuch(&p);
    d = decide(doc, NULL, &p.f);
    explain_sentences(doc, &p.f, &d, "R-1", &b);
    assert_memory_equal(&a, &b, sizeof a);
}

static int set_up(void **state)
{
    (void)state;
    struct sp_why why = {0};
    sp_error e = policy_parse(view_str(example_text), NULL, &why, &doc);
    if (e != SP_OK)
        print_error("%s: line %u %s: %s\n", sp_error_code(e), why.line, why.field, why.text);
    return e == SP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    policy_doc_free(doc);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(HRD_22_the_fifteen_rows),
        cmocka_unit_test(HRD_22_order_never_matters),
        cmocka_unit_test(HRD_8_a_zeroed_question_is_denied),
        cmocka_unit_test(a_request_adds_an_allow_and_nothing_else),
        cmocka_unit_test(a_request_beside_a_rule_that_allows_ends_nothing),
        cmocka_unit_test(ZT_7_a_decision_taken_again_from_its_record_is_the_same),
        cmocka_unit_test(a_record_without_facts_is_no_decision),
        cmocka_unit_test(the_next_look_is_at_the_first_change_of_time),
        cmocka_unit_test(an_app_can_only_narrow),
        cmocka_unit_test(a_proof_for_each_session),
        cmocka_unit_test(ZT_7_the_trace_holds_the_decision),
        cmocka_unit_test(HRD_20_each_check_of_a_decision_counts),
        cmocka_unit_test(HRD_20_limits_are_never_absent_and_never_widened),
        cmocka_unit_test(TM_05_no_reason_for_what_is_not_visible),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
