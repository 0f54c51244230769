#include "broker/idp/ticket.h"
#include "lib/base/json.h"
#include "lib/crypto/paseto.h"

static const struct {
    const char *implicit;
    int64_t life_ms;
} kinds[TICKET_KINDS] = {
    [TICKET_NONE] = {"", 0},
    [TICKET_REQUEST] = {"sallyport/idp-request/1", 10 * 60 * 1000},
    [TICKET_CODE] = {"sallyport/idp-code/1", 60 * 1000},
    [TICKET_ACCESS] = {"sallyport/idp-access/1", 5 * 60 * 1000},
};

int64_t ticket_life_ms(enum ticket_kind k)
{
    return kinds[k].life_ms;
}

sp_error ticket_seal(const struct secret *key, enum ticket_kind kind, const struct ticket *t,
                     struct buf *out)
{
    struct json *j = json_object();
    struct buf text;
    sp_error e;

    json_set_id(j, "id", t->id);
    json_set_id(j, "account", t->account);
    json_set_int(j, "expires", t->expires);
    json_set_int(j, "auth_at", t->auth_at);
    json_set_cstr(j, "browser", t->browser);
    json_set_cstr(j, "challenge", t->challenge);
    json_set_cstr(j, "nonce", t->nonce);
    json_set_cstr(j, "state", t->state);
    buf_init(&text, TICKET_TOKEN_MAX);
    if ((e = json_write(j, &text)) == SP_OK)
        e = paseto_seal(key, buf_view(&text), (struct view){0}, view_str(kinds[kind].implicit),
                        out);
    json_free(j);
    buf_wipe(&text);
    return e;
}

static sp_error get_text(const struct json *j, const char *name, char *to, size_t room)
{
    struct view v;
    sp_error e = json_get_str(j, name, room - 1, &v);

    if (e != SP_OK)
        return e;
    memcpy(to, v.at, v.len);
    to[v.len] = '\0';
    return SP_OK;
}

static sp_error read_ticket(const struct json *j, struct ticket *t)
{
    if (json_get_id(j, "id", &t->id) != SP_OK || json_get_id(j, "account", &t->account) != SP_OK ||
        json_get_int(j, "expires", 0, INT64_MAX, &t->expires) != SP_OK ||
        json_get_int(j, "auth_at", 0, INT64_MAX, &t->auth_at) != SP_OK ||
        get_text(j, "browser", t->browser, sizeof t->browser) != SP_OK ||
        get_text(j, "challenge", t->challenge, sizeof t->challenge) != SP_OK ||
        get_text(j, "nonce", t->nonce, sizeof t->nonce) != SP_OK ||
        get_text(j, "state", t->state, sizeof t->state) != SP_OK)
        return SP_ERR_MALFORMED;
    return SP_OK;
}

sp_error ticket_open(const struct secret *key, enum ticket_kind kind, struct view token,
                     sp_unix_ms now, struct ticket *out)
{
    struct json *j = NULL;
    struct ticket t = {0};
    struct buf text;
    sp_error e;

    if (kind == TICKET_NONE || token.len > TICKET_TOKEN_MAX)
        return SP_ERR_MALFORMED;
    buf_init(&text, TICKET_TOKEN_MAX);
    if ((e = paseto_open(key, token, view_str(kinds[kind].implicit), &text)) == SP_OK &&
        (e = json_parse(buf_view(&text), TICKET_TOKEN_MAX, NULL, &j)) == SP_OK &&
        (e = read_ticket(j, &t)) == SP_OK && now >= t.expires)
        e = SP_ERR_EXPIRED;
    json_free(j);
    buf_wipe(&text);
    if (e == SP_OK)
        *out = t;
    return e;
}
