/* Which kind of peer may send which message, and who answers it. */
#include "broker/control/control_internal.h"

#include <string.h>

enum { AGENT = 1 << EDGE_AGENT, CONNECTOR = 1 << EDGE_CONNECTOR, RELAY = 1 << EDGE_RELAY };

/* `strangers`: also a key that nobody knows yet. */
static const struct {
    const char *type;
    unsigned kinds;
    bool strangers;
    turn_handler *handler;
} table[] = {
    {"login.start", AGENT, true, agent_login_start},
    {"login.poll", AGENT, true, agent_login_poll},
    {"login.finish", AGENT, true, agent_login_finish},
    {"login.factor", AGENT, false, agent_login_factor},
    {"login.end", AGENT, false, agent_login_end},
    {"api.ticket", AGENT, false, agent_api_ticket},
    {"posture.nonce", AGENT, false, agent_posture_nonce},
    {"posture.report", AGENT, false, agent_posture_report},
    {"app.list", AGENT, false, agent_app_list},
    {"session.open", AGENT, false, agent_session_open},
    {"session.end", AGENT, false, agent_session_end},
    {"why", AGENT, false, agent_why},
    {"enrol", CONNECTOR, true, connector_enrol},
    {"enrol", RELAY, true, relay_enrol},
    {"boot", RELAY, false, relay_at_boot},
    {"load", RELAY, false, relay_at_load},
    {"usage", RELAY, false, edge_ignored},
    {"live.list", CONNECTOR | RELAY, false, edge_live_list},
    {"live.delta", CONNECTOR | RELAY, false, edge_live_delta},
    {"audit", CONNECTOR, false, connector_audit},
    {"audit.batch", CONNECTOR, false, connector_audit_batch},
    {"api.report", CONNECTOR, false, connector_report},
    {"api.keys", CONNECTOR, false, connector_keys},
    {"api.demand", CONNECTOR, false, connector_demand},
    {"api.objects", CONNECTOR, false, connector_objects},
    {"api.usual", CONNECTOR, false, connector_usual},
    {"blob.get", CONNECTOR, false, connector_blob_get},
    {"stand.at", CONNECTOR | RELAY, false, edge_stand_at},
    {"at", CONNECTOR | RELAY, false, edge_ignored},
};

turn_handler *dispatch_find(const struct peer *p, const char *type)
{
    for (size_t r = 0; r < sizeof table / sizeof *table; r++)
        if (strcmp(table[r].type, type) == 0 && (table[r].kinds >> p->kind & 1) != 0)
            return table[r].strangers || !id_is_zero(p->id) ? table[r].handler : NULL;
    return NULL;
}

bool turn_read(struct turn *t, const struct field *fields, void *out)
{
    struct sp_why why = {0};
    sp_error e = fields_read(t->message->members, fields, &why, out);

    if (e != SP_OK)
        turn_refuse(t, e, why.text);
    return e == SP_OK;
}

void turn_answer(struct turn *t, const struct field *fields, const void *in)
{
    struct json *members = fields_write(fields, in);

    if (members == NULL)
        turn_refuse(t, SP_ERR_INTERNAL, NULL);
    else
        listener_answer(t->control->listener, t->peer->edge, t->message->i, members);
}

void turn_answer_empty(struct turn *t)
{
    listener_answer(t->control->listener, t->peer->edge, t->message->i, json_object());
}

void turn_refuse(struct turn *t, sp_error e, const char *text)
{
    turn_refuse_code(t, envelope_code_of(e),
                     text != NULL && text[0] != '\0' ? text : sp_error_text(e), NULL);
}

void turn_refuse_code(struct turn *t, const char *code, const char *text, const char *request)
{
    listener_answer_error(t->control->listener, t->peer->edge, t->message->i, code, text, request);
}

/* Said for completeness of the protocol; nothing here depends on it yet. */
void edge_ignored(struct turn *t)
{
    (void)t;
}
