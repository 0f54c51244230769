#include "connector/gateway/detect/detect_internal.h"

#include <stdio.h>

/* One incident a detector, subject and endpoint and hour; later findings raise its count. */

static struct incident *find(struct detect *d, enum detector detector, const struct observation *o)
{
    for (size_t i = 0; i < DETECT_INCIDENTS; i++) {
        struct incident *n = &d->incidents[i];
        if (n->used && n->detector == detector && n->subject == o->user &&
            n->endpoint == o->endpoint && since(o->at, n->first) < DETECT_INCIDENT_MS)
            return n;
    }
    return NULL;
}

/* A free place, else the one of the oldest that the broker knows, else the oldest. */
static struct incident *place(struct detect *d)
{
    struct incident *best = &d->incidents[0];

    for (size_t i = 0; i < DETECT_INCIDENTS; i++) {
        struct incident *n = &d->incidents[i];
        if (!n->used)
            return n;
        if (best->changed != n->changed ? best->changed : n->last < best->last)
            best = n;
    }
    return best;
}

void incident_enter(struct detect *d, const struct observation *o, const struct finding *f)
{
    struct incident *n = find(d, f->detector, o);

    if (n == NULL) {
        n = place(d);
        *n = (struct incident){.used = true,
                               .detector = f->detector,
                               .subject = o->user,
                               .endpoint = o->endpoint,
                               .first = o->at};
        view_copy(n->user, sizeof n->user, o->user_text);
        view_copy(n->endpoint_text, sizeof n->endpoint_text, o->endpoint_text);
    }
    n->finding = *f;
    n->merged = f->statistic ? usual_heard(d, o->at) : 0;
    n->session = o->session;
    n->trace = o->trace;
    n->last = o->at;
    n->count++;
    n->mode = f->mode != GW_OFF ? f->mode : (enum gw_mode)d->options.modes[f->detector];
    if (f->refuses)
        *(n->mode == GW_BLOCK ? &n->blocked : &n->would_have_blocked) += 1;
    n->changed = true;
}

void incident_blocked(struct detect *d, enum detector detector, const struct observation *o)
{
    struct incident *best = NULL;

    /* The block may be for another endpoint than this one: the user's newest of the detector. */
    for (size_t i = 0; i < DETECT_INCIDENTS; i++) {
        struct incident *n = &d->incidents[i];
        if (n->used && n->detector == detector && n->subject == o->user &&
            (best == NULL || n->last > best->last))
            best = n;
    }
    if (best == NULL)
        return;
    if (d->options.modes[detector] == GW_BLOCK)
        best->blocked++;
    else
        best->would_have_blocked++;
    best->changed = true;
}

struct json *incident_json(const struct incident *i)
{
    struct json *o = json_object(), *evidence = json_array();

    json_set_cstr(o, "detector", detector_name(i->detector));
    json_set_cstr(o, "user", i->user);
    json_set_id(o, "session", i->session);
    json_set_cstr(o, "endpoint", i->endpoint_text);
    json_set(o, "score", json_new_real(i->finding.score));
    json_set(o, "threshold", json_new_real(i->finding.threshold));
    for (size_t e = 0; e < i->finding.evidence_count; e++)
        json_push(evidence, json_new_str(view_str(i->finding.evidence[e])));
    json_set(o, "evidence", evidence);
    json_set_int(o, "first", i->first);
    json_set_int(o, "last", i->last);
    json_set_int(o, "count", (int64_t)i->count);
    json_set_int(o, "blocked", (int64_t)i->blocked);
    json_set_int(o, "would_have_blocked", (int64_t)i->would_have_blocked);
    if (i->finding.statistic)
        json_set_int(o, "merged", (int64_t)i->merged);
    json_set_cstr(o, "mode", i->mode == GW_BLOCK ? "block" : "monitor");
    trace_write(&i->trace, o);
    return o;
}

struct json *detect_next_incident(struct detect *d, sp_unix_ms now)
{
    for (size_t i = 0; i < DETECT_INCIDENTS; i++) {
        const struct incident *n = &d->incidents[i];
        if (n->used && n->changed && (n->told == 0 || since(now, n->told) >= DETECT_TELL_MS)) {
            d->telling = i;
            return incident_json(n);
        }
    }
    return NULL;
}

void detect_told(struct detect *d, sp_unix_ms now)
{
    d->incidents[d->telling].changed = false;
    d->incidents[d->telling].told = now;
}

void detect_tell_again(struct detect *d)
{
    for (size_t i = 0; i < DETECT_INCIDENTS; i++) {
        d->incidents[i].changed = d->incidents[i].used;
        d->incidents[i].told = 0;
    }
}

/* Feedback ---------------------------------------------------------------------------------- */

bool is_expected(const struct detect *d, enum detector detector, const struct observation *o)
{
    for (size_t i = 0; i < d->expected_count; i++) {
        const struct expected *e = &d->expected[i];
        bool who = e->user != 0 && e->user == o->user;
        for (size_t g = 0; g < o->group_count && g < DETECT_GROUPS_MAX && !who; g++)
            who = e->group != 0 && e->group == o->groups[g];
        if (who && e->detector == detector && o->at < e->until &&
            (e->endpoint == 0 || e->endpoint == o->endpoint))
            return true;
    }
    return false;
}

sp_error detect_expect(struct detect *d, const struct detect_expected *e, sp_unix_ms now)
{
    size_t at = 0;

    if (e->detector >= DETECTORS || (e->user_text.len > 0) == (e->group.len > 0) ||
        e->until <= now || e->until - now > (int64_t)DETECT_EXPECTED_DAYS_MAX * DAY_MS)
        return SP_ERR_INVALID;
    for (size_t i = 0; i < d->expected_count; i++) /* those that are over make room */
        if (d->expected[i].until > now)
            d->expected[at++] = d->expected[i];
    d->expected_count = at;
    if (at == DETECT_EXPECTED_MAX)
        return SP_ERR_FULL;
    d->expected[d->expected_count++] = (struct expected){
        .detector = e->detector,
        .user = e->user_text.len == 0 ? 0 : detect_hash(d, e->user_text),
        .group = e->group.len == 0 ? 0 : detect_hash(d, e->group),
        .endpoint = e->endpoint.len == 0 ? 0 : detect_hash(d, e->endpoint),
        .until = e->until,
    };
    return SP_OK;
}

void detect_unexpect(struct detect *d)
{
    d->expected_count = 0;
}
