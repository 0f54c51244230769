#include "client/agent/refusal.h"

#include <stdio.h>
#include <string.h>

struct refusal refusal_make(enum exit_code exit, const char *code, const char *what,
                            const char *why, const char *next)
{
    struct refusal r = {.exit = exit};

    snprintf(r.code, sizeof r.code, "%s", code);
    snprintf(r.what, sizeof r.what, "%s", what);
    snprintf(r.why, sizeof r.why, "%s", why == NULL ? "" : why);
    snprintf(r.next, sizeof r.next, "%s", next == NULL ? "" : next);
    return r;
}

static void add_text(char *to, size_t size, struct view text)
{
    size_t len = strlen(to);

    if (text.len > 0 && len + 2 < size)
        snprintf(to + len, size - len, "%s%.*s", len == 0 ? "" : " ", VIEW_ARG(text));
}

struct refusal refusal_decision(const char *app, const struct session_open_answer *answer)
{
    bool step_up = answer->decision == SESSION_STEP_UP;
    struct refusal r = {.exit = step_up                ? EXIT_STEP_UP
                                : answer->posture_only ? EXIT_POSTURE
                                                       : EXIT_DENIED};

    snprintf(r.code, sizeof r.code, "%.*s", VIEW_ARG(answer->code));
    if (r.code[0] == '\0')
        snprintf(r.code, sizeof r.code, step_up ? "step_up" : "denied");
    snprintf(r.what, sizeof r.what, step_up ? "%s needs a newer proof." : "Denied: %s.", app);
    for (size_t i = 0; i < answer->reason_count; i++)
        add_text(r.why, sizeof r.why, answer->reasons[i].text);
    for (size_t i = 0; i < answer->remedy_count; i++)
        add_text(r.next, sizeof r.next, answer->remedies[i]);
    snprintf(r.request, sizeof r.request, "%.*s", VIEW_ARG(answer->request));
    return r;
}

/* The floor is the connector's own policy: a denial, and not a fault of the way. */
static const struct {
    int status;
    enum exit_code exit;
    const char *code, *what, *why, *next;
} stream_answers[] = {
    {403, EXIT_DENIED, "floor", "Denied by the connector.",
     "Its local floor does not allow the app's address.", "ask whoever runs the connector"},
    {404, EXIT_UNREACHABLE, "port", "The app can't be reached.", "Its record has no such port.",
     "sallyport doctor"},
    {502, EXIT_UNREACHABLE, "refused", "The app can't be reached.",
     "It refused the connection, or its name is not known.", "sallyport doctor"},
    {504, EXIT_UNREACHABLE, "timeout", "The app can't be reached.", "It did not answer in 5 s.",
     "sallyport doctor"},
};

struct refusal refusal_stream(int status)
{
    if (status == 200)
        return (struct refusal){.exit = EXIT_OK};
    for (size_t i = 0; i < sizeof stream_answers / sizeof *stream_answers; i++)
        if (stream_answers[i].status == status)
            return refusal_make(stream_answers[i].exit, stream_answers[i].code,
                                stream_answers[i].what, stream_answers[i].why,
                                stream_answers[i].next);
    return refusal_make(EXIT_UNREACHABLE, "refused", "The app can't be reached.",
                        "The connector refused the connection.", "sallyport doctor");
}

struct refusal refusal_pause(const char *step_up)
{
    char text[256];

    snprintf(text, sizeof text, "It is paused until a proof comes: %s.", step_up);
    return refusal_make(EXIT_STEP_UP, "step_up", "A newer proof is needed.", text,
                        "enter the code of your authenticator");
}

/* What an error answer's word means for the person. */
static const struct {
    const char *code;
    enum exit_code exit;
    const char *next;
} answers[] = {
    {"login", EXIT_LOGIN, "sallyport login"}, /* envelope.c: SP_ERR_UNAUTHENTICATED */
    {"expired", EXIT_LOGIN, "sallyport login"},
    {"step_up", EXIT_STEP_UP, "enter the code of your authenticator"},
    {"denied", EXIT_DENIED, NULL},
    {"unreachable", EXIT_UNREACHABLE, "try again in a minute"},
    {"timeout", EXIT_UNREACHABLE, "try again in a minute"},
    {"busy", EXIT_UNREACHABLE, "try again in a minute"},
    {"integrity", EXIT_INTEGRITY, NULL},
};

struct refusal refusal_call(const char *what, sp_error e, const struct envelope *m)
{
    struct refusal r;

    if (m == NULL)
        return refusal_make(EXIT_UNREACHABLE, e == SP_ERR_TIMEOUT ? "timeout" : "unreachable", what,
                            e == SP_ERR_TIMEOUT ? "The broker did not answer in time."
                                                : "The connection to the broker ended.",
                            "sallyport doctor");
    r = refusal_make(EXIT_ERROR, "refused", what, NULL, NULL);
    snprintf(r.code, sizeof r.code, "%.*s", VIEW_ARG(m->code));
    snprintf(r.why, sizeof r.why, "%.*s", VIEW_ARG(m->text));
    snprintf(r.request, sizeof r.request, "%.*s", VIEW_ARG(m->request));
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (strcmp(r.code, answers[i].code) == 0) {
            r.exit = answers[i].exit;
            if (answers[i].next != NULL)
                snprintf(r.next, sizeof r.next, "%s", answers[i].next);
        }
    return r;
}

struct refusal refusal_offline(const char *broker, const struct dialer_lost *lost)
{
    char what[256];
    bool trust = lost->error == SP_ERR_AUDIENCE || lost->error == SP_ERR_SIGNATURE;

    if (broker[0] == '\0')
        return refusal_make(EXIT_LOGIN, "login", "Not signed in.",
                            "This machine knows no broker yet.", "sallyport login --broker URL");
    snprintf(what, sizeof what, "No connection to %s.", broker);
    struct refusal r = refusal_make(trust ? EXIT_INTEGRITY : EXIT_UNREACHABLE,
                                    trust ? "integrity" : "unreachable", what,
                                    lost->why.text[0] != '\0' ? lost->why.text
                                    : lost->error != SP_OK    ? sp_error_text(lost->error)
                                                              : "Not connected yet.",
                                    "sallyport doctor");
    return r;
}

static const struct {
    const char *code, *sentence;
} cuts[] = {
    {"floor", "The connector's local floor does not allow it."},
    {"record", "The connector's record of the app does not allow it."},
    {"audit", "Its connector can't record what happens now, so it takes no new session."},
    {"deadline", "Its time was over."},
    {"idle", "Nothing was sent for the idle time of this app."},
    {"policy", "A change of facts or policy ended it."},
    {"killed", "An administrator ended it."},
    {"revoked", "The login or device was revoked."},
};

static const char *cut_sentence(const char *code)
{
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        if (strcmp(code, cuts[i].code) == 0)
            return cuts[i].sentence;
    return "It was cut.";
}

struct refusal refusal_tunnel(const char *app, const struct tunnel_report *r)
{
    char what[256], why[256];
    bool over = r->why == TUNNEL_CUT || r->why == TUNNEL_IDLE || r->why == TUNNEL_DEADLINE;
    const char *code = r->code[0] != '\0'          ? r->code
                       : r->why == TUNNEL_IDLE     ? "idle"
                       : r->why == TUNNEL_DEADLINE ? "deadline"
                                                   : "unreachable";

    snprintf(what, sizeof what, over && r->was_up ? "Session on %s ended." : "No way to %s.", app);
    if (over)
        return refusal_make(r->was_up ? EXIT_SESSION : EXIT_DENIED, code, what, cut_sentence(code),
                            strcmp(code, "revoked") == 0 ? "sallyport login" : "sallyport status");
    if (r->why == TUNNEL_UNTRUSTED)
        return refusal_make(EXIT_INTEGRITY, "integrity", what,
                            "The other end is not the one that the broker named.",
                            "sallyport doctor");
    snprintf(why, sizeof why, "%s%s%s.", tunnel_why_text(r->why), r->code[0] == '\0' ? "" : ": ",
             r->code);
    return refusal_make(EXIT_UNREACHABLE, code, what, why, "sallyport doctor");
}

struct json *refusal_json(const struct refusal *r)
{
    struct json *j = json_object();

    json_set_int(j, "exit", (int64_t)r->exit);
    json_set_cstr(j, "code", r->code);
    json_set_cstr(j, "what", r->what);
    json_set_cstr(j, "why", r->why);
    json_set_cstr(j, "next", r->next);
    json_set_cstr(j, "request", r->request);
    return j;
}
