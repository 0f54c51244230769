#ifndef SP_POLICY_POLICY_H
#define SP_POLICY_POLICY_H

/*
 * policy: a policy document in its compiled form, and the facts that it is asked about.
 *
 * Form      ECOSYSTEM.md section 1; the text is YAML, read by lib/config/tree.
 * Made by   policy_parse() (parse.h), which refuses all that it does not understand.
 * Read by   decide() (decide.h), explain() (explain.h), policy_lint() (lint.h).
 * Not here  where facts come from: broker/session/gather.c and broker/posture/judge.c.
 *
 * A document never changes once parsed and may be read by any number of threads. Everything it
 * points to is owned by it and lives until policy_doc_free(). Zero is the safe value of every
 * type: an unknown fact, a denial, a policy that is off.
 */

#include "lib/base/clock.h"
#include "lib/base/view.h"

/* Kleene's logic: AND is the least member, OR the greatest, NOT the negative. */
enum tri { TRI_NO = -1, TRI_UNKNOWN = 0, TRI_YES = 1 };

enum { POLICY_NAME_MAX = 128, POLICY_TEXT_MAX = 512, POLICY_DOC_BYTES_MAX = 1 << 20 };

/* ---- facts: everything that a decision may depend on, frozen, once per decision ---- */

enum mfa_kind { MFA_NONE = 0, MFA_ANY, MFA_OTP, MFA_PHISHING_RESISTANT }; /* weakest first */
enum assurance {
    ASSURANCE_NONE = 0,
    ASSURANCE_SELF,
    ASSURANCE_SIGNED,
    ASSURANCE_ATTESTED,
    ASSURANCE_VENDOR
};
enum device_state {
    DEVICE_STATE_NONE = 0,
    DEVICE_PENDING,
    DEVICE_APPROVED,
    DEVICE_BLOCKED,
    DEVICE_LOST
};
enum device_owner {
    DEVICE_OWNER_NONE = 0,
    DEVICE_OWNER_USER,
    DEVICE_OWNER_OTHER,
    DEVICE_OWNER_ORGANISATION
};
enum device_key { DEVICE_KEY_NONE = 0, DEVICE_KEY_SOFTWARE, DEVICE_KEY_HARDWARE };
enum risk_level { RISK_NONE = 0, RISK_LOW, RISK_MEDIUM, RISK_HIGH };

/* One proof of a second factor. Several may be known: the newest of each source. */
struct mfa_proof {
    enum mfa_kind kind;
    sp_unix_ms at;          /* 0: no proof, which is false, never unknown */
    const char *acr;        /* NULL: none */
    const char *const *amr; /* `amr_count` texts */
    size_t amr_count;
};
enum { MFA_PROOFS_MAX = 4 };

/* What one source last said of one signal. Past expires_at it counts for nothing; it is kept so
 * that the explanation can say how long ago it was. */
enum value_kind { VALUE_NONE = 0, VALUE_PASS_FAIL, VALUE_NUMBER, VALUE_TEXT };
struct fact_value {
    enum value_kind kind;
    bool pass;          /* VALUE_PASS_FAIL */
    double number;      /* VALUE_NUMBER; finite */
    const char *text;   /* VALUE_TEXT: a version or a word; borrowed like all texts of facts */
    const char *source; /* "agent", "intune", "admin"; never NULL where kind is not NONE */
    const char *detail; /* the source's own words: "virtual disk vda"; NULL or "": none. A source
                           that looked and could not tell has VALUE_NONE, and says why here */
    enum assurance assurance;
    sp_unix_ms observed_at, expires_at;
};
struct fact_signal {
    const char *name; /* "disk_encryption"; a feed's field as "falcon:overall" */
    const struct fact_value *values;
    size_t count;
};

struct label {
    const char *key, *value;
};

/* IPv4 is mapped into IPv6 (::ffff:a.b.c.d). */
struct net_address {
    bool known;
    uint8_t bytes[16];
};

/*
 * Borrowed by decide() for the call. Groups and signals are sorted by strcmp of their names,
 * without duplicates (facts_sort() of facts.h does it): a fact that is not found is unknown.
 */
struct facts {
    sp_unix_ms now;
    bool clock_alarm;   /* FLT-09: time conditions are unknown */
    sp_unix_ms mfa_now; /* when the age of proofs is measured: now at open and at a reverify */
    const char *user;   /* registry name of (iss, sub); NULL: nobody */
    bool groups_known;  /* false: they could not be read, which denies */
    const char *groups_detail; /* why not, for people; NULL: no more is known */
    const char *const *groups; /* "idp/group" */
    size_t group_count;
    struct mfa_proof proofs[MFA_PROOFS_MAX];
    size_t proof_count;
    bool proof_is_for_session; /* a proof was given for this very session (step_up every: 0s) */
    bool device_known;         /* false: no agent */
    enum device_state device_state;
    enum device_owner device_owner;
    enum device_key device_key;
    const struct fact_signal *signals;
    size_t signal_count;
    struct net_address peer;
    const char *country;  /* two capital letters; NULL: unknown */
    enum risk_level risk; /* RISK_NONE: no source, unknown */
    bool app_exists;
    const char *app; /* name as asked for; NULL: none */
    const struct label *labels;
    size_t label_count;
    /* An approved request for this user and this app ends then: until then it is an allow rule
     * without conditions and limits (ECOSYSTEM.md section 1.5). 0: there is none. */
    sp_unix_ms access_until;
    const char *access_ref; /* the id that it was asked under, "R-7Q2M4K"; NULL: none */
};

/* ---- the document ---- */

/* A limit of 0 is not set; the strictest one wins. */
struct limits {
    int64_t session_max_ms, idle_ms, reverify_ms;
    enum mfa_kind step_up;    /* MFA_NONE: not asked */
    int64_t step_up_every_ms; /* 0 with step_up set: one proof for each new session */
};

enum condition_kind {
    COND_NONE = 0,
    COND_GROUPS,
    COND_USERS,
    COND_MFA,
    COND_DEVICE,
    COND_POSTURE,
    COND_SCORE,
    COND_NETWORK,
    COND_COUNTRY,
    COND_TIME,
    COND_APP,
    COND_RISK,
    COND_ANY, /* OR of ANDs */
    COND_NOT, /* the negation of an AND */
    COND_KINDS
};

struct text_list {
    const char *const *at;
    size_t count;
};

struct cidr {
    uint8_t bytes[16];
    unsigned bits; /* 0 to 128; an IPv4 prefix is 96 longer */
};

enum test_op { TEST_IS = 0, TEST_EQUALS, TEST_ONE_OF, TEST_AT_LEAST, TEST_AT_MOST };
struct test_value {
    enum value_kind kind; /* VALUE_NUMBER carries the text of the number too */
    bool pass;
    double number;
    const char *text;
};
struct signal_test {
    const char *signal;
    enum test_op op;
    const struct test_value *values; /* one, or several with TEST_ONE_OF */
    size_t count;
    int64_t max_age_ms; /* 0: any age */
    enum assurance assurance;
    unsigned line;
};

struct zone;              /* zone.h */
enum { ALL_DAYS = 0x7f }; /* bit 0 is Monday */
struct time_window {
    bool has_window;      /* days, from, to and zone are meant */
    uint8_t days;         /* of the day on which the window starts */
    int from_min, to_min; /* minutes of the day; to < from spans midnight; 0..1440 */
    const struct zone *zone;
    sp_unix_ms until; /* 0: not set; excluded */
};

struct condition;
/* All must hold. An empty list holds. */
struct condition_list {
    const struct condition *at;
    size_t count;
};

struct condition {
    enum condition_kind kind;
    unsigned line; /* in the document's text */
    union {
        struct text_list texts; /* COND_GROUPS, COND_USERS: any of */
        struct {
            int64_t max_age_ms;        /* 0: any age */
            enum mfa_kind kind;        /* at least MFA_ANY */
            struct text_list amr, acr; /* empty: not asked */
        } mfa;
        struct {
            unsigned states, owners, keys; /* bit sets of the enums; 0: not asked */
        } device;
        struct {
            const struct signal_test *at; /* all must hold */
            size_t count;
        } posture;
        struct signal_test score; /* signal = "feed:field" */
        struct {
            const struct cidr *in, *not_in;
            size_t in_count, not_in_count;
        } network;
        struct {
            struct text_list in, not_in;
        } country;
        struct time_window time;
        struct {
            const struct label *labels; /* all must be on the app */
            size_t count;
        } app;
        struct {
            enum risk_level at_least, at_most; /* RISK_NONE: not asked */
        } risk;
        struct {
            const struct condition_list *at; /* any of */
            size_t count;
        } any;
        struct condition_list not ;
    } is;
};

enum effect { EFFECT_DENY = 0, EFFECT_REQUIRE, EFFECT_ALLOW };

struct rule {
    const char *name; /* of a requirement: "require[0]" */
    enum effect effect;
    unsigned line;
    struct condition_list when;
    bool or_unknown;      /* deny rules */
    const char *message;  /* deny rules; NULL: none */
    struct limits limits; /* allow rules */
};

enum policy_mode { POLICY_OFF = 0, POLICY_SHADOW, POLICY_ENFORCE };

struct policy {
    const char *name;
    unsigned line;
    enum policy_mode mode;
    bool all_apps;
    struct text_list app_names;
    const struct label *app_labels; /* all must be on the app; add up with the names */
    size_t app_label_count;
    bool mentions_groups;
    struct limits limits;
    const struct rule *deny, *require, *allow;
    size_t deny_count, require_count, allow_count;
};

struct policy_test; /* tests.h */

struct policy_doc {
    struct limits limits;
    const struct policy *policies;
    size_t count;
    const struct policy_test *tests;
    size_t test_count;
    uint64_t version;    /* set by whoever stores the document; part of every decision */
    struct arena *arena; /* owned: all of the above */
};

/* NULL is fine. */
void policy_doc_free(struct policy_doc *doc);

/* Whether `policy` covers the app of `facts`. An app that does not exist is covered by all_apps. */
bool policy_covers(const struct policy *policy, const struct facts *facts);

const char *tri_word(enum tri t);                  /* "false", "unknown", "true" */
const char *condition_word(enum condition_kind k); /* "groups", "mfa", … */
const char *effect_word(enum effect e);            /* "deny", "require", "allow" */
const char *mfa_word(enum mfa_kind k);             /* "none", "any", "otp", "phishing_resistant" */
const char *assurance_word(enum assurance a);      /* "none", "self", "signed", … */
const char *device_state_word(enum device_state s);
const char *device_owner_word(enum device_owner o);
const char *device_key_word(enum device_key k);
const char *risk_word(enum risk_level r);

#endif
