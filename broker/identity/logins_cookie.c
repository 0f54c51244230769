#include "broker/identity/logins_internal.h"
#include "lib/base/json.h"
#include "lib/crypto/paseto.h"
#include "lib/http/cookie.h"

#include <stdio.h>

#define COOKIE_PREFIX "__Host-sallyport-login-"

enum {
    COOKIE_NAME_MAX = sizeof COOKIE_PREFIX + SP_ID_TEXT,
    COOKIES_BYTES_MAX = 11 * 1024, /* of one browser: a request's head holds 16 KiB */
    TOKEN_MAX = COOKIE_VALUE_MAX,
    PLAIN_MAX = 2048
};

/* ---- the members of a login, once, for both directions ------------------------------------ */

enum member_kind {
    MEMBER_TEXT,
    MEMBER_ID,
    MEMBER_INT,
    MEMBER_BOOL,
    MEMBER_KEY,
    MEMBER_STEP,
    MEMBER_MFA
};

static const struct member {
    const char *name;
    enum member_kind kind;
    size_t offset, size; /* size: of a text's array */
} members[] = {
#define TEXT(name, field)                                                                    \
    {                                                                                        \
        name, MEMBER_TEXT, offsetof(struct login, field), sizeof(((struct login *)0)->field) \
    }
#define FIELD(name, kind, field)                     \
    {                                                \
        name, kind, offsetof(struct login, field), 0 \
    }
    FIELD("i", MEMBER_ID, id),
    FIELD("s", MEMBER_STEP, step),
    FIELD("d", MEMBER_BOOL, device),
    FIELD("w", MEMBER_BOOL, waits),
    FIELD("t", MEMBER_INT, started),
    TEXT("r", return_to),
    TEXT("p", idp),
    TEXT("as", attempt.state),
    TEXT("an", attempt.nonce),
    TEXT("av", attempt.verifier),
    FIELD("u", MEMBER_ID, user),
    FIELD("ta", MEMBER_INT, auth_at),
    FIELD("tm", MEMBER_INT, mfa_at),
    FIELD("m", MEMBER_MFA, mfa_kind),
    TEXT("amr", amr),
    TEXT("acr", acr),
    TEXT("sid", sid),
    FIELD("k", MEMBER_KEY, key),
    FIELD("kh", MEMBER_BOOL, hardware_key),
    TEXT("dn", name),
    TEXT("do", os),
    TEXT("ds", software),
    TEXT("dx", serials),
    TEXT("da", address),
    TEXT("dr", redirect),
    TEXT("dt", state),
    TEXT("dc", challenge),
    TEXT("dm", match),
#undef TEXT
#undef FIELD
};
enum { MEMBERS = sizeof members / sizeof members[0] };

/* What is zero or empty is left out: a cookie has to be small. */
static void give(struct json *j, const struct member *m, const struct login *login)
{
    const char *field = (const char *)login + m->offset;
    struct sp_id id;
    int64_t n;
    enum login_step step;
    enum mfa_row_kind mfa;
    struct key_text key;

    switch (m->kind) {
    case MEMBER_TEXT:
        if (field[0] != '\0')
            json_set_cstr(j, m->name, field);
        break;
    case MEMBER_ID:
        memcpy(&id, field, sizeof id);
        if (!id_is_zero(id))
            json_set_id(j, m->name, id);
        break;
    case MEMBER_INT:
        memcpy(&n, field, sizeof n);
        if (n != 0)
            json_set_int(j, m->name, n);
        break;
    case MEMBER_BOOL:
        if (*(const bool *)field)
            json_set_bool(j, m->name, true);
        break;
    case MEMBER_KEY:
        key = key_text((const struct key_public *)(const void *)field);
        if (key.s[0] != '\0')
            json_set_cstr(j, m->name, key.s);
        break;
    case MEMBER_STEP:
        memcpy(&step, field, sizeof step);
        json_set_int(j, m->name, step);
        break;
    case MEMBER_MFA:
        memcpy(&mfa, field, sizeof mfa);
        if (mfa != ROW_MFA_NONE)
            json_set_int(j, m->name, mfa);
        break;
    }
}

/* The bytes were sealed by us: what does not fit is an older form, and the login starts again. */
static sp_error take(const struct json *j, const struct member *m, struct login *login)
{
    char *field = (char *)login + m->offset;
    const struct json *value = json_get(j, m->name);
    struct view text = json_str(value);
    int64_t n = 0;

    if (value == NULL)
        return SP_OK;
    switch (m->kind) {
    case MEMBER_TEXT:
        if (text.len == 0 || text.len >= m->size) /* empty ones are never written */
            return SP_ERR_DENIED;
        memcpy(field, text.at, text.len);
        return SP_OK;
    case MEMBER_ID:
        return id_parse(text, (struct sp_id *)(void *)field);
    case MEMBER_INT:
        return json_get_int(j, m->name, 0, INT64_MAX, (int64_t *)(void *)field);
    case MEMBER_BOOL:
        *(bool *)field = json_is_true(value);
        return SP_OK;
    case MEMBER_KEY:
        return key_parse(text, (struct key_public *)(void *)field);
    case MEMBER_STEP:
        if (!json_integer(value, &n) || n <= LOGIN_NOWHERE || n >= LOGIN_STEPS)
            return SP_ERR_DENIED;
        login->step = (enum login_step)n;
        return SP_OK;
    case MEMBER_MFA:
        if (!json_integer(value, &n) || n < ROW_MFA_NONE || n > ROW_MFA_PHISHING_RESISTANT)
            return SP_ERR_DENIED;
        login->mfa_kind = (enum mfa_row_kind)n;
        return SP_OK;
    }
    return SP_ERR_DENIED;
}

sp_error login_seal(const struct logins *l, const struct login *login, const char *purpose,
                    struct buf *out)
{
    struct json *j = json_object();
    struct buf plain;
    sp_error e;

    buf_init(&plain, PLAIN_MAX);
    for (size_t i = 0; i < MEMBERS; i++)
        give(j, &members[i], login);
    if ((e = json_write(j, &plain)) == SP_OK)
        e = paseto_seal(l->o.cookie_key, buf_view(&plain), (struct view){0}, view_str(purpose),
                        out);
    buf_wipe(&plain);
    json_free(j);
    return e;
}

sp_error login_open(const struct logins *l, struct view token, const char *purpose,
                    struct login *out)
{
    struct login login = {.step = LOGIN_NOWHERE};
    struct json *j = NULL;
    struct buf plain;
    sp_error e;

    if (token.len > TOKEN_MAX)
        return SP_ERR_DENIED;
    buf_init(&plain, PLAIN_MAX);
    e = paseto_open(l->o.cookie_key, token, view_str(purpose), &plain);
    if (e != SP_OK && l->o.cookie_old != NULL && clock_unix() < l->o.cookie_old_until) {
        buf_wipe(&plain);
        e = paseto_open(l->o.cookie_old, token, view_str(purpose), &plain);
    }
    if (e == SP_OK)
        e = json_parse(buf_view(&plain), PLAIN_MAX, NULL, &j);
    for (size_t i = 0; e == SP_OK && i < MEMBERS; i++)
        e = take(j, &members[i], &login);
    json_free(j);
    buf_wipe(&plain);
    if (e != SP_OK || login.step == LOGIN_NOWHERE)
        return e == SP_ERR_NOMEM ? e : SP_ERR_DENIED;
    if (clock_unix() > login.started + LOGINS_LIFE_MS)
        return SP_ERR_EXPIRED;
    *out = login;
    secret_wipe(&login, sizeof login);
    return SP_OK;
}

/* ---- the browser's cookies ---------------------------------------------------------------- */

static void cookie_name(struct sp_id id, char out[COOKIE_NAME_MAX + 1])
{
    snprintf(out, COOKIE_NAME_MAX + 1, "%s%s", COOKIE_PREFIX, id_text(id).s);
}

/* One cookie of ours in the request's header. */
struct pending {
    struct sp_id id;
    struct view value;
};

/* The next "name=value" whose name is one of ours. */
static bool next_cookie(struct view *rest, struct pending *out)
{
    const size_t prefix = sizeof COOKIE_PREFIX - 1;

    while (rest->len > 0) {
        size_t len = 0;
        struct view pair;

        while (len < rest->len && rest->at[len] != ';')
            len++;
        pair = view_slice(*rest, 0, len);
        *rest = view_slice(*rest, len + 1, SIZE_MAX);
        while (pair.len > 0 && pair.at[0] == ' ')
            pair = view_slice(pair, 1, SIZE_MAX);
        if (pair.len > prefix + SP_ID_TEXT && memcmp(pair.at, COOKIE_PREFIX, prefix) == 0 &&
            pair.at[prefix + SP_ID_TEXT] == '=' &&
            id_parse(view_slice(pair, prefix, SP_ID_TEXT), &out->id) == SP_OK) {
            out->value = view_slice(pair, prefix + SP_ID_TEXT + 1, SIZE_MAX);
            return true;
        }
    }
    return false;
}

void logins_each(const struct logins *l, const struct request *req, each_pending *each, void *arg)
{
    struct view rest = request_header(req, "cookie");
    struct pending p;
    struct login login;
    bool more = true;

    for (int n = 0; more && n < 2 * LOGINS_COOKIES_MAX && next_cookie(&rest, &p); n++)
        if (login_open(l, p.value, SEAL_COOKIE, &login) == SP_OK && id_equal(login.id, p.id))
            more = each(arg, &login);
    secret_wipe(&login, sizeof login);
}

/* Clears cookies that open no more, and the oldest ones while there are too many or too much. */
static void make_room(const struct logins *l, const struct login *keep, size_t keep_bytes,
                      const struct request *req, struct response *res)
{
    struct {
        struct sp_id id;
        sp_unix_ms started; /* 0: opens no more */
        size_t bytes;
    } all[2 * LOGINS_COOKIES_MAX];
    struct view rest = request_header(req, "cookie");
    char name[COOKIE_NAME_MAX + 1];
    size_t count = 0, bytes = keep_bytes;
    struct pending p;
    struct login login;

    while (count < sizeof all / sizeof all[0] && next_cookie(&rest, &p)) {
        bool opens = login_open(l, p.value, SEAL_COOKIE, &login) == SP_OK;
        if (id_equal(p.id, keep->id))
            continue;
        all[count].id = p.id;
        all[count].started = opens ? login.started : 0;
        all[count].bytes = sizeof COOKIE_PREFIX + SP_ID_TEXT + p.value.len + 2;
        bytes += all[count++].bytes;
    }
    for (;;) {
        size_t oldest = 0;
        for (size_t i = 1; i < count; i++)
            if (all[i].started < all[oldest].started)
                oldest = i;
        if (count == 0 ||
            (all[oldest].started != 0 && count < LOGINS_COOKIES_MAX && bytes <= COOKIES_BYTES_MAX))
            break;
        cookie_name(all[oldest].id, name);
        cookie_clear(res, name);
        bytes -= all[oldest].bytes;
        all[oldest] = all[--count];
    }
    secret_wipe(&login, sizeof login);
}

void logins_keep(struct logins *l, const struct login *login, const struct request *req,
                 struct response *res)
{
    char name[COOKIE_NAME_MAX + 1];
    struct buf token;

    buf_init(&token, TOKEN_MAX);
    cookie_name(login->id, name);
    if (login_seal(l, login, SEAL_COOKIE, &token) == SP_OK) {
        /* Lax: the provider's redirect has to bring it along. */
        cookie_set(res, name, buf_view(&token), LOGINS_LIFE_MS / 1000, COOKIE_LAX);
        make_room(l, login, token.len + sizeof name + 2, req, res);
    } else {
        res->head.err = SP_ERR_LIMIT; /* no cookie, no login: the page must not pretend */
    }
    buf_deinit(&token);
}

sp_error logins_load(struct logins *l, const struct request *req, struct view id,
                     enum login_step step, struct login *out)
{
    char name[COOKIE_NAME_MAX + 1];
    struct sp_id wanted;
    struct view value;
    struct login login;

    if (id_parse(id, &wanted) != SP_OK)
        return SP_ERR_NOT_FOUND;
    cookie_name(wanted, name);
    if (cookie_get(req, name, &value) != SP_OK ||
        login_open(l, value, SEAL_COOKIE, &login) != SP_OK || !id_equal(login.id, wanted) ||
        login.step != step)
        return SP_ERR_NOT_FOUND;
    *out = login;
    secret_wipe(&login, sizeof login);
    return SP_OK;
}

void logins_drop(const struct login *login, struct response *res)
{
    char name[COOKIE_NAME_MAX + 1];

    cookie_name(login->id, name);
    cookie_clear(res, name);
}
