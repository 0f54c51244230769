#ifndef SP_PROTO_GATEWAY_H
#define SP_PROTO_GATEWAY_H

/*
 * gateway: what a connector's API gateway tells its broker (PROTOCOL §5, "api.report"). Everything
 * in it is the connector's own word about applications of its site. Names and paths come from
 * requests and answers: they are escaped wherever they are shown. Values never stand in it.
 */

#include "lib/proto/fields.h"

enum {
    API_ROWS_MAX = 16, /* of one report */
    API_HITS_MAX = 32,
    API_METHOD_MAX = 7,
    API_PATH_MAX = 512,
    API_WORD_MAX = 64,
    API_ENDPOINT_MAX = API_METHOD_MAX + 1 + API_PATH_MAX,
    API_DETAIL_MAX = 16 * 1024, /* bytes of one row's detail */
    API_KEYS_MAX = 4 * 1024,    /* bytes of "keys" */
    API_STATES_ALL = 63,        /* bits of enum endpoint_state */
    API_CLASSES = 5,            /* 1xx … 5xx */
    API_BUCKETS = 14            /* of a histogram of times: api_bounds_us, and what is above */
};
/* 10 µs, 30 µs, 100 µs … 10 s */
extern const int64_t api_bounds_us[API_BUCKETS - 1];

/* One endpoint. Counts are since the connector knows it, so a row may come again. */
struct api_row {
    struct view method, path; /* "GET", "/users/{user_id}" */
    int64_t states;           /* bits */
    int64_t first, last;      /* Unix ms */
    int64_t calls, users, errors, p95_us;
    int64_t violations;  /* requests or answers that the document does not allow */
    int64_t refused;     /* by any step */
    struct json *detail; /* what the page of the endpoint shows; NULL: none */
};

/* Refusals and what a refusal would have been, since the last report. */
struct api_hit {
    struct sp_id session;
    struct view reason, rule, endpoint; /* rule, endpoint: may be absent */
    int64_t blocked, monitor;
    int64_t last;
};

/* Requests since the last report, and whether their bodies could be read. */
struct api_coverage {
    int64_t requests, documented, token, owner;
    int64_t read, unasked, oversize, streaming, coding, media_type, broken; /* bodies */
    int64_t lost;                 /* hits that were too many to tell apart */
    int64_t read_bytes;           /* of the bodies that were read */
    int64_t classes[API_CLASSES]; /* of the answers, also of ours */
    size_t class_count;
    int64_t own_us, upstream_us; /* the times below, added up */
    int64_t own[API_BUCKETS];    /* what steps took, with what they waited for */
    size_t own_count;
    int64_t upstream[API_BUCKETS]; /* from a request's last byte there to the answer's head */
    size_t upstream_count;
};

/* What an app's gateway holds now. */
struct api_gauges {
    int64_t inventory, detectors, owners, limits, tokens, document; /* bytes */
    int64_t limits_used; /* entries of the table of limits that say something, in millionths */
    int64_t load_us;     /* how long the document in force took to load; 0: none */
};

/* ↠ "api.report" */
struct api_report {
    struct sp_id app;
    int64_t round; /* Unix ms; all endpoints are told within one, what is not is gone */
    bool ended;    /* the round has told all */
    struct api_row rows[API_ROWS_MAX];
    size_t row_count;
    struct api_hit hits[API_HITS_MAX];
    size_t hit_count;
    struct api_coverage coverage[1];
    size_t coverage_count;
    struct api_gauges gauges[1];
    size_t gauge_count;
    bool documented; /* the app has a document there */
    bool full;       /* its inventory is */
};

extern const struct field api_report_fields[];

/*
 * Reads and checks: methods and paths are such, no control characters, bits and times are
 * possible, details are objects. Views borrow `members`.   Errors as fields_read.
 */
SP_MUST sp_error api_report_read(const struct json *members, struct sp_why *why,
                                 struct api_report *out);

/* What a report may hold: "GET", "/a/{b}", words without control characters. */
bool api_is_path(struct view v);
bool api_is_plain(struct view v);

/* ↠ "api.keys": the JWKS of Sallyport-Assertion */
struct api_keys {
    struct json *jwks;
};
extern const struct field api_keys_fields[];
/* {"keys":[{kty, crv, x, y, kid, alg, use}]} with public members only. Errors as fields_read. */
SP_MUST sp_error api_keys_read(const struct json *members, struct sp_why *why,
                               struct api_keys *out);

/*
 * ↠ "api.expect" broker → connector: incidents that somebody looked at and found right so, of one
 * app; a whole list that replaces the one before.
 */
enum { API_EXPECTED_MAX = 64 };
struct api_expected {
    struct view detector;
    struct view user, group; /* one of them; user: pairwise, as the incident named it */
    struct view endpoint;    /* absent: every endpoint */
    int64_t until;
};
struct api_expect {
    struct sp_id app;
    struct api_expected items[API_EXPECTED_MAX];
    size_t count;
};
extern const struct field api_expect_fields[];

/*
 * ↠ "api.demand" connector → broker, ↠ "api.share" broker → connector: limits of an app that its
 * connectors share (docs/gateway.md). `demand` is what was asked for since the last one, refused or
 * not; `share` what the connector has of the whole, in millionths.
 */
enum { API_RULES_MAX = 64, API_SHARE_WHOLE = 1000000 };
struct api_rule {
    struct view name;
    int64_t demand; /* of api.demand */
    int64_t share;
};
struct api_rules {
    struct sp_id app;
    struct api_rule rules[API_RULES_MAX];
    size_t count;
};
extern const struct field api_rules_fields[];

/*
 * From a connector, and by the broker to the others of its site: ↠ "api.objects": which objects of
 * an app were used first by whom; ↠ "api.usual": what is usual among many of its people. The hashes
 * in `told` are under a key that only connectors have, and so is `seal`, their code of the whole
 * (connector/gateway/siblings.h): the broker passes on and can make neither.
 */
enum { API_SEAL = 16, API_SEALED_TEXT_MAX = 21334 /* 16,000 bytes in base64url */ };
enum api_sealed_kind { API_OBJECTS = 0, API_USUAL, API_SEALED_KINDS };
struct api_sealed {
    struct sp_id app;
    struct view told; /* base64url; "objects" or "usual" */
    uint8_t seal[API_SEAL];
};
struct api_sealed_type {
    const char *type;
    const struct field *fields;
};
extern const struct api_sealed_type api_sealed_types[API_SEALED_KINDS];

#endif
