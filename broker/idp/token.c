/* The half of the provider that its client meets: code for tokens, and userinfo. */
#include "broker/idp/provider_internal.h"
#include "broker/idp/ticket.h"
#include "lib/base/encode.h"
#include "lib/base/failpoint.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/jwt.h"
#include "lib/http/form.h"
#include "lib/http/url.h"

enum { ID_TOKEN_LIFE_S = 300, AUTHORIZATION_MAX = 1024 };

/* RFC 6749 section 5.2. */
static void refuse(struct response *res, int status, const char *word)
{
    struct json *j = json_object();

    json_set_cstr(j, "error", word);
    if (status == 401)
        response_header(res, "www-authenticate", view_str("Basic realm=\"sallyport idp\""));
    response_json(res, status, j);
}

/* RFC 6749 section 2.3.1: both halves are form-encoded before they are joined. */
static bool client_known(const struct idp *i, const struct request *req)
{
    struct view header = request_header(req, "authorization");
    struct buf joined, secret;
    bool known = false;

    if (header.len <= 6 || memcmp(header.at, "Basic ", 6) != 0)
        return false;
    buf_init(&joined, AUTHORIZATION_MAX);
    buf_init(&secret, AUTHORIZATION_MAX);
    if (decode_base64(view_slice(header, 6, header.len), &joined) == SP_OK && joined.len > 0) {
        const uint8_t *colon = memchr(joined.at, ':', joined.len);
        size_t at = colon == NULL ? 0 : (size_t)(colon - joined.at);
        if (colon != NULL && view_is(view_slice(buf_view(&joined), 0, at), IDP_CLIENT_ID) &&
            url_decode(view_slice(buf_view(&joined), at + 1, joined.len), true, &secret) == SP_OK) {
            known = secret_equal(buf_view(&secret), secret_open(i->keys.client));
            secret_close(i->keys.client);
        }
    }
    buf_wipe(&joined);
    buf_wipe(&secret);
    return known;
}

/* RFC 7636 section 4.6. */
static bool verifier_fits(struct view verifier, const char *challenge)
{
    struct buf text;

    if (verifier.len < 43 || verifier.len > 128)
        return false;
    struct hash h = hash_sha256(verifier);
    buf_init(&text, 64);
    encode_base64url(hash_view(&h), &text);
    bool fits = buf_error(&text) == SP_OK && secret_equal(buf_view(&text), view_str(challenge));
    buf_deinit(&text);
    return fits;
}

struct spend {
    struct store *store;
    const struct ticket *code;
    bool won;
};

/* RFC 6749 section 4.1.2: a code that comes again was seen by someone else, so that what it gave
 * is taken back with the same commit (OA-6). */
static sp_error spend(struct store_tx *tx, void *arg)
{
    struct spend *s = arg;
    const struct store_once *once = store_services(s->store)->once;
    struct view id = id_view(&s->code->id);
    bool first;
    sp_error e = once->consume(tx, ONCE_IDP_CODE, id, s->code->expires, &s->won);

    if (e != SP_OK || s->won)
        return e;
    return once->consume(tx, ONCE_IDP_TAKEN_BACK, id,
                         s->code->expires + ticket_life_ms(TICKET_ACCESS), &first);
}

/* An access token is the code's that it came for, unless that code was shown twice. */
static bool taken_back(const struct idp *i, const struct ticket *access)
{
    bool yes = true;

    return store_services(i->store)->once->consumed(i->store, ONCE_IDP_TAKEN_BACK,
                                                    id_view(&access->id), &yes) != SP_OK ||
           yes;
}

static void set_groups(struct json *j, const char *groups)
{
    struct json *list = json_array();
    struct view all = view_str(groups);

    for (size_t from = 0; from < all.len;) {
        const uint8_t *blank = memchr(all.at + from, ' ', all.len - from);
        size_t end = blank == NULL ? all.len : (size_t)(blank - all.at);
        json_push(list, json_new_str(view_slice(all, from, end - from)));
        from = end + 1;
    }
    json_set(j, "groups", list);
}

static void set_person(struct json *j, const struct account_row *account)
{
    json_set_cstr(j, "sub", id_text(account->id).s);
    json_set_cstr(j, "name", account->display);
    json_set_cstr(j, "preferred_username", account->name);
    if (account->email[0] != '\0')
        json_set_cstr(j, "email", account->email);
    set_groups(j, account->groups);
}

/* OpenID Connect Core section 2 and 3.1.3.6. */
static sp_error write_id_token(const struct idp *i, const struct ticket *code,
                               const struct account_row *account, struct view access,
                               struct buf *out)
{
    struct json *j = json_object(), *amr = json_array();
    sp_unix_ms now = clock_unix();
    struct buf half;

    buf_init(&half, 64);
    jwt_half_hash(access, &half);
    json_set_cstr(j, "iss", i->issuer);
    set_person(j, account);
    json_set_cstr(j, "aud", IDP_CLIENT_ID);
    json_set_int(j, "iat", now / 1000);
    json_set_int(j, "exp", now / 1000 + ID_TOKEN_LIFE_S);
    json_set_int(j, "auth_time", code->auth_at / 1000);
    if (code->nonce[0] != '\0')
        json_set_cstr(j, "nonce", code->nonce);
    json_set_str(j, "at_hash", buf_view(&half));
    json_push(amr, json_new_str(view_str("pwd")));
    json_set(j, "amr", amr);
    sp_error e = jwt_sign(i->keys.signing, i->kid.s, j, out);
    buf_deinit(&half);
    json_free(j);
    return e;
}

static sp_error write_access(const struct idp *i, const struct ticket *code, struct buf *out)
{
    struct ticket access = {.id = code->id,
                            .account = code->account,
                            .auth_at = code->auth_at,
                            .expires = clock_unix() + ticket_life_ms(TICKET_ACCESS)};

    return ticket_seal(i->keys.seal, TICKET_ACCESS, &access, out);
}

static void answer_tokens(struct idp *i, const struct ticket *code,
                          const struct account_row *account, struct response *res)
{
    struct buf access, id_token;
    struct json *j = json_object();

    buf_init(&access, TICKET_TOKEN_MAX);
    buf_init(&id_token, JWT_BYTES_MAX);
    if (write_access(i, code, &access) == SP_OK &&
        write_id_token(i, code, account, buf_view(&access), &id_token) == SP_OK) {
        json_set_str(j, "access_token", buf_view(&access));
        json_set_cstr(j, "token_type", "Bearer");
        json_set_int(j, "expires_in", ticket_life_ms(TICKET_ACCESS) / 1000);
        json_set_cstr(j, "scope", "openid profile email groups");
        json_set_str(j, "id_token", buf_view(&id_token));
        response_json(res, 200, json_ref(j));
    } else {
        refuse(res, 500, "server_error");
    }
    json_free(j);
    buf_wipe(&access);
    buf_wipe(&id_token);
}

/* All that the code was bound to fits, and it is spent with this call (OA-6). */
static void exchange(struct idp *i, const struct form *f, struct response *res)
{
    struct account_row account;
    struct ticket code;

    if (!view_is(form_get(f, "grant_type"), "authorization_code")) {
        refuse(res, 400, "unsupported_grant_type");
        return;
    }
    if (ticket_open(i->keys.seal, TICKET_CODE, form_get(f, "code"), clock_unix(), &code) != SP_OK ||
        !view_is(form_get(f, "redirect_uri"), i->redirect_uri) ||
        !verifier_fits(form_get(f, "code_verifier"), code.challenge)) {
        refuse(res, 400, "invalid_grant");
        return;
    }
    struct spend s = {.store = i->store, .code = &code};
    FAILPOINT("idp:code");
    sp_error e = store_commit(i->store, spend, &s);
    FAILPOINT("idp:code_spent");
    if (e != SP_OK) {
        refuse(res, 503, "temporarily_unavailable");
        return;
    }
    if (!s.won || accounts_get(i->accounts, code.account, &account) != SP_OK) {
        refuse(res, 400, "invalid_grant");
        return;
    }
    answer_tokens(i, &code, &account, res);
    secret_wipe(&account, sizeof account);
}

void idp_token(struct idp *i, const struct request *req, struct response *res)
{
    struct form f;

    if (!client_known(i, req)) {
        refuse(res, 401, "invalid_client");
        return;
    }
    if (!request_is_type(req, "application/x-www-form-urlencoded") ||
        form_parse(req->body, &f) != SP_OK) {
        refuse(res, 400, "invalid_request");
        return;
    }
    exchange(i, &f, res);
    form_deinit(&f);
}

/* OpenID Connect Core section 5.3; RFC 6750 section 3. */
void idp_userinfo(struct idp *i, const struct request *req, struct response *res)
{
    struct view header = request_header(req, "authorization");
    struct account_row account;
    struct ticket t;

    if (header.len <= 7 || memcmp(header.at, "Bearer ", 7) != 0 ||
        ticket_open(i->keys.seal, TICKET_ACCESS, view_slice(header, 7, header.len), clock_unix(),
                    &t) != SP_OK ||
        taken_back(i, &t) || accounts_get(i->accounts, t.account, &account) != SP_OK) {
        response_header(res, "www-authenticate", view_str("Bearer error=\"invalid_token\""));
        response_empty(res, 401);
        return;
    }
    struct json *j = json_object();
    set_person(j, &account);
    response_json(res, 200, j);
    secret_wipe(&account, sizeof account);
}
