#include "connector/gateway/detect/exposure.h"
#include "connector/gateway/owner.h"
#include "connector/gateway/preflight.h"
#include "connector/gateway/rehearse_internal.h"
#include "connector/gateway/watch_internal.h"

#include <stdio.h>

/* Whose objects are in a recorded exchange, and what an answer exposes. Judged as in a connector,
 * where the record says what the application said; where it does not, nobody is blamed. */

enum { SHOWN_BACK = 2000 /* entries that are searched for what a preflight would have got */ };

/* What the rule compares with is known here. */
static bool is_known(const struct act *a, const struct gwconf_owner *r)
{
    const struct gw_caller *c = a->x.caller;

    switch ((enum gw_value)r->equals.kind) {
    case GW_VALUE_USER_NAME:
        return c->name.len > 0;
    case GW_VALUE_USER_EMAIL:
        return c->email.len > 0;
    case GW_VALUE_APP_SUBJECT:
        return a->s->subject[0] != '\0';
    default:
        return false;
    }
}

static bool speaks(const struct act *a, const struct gwconf_owner *r)
{
    struct gwmatch_subject s = match_subject(&a->x);

    return r->mode != GW_OFF && gwmatch_holds(&r->match, &s) && !owner_excepted(a->x.caller, r) &&
           is_known(a, r);
}

static struct view expected(const struct act *a, const struct gwconf_owner *r)
{
    return owner_expected(&a->x, &r->equals, view_str(a->s->subject));
}

static bool not_own(struct act *a, const struct gwconf_owner *r)
{
    struct gw_verdict v = gw_refuse(GW_REASON_OWNER);

    view_copy(v.rule, sizeof v.rule, view_str("owner"));
    return act_took(a, gw_in_mode(&a->x, (enum gw_mode)r->mode, v));
}

/* A JSON text of a recorded 2xx; empty: the record does not have it. */
static struct view shown_text(const struct json *response)
{
    const struct json *content = json_get(response, "content");
    int64_t status = 0;

    return json_get_int(response, "status", 200, 299, &status) == SP_OK &&
                   json_get(content, "encoding") == NULL
               ? json_str(json_get(content, "text"))
               : (struct view){0};
}

/* What a GET of `path` showed last before this entry. */
static struct view shown_before(const struct act *a, struct view path)
{
    size_t end = a->index > SHOWN_BACK ? a->index - SHOWN_BACK : 0;

    for (size_t i = a->index; i > end; i--) {
        const struct json *entry = json_at(a->s->entries, i - 1);
        const struct json *request = json_get(entry, "request");
        struct url url;
        if (view_is(json_str(json_get(request, "method")), "GET") &&
            url_parse(json_str(json_get(request, "url")), &url) == SP_OK &&
            view_equal(url.path, path))
            return shown_text(json_get(entry, "response"));
    }
    return (struct view){0};
}

static bool holds_in(struct act *a, const struct gwconf_owner *r, struct view text)
{
    const struct value *root = NULL;
    bool own = value_read(text, VALUE_DEPTH_MAX, &a->scratch, NULL, &root) == SP_OK &&
               owner_holds(root, view_str(r->from.where), expected(a, r), &a->scratch);

    scratch_reset(&a->scratch, SCRATCH_FIRST_BYTES);
    return own;
}

static bool asked_first(struct act *a, const struct gwconf_owner *r)
{
    struct view path, text;

    if (preflight_path(&a->x, r, a->s->conf.allow_encoded_slash, &path) != SP_OK)
        return not_own(a, r);
    text = shown_before(a, path);
    if (text.len == 0) {
        a->s->out->owners_unknown++;
        return true;
    }
    return holds_in(a, r, text) || not_own(a, r);
}

bool objects_in_request(struct act *a)
{
    const struct gwconf *conf = &a->s->conf;

    for (size_t i = 0; i < conf->owners.count; i++) {
        const struct gwconf_owner *r = gwconf_owner_at(conf, i);
        if (r->from.source == GW_OWNER_RESPONSE || !speaks(a, r))
            continue;
        bool goes_on =
            r->from.source == GW_OWNER_PREFLIGHT
                ? asked_first(a, r)
                : owner_in_request(&a->x, r, expected(a, r), &a->scratch) || not_own(a, r);
        if (!goes_on)
            return false;
    }
    return true;
}

/* ---- answers ------------------------------------------------------------------------------- */

/* The first name counts, as in a session. */
static void keep_subject(struct act *a, const struct value *root)
{
    const struct gwconf_subject *c = &a->s->conf.subject;
    struct gwmatch_subject s = match_subject(&a->x);

    if (a->s->subject[0] != '\0' || !gwmatch_is_set(&c->match) || !gwmatch_holds(&c->match, &s))
        return;
    struct view text = value_text(value_at(root, view_str(c->pointer)), &a->scratch);
    if (text.len > 0 && text.len <= WATCH_SUBJECT_MAX)
        view_copy(a->s->subject, sizeof a->s->subject, text);
}

static bool owners_of_answer(struct act *a, const struct value *root, bool recorded)
{
    const struct gwconf *conf = &a->s->conf;

    for (size_t i = 0; i < conf->owners.count; i++) {
        const struct gwconf_owner *r = gwconf_owner_at(conf, i);
        if (r->from.source != GW_OWNER_RESPONSE || !speaks(a, r))
            continue;
        if (!recorded)
            a->s->out->owners_unknown++;
        else if (!owner_holds(root, view_str(r->from.where), expected(a, r), &a->scratch) &&
                 !not_own(a, r))
            return false;
    }
    return true;
}

static bool unexposed(struct act *a, const struct value *root)
{
    enum gw_mode mode = (enum gw_mode)a->s->conf.detectors.exposure;
    struct gw_verdict v = gw_refuse(GW_REASON_EXPOSURE);
    struct exposure_seen seen = {0};

    if (mode == GW_OFF || root == NULL)
        return true;
    observe_exposure(&a->x, root, &a->scratch, &seen);
    view_copy(v.rule, sizeof v.rule, view_str("exposure"));
    return seen.kinds == 0 || act_took(a, gw_in_mode(&a->x, mode, v));
}

bool objects_in_answer(struct act *a, const struct json *response)
{
    struct view type = json_str(json_get(json_get(response, "content"), "mimeType"));
    struct gw_field field = {view_str("content-type"), type};
    const struct value *root = NULL;
    struct view text = shown_text(response);
    int64_t status = 0;

    if (json_get_int(response, "status", 200, 299, &status) != SP_OK || status == 204 ||
        a->x.request.method == GW_HEAD)
        return true;
    a->x.response.status = (int)status;
    a->x.response.fields = &field;
    a->x.response.field_count = 1;
    if (text.len > 0 && value_read(text, VALUE_DEPTH_MAX, &a->scratch, NULL, &root) != SP_OK)
        root = NULL;
    if (root != NULL)
        keep_subject(a, root);
    bool goes_on = owners_of_answer(a, root, text.len > 0) && unexposed(a, root);
    scratch_reset(&a->scratch, SCRATCH_FIRST_BYTES);
    a->x.response.fields = NULL;
    a->x.response.field_count = 0;
    return goes_on;
}
