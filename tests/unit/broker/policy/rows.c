#include "tests/unit/broker/policy/rows.h"

#include "broker/policy/parse.h"
#include "tests/unit/broker/policy/example.h"

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

void on_payroll(struct person *p)
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

void anna(struct person *p)
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
void row3_contractor(struct person *p)
{
    set_groups(p, "corp/contractors", "corp/hr", "corp/staff");
}
void row4_staff_only(struct person *p)
{
    set_groups(p, "corp/staff", NULL, NULL);
}
void row4_no_such_app(struct person *p)
{
    p->f.app = "nosuch";
    p->f.app_exists = false;
    p->f.label_count = 0;
}
void row5_vendor_says_fail(struct person *p)
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
void row6_never_reported(struct person *p)
{
    p->f.signal_count = 2;
}
void row7_closed(struct person *p)
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
void row8_elsewhere(struct person *p)
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
void row11_pending(struct person *p)
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
void row14_groups_unreadable(struct person *p)
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

const struct row rows[ROWS] = {
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
     row3_contractor,
     "deny deny_rule payroll/contractors",
     "Payroll is closed to contractors.",
     "Ask the app's owner; quote request R-7Q2M4K.",
     5,
     {0}},
    {"4 staff only",
     row4_staff_only,
     "deny not_visible",
     "There is no app of this name for you.",
     "`sallyport apps` lists yours.",
     5,
     {0}},
    {"4 no such app",
     row4_no_such_app,
     "deny not_visible",
     "There is no app of this name for you.",
     "`sallyport apps` lists yours.",
     5,
     {0}},
    {"5 vendor says fail",
     row5_vendor_says_fail,
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
     row6_never_reported,
     "deny requirement payroll/require[0]",
     "Screen lock: unknown, never reported.",
     "Is the agent running? `sallyport posture --send`",
     7,
     {0}},
    {"7 closed at 20:00",
     row7_closed,
     "deny no_allow payroll/hr",
     "Payroll is open Monday to Friday, 07:00–20:00 (Europe/Berlin).",
     "Try again tomorrow at 07:00, or `sallyport request payroll`.",
     5,
     {0}},
    {"8 elsewhere",
     row8_elsewhere,
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
     row14_groups_unreadable,
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

void same_limits(const char *name, struct limits got, struct limits want)
{
    if (got.session_max_ms != want.session_max_ms || got.idle_ms != want.idle_ms ||
        got.reverify_ms != want.reverify_ms || got.step_up != want.step_up ||
        got.step_up_every_ms != want.step_up_every_ms)
        fail_msg("%s: limits %lld %lld %lld %d %lld", name, (long long)got.session_max_ms,
                 (long long)got.idle_ms, (long long)got.reverify_ms, (int)got.step_up,
                 (long long)got.step_up_every_ms);
}

int document_set_up(void **state)
{
    struct policy_doc *doc = NULL;
    struct sp_why why = {0};
    sp_error e = policy_parse(view_str(example_text), NULL, &why, &doc);

    *state = doc;
    if (e != SP_OK)
        print_error("%s: line %u %s: %s\n", sp_error_code(e), why.line, why.field, why.text);
    return e == SP_OK ? 0 : -1;
}

int document_tear_down(void **state)
{
    policy_doc_free(*state);
    return 0;
}
