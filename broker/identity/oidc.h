#ifndef SP_IDENTITY_OIDC_H
#define SP_IDENTITY_OIDC_H

/*
 * oidc: the relying party: authorization code flow with PKCE S256, state and nonce, against each
 * configured provider (OpenID Connect Core 3.1; RFC 7636, 9207, 9700).
 *
 * Knows no browser and no store: it builds the address that a browser is sent to, and turns the
 * answer into an identity or a refusal in words. The built-in provider is one like any other.
 * What a provider says about groups is known or not: a claim that is missing, of another kind, or
 * replaced by a pointer (overage) makes them unreadable, never "none" (C-001, C-002, C-008).
 * Worker threads; oidc_begin and oidc_finish make outbound calls and block (POOL_OUTBOUND).
 */

#include "broker/identity/discovery.h"
#include "broker/store/rows.h"
#include "lib/crypto/secret.h"
#include "lib/http/form.h"

struct oidc;
struct provider;

enum {
    OIDC_PROVIDERS_MAX = 16,
    OIDC_SCOPES_MAX = 16,
    OIDC_PATH_MAX = 8,      /* steps to the groups claim */
    OIDC_GROUPS_MAX = 1000, /* of one person; more: unreadable */
    OIDC_ANSWER_MAX = 256 * 1024,
    OIDC_VERIFIER_TEXT = 43, /* base64url of 32 bytes: state, nonce, PKCE verifier */
    OIDC_DEADLINE_MS = 5 * 1000
};

/* One provider as configured. Everything is copied. */
struct provider_options {
    const char *name, *title, *issuer, *client_id;
    struct view client_secret; /* empty: a public client */
    const char *const *scopes; /* NULL: openid profile email groups */
    size_t scope_count;
    const char *const *groups_path; /* NULL: "groups" */
    size_t groups_path_count;
    bool groups_from_userinfo;
    unsigned algs;                /* jwt_alg bits; 0: all four */
    const char *const *audiences; /* further trusted ones */
    size_t audience_count;
    const char *ca_file; /* NULL: the system store only */
    bool built_in;
};

struct oidc_options {
    const struct provider_options *providers;
    size_t provider_count;
    const char *origin;            /* "https://access.example.org": redirect URIs are below it */
    const struct proxy_env *proxy; /* NULL: none; borrowed until oidc_free */
    size_t at_once;                /* outbound calls at a time, half of the workers */
};

/*   SP_ERR_INVALID  `why` names the provider and what is wrong
 *   SP_ERR_NOT_FOUND, SP_ERR_MALFORMED  a CA file; SP_ERR_NOMEM */
SP_MUST sp_error oidc_new(const struct oidc_options *o, struct sp_why *why, struct oidc **out);
void oidc_free(struct oidc *o); /* NULL is fine */

size_t oidc_count(const struct oidc *o);
struct provider *oidc_at(const struct oidc *o, size_t index);       /* borrowed */
struct provider *oidc_find(const struct oidc *o, struct view name); /* NULL: none */

const char *provider_name(const struct provider *p);
const char *provider_title(const struct provider *p); /* for the button */
const char *provider_issuer(const struct provider *p);
const char *provider_redirect_uri(const struct provider *p); /* one a provider (OA-2) */
const char *provider_groups_claim(const struct provider *p); /* "resource_access.app.roles" */
bool provider_built_in(const struct provider *p);
struct discovery_state provider_state(struct provider *p);

/* The secrets of one attempt; kept by the caller in the sealed cookie until the answer. */
struct oidc_attempt {
    char state[OIDC_VERIFIER_TEXT + 1], nonce[OIDC_VERIFIER_TEXT + 1];
    char verifier[OIDC_VERIFIER_TEXT + 1];
};

/*
 * Makes an attempt and appends the address for the browser. `max_age_s` 0: not asked for; else
 * the provider must have seen the person not longer ago (prompt by it, AAL-8).
 * Errors of discovery_metadata.
 */
SP_MUST sp_error oidc_begin(struct provider *p, int64_t max_age_s, struct oidc_attempt *out,
                            struct buf *url, struct sp_why *why);

/* What a provider says about a person. */
struct identity {
    char sub[ROW_SUB_MAX + 1];
    char preferred[ROW_NAME_MAX + 1], display[ROW_NAME_MAX + 1], email[ROW_EMAIL_MAX + 1];
    enum groups_state groups_state;
    char groups_detail[ROW_TEXT_MAX + 1]; /* why they are unreadable; "" */
    char **groups;                        /* owned: "idp/group" */
    size_t group_count;
    sp_unix_ms auth_at; /* auth_time, else iat */
    char amr[ROW_TEXT_MAX + 1], acr[ROW_NAME_MAX + 1], sid[ROW_SUB_MAX + 1];
};
void identity_deinit(struct identity *i);

/*
 * The browser came back with `answer` (its query, parsed: repeated parameters were refused). The
 * caller has found the attempt by `state` and spent it before this call (IDT-19).
 *   SP_ERR_DENIED     the provider answered with an error; `why` has its words, made safe
 *   SP_ERR_PROTOCOL   code missing, code and error together, `iss` missing or another (IDT-20),
 *                     the token endpoint's answer is none
 *   SP_ERR_LIMIT … SP_ERR_STEP_UP  the ID token is refused: jwt.h
 *   SP_ERR_UNREACHABLE, SP_ERR_TLS, SP_ERR_TIMEOUT, SP_ERR_BUSY
 * `out` is the caller's: identity_deinit.
 */
SP_MUST sp_error oidc_finish(struct provider *p, const struct oidc_attempt *attempt,
                             int64_t max_age_s, const struct form *answer, struct sp_why *why,
                             struct identity *out);

/*
 * Pure half of it, for tests and the fuzzer: claims that passed jwt_id_check, and userinfo or
 * NULL, to an identity. `claims` without a usable sub never come here.
 *   SP_ERR_NOMEM
 */
SP_MUST sp_error oidc_identity(const struct provider *p, const struct json *claims,
                               const struct json *userinfo, struct identity *out);

#endif
