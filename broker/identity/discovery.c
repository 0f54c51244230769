#include "broker/identity/discovery.h"

#include "lib/base/json.h"
#include "lib/http/url.h"

#include <pthread.h>
#include <stdlib.h>

enum { DISCOVERY_FRESH_DEFAULT_MS = 10 * 60 * 1000, LIST_MAX = 64 };

/* A key set that someone may still read. */
struct held {
    struct jwks *set; /* owned */
    size_t refs;
    struct held *next;
};

/* When one of the two documents was fetched, and whether to fetch it again. Boot clock. */
struct age {
    sp_boot_ms fresh_until, stale_until; /* 0: never fetched */
    sp_boot_ms failed_at;                /* 0: the last fetch was good */
    bool trying;                         /* someone fetches it now */
    sp_unix_ms good_at;
    sp_error error;
};

struct discovery {
    struct client *client; /* borrowed */
    char *issuer;          /* owned */
    pthread_mutex_t fetch; /* one fetch at a time; taken before `state` */
    pthread_mutex_t state; /* guards all below; never held across a fetch */
    struct metadata metadata;
    struct age metadata_age, keys_age;
    struct held *all, *keys; /* owned; keys: the present one, in `all` */
    sp_boot_ms refetched_at; /* for an unknown kid; 0: never */
    struct sp_why why;
};

sp_error discovery_new(struct client *client, const char *issuer, struct sp_why *why,
                       struct discovery **out)
{
    struct discovery *d;
    struct url u;

    if (url_parse(view_str(issuer), &u) != SP_OK || !u.https || u.has_query || u.has_fragment)
        return sp_why_say(why, SP_ERR_INVALID,
                          "the issuer must be an https address without query and fragment");
    if ((d = calloc(1, sizeof *d)) == NULL)
        return SP_ERR_NOMEM;
    if ((d->issuer = strdup(issuer)) == NULL) {
        free(d);
        return SP_ERR_NOMEM;
    }
    d->client = client;
    pthread_mutex_init(&d->fetch, NULL);
    pthread_mutex_init(&d->state, NULL);
    *out = d;
    return SP_OK;
}

static void drop(struct discovery *d, struct held *h)
{
    struct held **at = &d->all;

    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    jwks_free(h->set);
    free(h);
}

void discovery_free(struct discovery *d)
{
    if (d == NULL)
        return;
    while (d->all != NULL)
        drop(d, d->all);
    pthread_mutex_destroy(&d->fetch);
    pthread_mutex_destroy(&d->state);
    free(d->issuer);
    free(d);
}

/* ---- fetching, without locks ------------------------------------------------------------- */

/* GET `url`; the body, and how long it is fresh. */
static sp_error get(struct discovery *d, const char *url, struct sp_why *why, struct buf *body,
                    int64_t *fresh_ms)
{
    struct client_request q = {.method = METHOD_GET,
                               .url = url,
                               .deadline_ms = DISCOVERY_DEADLINE_MS,
                               .body_max = DISCOVERY_DOCUMENT_MAX};
    struct client_response r;
    sp_error e;

    client_response_init(&r);
    e = client_call(d->client, &q, why, &r);
    if (e == SP_OK && r.status != 200)
        e = sp_why_say(why, SP_ERR_PROTOCOL, "%.200s answered with status %d", url, r.status);
    if (e == SP_OK)
        e = buf_append(body, buf_view(&r.body));
    if (e == SP_OK) {
        *fresh_ms = r.max_age_s < 0                               ? DISCOVERY_FRESH_DEFAULT_MS
                    : r.max_age_s > DISCOVERY_FRESH_MAX_MS / 1000 ? DISCOVERY_FRESH_MAX_MS
                                                                  : r.max_age_s * 1000;
        if (*fresh_ms < DISCOVERY_FRESH_MIN_MS)
            *fresh_ms = DISCOVERY_FRESH_MIN_MS;
    }
    client_response_deinit(&r);
    return e == SP_ERR_LIMIT ? sp_why_say(why, SP_ERR_PROTOCOL, "%.200s is longer than %d bytes",
                                          url, DISCOVERY_DOCUMENT_MAX)
                             : e;
}

/* An https endpoint of the metadata. */
static sp_error endpoint(const struct json *doc, const char *name, bool needed, struct sp_why *why,
                         char out[DISCOVERY_URL_MAX + 1])
{
    const struct json *j = json_get(doc, name);
    struct view text = json_str(j);
    struct url u;

    out[0] = '\0';
    if (j == NULL && !needed)
        return SP_OK;
    if (text.len == 0 || text.len > DISCOVERY_URL_MAX || url_parse(text, &u) != SP_OK || !u.https ||
        u.has_fragment)
        return sp_why_say(why, SP_ERR_PROTOCOL, "%s in the provider's metadata is no https address",
                          name);
    memcpy(out, text.at, text.len);
    out[text.len] = '\0';
    return SP_OK;
}

static bool list_has(const struct json *list, const char *word)
{
    for (size_t i = 0; i < json_len(list) && i < LIST_MAX; i++)
        if (view_is(json_str(json_at(list, i)), word))
            return true;
    return false;
}

sp_error metadata_read(struct view text, const char *issuer, struct sp_why *why,
                       struct metadata *out)
{
    struct metadata m = {.basic = true};
    struct json *doc = NULL;
    struct view said;
    sp_error e = json_parse(text, DISCOVERY_DOCUMENT_MAX, NULL, &doc);

    if (e != SP_OK || json_kind(doc) != JSON_OBJECT) {
        json_free(doc);
        return sp_why_say(why, SP_ERR_PROTOCOL, "the provider's metadata is no JSON object");
    }
    said = json_str(json_get(doc, "issuer"));
    if (!view_is(said, issuer))
        e = sp_why_say(why, SP_ERR_PROTOCOL,
                       "the provider calls itself otherwise than configured:\n  provider:   "
                       "%.*s\n  configured: %.200s",
                       VIEW_ARG(view_slice(said, 0, 200)), issuer);
    if (e == SP_OK &&
        (e = endpoint(doc, "authorization_endpoint", true, why, m.authorization)) == SP_OK &&
        (e = endpoint(doc, "token_endpoint", true, why, m.token)) == SP_OK &&
        (e = endpoint(doc, "jwks_uri", true, why, m.jwks)) == SP_OK &&
        (e = endpoint(doc, "userinfo_endpoint", false, why, m.userinfo)) == SP_OK) {
        const struct json *methods = json_get(doc, "token_endpoint_auth_methods_supported");
        const struct json *types = json_get(doc, "response_types_supported");

        m.sends_iss = json_is_true(json_get(doc, "authorization_response_iss_parameter_supported"));
        m.basic = methods == NULL || list_has(methods, "client_secret_basic");
        if (types != NULL && !list_has(types, "code"))
            e = sp_why_say(why, SP_ERR_PROTOCOL, "the provider does not offer the code flow");
    }
    json_free(doc);
    if (e == SP_OK)
        *out = m;
    return e;
}

static sp_error fetch_metadata(struct discovery *d, struct sp_why *why, struct metadata *out,
                               int64_t *fresh_ms)
{
    size_t len = strlen(d->issuer);
    struct buf url, body;
    sp_error e;

    /* Discovery 1.0 section 4.1: one trailing slash is dropped, for the address only. */
    if (len > 0 && d->issuer[len - 1] == '/')
        len--;
    buf_init(&url, DISCOVERY_URL_MAX + 64);
    buf_init(&body, DISCOVERY_DOCUMENT_MAX);
    buf_add(&url, (struct view){(const uint8_t *)d->issuer, len});
    buf_add_str(&url, "/.well-known/openid-configuration");
    if ((e = buf_error(&url)) == SP_OK &&
        (e = get(d, buf_cstr(&url), why, &body, fresh_ms)) == SP_OK)
        e = metadata_read(buf_view(&body), d->issuer, why, out);
    buf_deinit(&body);
    buf_deinit(&url);
    return e;
}

static sp_error fetch_keys(struct discovery *d, const char *url, struct sp_why *why,
                           struct jwks **out, int64_t *fresh_ms)
{
    struct buf body;
    sp_error e;

    buf_init(&body, DISCOVERY_DOCUMENT_MAX);
    if ((e = get(d, url, why, &body, fresh_ms)) == SP_OK) {
        e = jwks_parse(buf_view(&body), why, out);
        if (e != SP_OK && e != SP_ERR_NOMEM)
            e = SP_ERR_PROTOCOL; /* `why` has the parser's words */
    }
    buf_deinit(&body);
    return e;
}

/* ---- caching ----------------------------------------------------------------------------- */

enum verdict { SERVE, FETCH, FAIL };

/* With `state` held: is the cached document good enough, or worth another try? Nobody waits for
 * the next try of a provider that failed: it may take all of its 5 s again. */
static enum verdict judge(const struct age *a, sp_boot_ms now)
{
    if (a->fresh_until != 0 && now < a->fresh_until)
        return SERVE;
    if (a->failed_at != 0 && (a->trying || now < a->failed_at + DISCOVERY_RETRY_MS))
        return now < a->stale_until ? SERVE : FAIL;
    return FETCH;
}

/* With `state` held: how a fetch ended. True: the stale document serves on. */
static bool settle(struct discovery *d, struct age *a, sp_error e, int64_t fresh_ms,
                   const struct sp_why *why)
{
    sp_boot_ms now = clock_boot();

    a->error = e;
    a->trying = false;
    if (e == SP_OK) {
        a->fresh_until = now + fresh_ms;
        a->stale_until = a->fresh_until + DISCOVERY_STALE_MS_MAX;
        a->failed_at = 0;
        a->good_at = clock_unix();
        d->why = (struct sp_why){0};
        return true;
    }
    a->failed_at = now > 0 ? now : 1;
    d->why = *why;
    return now < a->stale_until;
}

sp_error discovery_metadata(struct discovery *d, struct sp_why *why, struct metadata *out)
{
    struct sp_why reason = {0};
    struct metadata fetched;
    int64_t fresh_ms = 0;
    enum verdict v;
    sp_error e = SP_OK;

    pthread_mutex_lock(&d->state);
    v = judge(&d->metadata_age, clock_boot());
    pthread_mutex_unlock(&d->state);
    if (v == FETCH)
        pthread_mutex_lock(&d->fetch);

    pthread_mutex_lock(&d->state);
    if (v == FETCH) {
        v = judge(&d->metadata_age, clock_boot()); /* someone may have fetched meanwhile */
        if (v == FETCH) {
            d->metadata_age.trying = true;
            pthread_mutex_unlock(&d->state);
            e = fetch_metadata(d, &reason, &fetched, &fresh_ms);
            pthread_mutex_lock(&d->state);
            if (e == SP_OK)
                d->metadata = fetched;
            v = settle(d, &d->metadata_age, e, fresh_ms, &reason) ? SERVE : FAIL;
        }
        pthread_mutex_unlock(&d->fetch);
    }
    if (v == SERVE) {
        *out = d->metadata;
        e = SP_OK;
    } else {
        e = d->metadata_age.error;
        if (why != NULL)
            *why = d->why;
    }
    pthread_mutex_unlock(&d->state);
    return e;
}

/* With `state` held. Takes `set`, which becomes the present one. */
static sp_error install(struct discovery *d, struct jwks *set)
{
    struct held *h = calloc(1, sizeof *h), *old = d->keys;

    if (h == NULL) {
        jwks_free(set);
        return SP_ERR_NOMEM;
    }
    h->set = set;
    h->next = d->all;
    d->all = h;
    d->keys = h;
    if (old != NULL && old->refs == 0)
        drop(d, old);
    return SP_OK;
}

/* With `fetch` held, `state` not. */
static enum verdict refresh_keys(struct discovery *d, const char *url)
{
    struct sp_why reason = {0};
    struct jwks *set = NULL;
    int64_t fresh_ms = 0;
    enum verdict v;
    sp_error e = fetch_keys(d, url, &reason, &set, &fresh_ms);

    pthread_mutex_lock(&d->state);
    /* A provider that flaps to an empty set for a while is taken for one that is down (FLT-11). */
    if (e == SP_OK && set->usable == 0 && d->keys != NULL && d->keys->set->usable > 0) {
        e = sp_why_say(&reason, SP_ERR_PROTOCOL, "the provider's key set has no usable key");
        jwks_free(set);
    } else if (e == SP_OK) {
        e = install(d, set);
    }
    v = settle(d, &d->keys_age, e, fresh_ms, &reason) && d->keys != NULL ? SERVE : FAIL;
    pthread_mutex_unlock(&d->state);
    return v;
}

/* With `state` held: may an unknown kid cause another fetch now? */
static bool may_refetch(struct discovery *d, sp_boot_ms now)
{
    if (d->refetched_at != 0 && now < d->refetched_at + DISCOVERY_REFETCH_MS)
        return false;
    d->refetched_at = now > 0 ? now : 1;
    return true;
}

sp_error discovery_keys(struct discovery *d, bool again, struct sp_why *why,
                        const struct jwks **out)
{
    struct metadata m;
    enum verdict v;
    sp_error e = discovery_metadata(d, why, &m);

    if (e != SP_OK)
        return e;
    pthread_mutex_lock(&d->state);
    v = judge(&d->keys_age, clock_boot());
    if (again) {
        if (!may_refetch(d, clock_boot())) {
            pthread_mutex_unlock(&d->state);
            return sp_why_say(why, SP_ERR_NOT_FOUND,
                              "the provider's key set has no key for this token");
        }
        v = FETCH;
    }
    pthread_mutex_unlock(&d->state);

    if (v == FETCH) {
        pthread_mutex_lock(&d->fetch);
        pthread_mutex_lock(&d->state);
        if (!again)
            v = judge(&d->keys_age, clock_boot());
        d->keys_age.trying = v == FETCH;
        pthread_mutex_unlock(&d->state);
        if (v == FETCH)
            v = refresh_keys(d, m.jwks);
        pthread_mutex_unlock(&d->fetch);
    }
    pthread_mutex_lock(&d->state);
    if (v == SERVE && d->keys != NULL) {
        d->keys->refs++;
        *out = d->keys->set;
        e = SP_OK;
    } else {
        e = d->keys_age.error == SP_OK ? SP_ERR_UNREACHABLE : d->keys_age.error;
        if (why != NULL)
            *why = d->why;
    }
    pthread_mutex_unlock(&d->state);
    return e;
}

void discovery_release(struct discovery *d, const struct jwks *keys)
{
    pthread_mutex_lock(&d->state);
    for (struct held *h = d->all; h != NULL; h = h->next) {
        if (h->set != keys)
            continue;
        if (--h->refs == 0 && h != d->keys)
            drop(d, h);
        break;
    }
    pthread_mutex_unlock(&d->state);
}

struct discovery_state discovery_state(struct discovery *d)
{
    struct discovery_state s = {0};

    pthread_mutex_lock(&d->state);
    s.metadata_at = d->metadata_age.good_at;
    s.keys_at = d->keys_age.good_at;
    s.metadata_error = d->metadata_age.error;
    s.keys_error = d->keys_age.error;
    if (d->keys != NULL) {
        s.keys_usable = d->keys->set->usable;
        s.keys_ignored = d->keys->set->count - d->keys->set->usable;
    }
    s.why = d->why;
    pthread_mutex_unlock(&d->state);
    return s;
}
