/* The facts of one question, frozen, once: decide() sees nothing else. */
#include "broker/session/sessions_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* The numbers in the store are those of the policy. */
_Static_assert((int)ROW_DEVICE_LOST == (int)DEVICE_LOST, "device states");
_Static_assert((int)ROW_DEVICE_APPROVED == (int)DEVICE_APPROVED, "device states");
_Static_assert((int)ROW_OWNER_ORGANISATION == (int)DEVICE_OWNER_ORGANISATION, "device owners");
_Static_assert((int)ROW_OWNER_USER == (int)DEVICE_OWNER_USER, "device owners");
_Static_assert((int)ROW_MFA_PHISHING_RESISTANT == (int)MFA_PHISHING_RESISTANT, "kinds of proof");
_Static_assert((int)ROW_MFA_OTP == (int)MFA_OTP, "kinds of proof");

static bool one_of(const char *text, const char *const list[])
{
    for (size_t i = 0; list[i] != NULL; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

/* ECOSYSTEM.md section 1.2: what the provider's amr and acr are worth (RFC 8176). */
static enum mfa_kind kind_of(const char *const *amr, size_t count, const char *acr)
{
    static const char *const strong[] = {"hwk", "phr", "phrh", NULL};
    static const char *const strong_acr[] = {"phr", "phrh", NULL};
    static const char *const several[] = {"mfa",  "otp",  "sms",    "tel", "swk", "sc", "fpt",
                                          "face", "iris", "retina", "vbm", "mca", NULL};
    enum mfa_kind kind = one_of(acr, strong_acr) ? MFA_PHISHING_RESISTANT : MFA_NONE;

    for (size_t i = 0; i < count; i++) {
        if (one_of(amr[i], strong))
            kind = MFA_PHISHING_RESISTANT;
        else if (kind == MFA_NONE && one_of(amr[i], several))
            kind = MFA_ANY;
    }
    return kind;
}

/* Cuts "pwd mfa" in place. */
static size_t split(char *text, const char *out[], size_t max)
{
    size_t n = 0;
    char *rest = text;

    while (*rest != '\0' && n < max) {
        char *end = rest + strcspn(rest, " ");
        bool more = *end == ' ';
        *end = '\0';
        if (*rest != '\0')
            out[n++] = rest;
        rest = more ? end + 1 : end;
    }
    return n;
}

static void take_proofs(struct gathered *g)
{
    struct facts *f = &g->facts;
    size_t amr_max = sizeof g->amr / sizeof *g->amr;

    if (g->login.mfa_at > 0 && g->login.mfa_kind != ROW_MFA_NONE)
        f->proofs[f->proof_count++] =
            (struct mfa_proof){.kind = (enum mfa_kind)g->login.mfa_kind, .at = g->login.mfa_at};
    memcpy(g->amr_text, g->login.amr, sizeof g->amr_text);
    size_t n = split(g->amr_text, g->amr, amr_max);
    enum mfa_kind kind = kind_of(g->amr, n, g->login.acr);
    if (g->login.auth_at > 0 && kind != MFA_NONE)
        f->proofs[f->proof_count++] = (struct mfa_proof){.kind = kind,
                                                         .at = g->login.auth_at,
                                                         .acr = g->login.acr,
                                                         .amr = g->amr,
                                                         .amr_count = n};
}

static sp_error take_device(struct sessions *s, struct sp_id device, struct gathered *g)
{
    struct facts *f = &g->facts;
    sp_error e;

    if (id_is_zero(device))
        return SP_OK; /* no agent */
    if ((e = s->services->registry->device_get(s->st, device, &g->device)) != SP_OK ||
        (e = judge_signals(s->c.judge, device, &g->signals)) != SP_OK)
        return e;
    f->device_known = true;
    f->device_state = (enum device_state)g->device.state;
    f->device_owner = (enum device_owner)g->device.owner;
    f->device_key = g->device.hardware_key ? DEVICE_KEY_HARDWARE : DEVICE_KEY_SOFTWARE;
    f->signals = g->signals.signals;
    f->signal_count = g->signals.count;
    return SP_OK;
}

static sp_error take_user(struct sessions *s, struct sp_id user, struct gathered *g)
{
    struct facts *f = &g->facts;
    sp_error e = s->services->registry->user_get(s->st, user, &g->user);

    if (e != SP_OK)
        return e;
    f->user = g->user.name;
    f->groups_known = g->user.groups == GROUPS_KNOWN;
    f->groups_detail = g->user.groups_detail;
    if (!f->groups_known)
        return SP_OK;
    if ((e = users_groups(s->c.registry, user, &g->groups)) != SP_OK)
        return e;
    f->groups = (const char *const *)g->groups.names;
    f->group_count = g->groups.count;
    return SP_OK;
}

/* Who is logged in on the device; its login is over: nobody is. */
static sp_error take_login(struct sessions *s, struct sp_id device, sp_unix_ms now,
                           struct gathered *g)
{
    sp_error e = s->services->logins->device_get(s->st, device, &g->login);

    if (e == SP_ERR_NOT_FOUND || (e == SP_OK && g->login.expires <= now))
        return SP_ERR_UNAUTHENTICATED;
    return e;
}

static bool on_granted(void *arg, const struct access_row *row)
{
    struct gathered *g = arg;
    struct granted *n = &g->granted[g->granted_count++];

    *n = (struct granted){.app = row->app, .until = row->until};
    memcpy(n->ref, row->ref, sizeof n->ref);
    return g->granted_count < GRANTED_MAX;
}

void gathered_access(const struct gathered *g, struct sp_id app, struct facts *f)
{
    f->access_until = 0;
    f->access_ref = NULL;
    for (size_t i = 0; i < g->granted_count && f->access_until == 0; i++)
        if (id_equal(g->granted[i].app, app)) {
            f->access_until = g->granted[i].until;
            f->access_ref = g->granted[i].ref;
        }
}

static void take_app(struct sessions *s, struct view name, struct gathered *g)
{
    struct facts *f = &g->facts;

    g->rules = rules_hold(s->c.rules);
    g->app = rules_app(g->rules, name);
    (void)snprintf(g->app_name, sizeof g->app_name, "%.*s", VIEW_ARG(name));
    f->app = g->app_name;
    f->app_exists = g->app != NULL;
    if (g->app != NULL) {
        f->labels = g->app->labels;
        f->label_count = g->app->label_count;
        gathered_access(g, g->app->row->id, f);
    }
}

sp_error gather(struct sessions *s, const struct gather_ask *q, struct gathered *g)
{
    sp_error e = SP_OK;

    memset(g, 0, sizeof *g);
    struct facts *f = &g->facts;
    f->now = clock_unix();
    f->mfa_now = q->mfa_now != 0 ? q->mfa_now : f->now;
    f->proof_is_for_session = q->proof_is_for_session;
    if (q->peer != NULL)
        f->peer = *q->peer;
    if (!id_is_zero(q->device))
        e = take_login(s, q->device, f->now, g);
    if (e == SP_ERR_UNAUTHENTICATED && !id_is_zero(q->user))
        e = SP_OK; /* an admin asks about someone who is not logged in there */
    if (e == SP_OK)
        e = take_user(s, id_is_zero(q->user) ? g->login.user : q->user, g);
    if (e == SP_ERR_NOT_FOUND && id_is_zero(q->user))
        e = SP_ERR_UNAUTHENTICATED;
    if (e == SP_OK && g->user.state != USER_ACTIVE && id_is_zero(q->user))
        e = SP_ERR_UNAUTHENTICATED;
    if (e == SP_OK)
        e = take_device(s, q->device, g);
    if (e == SP_OK)
        e = s->services->access->live(s->st, g->user.id, f->now, on_granted, g);
    if (e == SP_OK) {
        if (id_equal(g->login.user, g->user.id))
            take_proofs(g);
        take_app(s, q->app, g);
    } else {
        gathered_free(s, g);
    }
    return e;
}

void gathered_free(struct sessions *s, struct gathered *g)
{
    users_groups_free(&g->groups);
    judge_signals_free(&g->signals);
    if (g->rules != NULL)
        rules_release(s->c.rules, g->rules);
    memset(g, 0, sizeof *g);
}
