#include "broker/session/sessions_internal.h"

#include "broker/registry/apps.h"
#include "lib/trust/mint.h"

#include <stdio.h>

/* Attributes are pairs, so that a name may come twice. */
static void add_pair(struct json *list, const char *name, const char *value)
{
    struct json *pair = json_array();

    json_push(pair, json_new_str(view_str(name)));
    json_push(pair, json_new_str(view_str(value)));
    json_push(list, pair);
}

/* What the gateway's rules and the application may ask about: when the second factor was shown, the
 * address that we saw, whose device it is. */
static struct json *attributes_of(const struct gathered *g, const struct session *live)
{
    struct json *list = json_array();
    char text[32];

    if (g->login.mfa_at > 0) {
        (void)snprintf(text, sizeof text, "%lld", (long long)(g->login.mfa_at / 1000));
        add_pair(list, "mfa_at", text);
    }
    if (live->address[0] != '\0')
        add_pair(list, "address", live->address);
    add_pair(list, "posture", device_state_word(g->facts.device_state));
    return list;
}

static struct json *groups_of(const struct gathered *g)
{
    struct json *list = json_array();

    for (size_t i = 0; i < g->facts.group_count && i < PERSON_GROUPS_MAX; i++)
        json_push(list, json_new_str(view_str(g->facts.groups[i])));
    return list;
}

sp_error person_state(struct sessions *s, const struct gathered *g, const struct session *live,
                      struct buf *out)
{
    struct person p = {.session = live->id,
                       .app = live->app,
                       .name = view_str(g->user.name),
                       .email = view_str(g->user.email),
                       .until = live->deadline};
    struct buf gateway;
    sp_error e = SP_OK;

    buf_init(&gateway, APPREC_GATEWAY_MAX);
    if (g->app->row->type == APP_HTTP)
        e = apps_gateway(g->app->row, &gateway);
    if (e == SP_OK && gateway.len > 0) {
        buf_init(out, PERSON_MAX);
        p.groups = groups_of(g);
        p.attributes = attributes_of(g, live);
        e = person_mint(&p, s->c.record_key, out);
        json_free(p.groups);
        json_free(p.attributes);
    }
    buf_deinit(&gateway);
    return e;
}

void open_answer_deinit(struct open_answer *a)
{
    buf_wipe(&a->identity);
}
