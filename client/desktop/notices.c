#include "client/desktop/notices.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void notices_init(struct notices *n, notice_show *show, void *arg)
{
    *n = (struct notices){.show = show, .arg = arg};
}

static void tell(struct notices *n, const struct notice *one)
{
    n->show(n->arg, one);
}

static void take_away(struct notices *n, const char *kind, const char *what)
{
    struct notice one = {.over = true};

    snprintf(one.key, sizeof one.key, "%s/%.40s", kind, what);
    tell(n, &one);
}

static void clock_text(int64_t unix_ms, char out[16])
{
    time_t at = (time_t)(unix_ms / 1000);
    struct tm local;

    if (localtime_r(&at, &local) == NULL || strftime(out, 16, "%H:%M", &local) == 0)
        snprintf(out, 16, "–");
}

/* ---- ends ------------------------------------------------------------------------------- */

/* 0: not told yet. Sessions that are no longer among `all` are forgotten by rebuilding the list. */
static int64_t told_of(const struct notices *n, struct sp_id id)
{
    for (size_t i = 0; i < n->session_count; i++)
        if (id_equal(n->sessions[i].id, id))
            return n->sessions[i].told;
    return 0;
}

/* The limit that `s` has passed by now; 0: none. One that was opened within it is not surprised. */
static int64_t limit_passed(const struct notices_session *s, int64_t now)
{
    static const int64_t limits[] = {NOTICES_LATE_MS, NOTICES_EARLY_MS};

    for (size_t i = 0; s->deadline > now && i < sizeof limits / sizeof *limits; i++)
        if (s->deadline - now <= limits[i])
            return s->deadline - s->opened > limits[i] ? limits[i] : 0;
    return 0;
}

static void tell_end(struct notices *n, const struct notices_session *s, int64_t now)
{
    struct notice one = {0};
    char at[16];

    clock_text(s->deadline, at);
    snprintf(one.key, sizeof one.key, "ends/%s", id_text(s->id).s);
    snprintf(one.title, sizeof one.title, "%.100s ends in %lld min", s->app,
             (long long)((s->deadline - now + 59999) / 60000));
    snprintf(
        one.body, sizeof one.body,
        "Open connections to %.100s are closed at %s. Connecting again then opens a new session.",
        s->app, at);
    one.urgent = s->deadline - now <= NOTICES_LATE_MS;
    tell(n, &one);
}

static void tell_login(struct notices *n, int64_t until, int64_t now)
{
    struct notice one = {.key = "login/ends", .action = "Sign in again"};
    char at[16];

    if (n->login_told == until)
        return;
    if (n->login_told != 0 && until - now > NOTICES_LOGIN_MS) { /* it was extended, or is over */
        n->login_told = 0;
        take_away(n, "login", "ends");
    }
    if (until <= now || until - now > NOTICES_LOGIN_MS)
        return;
    n->login_told = until;
    clock_text(until, at);
    snprintf(one.title, sizeof one.title, "Your login ends at %s", at);
    snprintf(one.body, sizeof one.body,
             "Sign in again before that, and no session is cut: "
             "sallyport login --extend");
    tell(n, &one);
}

void notices_time(struct notices *n, const struct notices_session *all, size_t count,
                  int64_t login_until, int64_t now)
{
    struct notices next = *n;

    next.session_count = 0;
    for (size_t i = 0; i < count && next.session_count < NOTICES_SESSIONS_MAX; i++) {
        int64_t limit = limit_passed(&all[i], now), told = told_of(n, all[i].id);

        if (limit != 0 && (told == 0 || limit < told))
            tell_end(n, &all[i], now);
        next.sessions[next.session_count].id = all[i].id;
        next.sessions[next.session_count++].told = limit != 0 ? limit : told;
    }
    memcpy(n->sessions, next.sessions, sizeof n->sessions);
    n->session_count = next.session_count;
    tell_login(n, login_until, now);
}

/* ---- proofs ------------------------------------------------------------------------------ */

void notices_step_up(struct notices *n, const char *app, const char *what)
{
    struct notice one = {.urgent = true};

    snprintf(one.key, sizeof one.key, "proof/%.40s", app);
    snprintf(one.title, sizeof one.title, "%.100s asks for a code", app);
    snprintf(one.body, sizeof one.body, "%.300s%sGive it here: sallyport connect %.100s", what,
             what[0] == '\0' ? "" : " ", app);
    tell(n, &one);
}

void notices_step_up_over(struct notices *n, const char *app)
{
    take_away(n, "proof", app);
}

/* ---- ends that others made --------------------------------------------------------------- */

/* The title is `before`, the app, `after`. */
static const struct {
    const char *code, *before, *after, *next;
    bool of_app; /* the app's name follows `next` */
} ends[] = {
    {"killed", "An administrator ended ", "", "Ask your administrator before you connect again.",
     false},
    {"policy", "", " was closed", "Why: sallyport why ", true},
    {"revoked", "", " was closed: login or device revoked", "Next: sallyport login", false},
    {"record", "", " was closed", "Ask whoever runs the application's connector.", false},
    {"floor", "", " was closed", "Ask whoever runs the application's connector.", false},
};

void notices_ended(struct notices *n, const char *app, const char *code, const char *why)
{
    struct notice one = {.urgent = true};

    notices_step_up_over(n, app);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (strcmp(ends[i].code, code) != 0)
            continue;
        snprintf(one.key, sizeof one.key, "ended/%.40s", app);
        snprintf(one.title, sizeof one.title, "%s%.80s%s", ends[i].before, app, ends[i].after);
        snprintf(one.body, sizeof one.body, "%.400s%s%s%.100s", why, why[0] == '\0' ? "" : " ",
                 ends[i].next, ends[i].of_app ? app : "");
        tell(n, &one);
    }
}

void notices_revoked(struct notices *n)
{
    static const struct notice one = {.key = "device/revoked",
                                      .title = "This device was closed out",
                                      .body =
                                          "An administrator revoked or blocked it; no application "
                                          "can be opened. Ask your administrator.",
                                      .urgent = true};

    tell(n, &one);
}

void notices_signin_failed(struct notices *n)
{
    static const struct notice one = {
        .key = "login/failed",
        .title = "The sign-in did not finish",
        .body = "Your login still ends when it was said. In a terminal: sallyport login --extend"};

    tell(n, &one);
}

/* ---- posture ----------------------------------------------------------------------------- */

static bool listed(const struct notices_signal *all, size_t count, const char *title)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(all[i].title, title, sizeof((struct notices *)NULL)->failing[0] - 1) == 0)
            return true;
    return false;
}

static bool told(const struct notices *n, const char *title)
{
    for (size_t i = 0; i < n->failing_count; i++)
        if (strncmp(n->failing[i], title, sizeof n->failing[0] - 1) == 0)
            return true;
    return false;
}

void notices_posture(struct notices *n, const struct notices_signal *failing, size_t count)
{
    for (size_t i = 0; i < n->failing_count;) {
        if (listed(failing, count, n->failing[i])) {
            i++;
            continue;
        }
        take_away(n, "posture", n->failing[i]);
        memmove(n->failing[i], n->failing[--n->failing_count], sizeof n->failing[0]);
    }
    for (size_t i = 0; i < count && n->failing_count < NOTICES_SIGNALS_MAX; i++) {
        struct notice one = {0};

        if (told(n, failing[i].title))
            continue;
        snprintf(n->failing[n->failing_count++], sizeof n->failing[0], "%s", failing[i].title);
        snprintf(one.key, sizeof one.key, "posture/%.40s", failing[i].title);
        snprintf(one.title, sizeof one.title, "%.100s fails on this device", failing[i].title);
        snprintf(one.body, sizeof one.body,
                 "%.200s%sSome applications refuse it. %.300s%s"
                 "Then: sallyport posture --send",
                 failing[i].text, failing[i].text[0] == '\0' ? "" : ". ", failing[i].remedy,
                 failing[i].remedy[0] == '\0' ? "" : " ");
        tell(n, &one);
    }
}
