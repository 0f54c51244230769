#include "broker/feeds/pull.h"

#include "broker/feeds/answer.h"
#include "broker/feeds/falcon.h"
#include "broker/feeds/intune.h"
#include "lib/http/form.h"

#include <stdio.h>
#include <stdlib.h>

/* One conversation on its way. */
struct talk {
    const struct feed_pull *p;
    const struct vendor *vendor;
    struct feed_records *out;
    struct feed_outcome *o;
    struct secret *bearer; /* owned; NULL: not yet */
    sp_boot_ms until;
    int pages;
};

/* ---- what a failure means ----------------------------------------------------------------- */

static sp_error say_status(struct talk *t, int status, bool token)
{
    static const char again[] = "Nothing changes until it answers; values it gave before age.";
    struct feed_outcome *o = t->o;
    const char *name = t->vendor->name;

    if (status == 401 || (token && status == 400)) {
        snprintf(o->text, sizeof o->text,
                 status == 401
                     ? "Feed %s answered %d: the secret is wrong or revoked. Enter a new one, then "
                       "test."
                     : "Feed %s answered %d: it does not know the tenant or the client id. Correct "
                       "them, then test.",
                 name, status);
        return SP_ERR_REFUSED;
    }
    if (status == 403) {
        snprintf(o->text, sizeof o->text,
                 "Feed %s answered 403: its API client lacks the permission %s. Grant it, then "
                 "test.",
                 name, t->vendor->permission);
        return SP_ERR_REFUSED;
    }
    if (status == 429)
        snprintf(o->text, sizeof o->text, "Feed %s answered 429: it is asked too often. %s", name,
                 again);
    else if (status >= 500)
        snprintf(o->text, sizeof o->text, "Feed %s answered %d: its service has a fault. %s", name,
                 status, again);
    else if (status >= 300 && status < 400)
        snprintf(
            o->text, sizeof o->text,
            "Feed %s answered %d: it sends us elsewhere, which is not followed. Is the account "
            "in another region?",
            name, status);
    else
        snprintf(o->text, sizeof o->text,
                 "Feed %s answered %d, which is no answer of this API. Check its address.", name,
                 status);
    return status == 429 ? SP_ERR_BUSY : SP_ERR_PROTOCOL;
}

static sp_error say_answer(struct talk *t, sp_error e, const struct sp_why *why)
{
    snprintf(t->o->text, sizeof t->o->text, "Feed %s gave an answer that can't be used: %.300s.",
             t->vendor->name, why->text[0] != '\0' ? why->text : sp_error_text(e));
    return e;
}

/* ---- one call ----------------------------------------------------------------------------- */

static sp_error call(struct talk *t, struct client_request *q, struct client_response *r)
{
    struct sp_why why = {0};
    sp_boot_ms left = t->until - clock_boot();
    sp_error e;

    if (t->p->stop != NULL && t->p->stop(t->p->arg)) {
        snprintf(t->o->text, sizeof t->o->text, "The broker ends.");
        return SP_ERR_CANCELLED;
    }
    if (left <= 0 || ++t->pages > PULL_PAGES_MAX) {
        snprintf(t->o->text, sizeof t->o->text, "Feed %s did not come to an end in %d min.",
                 t->vendor->name, PULL_WHOLE_MS / 60000);
        return SP_ERR_TIMEOUT;
    }
    q->deadline_ms = left < PULL_CALL_MS ? left : PULL_CALL_MS;
    q->body_max = ANSWER_BYTES_MAX;
    if ((e = client_call(t->p->client, q, &why, r)) != SP_OK) {
        snprintf(t->o->text, sizeof t->o->text, "Feed %s was not read: %.300s.", t->vendor->name,
                 why.text[0] != '\0' ? why.text : sp_error_text(e));
        return e;
    }
    t->o->status = r->status;
    t->o->retry_after_s = r->retry_after_s;
    bool token = q->method == METHOD_POST;
    if (r->status == 200 || (token && r->status == 201))
        return SP_OK;
    return say_status(t, r->status, token);
}

/* The body holds the client's secret. */
static sp_error get_token(struct talk *t)
{
    const struct feed_account *a = t->p->account;
    struct client_request q = {.method = METHOD_POST};
    struct client_response r;
    struct sp_why why = {0};
    struct buf url, body, scope;
    sp_error e;

    client_response_init(&r);
    buf_init(&url, URL_BYTES_MAX);
    buf_init(&body, FORM_BYTES_MAX);
    buf_init(&scope, URL_BYTES_MAX);
    form_add(&body, "client_id", view_str(a->client_id));
    form_add(&body, "client_secret", secret_open(a->secret));
    secret_close(a->secret);
    if (a->vendor == FEED_INTUNE) {
        buf_addf(&scope, "%s/.default", a->base_url);
        form_add(&body, "grant_type", view_str("client_credentials"));
        form_add(&body, "scope", buf_view(&scope));
        buf_addf(&url, "%s/%s/oauth2/v2.0/token", a->login_url, a->tenant);
    } else {
        buf_addf(&url, "%s/oauth2/token", a->login_url);
    }
    q.url = buf_cstr(&url);
    q.body = buf_view(&body);
    q.headers[0].name = "Content-Type";
    q.headers[0].value = view_str("application/x-www-form-urlencoded");
    q.headers[1].name = "Accept";
    q.headers[1].value = view_str("application/json");
    if ((e = buf_error(&url)) == SP_OK && (e = buf_error(&body)) == SP_OK &&
        (e = q.url == NULL ? SP_ERR_NOMEM : call(t, &q, &r)) == SP_OK &&
        (e = answer_token(buf_view(&r.body), &why, &t->bearer)) != SP_OK)
        e = say_answer(t, e, &why);
    buf_wipe(&body);
    buf_deinit(&scope);
    buf_deinit(&url);
    client_response_deinit(&r);
    return e;
}

/* GET with the token; the answer's body is the caller's. */
static sp_error get(struct talk *t, const char *url, struct client_response *r)
{
    struct client_request q = {.method = METHOD_GET, .url = url};
    struct buf bearer;
    sp_error e;

    buf_init(&bearer, ANSWER_TOKEN_MAX + 16);
    buf_add_str(&bearer, "Bearer ");
    buf_add(&bearer, secret_open(t->bearer));
    secret_close(t->bearer);
    q.headers[0].name = "Authorization";
    q.headers[0].value = buf_view(&bearer);
    q.headers[1].name = "Accept";
    q.headers[1].value = view_str("application/json");
    if ((e = buf_error(&bearer)) == SP_OK)
        e = url == NULL ? SP_ERR_NOMEM : call(t, &q, r);
    buf_wipe(&bearer);
    return e;
}

/* ---- CrowdStrike -------------------------------------------------------------------------- */

static sp_error falcon_details(struct talk *t, const struct falcon_ids *ids, size_t from)
{
    size_t to = from + FALCON_ASK_MAX < ids->count ? from + FALCON_ASK_MAX : ids->count;
    struct client_response r;
    struct sp_why why = {0};
    struct buf url;
    bool first = true;
    sp_error e;

    client_response_init(&r);
    buf_init(&url, URL_BYTES_MAX);
    buf_addf(&url, "%s/zero-trust-assessment/entities/assessments/v1", t->p->account->base_url);
    for (size_t i = from; i < to; i++)
        url_add_query(&url, &first, "ids", view_str(ids->at[i]));
    if ((e = buf_error(&url)) == SP_OK && (e = get(t, buf_cstr(&url), &r)) == SP_OK &&
        (e = falcon_read_assessments(buf_view(&r.body), &why, t->out)) != SP_OK)
        e = say_answer(t, e, &why);
    buf_deinit(&url);
    client_response_deinit(&r);
    return e;
}

static sp_error falcon_page(struct talk *t, struct falcon_ids *ids)
{
    struct client_response r;
    struct sp_why why = {0};
    struct buf url;
    bool first = true;
    sp_error e;

    client_response_init(&r);
    buf_init(&url, URL_BYTES_MAX);
    buf_addf(&url, "%s/zero-trust-assessment/queries/assessments/v1", t->p->account->base_url);
    url_add_query(&url, &first, "filter", view_str("score:>=0"));
    url_add_query(&url, &first, "sort", view_str("score|desc"));
    url_add_query(&url, &first, "limit", view_str("1000"));
    if (ids->after[0] != '\0')
        url_add_query(&url, &first, "after", view_str(ids->after));
    if ((e = buf_error(&url)) == SP_OK && (e = get(t, buf_cstr(&url), &r)) == SP_OK &&
        (e = falcon_read_ids(buf_view(&r.body), &why, ids)) != SP_OK)
        e = say_answer(t, e, &why);
    buf_deinit(&url);
    client_response_deinit(&r);
    return e;
}

static sp_error falcon(struct talk *t)
{
    struct falcon_ids *ids = calloc(1, sizeof *ids); /* too large for a stack */
    sp_error e = ids == NULL ? SP_ERR_NOMEM : SP_OK;

    while (e == SP_OK) {
        e = falcon_page(t, ids);
        for (size_t i = 0; e == SP_OK && i < ids->count; i += FALCON_ASK_MAX) {
            e = falcon_details(t, ids, i);
            if (t->p->probe)
                break;
        }
        /* An empty page ends the list, whatever cursor it has: no vendor can lead us in circles. */
        if (e == SP_OK && (ids->after[0] == '\0' || ids->count == 0 || t->p->probe))
            break;
    }
    free(ids);
    return e;
}

/* ---- Intune ------------------------------------------------------------------------------- */

static sp_error intune_page(struct talk *t, const struct url *origin, char next[URL_BYTES_MAX + 1])
{
    struct client_response r;
    struct sp_why why = {0};
    sp_error e;

    client_response_init(&r);
    if ((e = get(t, next, &r)) == SP_OK &&
        (e = intune_read_page(buf_view(&r.body), origin, &why, t->out, next)) != SP_OK)
        e = say_answer(t, e, &why);
    client_response_deinit(&r);
    return e;
}

static sp_error intune(struct talk *t)
{
    const struct feed_account *a = t->p->account;
    char next[URL_BYTES_MAX + 1];
    struct url origin;
    sp_error e = url_parse(view_str(a->base_url), &origin);

    snprintf(next, sizeof next,
             "%s/v1.0/deviceManagement/managedDevices?$select=" INTUNE_SELECT "&$top=500",
             a->base_url);
    while (e == SP_OK && next[0] != '\0') {
        e = intune_page(t, &origin, next);
        if (t->p->probe)
            break;
    }
    return e;
}

/* ---- the whole ---------------------------------------------------------------------------- */

sp_error feed_pull(const struct feed_pull *p, struct feed_records *out, struct feed_outcome *o)
{
    sp_boot_ms begun = clock_boot();
    struct talk t = {.p = p,
                     .vendor = vendor_of(p->account->vendor),
                     .out = out,
                     .o = o,
                     .until = begun + PULL_WHOLE_MS};
    sp_error e;

    *o = (struct feed_outcome){.retry_after_s = -1};
    if ((e = get_token(&t)) == SP_OK)
        e = p->account->vendor == FEED_INTUNE ? intune(&t) : falcon(&t);
    secret_free(t.bearer);
    if (e != SP_OK)
        feed_records_free(out);
    if (e == SP_OK)
        snprintf(o->text, sizeof o->text, "%zu device%s%s", out->count, out->count == 1 ? "" : "s",
                 p->probe ? " on the first page" : "");
    else if (o->text[0] == '\0')
        snprintf(o->text, sizeof o->text, "Feed %s was not read: %s.", t.vendor->name,
                 sp_error_text(e));
    o->error = e;
    o->records = out->count;
    o->ms = clock_boot() - begun;
    return e;
}
