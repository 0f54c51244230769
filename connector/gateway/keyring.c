#include "connector/gateway/keyring.h"

#include "lib/base/log.h"
#include "lib/os/file.h"

#include <stdlib.h>

#include "lib/base/banned.h"

struct fetch;

struct ring {
    const struct gwconf_issuer *issuer;
    struct jwks *keys;         /* owned; NULL: none yet */
    sp_boot_ms fetched, tried; /* the last good fetch; the last end of any */
    bool ever_tried, failed;
    struct fetch *under_way; /* NULL: none. The fetch owns itself */
    struct waiter *waiters;
    struct sp_why why;
};

struct keyring {
    struct outside outside;
    struct ring *rings; /* owned */
    size_t count;
};

/* One fetch; on the worker it touches only itself and the client. */
struct fetch {
    struct keyring *ring_of; /* NULL: the keyring is gone */
    size_t index;
    struct client *client;
    char *url, *file;  /* owned; one of both */
    struct jwks *keys; /* the result */
    sp_error e;
    struct sp_why why;
};

static void fetch_free(struct fetch *f)
{
    jwks_free(f->keys);
    free(f->url);
    free(f->file);
    free(f);
}

static sp_error fetch_url(struct fetch *f, struct buf *text)
{
    const struct client_request q = {.method = METHOD_GET,
                                     .url = f->url,
                                     .deadline_ms = OUTSIDE_DEADLINE_MS,
                                     .body_max = OUTSIDE_BODY_MAX,
                                     .headers = {{"Accept", view_str("application/json")}}};
    struct client_response r;
    sp_error e;

    client_response_init(&r);
    e = client_call(f->client, &q, &f->why, &r);
    if (e == SP_OK && r.status != 200)
        e = sp_why_say(&f->why, SP_ERR_PROTOCOL, "%s answered with status %d", f->url, r.status);
    if (e == SP_OK)
        e = buf_append(text, buf_view(&r.body));
    client_response_deinit(&r);
    return e;
}

static void work(void *arg)
{
    struct fetch *f = arg;
    struct buf text;

    buf_init(&text, OUTSIDE_BODY_MAX);
    f->e = f->file != NULL ? file_read_owned(f->file, OUTSIDE_BODY_MAX, &text, &f->why)
                           : fetch_url(f, &text);
    if (f->e == SP_OK)
        f->e = jwks_parse(buf_view(&text), &f->why, &f->keys);
    if (f->e == SP_OK && f->keys->usable == 0)
        f->e = sp_why_say(&f->why, SP_ERR_PROTOCOL, "%s holds no usable key",
                          f->url != NULL ? f->url : f->file);
    buf_deinit(&text);
}

static void done(void *arg)
{
    struct fetch *f = arg;
    struct keyring *k = f->ring_of;

    if (k == NULL) {
        fetch_free(f);
        return;
    }
    struct ring *r = &k->rings[f->index];
    r->under_way = NULL;
    r->tried = clock_boot();
    r->failed = f->e != SP_OK;
    r->why = f->why;
    if (f->e == SP_OK) {
        jwks_free(r->keys);
        r->keys = f->keys;
        f->keys = NULL;
        r->fetched = r->tried;
        r->why = (struct sp_why){{0}, {0}, 0, 0};
    } else {
        log_event(LOG_WARN, "gateway.keys", f->why.text, "issuer", r->issuer->iss, "error",
                  sp_error_code(f->e), NULL);
    }
    fetch_free(f);
    waiter_wake(&r->waiters);
}

/* Which file or URL, and whether it may be asked at all. */
static sp_error aim(const struct keyring *k, const struct ring *r, struct fetch *f)
{
    struct buf path;

    buf_init(&path, OUTSIDE_PATH_MAX);
    if (r->issuer->jwks_file != NULL) {
        const char *at = file_path(&path, k->outside.folder, r->issuer->jwks_file);
        f->file = at != NULL ? strdup(at) : NULL;
        buf_deinit(&path);
        return f->file != NULL ? SP_OK : SP_ERR_NOMEM;
    }
    buf_deinit(&path);
    if (!outside_allows(&k->outside, r->issuer->jwks_uri))
        return sp_why_say(&f->why, SP_ERR_DENIED,
                          "the floor file lists no issuer at the host of %s", r->issuer->jwks_uri);
    f->url = strdup(r->issuer->jwks_uri);
    return f->url != NULL ? SP_OK : SP_ERR_NOMEM;
}

static sp_error begin(struct keyring *k, size_t i)
{
    struct ring *r = &k->rings[i];
    struct fetch *f = calloc(1, sizeof *f);
    sp_error e;

    if (f == NULL)
        return SP_ERR_NOMEM;
    f->ring_of = k;
    f->index = i;
    f->client = k->outside.client;
    if ((e = aim(k, r, f)) != SP_OK ||
        (e = pool_submit(k->outside.pool, POOL_OUTBOUND, work, done, f)) != SP_OK) {
        r->why = f->why;
        fetch_free(f);
        return e;
    }
    r->under_way = f;
    return SP_OK;
}

/* Begins a fetch unless one is under way or failed a moment ago. */
static bool want(struct keyring *k, size_t i, sp_boot_ms now)
{
    struct ring *r = &k->rings[i];

    if (r->under_way != NULL)
        return true;
    if (r->ever_tried && r->failed && now - r->tried < KEYRING_RETRY_MS)
        return false;
    sp_error e = begin(k, i);
    if (e != SP_OK) {
        r->failed = true;
        r->tried = now;
        log_event(LOG_WARN, "gateway.keys", r->why.text, "issuer", r->issuer->iss, "error",
                  sp_error_code(e), NULL);
    }
    r->ever_tried = true;
    return e == SP_OK;
}

sp_error keyring_new(const struct gwconf *conf, const struct outside *outside, struct keyring **out)
{
    struct keyring *k = calloc(1, sizeof *k);

    if (k == NULL)
        return SP_ERR_NOMEM;
    k->outside = *outside;
    k->count = conf->oauth.issuers.count;
    k->rings = calloc(k->count + 1, sizeof *k->rings);
    if (k->rings == NULL) {
        free(k);
        return SP_ERR_NOMEM;
    }
    for (size_t i = 0; i < k->count; i++)
        k->rings[i].issuer = gwconf_issuer_at(conf, i);
    *out = k;
    return SP_OK;
}

void keyring_free(struct keyring *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->count; i++) {
        if (k->rings[i].under_way != NULL)
            k->rings[i].under_way->ring_of = NULL;
        waiter_wake(&k->rings[i].waiters);
        jwks_free(k->rings[i].keys);
    }
    free(k->rings);
    free(k);
}

enum keyring_answer keyring_get(struct keyring *k, size_t i, sp_boot_ms now,
                                const struct jwks **keys)
{
    struct ring *r = &k->rings[i];
    bool coming = false;

    if (r->keys == NULL || now - r->fetched >= KEYRING_FRESH_MS)
        coming = want(k, i, now);
    if (r->keys != NULL && now - r->fetched < KEYRING_FRESH_MS + KEYRING_STALE_MS) {
        *keys = r->keys;
        return KEYRING_HERE;
    }
    return coming ? KEYRING_COMING : KEYRING_DOWN;
}

enum keyring_answer keyring_again(struct keyring *k, size_t i, sp_boot_ms now)
{
    struct ring *r = &k->rings[i];

    if (r->under_way != NULL)
        return KEYRING_COMING;
    if (r->ever_tried && now - r->tried < KEYRING_AGAIN_MS)
        return KEYRING_HERE;
    return want(k, i, now) ? KEYRING_COMING : KEYRING_HERE;
}

void keyring_wait(struct keyring *k, size_t i, struct waiter *w)
{
    waiter_add(&k->rings[i].waiters, w);
}

const char *keyring_why(const struct keyring *k, size_t i)
{
    return k->rings[i].why.text;
}
