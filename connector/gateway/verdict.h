#ifndef SP_GATEWAY_VERDICT_H
#define SP_GATEWAY_VERDICT_H

/*
 * verdict: what a step says of a request. A zeroed verdict refuses with 403.
 *
 * A block is always three things: a status code, an audit record and an incident; pipeline.c makes
 * all three from one verdict. In `monitor` the same verdict is recorded and the request goes on.
 */

#include "connector/gateway/request.h"

enum gw_outcome {
    GW_REFUSE = 0,
    GW_PASS,
    GW_PARK /* the step asked someone (a worker) and calls pipeline_resume later */
};

/* Also the `type` suffix of the problem and the `reason` of records; gw_reasons[] has the texts. */
enum gw_reason {
    GW_REASON_POLICY = 0, /* 403: the default of a refusal */
    GW_REASON_FRAMING,
    GW_REASON_SESSION_ENDED,
    GW_REASON_STEP_UP,
    GW_REASON_METHOD,
    GW_REASON_UNKNOWN_ENDPOINT,
    GW_REASON_GONE,
    GW_REASON_RATE,
    GW_REASON_IN_FLIGHT,
    GW_REASON_TOKEN_MISSING,
    GW_REASON_INVALID_TOKEN,
    GW_REASON_INVALID_REQUEST,
    GW_REASON_INSUFFICIENT_SCOPE,
    GW_REASON_TOKEN_SUBJECT,
    GW_REASON_TOKEN_SOURCE_DOWN,
    GW_REASON_BODY_SIZE,
    GW_REASON_LENGTH_REQUIRED,
    GW_REASON_TARGET_SIZE,
    GW_REASON_MEDIA_TYPE,
    GW_REASON_EXPECTATION,
    GW_REASON_HEADER_SIZE,
    GW_REASON_SLOW,
    GW_REASON_SCHEMA,
    GW_REASON_SCHEMA_COST,
    GW_REASON_DUPLICATE_PARAMETER,
    GW_REASON_INPUT,
    GW_REASON_OWNER,
    GW_REASON_PREFLIGHT,
    GW_REASON_BOLA,
    GW_REASON_FUNCTION,
    GW_REASON_SCANNER,
    GW_REASON_ENUMERATION,
    GW_REASON_CREDENTIAL,
    GW_REASON_VOLUME,
    GW_REASON_FLOW,
    GW_REASON_EXPOSURE,
    GW_REASON_UPSTREAM_TLS,
    GW_REASON_UPSTREAM_FRAMING,
    GW_REASON_UPSTREAM_DOWN,
    GW_REASON_UPSTREAM_TIMEOUT,
    GW_REASON_OVERLOAD,
    GW_REASONS
};

enum { GW_DETAILS_MAX = 5, GW_DETAIL_TEXT = 120 };

/* One entry of RFC 9457 `errors`: where, and which rule. Never a value. */
struct gw_detail {
    char pointer[GW_DETAIL_TEXT];
    char rule[32];
};

/* What the answer to a refused request says besides its reason. Few verdicts have any, and each
 * step of each request gives a verdict: so they stand apart. */
struct gw_words {
    char challenge[256];       /* WWW-Authenticate; "" none */
    char limit_fields[2][128]; /* RateLimit, RateLimit-Policy; "" none */
    char dpop_nonce[48];       /* DPoP-Nonce; "" none */
    size_t detail_count;
    struct gw_detail details[GW_DETAILS_MAX];
};

struct gw_verdict {
    enum gw_outcome outcome;
    enum gw_reason reason;
    int status;             /* 0: the reason's own */
    int64_t retry_after_ms; /* 0: no Retry-After */
    char rule[65];          /* name of the limit, rule or detector; "" when there is one only */
    struct gw_words *words; /* borrowed, of the request's arena; NULL: none */
};

extern const struct gw_reason_row {
    const char *name; /* "token_subject" */
    int status;
    const char *title; /* for people */
} gw_reasons[GW_REASONS];

/* The words of `v`; empty ones when it has none. */
const struct gw_words *gw_words(const struct gw_verdict *v);
/* Gives `v` empty words to be written.   NULL: `a` is spent, and the refusal stands without */
struct gw_words *gw_words_new(struct gw_verdict *v, struct arena *a);

/* One entry of `errors`, in words of its own. */
void gw_say_place(struct gw_verdict *v, struct arena *a, struct view pointer, const char *rule);

/* The detector of a verdict: "bola"; "" where none found it. */
const char *gw_detector(const struct gw_verdict *v);

static inline struct gw_verdict gw_pass(void)
{
    return (struct gw_verdict){.outcome = GW_PASS};
}

static inline struct gw_verdict gw_refuse(enum gw_reason reason)
{
    return (struct gw_verdict){.outcome = GW_REFUSE, .reason = reason};
}

#endif
