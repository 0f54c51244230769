/* The account at a vendor: checked, tried, sealed, kept. */
#include "broker/feeds/feeds_internal.h"

#include "lib/http/url.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEALED_MAX = FEED_SECRET_MAX + AEAD_OVERHEAD };

/* ---- sealing ------------------------------------------------------------------------------ */

static void secret_aad(const char *name, struct buf *out)
{
    const struct view parts[] = {view_str(name), view_str("client_secret")};

    buf_init(out, 128);
    aead_aad(out, parts, 2);
}

sp_error account_open(struct feeds *f, const struct feed_row *row, struct secret **out)
{
    struct buf aad, plain;
    sp_error e;

    secret_aad(row->name, &aad);
    buf_init(&plain, FEED_SECRET_MAX);
    if ((e = buf_error(&aad)) == SP_OK &&
        (e = aead_open(f->key, buf_view(&aad), row->secret, &plain)) == SP_OK)
        e = secret_new(buf_view(&plain), out);
    buf_wipe(&plain);
    buf_deinit(&aad);
    return e;
}

static sp_error seal(struct feeds *f, const char *name, const struct secret *s, struct buf *out)
{
    struct buf aad;
    sp_error e;

    secret_aad(name, &aad);
    if ((e = buf_error(&aad)) == SP_OK) {
        e = aead_seal(f->key, buf_view(&aad), secret_open(s), out);
        secret_close(s);
    }
    buf_deinit(&aad);
    return e;
}

/* ---- what an administrator writes --------------------------------------------------------- */

/* "https://host[:port]" and nothing behind it. */
static sp_error check_origin(const char *field, const char *text, struct sp_why *why)
{
    struct url u;
    struct buf origin;
    bool plain;

    buf_init(&origin, URL_BYTES_MAX);
    plain = url_parse(view_str(text), &u) == SP_OK && u.https && strlen(text) <= ROW_SUB_MAX;
    if (plain)
        url_write_origin(&u, &origin);
    plain = plain && view_is(buf_view(&origin), text);
    buf_deinit(&origin);
    if (plain)
        return SP_OK;
    sp_why_field(why, "%s", field);
    return sp_why_say(why, SP_ERR_INVALID,
                      "%s is an https origin such as https://api.example.com, without a path",
                      field);
}

static bool plain_word(const char *text, const char *also)
{
    size_t n = text == NULL ? 0 : strlen(text);

    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        bool usual = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!usual && strchr(also, c) == NULL)
            return false;
    }
    return n > 0 && n <= ROW_NAME_MAX;
}

static sp_error refuse(struct sp_why *why, const char *field, const char *text)
{
    sp_why_field(why, "%s", field);
    return sp_why_say(why, SP_ERR_INVALID, "%s", text);
}

static sp_error check_times(const struct feed_row *row, struct sp_why *why)
{
    if (row->interval_ms < FEED_INTERVAL_MS_MIN || row->interval_ms > FEED_INTERVAL_MS_MAX)
        return refuse(why, "interval_ms", "the interval is from 5 minutes to 24 hours");
    if (row->ttl_ms < row->interval_ms || row->ttl_ms > FEED_TTL_MS_MAX)
        return refuse(why, "ttl_ms", "values live from one interval to 7 days");
    return SP_OK;
}

/* The row that the spec makes; its texts are copied. */
static sp_error read_spec(const struct feed_spec *s, struct sp_why *why, struct feed_row *row)
{
    const struct vendor *vendor = vendor_of(s->vendor);
    const struct vendor_region *usual = &vendor->regions[0];
    const char *base = s->base_url != NULL ? s->base_url : usual->base_url;
    const char *login = s->login_url != NULL            ? s->login_url
                        : s->base_url == NULL           ? usual->login_url
                        : s->vendor == FEED_CROWDSTRIKE ? s->base_url
                                                        : usual->login_url;
    sp_error e;

    if (s->vendor == FEED_NONE)
        return sp_why_say(why, SP_ERR_NOT_FOUND, "there is no such vendor");
    if ((e = check_origin("base_url", base, why)) != SP_OK ||
        (e = check_origin("login_url", login, why)) != SP_OK)
        return e;
    if (!plain_word(s->client_id, "-_.@"))
        return refuse(why, "client_id", "the client id is 1 to 128 letters, digits, - _ . @");
    if (vendor->tenant && !plain_word(s->tenant, "-."))
        return refuse(why, "tenant", "the tenant is its id or its domain name");
    if (!vendor->tenant && s->tenant != NULL && s->tenant[0] != '\0')
        return refuse(why, "tenant", "this vendor has no tenants");
    if (s->secret.len > FEED_SECRET_MAX)
        return refuse(why, "secret", "the secret is at most 512 bytes");
    *row = (struct feed_row){.interval_ms =
                                 s->interval_ms != 0 ? s->interval_ms : (int64_t)FEED_INTERVAL_MS};
    row->ttl_ms = s->ttl_ms != 0 ? s->ttl_ms : 2 * row->interval_ms;
    view_copy(row->name, sizeof row->name, view_str(vendor->name));
    view_copy(row->base_url, sizeof row->base_url, view_str(base));
    view_copy(row->login_url, sizeof row->login_url, view_str(login));
    view_copy(row->tenant, sizeof row->tenant, view_str(s->tenant == NULL ? "" : s->tenant));
    view_copy(row->client_id, sizeof row->client_id, view_str(s->client_id));
    return check_times(row, why);
}

/* ---- writing ------------------------------------------------------------------------------ */

struct writing {
    const struct store_services *s;
    struct feed_row before, row;
    bool remove;
    struct audit_record record;
};

static sp_error write_row(struct store_tx *tx, void *arg)
{
    struct writing *w = arg;
    sp_error e;

    w->row = w->before;
    w->row.updated = tx_now(tx);
    if (w->row.ver == 0)
        w->row.created = w->row.updated;
    e = w->remove ? w->s->feeds->remove(tx, w->row.name) : w->s->feeds->put(tx, &w->row);
    return e == SP_OK ? audit_append(tx, w->s, &w->record) : e;
}

/* `text` and the views of `row` live as long as the call. */
static sp_error commit(struct feeds *f, struct writing *w, const struct audit_record *by,
                       const char *text)
{
    w->s = f->services;
    w->record = *by;
    w->record.event = w->remove ? AUDIT_FEED_REMOVE : AUDIT_FEED_CHANGE;
    w->record.result = AUDIT_OK;
    w->record.object_kind = "feed";
    w->record.object_name = w->before.name;
    w->record.text = text;
    return store_commit(f->store, write_row, w);
}

/* The turn is the caller's. */
static sp_error try_account(struct feeds *f, const struct feed_row *row, enum feed_vendor v,
                            const struct secret *secret, struct feed_outcome *o)
{
    const struct feed_account account = {.vendor = v,
                                         .base_url = row->base_url,
                                         .login_url = row->login_url,
                                         .tenant = row->tenant,
                                         .client_id = row->client_id,
                                         .secret = secret};
    const struct feed_pull p = {
        .client = f->client, .account = &account, .probe = true, .stop = feeds_ending, .arg = f};
    struct feed_records records = {0};
    sp_error e = feed_pull(&p, &records, o);

    feed_records_free(&records);
    return e;
}

/* The secret to use: a new one, or the one that is there for the same client at the same origins:
 * nobody sends it elsewhere by changing an address. */
static sp_error choose_secret(const struct slot *s, const struct feed_spec *spec,
                              const struct feed_row *row, struct sp_why *why, struct secret **fresh)
{
    if (spec->secret.len > 0)
        return secret_new(spec->secret, fresh);
    if (!s->there)
        return refuse(why, "secret", "the client's secret is needed");
    if (strcmp(s->row.client_id, row->client_id) != 0 || strcmp(s->row.tenant, row->tenant) != 0 ||
        strcmp(s->row.base_url, row->base_url) != 0 ||
        strcmp(s->row.login_url, row->login_url) != 0)
        return refuse(why, "secret",
                      "another client, tenant or address: give the secret that belongs to it");
    return SP_OK;
}

static void say_change(const struct feed_spec *spec, bool there, char *out, size_t size)
{
    const char *what = !there                 ? "added"
                       : spec->secret.len > 0 ? "changed, with a new secret"
                                              : "changed";

    if (spec->untested != NULL)
        snprintf(out, size, "%s without a passing test: %s", what, spec->untested);
    else
        snprintf(out, size, "%s", what);
}

/* The turn is the caller's; the lock is not held. On SP_OK `fresh` is in the slot. */
static sp_error keep(struct feeds *f, const struct feed_spec *spec, const struct audit_record *by,
                     struct feed_row *row, struct secret **fresh)
{
    struct slot *s = &f->slots[spec->vendor];
    struct writing w = {.remove = false};
    char text[ROW_TEXT_MAX + 64];
    struct buf sealed;

    buf_init(&sealed, SEALED_MAX);
    sp_error e = seal(f, row->name, *fresh != NULL ? *fresh : s->secret, &sealed);
    w.before = *row;
    w.before.secret = buf_view(&sealed);
    say_change(spec, s->there, text, sizeof text);
    if (e == SP_OK && (e = commit(f, &w, by, text)) == SP_OK) {
        *row = w.row;
        row->secret = (struct view){0};
    }
    buf_deinit(&sealed);
    return e;
}

/* The lock is held: what was known of the calls stays, and it is asked at once. */
static void take_in(struct slot *s, const struct feed_row *row, struct secret **fresh)
{
    struct feed_row was = s->row;

    s->row = *row;
    if (s->there) {
        s->row.tried_at = was.tried_at;
        s->row.ok_at = was.ok_at;
        s->row.failing_since = was.failing_since;
        s->row.failures = was.failures;
        s->row.records = was.records;
        s->row.joined = was.joined;
        memcpy(s->row.result, was.result, sizeof was.result);
    }
    s->row.next_at = clock_unix();
    s->not_before = 0;
    s->there = true;
    if (*fresh != NULL) {
        secret_free(s->secret);
        s->secret = *fresh;
        *fresh = NULL;
    }
}

sp_error feeds_put(struct feeds *f, const struct feed_spec *spec, const struct audit_record *by,
                   struct sp_why *why, struct feed_view *out)
{
    struct slot *s = &f->slots[spec->vendor];
    struct secret *fresh = NULL;
    struct feed_outcome o = {0};
    struct feed_row row;
    sp_error e = read_spec(spec, why, &row);

    if (e != SP_OK)
        return e;
    pthread_mutex_lock(&f->lock);
    e = turn_begin(f, spec->vendor);
    pthread_mutex_unlock(&f->lock);
    if (e != SP_OK)
        return e;
    /* Whoever has the turn is the only one that writes the slot. */
    row.ver = s->there ? s->row.ver : 0;
    row.created = s->there ? s->row.created : 0;
    e = choose_secret(s, spec, &row, why, &fresh);
    if (e == SP_OK && spec->untested == NULL &&
        (e = try_account(f, &row, spec->vendor, fresh != NULL ? fresh : s->secret, &o)) != SP_OK)
        e = sp_why_say(why, e, "%s", o.text);
    if (e == SP_OK)
        e = keep(f, spec, by, &row, &fresh);
    pthread_mutex_lock(&f->lock);
    if (e == SP_OK) {
        take_in(s, &row, &fresh);
        slot_view(s, spec->vendor, out);
        out->busy = false;
    }
    turn_end(f, spec->vendor);
    pthread_mutex_unlock(&f->lock);
    secret_free(fresh);
    return e;
}

/* Takes the turn of a feed that is there. */
static sp_error begin(struct feeds *f, enum feed_vendor v)
{
    pthread_mutex_lock(&f->lock);
    sp_error e = f->slots[v].there ? turn_begin(f, v) : SP_ERR_NOT_FOUND;
    if (e == SP_OK && !f->slots[v].there) {
        turn_end(f, v);
        e = SP_ERR_NOT_FOUND;
    }
    pthread_mutex_unlock(&f->lock);
    return e;
}

sp_error feeds_remove(struct feeds *f, enum feed_vendor v, const struct audit_record *by)
{
    struct slot *s = &f->slots[v];
    struct writing w = {.remove = true};
    sp_error e = begin(f, v);

    if (e != SP_OK)
        return e;
    view_copy(w.before.name, sizeof w.before.name, view_str(vendor_of(v)->name));
    e = commit(f, &w, by, by->text != NULL ? by->text : "removed");
    pthread_mutex_lock(&f->lock);
    if (e == SP_OK) {
        secret_free(s->secret);
        free(s->unjoined);
        *s = (struct slot){.busy = true};
    }
    turn_end(f, v);
    pthread_mutex_unlock(&f->lock);
    return e;
}

sp_error feeds_test(struct feeds *f, enum feed_vendor v, struct feed_outcome *out)
{
    struct slot *s = &f->slots[v];
    sp_error e = begin(f, v);

    if (e != SP_OK)
        return e;
    bool works = try_account(f, &s->row, v, s->secret, out) == SP_OK;
    pthread_mutex_lock(&f->lock);
    if (works && s->row.failing_since != 0)
        s->row.next_at = clock_unix(); /* mended: its values are not waited for */
    turn_end(f, v);
    pthread_mutex_unlock(&f->lock);
    return SP_OK;
}
