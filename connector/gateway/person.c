#include "connector/gateway/conn_internal.h"
#include "connector/gateway/identity.h"

#include <stdlib.h>

/* Strings are copied into one piece, since the statement goes. */
struct gw_person {
    struct gw_caller caller;
    struct buf device;   /* the thumbprint's text */
    struct json *claims; /* owned: what the views borrow from */
    struct view groups[PERSON_GROUPS_MAX];
    struct gw_pair attributes[PERSON_GROUPS_MAX];
};

static void take_lists(struct gw_person *p, const struct person *s)
{
    for (size_t i = 0; i < json_len(s->groups) && i < PERSON_GROUPS_MAX; i++)
        p->groups[p->caller.group_count++] = json_str(json_at(s->groups, i));
    for (size_t i = 0; i < json_len(s->attributes) && i < PERSON_GROUPS_MAX; i++) {
        const struct json *pair = json_at(s->attributes, i);
        p->attributes[p->caller.attribute_count++] =
            (struct gw_pair){json_str(json_at(pair, 0)), json_str(json_at(pair, 1))};
    }
    p->caller.groups = p->groups;
    p->caller.attributes = p->attributes;
}

sp_error gateway_person(const struct grant *grant, const struct person *statement,
                        sp_unix_ms opened, sp_unix_ms deadline, struct gw_person **out)
{
    struct gw_person *p = calloc(1, sizeof *p);

    if (p == NULL)
        return SP_ERR_NOMEM;
    buf_init(&p->device, 64);
    identity_thumbprint(&grant->device, &p->device);
    if (buf_error(&p->device) != SP_OK) {
        gateway_person_free(p);
        return SP_ERR_NOMEM;
    }
    p->claims = json_ref(statement->claims);
    p->caller = (struct gw_caller){.session = grant->session,
                                   .app = grant->app,
                                   .user = grant->user,
                                   .device = grant->device,
                                   .device_text = buf_view(&p->device),
                                   .name = statement->name,
                                   .email = statement->email,
                                   .opened = opened,
                                   .deadline = deadline,
                                   .policy_version = (int64_t)grant->policy_version,
                                   .alive = true};
    take_lists(p, statement);
    *out = p;
    return SP_OK;
}

const struct gw_caller *person_caller(const struct gw_person *p)
{
    return &p->caller;
}

void gateway_person_limit(struct gw_person *p, sp_unix_ms deadline)
{
    if (p != NULL && deadline < p->caller.deadline)
        p->caller.deadline = deadline;
}

void gateway_person_free(struct gw_person *p)
{
    if (p == NULL)
        return;
    json_free(p->claims);
    buf_deinit(&p->device);
    free(p);
}
