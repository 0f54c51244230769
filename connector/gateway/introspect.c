#include "connector/gateway/introspect.h"

#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/crypto/secret.h"
#include "lib/http/form.h"
#include "lib/os/file.h"

#include <stdlib.h>

#include "lib/base/banned.h"

/* One token being asked for. On the worker it touches only itself, the client and the secret. */
struct question {
    struct introspect *of; /* NULL: it is gone */
    struct question *next;
    struct hash name;
    struct waiter *waiters;
    bool failed; /* over; kept for those who waited, until `until` */
    sp_boot_ms until;

    struct client *client;
    char *url;                /* owned */
    struct buf authorization; /* owned, wiped */
    struct buf form;          /* owned, wiped: holds the token */
    size_t token_len;
    struct buf body; /* the answer's */
    sp_error e;
    struct sp_why why;
};

struct introspect {
    const struct gwconf_introspection *conf;
    struct outside outside;
    struct seen_tokens *seen;
    struct secret *secret;
    struct question *questions; /* under way, and those that failed a moment ago */
    size_t under_way;
    unsigned fails; /* in a row */
    sp_boot_ms open_until;
    struct sp_why why;
};

sp_error introspect_new(const struct gwconf_introspection *conf, const struct outside *outside,
                        struct seen_tokens *seen, struct sp_why *why, struct introspect **out)
{
    struct buf path, text;
    struct introspect *i = calloc(1, sizeof *i);
    sp_error e = SP_ERR_NOMEM;

    buf_init(&path, OUTSIDE_PATH_MAX);
    buf_init(&text, INTROSPECT_SECRET_MAX);
    const char *at = file_path(&path, outside->folder, conf->secret_file);
    if (i == NULL || at == NULL)
        goto out;
    *i = (struct introspect){.conf = conf, .outside = *outside, .seen = seen};
    if ((e = file_read_secret(at, INTROSPECT_SECRET_MAX, &text, why)) != SP_OK)
        goto out;
    while (text.len > 0 && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == '\r'))
        text.len--;
    e = text.len == 0 ? sp_why_say(why, SP_ERR_INVALID, "%s is empty", at)
                      : secret_new(buf_view(&text), &i->secret);
out:
    buf_wipe(&text);
    buf_deinit(&path);
    if (e != SP_OK)
        introspect_free(i);
    else
        *out = i;
    return e;
}

static void question_free(struct question *q)
{
    free(q->url);
    buf_wipe(&q->authorization);
    buf_wipe(&q->form);
    buf_wipe(&q->body);
    free(q);
}

void introspect_free(struct introspect *i)
{
    if (i == NULL)
        return;
    while (i->questions != NULL) {
        struct question *q = i->questions;
        i->questions = q->next;
        waiter_wake(&q->waiters);
        q->of = NULL;
        if (q->failed)
            question_free(q); /* else its worker's end does it */
    }
    secret_free(i->secret);
    free(i);
}

/* "application/json", with or without parameters (RFC 7662 section 2.2). */
static bool says_json(struct view type)
{
    static const char want[] = "application/json";
    size_t n = sizeof want - 1;

    if (type.len < n || (type.len > n && type.at[n] != ';' && type.at[n] != ' '))
        return false;
    return ascii_begins(type, want);
}

static void work(void *arg)
{
    struct question *q = arg;
    const struct client_request ask = {
        .method = METHOD_POST,
        .url = q->url,
        .body = buf_view(&q->form),
        .deadline_ms = OUTSIDE_DEADLINE_MS,
        .body_max = OUTSIDE_BODY_MAX,
        .headers = {{"Authorization", buf_view(&q->authorization)},
                    {"Content-Type", view_str("application/x-www-form-urlencoded")},
                    {"Accept", view_str("application/json")}}};
    struct client_response r;

    client_response_init(&r);
    q->e = client_call(q->client, &ask, &q->why, &r);
    if (q->e == SP_OK && r.status != 200)
        q->e = sp_why_say(&q->why, SP_ERR_PROTOCOL, "%s answered with status %d", q->url, r.status);
    if (q->e == SP_OK && !says_json(buf_view(&r.type)))
        q->e = sp_why_say(&q->why, SP_ERR_PROTOCOL, "%s answered with something else than JSON",
                          q->url);
    if (q->e == SP_OK)
        q->e = buf_append(&q->body, buf_view(&r.body));
    client_response_deinit(&r);
}

static void unlink_question(struct introspect *i, struct question *q)
{
    for (struct question **at = &i->questions; *at != NULL; at = &(*at)->next) {
        if (*at == q) {
            *at = q->next;
            return;
        }
    }
}

/* The worker's answer into `seen`. Not SP_OK: the source failed, not the token. */
static sp_error take_answer(struct introspect *i, struct question *q, sp_boot_ms now)
{
    sp_unix_ms wall = clock_unix();
    struct token *t = NULL;
    sp_error e = token_from_answer(buf_view(&q->body), i->conf, wall, &q->why, &t);

    if (e == SP_ERR_PROTOCOL || e == SP_ERR_NOMEM || e == SP_ERR_LIMIT)
        return e;
    if (t == NULL) { /* not active, or not for us */
        seen_put(i->seen, &q->name, NULL, 0, now, now + INTROSPECT_BAD_MS);
        return SP_OK;
    }
    int64_t keep = i->conf->cache_ms;
    if (t->expires != 0 && t->expires - wall < keep)
        keep = t->expires - wall;
    if (keep < INTROSPECT_FAILED_MS)
        keep =
            INTROSPECT_FAILED_MS; /* those who wait must find it; token_in_time has the last word */
    seen_put(i->seen, &q->name, t, q->token_len, now, now + keep);
    token_free(t);
    return SP_OK;
}

static void done(void *arg)
{
    struct question *q = arg;
    struct introspect *i = q->of;
    sp_boot_ms now = clock_boot();

    if (i == NULL) {
        question_free(q);
        return;
    }
    i->under_way--;
    sp_error e = q->e == SP_OK ? take_answer(i, q, now) : q->e;
    struct waiter *waiters = q->waiters;
    q->waiters = NULL;
    if (waiters != NULL)
        waiters->at = &waiters;
    if (e == SP_OK) {
        i->fails = 0;
        i->why = (struct sp_why){{0}, {0}, 0, 0};
        unlink_question(i, q);
        question_free(q);
    } else {
        i->why = q->why;
        log_event(LOG_WARN, "gateway.introspect", q->why.text, "error", sp_error_code(e), NULL);
        if (++i->fails >= INTROSPECT_FAILS)
            i->open_until = now + INTROSPECT_OPEN_MS;
        q->failed = true;
        q->until = now + INTROSPECT_FAILED_MS;
    }
    waiter_wake(&waiters);
}

/* RFC 6749 section 2.3.1: both parts form-encoded, then Basic. */
static sp_error write_login(const struct introspect *i, struct buf *out)
{
    struct buf pair;

    buf_init(&pair, 8 * INTROSPECT_SECRET_MAX);
    encode_percent(view_str(i->conf->client_id), &pair);
    buf_add_byte(&pair, ':');
    encode_percent(secret_open(i->secret), &pair);
    secret_close(i->secret);
    buf_add_str(out, "Basic ");
    encode_base64(buf_view(&pair), out);
    sp_error e = buf_error(&pair);
    buf_wipe(&pair);
    return e != SP_OK ? e : buf_error(out);
}

static sp_error begin(struct introspect *i, struct view token, const struct hash *name,
                      struct question **out)
{
    struct question *q = calloc(1, sizeof *q);
    sp_error e;

    if (q == NULL)
        return SP_ERR_NOMEM;
    q->of = i;
    q->name = *name;
    q->client = i->outside.client;
    q->token_len = token.len;
    buf_init(&q->authorization, 16 * INTROSPECT_SECRET_MAX);
    buf_init(&q->form, 4 * (size_t)JWT_BYTES_MAX);
    buf_init(&q->body, OUTSIDE_BODY_MAX);
    form_add(&q->form, "token", token);
    form_add(&q->form, "token_type_hint", view_str("access_token"));
    q->url = strdup(i->conf->url);
    if (q->url == NULL || (e = buf_error(&q->form)) != SP_OK ||
        (e = write_login(i, &q->authorization)) != SP_OK ||
        (e = pool_submit(i->outside.pool, POOL_OUTBOUND, work, done, q)) != SP_OK) {
        e = q->url == NULL ? SP_ERR_NOMEM : e;
        question_free(q);
        return e;
    }
    q->next = i->questions;
    i->questions = q;
    i->under_way++;
    *out = q;
    return SP_OK;
}

/* Forgets failures whose time is over, and gives the one of this token. */
static struct question *look(struct introspect *i, const struct hash *name, sp_boot_ms now)
{
    struct question *found = NULL;

    for (struct question **at = &i->questions; *at != NULL;) {
        struct question *q = *at;
        if (q->failed && q->until <= now) {
            *at = q->next;
            question_free(q);
            continue;
        }
        if (secret_equal(hash_view(&q->name), hash_view(name)))
            found = q;
        at = &q->next;
    }
    return found;
}

enum introspect_answer introspect_ask(struct introspect *i, struct view token,
                                      const struct hash *name, sp_boot_ms now, struct waiter *w)
{
    struct question *q = look(i, name, now);

    if (q != NULL && q->failed)
        return INTROSPECT_DOWN;
    if (q == NULL) {
        if (introspect_is_open(i, now) || i->under_way >= INTROSPECT_AT_ONCE)
            return INTROSPECT_DOWN;
        if (!outside_allows(&i->outside, i->conf->url)) {
            sp_ignore(sp_why_say(&i->why, SP_OK, "the floor file lists no issuer at the host of %s",
                                 i->conf->url));
            return INTROSPECT_DOWN;
        }
        if (i->fails >= INTROSPECT_FAILS)
            i->open_until = now + INTROSPECT_OPEN_MS; /* one question tries; the others wait */
        sp_error e = begin(i, token, name, &q);
        if (e != SP_OK) {
            sp_ignore(sp_why_say(&i->why, SP_OK, "%s", sp_error_text(e)));
            return INTROSPECT_DOWN;
        }
    }
    waiter_add(&q->waiters, w);
    return INTROSPECT_COMING;
}

const char *introspect_why(const struct introspect *i)
{
    return i->why.text;
}

bool introspect_is_open(const struct introspect *i, sp_boot_ms now)
{
    return now < i->open_until;
}
