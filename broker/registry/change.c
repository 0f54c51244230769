#include "broker/registry/change.h"

#include <stdio.h>

void change_record(struct change_record *out, const struct audit_record *by, enum audit_event event,
                   const char *kind, struct sp_id id, const char *name, const char *what)
{
    static const struct audit_record system = {.actor_kind = AUDIT_ACTOR_SYSTEM,
                                               .actor_name = "broker"};
    const char *reason;

    out->r = by != NULL ? *by : system;
    reason = out->r.text;
    if (reason != NULL && reason[0] != '\0')
        (void)snprintf(out->text, sizeof out->text, "%s: %s", what, reason);
    else
        (void)snprintf(out->text, sizeof out->text, "%s", what);
    out->r.event = event;
    out->r.result = AUDIT_OK;
    out->r.object_kind = kind;
    out->r.object_name = name;
    out->r.object = id;
    out->r.text = out->text;
}
