/* What an agent asks about apps and sessions. */
#include "broker/control/control_internal.h"
#include "broker/registry/apps.h"
#include "broker/session/cut.h"
#include "broker/session/open.h"
#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/os/sock.h"
#include "lib/proto/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const access_words[] = {
    [VERDICT_DENY] = "no", [VERDICT_STEP_UP] = "step-up", [VERDICT_ALLOW] = "yes"};
static const int decisions[] = {[VERDICT_DENY] = SESSION_DENY,
                                [VERDICT_STEP_UP] = SESSION_STEP_UP,
                                [VERDICT_ALLOW] = SESSION_ALLOW};

/* IPv4 is mapped into IPv6, as facts have it. */
static struct net_address peer_address(const struct peer *p)
{
    struct net_address n = {0};
    struct address a;

    if (address_from_host(view_str(p->proven.address), 0, &a) != SP_OK)
        return n;
    struct view bytes = address_bytes(&a);
    if (bytes.len == 4) {
        n.bytes[10] = n.bytes[11] = 0xff;
        memcpy(n.bytes + 12, bytes.at, 4);
    } else if (bytes.len == 16) {
        memcpy(n.bytes, bytes.at, 16);
    }
    n.known = bytes.len != 0;
    return n;
}

void agent_app_list(struct turn *t)
{
    struct net_address from = peer_address(t->peer);
    struct visible_app *apps = calloc(SESSION_APPS_MAX, sizeof *apps);
    struct app_list_answer *answer = calloc(1, sizeof *answer);
    struct visible_apps seen = {.at = apps, .max = SESSION_APPS_MAX};
    struct app_list m;
    sp_error e = SP_ERR_NOMEM;

    if (!turn_read(t, app_list_fields, &m))
        goto out;
    if (apps != NULL && answer != NULL)
        e = session_apps(t->control->o.sessions, t->peer->id, &from, m.cursor, &seen);
    if (e != SP_OK) {
        turn_refuse(t, e, NULL);
        goto out;
    }
    answer->app_count = seen.count;
    for (size_t a = 0; a < seen.count; a++) {
        answer->apps[a] = (struct app_entry){.id = apps[a].id,
                                             .name = view_str(apps[a].name),
                                             .type = view_str(app_type_word(apps[a].type)),
                                             .ports = {apps[a].port},
                                             .port_count = 1,
                                             .access = view_str(access_words[apps[a].access]),
                                             .why = view_str(apps[a].why)};
    }
    if (seen.more)
        answer->next = answer->apps[seen.count - 1].name;
    turn_answer(t, app_list_answer_fields, answer);
out:
    free(apps);
    free(answer);
}

static size_t fill_reasons(const struct sentences *from, const char *code,
                           struct session_reason *reasons, struct view *remedies,
                           size_t *remedy_count)
{
    size_t n = 0;

    for (; n < from->count && n < SESSION_REASONS_MAX; n++) {
        reasons[n] =
            (struct session_reason){.code = view_str(code), .text = view_str(from->at[n].reason)};
        if (from->at[n].remedy[0] != '\0')
            remedies[(*remedy_count)++] = view_str(from->at[n].remedy);
    }
    return n;
}

static void fill_allow(const struct open_answer *from, const char *name, const struct buf *pin,
                       const char *connector, struct session_open_answer *to)
{
    to->session = from->session;
    to->app = from->app;
    to->name = view_str(name);
    to->type = view_str(app_type_word(from->app_type));
    to->ports[0] = from->app_port;
    to->port_count = 1;
    to->grant = view_str(from->grant);
    to->identity = buf_view(&from->identity);
    to->relay = from->relay;
    to->relay_name = view_str(from->relay_name);
    struct view addresses = view_str(from->relay_addresses);
    while (to->address_count < SESSION_ADDRESSES_MAX &&
           ascii_word(&addresses, &to->addresses[to->address_count]))
        to->address_count++;
    to->relay_key = buf_view(pin);
    to->connector = view_str(connector);
    to->deadline = from->deadline;
    to->idle = from->idle_ms;
    to->reverify = from->reverify_ms;
    to->cut_through = from->cut_through;
}

static void answer_open(struct turn *t, const struct open_answer *from, const char *name)
{
    struct session_open_answer *answer = calloc(1, sizeof *answer);
    struct key_text connector = key_text(&from->connector_key);
    struct buf pin;

    if (answer == NULL) {
        turn_refuse(t, SP_ERR_NOMEM, NULL);
        return;
    }
    buf_init(&pin, 64);
    encode_base64url((struct view){from->relay_spki, sizeof from->relay_spki}, &pin);
    answer->decision = decisions[from->verdict];
    answer->request = view_str(from->request);
    if (from->verdict == VERDICT_ALLOW) {
        fill_allow(from, name, &pin, connector.s, answer);
    } else {
        answer->session = from->session;
        answer->code = view_str(reason_word(from->reason));
        answer->reason_count =
            fill_reasons(&from->sentences, reason_word(from->reason), answer->reasons,
                         answer->remedies, &answer->remedy_count);
        answer->posture_only = from->exit_code == 7;
        if (from->verdict == VERDICT_STEP_UP)
            answer->step_up = view_str(mfa_word(from->need_kind));
    }
    turn_answer(t, session_open_answer_fields, answer);
    buf_deinit(&pin);
    free(answer);
}

/* The app by name, or by id as text: agents remember ids. */
static void name_of(struct control *c, struct view app, char *out, size_t room)
{
    struct sp_id id;

    snprintf(out, room, "%.*s", (int)(app.len < room ? app.len : room - 1), (const char *)app.at);
    if (id_parse(app, &id) != SP_OK)
        return;
    const struct snapshot *s = registry_hold(c->o.registry);
    const struct app_row *row = snapshot_app_by_id(s, id);
    if (row != NULL && snapshot_app(s, app) == NULL)
        snprintf(out, room, "%s", row->name);
    registry_release(c->o.registry, s);
}

void agent_session_open(struct turn *t)
{
    struct open_answer *opened = calloc(1, sizeof *opened);
    char name[ROW_NAME_MAX + 1];
    struct session_open m;

    if (!turn_read(t, session_open_fields, &m)) {
        free(opened);
        return;
    }
    name_of(t->control, m.app, name, sizeof name);
    struct open_request q = {.device = t->peer->id,
                             .tunnel_key = t->peer->proven.tunnel_key,
                             .app = view_str(name),
                             .session = m.session,
                             .not_relays = m.not_relays,
                             .not_count = m.not_count,
                             .peer = peer_address(t->peer)};
    snprintf(q.address, sizeof q.address, "%s", t->peer->proven.address);
    sp_error e = opened == NULL ? SP_ERR_NOMEM : session_open(t->control->o.sessions, &q, opened);
    if (e == SP_OK)
        answer_open(t, opened, name);
    else
        turn_refuse_code(t, envelope_code_of(e),
                         e == SP_ERR_UNREACHABLE && opened != NULL ? opened->unreachable
                                                                   : sp_error_text(e),
                         opened == NULL ? NULL : opened->request);
    if (opened != NULL)
        open_answer_deinit(opened);
    free(opened);
}

void agent_session_end(struct turn *t)
{
    struct session_name m;

    if (!turn_read(t, session_name_fields, &m))
        return;
    sp_error e = session_end(t->control->o.sessions, t->peer->id, m.session);
    if (e == SP_OK)
        turn_answer_empty(t);
    else
        turn_refuse(t, e, NULL);
}

void agent_why(struct turn *t)
{
    struct net_address from = peer_address(t->peer);
    struct why_said *wire = calloc(1, sizeof *wire);
    struct why_answer *why = calloc(1, sizeof *why);
    struct why_ask m;
    sp_error e = SP_ERR_NOMEM;

    if (!turn_read(t, why_ask_fields, &m)) {
        free(wire);
        free(why);
        return;
    }
    if (wire != NULL && why != NULL)
        e = session_why(t->control->o.sessions, t->peer->id, &from, m.app, why);
    if (e == SP_OK) {
        wire->decision = decisions[why->verdict];
        wire->code = view_str(reason_word(why->reason));
        wire->reason_count = fill_reasons(&why->sentences, reason_word(why->reason), wire->reasons,
                                          wire->remedies, &wire->remedy_count);
        wire->trace = why->trace;
        turn_answer(t, why_said_fields, wire);
        why_answer_free(why);
    } else {
        turn_refuse(t, e, NULL);
    }
    free(wire);
    free(why);
}
