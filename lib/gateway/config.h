#ifndef SP_GATEWAY_CONFIG_H
#define SP_GATEWAY_CONFIG_H

/*
 * config: the `gateway` part of an http app: what a connector checks of each request.
 *
 * Written by  admins, as YAML or JSON (which is YAML), in the app's record; the broker parses it
 *             with this same function before it signs it, so that nobody signs what no connector
 *             understands.
 * Read by     connector/gateway (in force), broker/registry (check), `sallyport-admin gateway
 *             check` (offline).
 * Every `mode` is off, monitor or block; a switch is on or off. Files are names inside the
 * connector's gateway folder: no '/', no leading '.'. Unknown keys are errors with line and column.
 * A zeroed struct lets nothing through: no method, no size, no time.
 * docs/gateway.md is the manual of every key. Pure. Any thread. Fuzzed by
 * tests/fuzz/fuzz_gwconf.c.
 */

#include "lib/config/load.h"
#include "lib/gateway/match.h"

enum {
    GWCONF_MAX = 20 * 1024, /* text; the whole record fits APPREC_MAX */
    GWCONF_RULES_MAX = 64,  /* of each list */
    GWCONF_NAME_MAX = 64,
    GWCONF_FILE_MAX = 128,
    GWCONF_ISSUERS_MAX = 8,
    GWCONF_TOKEN_SKEW_MS = 30 * 1000
};

enum gw_mode { GW_OFF = 0, GW_MONITOR, GW_BLOCK };
enum gw_switch { GW_SWITCH_OFF = 0, GW_SWITCH_ON };

/* `frontend`: what the user's program speaks. */
enum gw_frontend { GW_FRONTEND_PLAIN = 0, GW_FRONTEND_TLS };

/* Strings are NUL-terminated and NULL when absent; lists are as in lib/config/load.h. int fields
 * hold the enum that stands beside them. */

/* upstream: how the connector speaks to the application at the record's hosts and ports. */
struct gwconf_upstream {
    char *url; /* "https://payments.internal:8443"; NULL: plain http to the record's target */
    bool https;
    bool http2;                          /* it speaks HTTP/2: by ALPN, or known in the clear */
    char *server_name;                   /* name in the certificate; NULL: the host of url */
    char *ca, *client_cert, *client_key; /* files; client_cert and client_key only together */
    char *pin;                   /* "sha256/BASE64": SPKI of the leaf, instead of or beside ca */
    char *host;                  /* Host field of requests; NULL: what the client sent */
    int64_t connect_ms, idle_ms; /* connection attempt; pooled connection without use */
    int64_t connections;         /* of one user at most */
};

/* identity: GATEWAY section 5. */
enum gw_signature { GW_SIGNATURE_NONE = 0, GW_SIGNATURE_RFC9421 };
/* BEARER: a DPoP token goes to the application as a bearer token, without its proof. */
enum gw_forward { GW_FORWARD_UNCHANGED = 0, GW_FORWARD_BEARER };
struct gwconf_identity {
    bool headers, assertion;
    char *audience; /* `aud` of the assertion; present when assertion is true */
    int signature;  /* enum gw_signature */
    int forward;    /* enum gw_forward */
};

/* oauth: GATEWAY section 7. Keys and introspection only from hosts that the floor lists. */
struct gwconf_issuer {
    char *iss;                 /* byte for byte */
    char *jwks_uri;            /* https (http to loopback); or */
    char *jwks_file;           /* a key set on the connector; one of both, never both */
    struct config_strings aud; /* at least one; one of them must be in the token */
    unsigned algs;             /* jwt_alg bits; never 0 */
};
struct gwconf_introspection {
    char *url; /* NULL: none; JWT only */
    char *client_id, *secret_file;
    char *iss;                 /* that answers must name, when they name any; NULL: any */
    struct config_strings aud; /* that answers must name; empty: not compared */
    int64_t cache_ms;          /* positive answers, at most 60 s and never past `exp` */
};
enum gw_bind { GW_BIND_SUBJECT = 1, GW_BIND_MTLS = 2, GW_BIND_DPOP = 4 };
enum gw_scopes { GW_SCOPES_NONE = 0, GW_SCOPES_FROM_OPENAPI, GW_SCOPES_EXPLICIT };
struct gwconf_oauth {
    bool require;
    struct config_blocks issuers; /* gwconf_issuer_at */
    struct gwconf_introspection introspection;
    unsigned bind;   /* gw_bind bits; 0: none */
    int scopes;      /* enum gw_scopes; EXPLICIT: operations[].scopes */
    bool dpop_nonce; /* proofs must carry the nonce that we gave */
    char *realm;     /* of challenges; NULL: none */
};

/* operations: what one endpoint asks beyond the app's policy; the first row that matches. */
enum gw_token_need { GW_TOKEN_REQUIRED = 0, GW_TOKEN_OPTIONAL };
struct gwconf_operation {
    struct gwmatch match;
    struct config_strings groups; /* "idp/group", one of them; empty: everyone of the app */
    struct config_strings scopes; /* all of them */
    int64_t step_up_ms;           /* age of the second factor at most; 0: not asked for */
    int64_t weight;               /* cost in limits with `cost: weight`; 1 when absent */
    bool deny;                    /* nobody */
    bool login;                   /* takes a name and password: detector `credential` */
    char *account;                /* JSON pointer or form name of the account in a login */
    char *password;               /* the same of the password */
    bool sensitive;               /* detector `flow` looks at how it was reached */
    int token;                    /* enum gw_token_need, where oauth.require is on */
};

/* openapi: GATEWAY section 11. */
enum gw_unknown_properties { GW_PROPERTIES_REFUSE = 0, GW_PROPERTIES_AS_SCHEMA };
enum gw_oversize { GW_OVERSIZE_BLOCK = 0, GW_OVERSIZE_PASS };
struct gwconf_document {
    bool named;
    uint8_t sha256[32];
    char hex[64 + 1]; /* the same in hex */
};
struct gwconf_openapi {
    char *file;                      /* beside certificates and keys; or */
    struct gwconf_document document; /* one that the broker keeps: "sha256:HEX" */
    int request, response;           /* enum gw_mode */
    int unknown_endpoint;            /* enum gw_mode: 404, 405 for a known path */
    int unknown_properties;          /* enum gw_unknown_properties */
    int oversize;                    /* of a response in block mode: enum gw_oversize */
    int64_t status;                  /* of a request that breaks its schema: 400 or 422 */
    bool formats;                    /* assert `format` */
};

struct gwconf_limits {
    int64_t body, inspect, header_block, line; /* bytes */
    int64_t headers;                           /* fields, at most GW_HEADERS_MAX */
    int64_t request_ms;  /* head to last byte of a body that is not streamed */
    int64_t header_ms;   /* first to last byte of the header block */
    int64_t body_rate;   /* bytes a second at least; 0: none */
    int64_t idle_ms;     /* keep-alive without a request */
    int64_t response_ms; /* until the application's header block */
    int64_t streams_per_user;
    int64_t state; /* bytes of detectors and inventory of the app */
};

/* rate: GATEWAY section 8. */
enum gw_rate_key {
    GW_KEY_USER = 1,
    GW_KEY_DEVICE = 2,
    GW_KEY_APP = 4,
    GW_KEY_OPERATION = 8,
    GW_KEY_SOURCE = 16, /* address that the broker saw */
    GW_KEY_GROUP = 32,  /* each group of the caller by itself */
    GW_KEY_TOKEN_CLIENT = 64
};
enum gw_rate_cost { GW_COST_ONE = 0, GW_COST_RESPONSE_MIB, GW_COST_WEIGHT };
struct gwconf_pace {
    int64_t count, per_ms; /* as written: "50/s" is 50 and 1,000 */
    int64_t interval_ns;   /* between two of them, rounded up; 0: there is no pace */
};
struct gwconf_rate {
    char *name;              /* letters, digits, '-', '_'; unique; goes into RateLimit */
    struct gwmatch match;    /* absent: every request */
    unsigned key;            /* gw_rate_key bits; never 0 */
    struct gwconf_pace pace; /* absent: in_flight only */
    int64_t burst;           /* with a pace at least 1; pace.count when absent */
    int64_t in_flight;       /* at once; 0: not limited */
    int cost;                /* enum gw_rate_cost */
    int mode;                /* enum gw_mode; block when absent */
};

/* subject and owner: GATEWAY section 9.1. */
struct gwconf_subject {
    struct gwmatch match; /* of the operation that names this person; path NULL: none */
    char *pointer;        /* RFC 6901, into its answer */
};
enum gw_owner_source {
    GW_OWNER_NONE = 0,
    GW_OWNER_RESPONSE, /* pointer into the answer */
    GW_OWNER_PATH,     /* name of a path parameter */
    GW_OWNER_QUERY,    /* name of a query parameter */
    GW_OWNER_BODY,     /* pointer into the request body */
    GW_OWNER_PREFLIGHT /* pointer into the answer of `preflight`, asked first as this user */
};
enum gw_value {
    GW_VALUE_NONE = 0,
    GW_VALUE_USER_EMAIL,     /* ${user.email} */
    GW_VALUE_USER_NAME,      /* ${user.name} */
    GW_VALUE_USER_ID,        /* ${user.id} */
    GW_VALUE_USER_ATTRIBUTE, /* ${user.NAME} */
    GW_VALUE_TOKEN_CLAIM,    /* ${token.NAME} */
    GW_VALUE_APP_SUBJECT     /* ${app.subject} */
};
struct gwconf_owner_from {
    char *response, *path, *query, *body; /* exactly one of these and preflight */
    char *preflight; /* "GET /v1/accounts/{id}"; with pointer; its names are those of match */
    char *pointer;
    struct gwmatch asked; /* `preflight`, read */
    int source;           /* enum gw_owner_source, from what is present */
    const char *where;    /* borrowed: the pointer or name that source reads */
};
struct gwconf_equals {
    int kind;                       /* enum gw_value */
    char name[GWCONF_NAME_MAX + 1]; /* of the attribute or claim */
};
struct gwconf_owner {
    struct gwmatch match;
    struct gwconf_owner_from from;
    struct gwconf_equals equals;
    int mode;                            /* enum gw_mode */
    struct config_strings except_groups; /* "idp/group" */
};

/* input_rules: GATEWAY section 9.11. */
enum gw_text_rule { GW_TEXT_OFF = 0, GW_TEXT_FREE };
struct gwconf_input {
    int mode;                         /* enum gw_mode of sqli, xss and ssrf */
    int sqli, xss;                    /* enum gw_text_rule */
    int path_traversal;               /* enum gw_mode */
    int header_injection;             /* enum gw_mode */
    bool ssrf_urls;                   /* also every string that begins with a scheme and "://" */
    struct config_strings ssrf;       /* names of parameters and properties that hold URLs */
    struct config_strings deny_hosts; /* "metadata.google.internal", "*.internal" */
};

/* detectors: GATEWAY sections 9.2 to 9.10. */
struct gwconf_budget {
    struct gwmatch match;
    int64_t bytes, records; /* a user and window at most; 0: not limited */
    int64_t window_ms;
    int mode; /* enum gw_mode */
};
struct gwconf_detectors {
    int bola, enumeration, pollution, credential, exfiltration, exposure, function, flow,
        scanner; /* enum gw_mode */
    bool inventory;
    int64_t learning_ms;          /* before a statistic may block */
    struct config_blocks budgets; /* gwconf_budget_at */
};

/* retire: GATEWAY section 10. */
struct gwconf_retire {
    struct gwmatch match;
    int64_t deprecated_s, sunset_s; /* Unix time of the day's first second, UTC; 0: absent */
    char *successor;                /* a path or URL for Link; NULL: none */
    int after;                      /* enum gw_mode: block is 410 from sunset on */
};

enum gw_otherwise { GW_OTHERWISE_DENY = 0, GW_OTHERWISE_ALLOW };
enum gw_audit { GW_AUDIT_MINUTE = 0 };

struct gwconf {
    int frontend; /* enum gw_frontend */
    struct gwconf_frontend_tls {
        char *cert, *key; /* files */
    } tls;                /* with GW_FRONTEND_TLS only */
    bool http2, grpc, websocket, allow_encoded_slash;
    unsigned methods; /* 1u << enum gw_method */
    int otherwise;    /* of what no row of operations matches: enum gw_otherwise */
    struct config_strings cors_origins; /* whose scripts may read our own refusals */
    struct gwconf_upstream upstream;
    struct gwconf_identity identity;
    struct gwconf_oauth oauth;
    struct config_blocks operations; /* gwconf_operation_at */
    struct gwconf_openapi openapi;
    struct gwconf_limits limits;
    struct config_blocks rates; /* gwconf_rate_at */
    struct gwconf_subject subject;
    struct config_blocks owners; /* gwconf_owner_at */
    struct gwconf_input input;
    struct gwconf_detectors detectors;
    struct config_blocks retired; /* gwconf_retire_at */
    struct config_strings split;  /* paths below which the inventory keeps words apart */
    int audit;                    /* of requests that passed: enum gw_audit */
};

/*
 *   SP_ERR_LIMIT      longer than GWCONF_MAX
 *   SP_ERR_MALFORMED  not YAML as lib/config/tree.h wants it
 *   SP_ERR_INVALID    unknown or missing key, a value of another kind or out of bounds, a list
 *                     longer than GWCONF_RULES_MAX, parts that do not fit together
 *   SP_ERR_NOMEM
 * `why->text` begins with "gateway:LINE:COLUMN: " and says what would be right. An empty text is
 * a gateway with every default.
 */
SP_MUST sp_error gwconf_parse(struct view text, struct sp_why *why, struct gwconf **out);
void gwconf_free(struct gwconf *c); /* NULL is allowed */

/* The host and port of upstream.url, and the path before every request's, which is "" or begins
 * with '/' and has none at its end. Borrowed from `c`. false: there is no url. */
bool gwconf_upstream_at(const struct gwconf *c, struct view *host, uint16_t *port,
                        struct view *path);

/* openapi names a document, of either kind. */
static inline bool gwconf_has_document(const struct gwconf *c)
{
    return c->openapi.file != NULL || c->openapi.document.named;
}

/* Items of the lists; `i` below the list's count. */
#define GWCONF_ITEM(type, list)                                                                    \
    static inline const struct gwconf_##type *gwconf_##type##_at(const struct gwconf *c, size_t i) \
    {                                                                                              \
        return (const struct gwconf_##type *)c->list.items + i;                                    \
    }
GWCONF_ITEM(issuer, oauth.issuers)
GWCONF_ITEM(operation, operations)
GWCONF_ITEM(rate, rates)
GWCONF_ITEM(owner, owners)
GWCONF_ITEM(budget, detectors.budgets)
GWCONF_ITEM(retire, retired)
#undef GWCONF_ITEM

#endif
