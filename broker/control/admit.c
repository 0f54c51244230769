/* Who a proven key is, and whether it may stay. */
#include "broker/audit/chain.h"
#include "broker/control/control_internal.h"
#include "broker/identity/logins.h"

#include <stdio.h>

static const char *const device_states[] = {[ROW_DEVICE_NONE] = "unknown",
                                            [ROW_DEVICE_PENDING] = "pending",
                                            [ROW_DEVICE_APPROVED] = "approved",
                                            [ROW_DEVICE_BLOCKED] = "blocked",
                                            [ROW_DEVICE_LOST] = "lost"};
static const char *const mfa_kinds[] = {[ROW_MFA_NONE] = "",
                                        [ROW_MFA_ANY] = "any",
                                        [ROW_MFA_OTP] = "otp",
                                        [ROW_MFA_PHISHING_RESISTANT] = "phishing_resistant"};

static void refuse(struct admission *a, enum channel_close code, const char *reason)
{
    a->refuse = code;
    a->reason = reason;
}

/* INC-14: the key says who this is; an id beside it that says otherwise is a lie. */
static bool claims_another(const struct peer *p, struct sp_id known)
{
    return !id_is_zero(p->proven.id) && !id_equal(p->proven.id, known);
}

static void audit_lie(struct control *c, const struct peer *p, struct sp_id known)
{
    const struct audit_record r = {.event = AUDIT_PROOF_REFUSE,
                                   .result = AUDIT_DENIED,
                                   .actor_kind = p->kind == EDGE_AGENT       ? AUDIT_ACTOR_DEVICE
                                                 : p->kind == EDGE_CONNECTOR ? AUDIT_ACTOR_CONNECTOR
                                                                             : AUDIT_ACTOR_RELAY,
                                   .actor = known,
                                   .object = p->proven.id,
                                   .address = p->proven.address,
                                   .text = "A proven key claimed the id of another one."};

    sp_ignore(audit_now(registry_store(c->o.registry), &r)); /* it is refused either way */
}

static void fill_login(struct control *c, struct admission *a, struct sp_id device)
{
    struct login_row login;
    struct user_row user;
    struct store *st = registry_store(c->o.registry);

    if (logins_of_device(c->o.logins, device, clock_unix(), &login) != SP_OK ||
        store_services(st)->registry->user_get(st, login.user, &user) != SP_OK)
        return;
    snprintf(a->user, sizeof a->user, "%s", user.name);
    a->welcome.user = view_str(a->user);
    a->welcome.until = login.expires;
    a->welcome.mfa_at = login.mfa_at;
    a->welcome.mfa_kind = view_str(mfa_kinds[login.mfa_kind]);
}

static void admit_device(struct control *c, struct admission *a)
{
    struct store *st = registry_store(c->o.registry);
    struct device_row row = {0};
    sp_error e = store_services(st)->registry->device_by_key(st, &a->peer->proven.key, &row);

    if (e != SP_OK && e != SP_ERR_NOT_FOUND) {
        refuse(a, CHANNEL_CLOSE_GOING, "the broker can't read its store");
        return;
    }
    if (claims_another(a->peer, row.id)) {
        if (e == SP_ERR_NOT_FOUND)
            return; /* a device that was removed: it may log in anew */
        audit_lie(c, a->peer, row.id);
        refuse(a, CHANNEL_CLOSE_PROOF, "proof");
        return;
    }
    a->welcome.id = row.id;
    a->welcome.state = view_str(device_states[row.state]);
    if (row.state == ROW_DEVICE_PENDING || row.state == ROW_DEVICE_APPROVED)
        fill_login(c, a, row.id);
}

static void admit_edge(struct control *c, struct admission *a)
{
    const struct snapshot *s = registry_hold(c->o.registry);
    enum edge_state state = EDGE_NONE;
    struct sp_id known = {0};

    if (a->peer->kind == EDGE_CONNECTOR) {
        const struct connector_row *row = snapshot_connector_by_key(s, &a->peer->proven.key);
        state = row == NULL ? EDGE_NONE : row->state;
        known = row == NULL ? known : row->id;
    } else {
        const struct relay_row *row = snapshot_relay_by_key(s, &a->peer->proven.key);
        state = row == NULL ? EDGE_NONE : row->state;
        known = row == NULL ? known : row->id;
    }
    registry_release(c->o.registry, s);
    if (state == EDGE_REVOKED) {
        refuse(a, CHANNEL_CLOSE_CUT, "revoked");
    } else if (state != EDGE_NONE && claims_another(a->peer, known)) {
        audit_lie(c, a->peer, known);
        refuse(a, CHANNEL_CLOSE_PROOF, "proof");
    }
    a->welcome.id = known;
    a->welcome.state = view_str(state == EDGE_NONE ? "unknown" : "approved");
}

void admit(struct control *c, struct admission *a)
{
    a->welcome.state = view_str("unknown");
    if (a->peer->kind == EDGE_AGENT)
        admit_device(c, a);
    else
        admit_edge(c, a);
}
