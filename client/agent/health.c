#include "client/agent/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60 * 1000, VISIBLE_MS = 5 * 1000 };

static bool no_broker(const struct health_facts *f)
{
    return !f->broker;
}

static bool integrity(const struct health_facts *f)
{
    return f->integrity;
}

/* A reconnect takes less than this: telling it at once would be noise. */
static bool offline(const struct health_facts *f)
{
    return f->broker && !f->connected && !f->integrity && f->disconnected_ms >= VISIBLE_MS;
}

static bool signed_out(const struct health_facts *f)
{
    return f->broker && f->connected && !f->signed_in;
}

static bool ends_soon(const struct health_facts *f)
{
    return f->signed_in && f->login_left_ms < 15 * MINUTE_MS;
}

static bool pending(const struct health_facts *f)
{
    return f->connected && strcmp(f->device, "pending") == 0;
}

static bool blocked(const struct health_facts *f)
{
    return f->connected && (strcmp(f->device, "blocked") == 0 || strcmp(f->device, "lost") == 0);
}

static bool no_groups(const struct health_facts *f)
{
    return f->connected && f->signed_in && !f->groups_known;
}

static bool failing(const struct health_facts *f)
{
    return f->posture_fail > 0;
}

static bool unknown(const struct health_facts *f)
{
    return f->posture_fail == 0 && f->posture_unknown > 0 && f->first_unknown[0] != '\0';
}

static bool stale(const struct health_facts *f)
{
    return f->connected && f->signed_in &&
           (f->report_age_ms < 0 || f->report_age_ms > 15 * MINUTE_MS);
}

static bool strangers(const struct health_facts *f)
{
    return f->refused_users > 0;
}

static const char *the_lost(const struct health_facts *f)
{
    return f->lost;
}

static const char *the_fail(const struct health_facts *f)
{
    return f->first_fail;
}

static const char *the_unknown(const struct health_facts *f)
{
    return f->first_unknown;
}

static const char *the_device(const struct health_facts *f)
{
    return f->device;
}

/* Text is `text`, then the fact, then `rest`. */
static const struct {
    const char *code;
    enum health_severity severity;
    bool blocks;
    bool (*holds)(const struct health_facts *f);
    const char *text;
    const char *(*fact)(const struct health_facts *f); /* NULL: none */
    const char *rest;
} warnables[] = {
    {"integrity", HEALTH_BAD, true, integrity, "The broker proves another key than the pinned one",
     NULL, ": nothing is sent to it. Ask your administrator, then: sallyport key fingerprint"},
    {"no_broker", HEALTH_INFO, true, no_broker, "Not signed in. Next: sallyport login --broker URL",
     NULL, ""},
    {"blocked", HEALTH_BAD, true, blocked, "This device is ", the_device,
     ": ask your administrator"},
    {"offline", HEALTH_BAD, true, offline, "No connection to the broker: ", the_lost,
     ". See: sallyport doctor"},
    {"signed_out", HEALTH_WARN, true, signed_out, "Not signed in. Next: sallyport login", NULL, ""},
    {"pending", HEALTH_WARN, true, pending, "This device waits for an administrator's approval",
     NULL, ""},
    {"groups", HEALTH_WARN, true, no_groups,
     "Your groups could not be read; apps that ask for one stay closed", NULL, ""},
    {"posture_fail", HEALTH_WARN, false, failing, "", the_fail,
     " fails: some apps will refuse this device. See: sallyport posture"},
    {"posture_unknown", HEALTH_INFO, false, unknown, "", the_unknown,
     " is unknown: apps that ask for it stay closed. See: sallyport posture"},
    {"posture_stale", HEALTH_WARN, false, stale,
     "The broker has no fresh posture of this device. See: sallyport posture --send", NULL, ""},
    {"login_ends", HEALTH_INFO, false, ends_soon,
     "The login ends soon. Next: sallyport login --extend", NULL, ""},
    {"strangers", HEALTH_WARN, false, strangers,
     "Another user of this machine tried to use your sessions and was refused", NULL, ""},
};

static int worst_first(const void *a, const void *b)
{
    const struct health_warning *x = a, *y = b;

    return (int)y->severity - (int)x->severity;
}

size_t health_judge(const struct health_facts *f, struct health_warning out[HEALTH_WARNINGS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof warnables / sizeof *warnables; i++) {
        if (!warnables[i].holds(f))
            continue;
        out[n] = (struct health_warning){.code = warnables[i].code,
                                         .severity = warnables[i].severity,
                                         .blocks = warnables[i].blocks};
        snprintf(out[n].text, sizeof out[n].text, "%s%s%s", warnables[i].text,
                 warnables[i].fact == NULL ? "" : warnables[i].fact(f), warnables[i].rest);
        n++;
    }
    qsort(out, n, sizeof *out, worst_first);
    return n;
}

struct json *health_json(const struct health_warning *w, size_t count)
{
    static const char *const severities[] = {"info", "warn", "bad"};
    struct json *list = json_array();

    for (size_t i = 0; i < count; i++) {
        struct json *one = json_object();

        json_set_cstr(one, "code", w[i].code);
        json_set_cstr(one, "severity", severities[w[i].severity]);
        json_set_bool(one, "blocks", w[i].blocks);
        json_set_cstr(one, "text", w[i].text);
        json_push(list, one);
    }
    return list;
}
