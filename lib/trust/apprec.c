#include "lib/trust/apprec.h"

#include "lib/trust/tables.h"

#include <stdlib.h>

#define AT(field) offsetof(struct apprec_flat, field)
#define ROWS(number)                                                                          \
    {"v", CLAIM_VERSION, 0, number}, {"id", CLAIM_ID, AT(id), 0},                             \
        {"version", CLAIM_INT, AT(version), CLAIM_TIME_MAX}, {"site", CLAIM_ID, AT(site), 0}, \
        {"name", CLAIM_TEXT, AT(name), APPREC_NAME_MAX}, {"type", CLAIM_TEXT, AT(type), 16},  \
        {"hosts", CLAIM_JSON, AT(hosts), APPREC_HOSTS_MAX},                                   \
        {"ports", CLAIM_JSON, AT(ports), APPREC_PORTS_MAX},                                   \
        {"session_max", CLAIM_INT, AT(session_ms_max), CLAIM_TIME_MAX},                       \
    {                                                                                         \
        "streams_max", CLAIM_INT, AT(streams_max), APPREC_STREAMS_MAX                         \
    }
const struct claim apprec_claims[APPREC_CLAIMS] = {ROWS(1)};
const struct claim apprec_claims_2[APPREC_CLAIMS_2] = {
    ROWS(2), {"gateway", CLAIM_TEXT, AT(gateway), APPREC_GATEWAY_MAX}};

static const char *const types[] = {
    [APPREC_NONE] = "", [APPREC_TCP] = "tcp", [APPREC_HTTP] = "http", [APPREC_SSH] = "ssh"};

const char *apprec_type_name(enum apprec_type t)
{
    return types[t];
}

enum apprec_type apprec_type_parse(struct view text)
{
    for (enum apprec_type t = APPREC_TCP; t <= APPREC_SSH; t++)
        if (view_is(text, types[t]))
            return t;
    return APPREC_NONE;
}

/* A host is a name or an address: letters, digits and "-._:", which cannot end a line or a field
 * anywhere it is shown or resolved. */
static bool host_sound(const char *host)
{
    size_t len = strlen(host);

    if (len == 0 || len > APPREC_HOST_TEXT)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = host[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '-' || c == '.' || c == '_' || c == ':'))
            return false;
    }
    return true;
}

bool apprec_sound(const struct apprec *a)
{
    if (a->version < 1 || a->name[0] == '\0' || a->type == APPREC_NONE || a->host_count < 1 ||
        a->host_count > APPREC_HOSTS_MAX || a->port_count < 1 || a->port_count > APPREC_PORTS_MAX ||
        a->streams_max < 1)
        return false;
    if (a->gateway != NULL && (a->type != APPREC_HTTP || a->gateway[0] == '\0' ||
                               strlen(a->gateway) > APPREC_GATEWAY_MAX))
        return false;
    for (size_t i = 0; i < a->host_count; i++)
        if (!host_sound(a->hosts[i]))
            return false;
    for (size_t i = 0; i < a->port_count; i++) {
        if (a->ports[i] == 0)
            return false;
        for (size_t other = 0; other < i; other++)
            if (a->ports[i] == a->ports[other])
                return false;
    }
    return true;
}

static bool copy_text(struct view v, char *out, size_t size)
{
    if (v.len == 0 || v.len >= size || memchr(v.at, '\0', v.len) != NULL)
        return false; /* neither names nor hosts are empty */
    memcpy(out, v.at, v.len);
    out[v.len] = '\0';
    return true;
}

SP_MUST static sp_error copy_gateway(struct view v, struct apprec *a)
{
    if (v.len == 0 || memchr(v.at, '\0', v.len) != NULL)
        return SP_ERR_MALFORMED;
    if ((a->gateway = malloc(v.len + 1)) == NULL)
        return SP_ERR_NOMEM;
    view_copy(a->gateway, v.len + 1, v);
    return SP_OK;
}

void apprec_deinit(struct apprec *a)
{
    free(a->gateway);
    a->gateway = NULL;
}

static bool unflatten(const struct apprec_flat *f, struct apprec *a)
{
    a->id = f->id;
    a->site = f->site;
    a->version = f->version;
    a->session_ms_max = f->session_ms_max;
    a->streams_max = f->streams_max;
    a->type = apprec_type_parse(f->type);
    a->host_count = json_len(f->hosts);
    a->port_count = json_len(f->ports);
    if (!copy_text(f->name, a->name, sizeof a->name))
        return false;
    for (size_t i = 0; i < a->host_count; i++)
        if (!copy_text(json_str(json_at(f->hosts, i)), a->hosts[i], sizeof a->hosts[i]))
            return false;
    for (size_t i = 0; i < a->port_count; i++) {
        int64_t port;
        if (!json_integer(json_at(f->ports, i), &port) || port < 1 || port > UINT16_MAX)
            return false;
        a->ports[i] = (uint16_t)port;
    }
    return apprec_sound(a);
}

sp_error apprec_verify(struct view token, const struct key_public *record, struct sp_id site,
                       struct apprec *out)
{
    struct json *claims = NULL;
    struct apprec_flat flat = {0};
    struct apprec a = {0};
    int64_t form = 1;
    sp_error e = claims_open(token, "app", APPREC_MAX, record, &claims);

    if (e == SP_OK) {
        (void)json_integer(json_get(claims, "v"), &form);
        e = form == 2 ? claims_take(claims, apprec_claims_2, APPREC_CLAIMS_2, &flat)
                      : claims_take(claims, apprec_claims, APPREC_CLAIMS, &flat);
    }
    if (e == SP_OK && form == 2)
        e = copy_gateway(flat.gateway, &a);
    if (e == SP_OK && !unflatten(&flat, &a))
        e = SP_ERR_MALFORMED;
    if (e == SP_OK && !id_equal(a.site, site))
        e = SP_ERR_AUDIENCE;
    json_free(claims);
    if (e != SP_OK)
        apprec_deinit(&a);
    else
        *out = a;
    return e;
}
