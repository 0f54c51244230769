#include "connector/gateway/guard_internal.h"

#include <stdio.h>
#include <time.h>

#include "lib/base/banned.h"

/*
 * Endpoints on their way out: RFC 9745 (Deprecation), RFC 8594 (Sunset and Link), 410 after the
 * sunset. The first rule that matches speaks.
 */
static const struct gwconf_retire *rule_of(const struct guard *g, const struct gw_exchange *x)
{
    struct gwmatch_subject s = guard_subject(x);

    for (size_t i = 0; i < g->conf->retired.count; i++) {
        const struct gwconf_retire *r = gwconf_retire_at(g->conf, i);
        if (gwmatch_holds(&r->match, &s))
            return r;
    }
    return NULL;
}

/* 410 for requests from the first second of the sunset's day on. */
struct gw_verdict guard_retired(struct guard *g, struct gw_exchange *x, sp_unix_ms now)
{
    const struct gwconf_retire *r = rule_of(g, x);

    if (r == NULL || r->sunset_s == 0 || now / 1000 < r->sunset_s)
        return gw_pass();
    struct gw_verdict v = gw_refuse(GW_REASON_GONE);
    view_copy(v.rule, sizeof v.rule, view_str(r->match.path));
    return gw_in_mode(x, (enum gw_mode)r->after, v);
}

static void add_field(struct gw_exchange *x, const char *name, const char *value)
{
    struct view copy = arena_copy(x->request.arena, view_str(value));

    /* An answer without the hint is better than none. */
    if (copy.at != NULL)
        (void)gw_answer_field(x, view_str(name), copy);
}

/* IMF-fixdate (RFC 9110 section 5.6.7). */
static void http_date(int64_t seconds, char *out, size_t size)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = (time_t)seconds;
    struct tm at = {0};

    gmtime_r(&t, &at);
    snprintf(out, size, "%s, %02d %s %d %02d:%02d:%02d GMT", days[at.tm_wday % 7], at.tm_mday,
             months[at.tm_mon % 12], at.tm_year + 1900, at.tm_hour, at.tm_min, at.tm_sec);
}

void guard_answer(struct guard *g, struct gw_exchange *x)
{
    const struct gwconf_retire *r = rule_of(g, x);
    char text[1100];

    if (r == NULL)
        return;
    if (r->deprecated_s != 0) {
        snprintf(text, sizeof text, "@%lld", (long long)r->deprecated_s);
        add_field(x, "deprecation", text);
    }
    if (r->sunset_s != 0) {
        http_date(r->sunset_s, text, sizeof text);
        add_field(x, "sunset", text);
    }
    if (r->successor != NULL) {
        snprintf(text, sizeof text, "<%s>; rel=\"successor-version\"", r->successor);
        add_field(x, "link", text);
    }
}
