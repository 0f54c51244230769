#include "connector/gateway/identity.h"

#include "connector/gateway/app.h"
#include "connector/gateway/fields.h"
#include "connector/gateway/signature.h"
#include "lib/base/encode.h"
#include "lib/base/json.h"
#include "lib/crypto/jwt.h"
#include "lib/crypto/p256.h"
#include "lib/crypto/random.h"
#include "lib/os/file.h"

#include <stdlib.h>

enum { PATH_MAX_BYTES = 1100, VALUE_MAX = 16 * 1024, KEY_FILE_MAX = 512 };

struct identity {
    struct key_secret *key; /* owned */
    struct key_kid kid;
    char issuer[SP_ID_TEXT + 1];
    struct buf jwks;
};

/* ---- the key ------------------------------------------------------------------------------- */

SP_MUST static sp_error make_key(const char *file, struct key_secret **out, struct sp_why *why)
{
    struct buf text;
    sp_error e;

    buf_init(&text, KEY_FILE_MAX);
    if ((e = key_secret_new(KEY_P256, out)) == SP_OK &&
        (e = key_secret_encode(*out, &text)) == SP_OK)
        e = file_create_secret(file, buf_view(&text), why);
    buf_wipe(&text);
    return e;
}

SP_MUST static sp_error load_key(const char *file, struct key_secret **out, struct sp_why *why)
{
    struct buf text;
    sp_error e;

    buf_init(&text, KEY_FILE_MAX);
    e = file_read_secret(file, KEY_FILE_MAX, &text, why);
    if (e == SP_OK && (key_secret_decode(buf_view(&text), out) != SP_OK ||
                       key_secret_public(*out)->kind != KEY_P256))
        e = sp_why_say(why, SP_ERR_CORRUPT, "%s is no key of ours", file);
    buf_wipe(&text);
    return e == SP_ERR_NOT_FOUND ? make_key(file, out, why) : e;
}

SP_MUST static sp_error write_jwks(struct identity *i, const char *file, struct sp_why *why)
{
    const char *kids[] = {i->kid.s};
    sp_error e = jwks_write(key_secret_public(i->key), kids, 1, &i->jwks);

    return e != SP_OK ? e : file_write(file, buf_view(&i->jwks), 0644, why);
}

sp_error identity_new(const char *state, struct sp_id connector, struct sp_why *why,
                      struct identity **out)
{
    struct identity *i = calloc(1, sizeof *i);
    struct buf path;
    const char *file;
    sp_error e = SP_ERR_LIMIT;

    if (i == NULL)
        return SP_ERR_NOMEM;
    buf_init(&path, PATH_MAX_BYTES);
    buf_init(&i->jwks, 1024);
    view_copy(i->issuer, sizeof i->issuer, view_str(id_text(connector).s));
    if ((file = file_path(&path, state, "gateway-key")) != NULL &&
        (e = load_key(file, &i->key, why)) == SP_OK) {
        i->kid = key_kid(key_secret_public(i->key));
        file = file_path(&path, state, "gateway-jwks.json");
        e = file == NULL ? SP_ERR_LIMIT : write_jwks(i, file, why);
    }
    buf_deinit(&path);
    if (e != SP_OK) {
        identity_free(i);
        return e;
    }
    *out = i;
    return SP_OK;
}

void identity_free(struct identity *i)
{
    if (i == NULL)
        return;
    key_secret_free(i->key);
    buf_deinit(&i->jwks);
    free(i);
}

struct view identity_jwks(const struct identity *i)
{
    return buf_view(&i->jwks);
}

void identity_thumbprint(const struct key_public *k, struct buf *out)
{
    uint8_t x[P256_BYTES], y[P256_BYTES];
    struct buf text;

    buf_init(&text, 256);
    if (k->kind == KEY_ED25519) {
        buf_add_str(&text, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
        encode_base64url((struct view){k->bytes, 32}, &text);
    } else if (k->kind == KEY_P256 && p256_expand(k->bytes, x, y) == SP_OK) {
        buf_add_str(&text, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
        encode_base64url((struct view){x, sizeof x}, &text);
        buf_add_str(&text, "\",\"y\":\"");
        encode_base64url((struct view){y, sizeof y}, &text);
    }
    if (text.len > 0) {
        buf_add_str(&text, "\"}");
        struct hash h = hash_sha256(buf_view(&text));
        encode_base64url(hash_view(&h), out);
    }
    buf_deinit(&text);
}

/* ---- plain fields -------------------------------------------------------------------------- */

struct fields {
    struct arena *arena;
    struct gw_own *own;
    sp_error e;
};

static size_t written_len(struct view v, bool in_list)
{
    size_t n = 0;

    for (size_t i = 0; i < v.len; i++)
        n +=
            v.at[i] < ' ' || v.at[i] > '~' || v.at[i] == '%' || (in_list && v.at[i] == ',') ? 3 : 1;
    return n;
}

static uint8_t *write_value(struct view v, bool in_list, uint8_t *to)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];
        if (c < ' ' || c > '~' || c == '%' || (in_list && c == ',')) {
            *to++ = '%';
            *to++ = (uint8_t)digits[c >> 4];
            *to++ = (uint8_t)digits[c & 15];
        } else {
            *to++ = c;
        }
    }
    return to;
}

static void add(struct fields *f, const char *name, struct view value)
{
    if (f->e == SP_OK)
        f->own->at[f->own->n++] = (struct gw_field){view_str(name), value};
}

static void add_encoded(struct fields *f, const char *name, const struct view *parts, size_t n)
{
    size_t len = n > 0 ? n - 1 : 0;
    uint8_t *at, *to;

    for (size_t i = 0; i < n; i++)
        len += written_len(parts[i], n > 1);
    if (f->e != SP_OK || len == 0)
        return;
    if (len > VALUE_MAX || (at = to = arena_take(f->arena, len)) == NULL) {
        f->e = SP_ERR_LIMIT;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            *to++ = ',';
        to = write_value(parts[i], n > 1, to);
    }
    add(f, name, (struct view){at, len});
}

static struct view attribute(const struct gw_caller *c, const char *name)
{
    for (size_t i = 0; i < c->attribute_count; i++)
        if (view_is(c->attributes[i].name, name))
            return c->attributes[i].value;
    return (struct view){0};
}

static void add_plain(struct fields *f, const struct gw_caller *c)
{
    struct view id = arena_copy(f->arena, view_str(id_text(c->user).s));
    struct view session = arena_copy(f->arena, view_str(id_text(c->session).s));
    struct view posture = attribute(c, "posture");

    add_encoded(f, "sallyport-user", c->name.len > 0 ? &c->name : &id, 1);
    add_encoded(f, "sallyport-email", &c->email, 1);
    add_encoded(f, "sallyport-groups", c->groups, c->group_count);
    add_encoded(f, "sallyport-device", &c->device_text, 1);
    add_encoded(f, "sallyport-posture", &posture, 1);
    add_encoded(f, "sallyport-session", &session, 1);
}

/* ---- the assertion ------------------------------------------------------------------------- */

static void set_text(struct json *j, const char *name, struct view v)
{
    if (v.len > 0)
        json_set_str(j, name, v);
}

/* scheme, host and path as the client asked; without the query (RFC 9449 section 4.2). */
static void set_htu(struct json *claims, const struct gw_exchange *x)
{
    const struct gw_request *r = &x->request;
    struct buf text;

    buf_init(&text, 64 * 1024);
    buf_add_str(&text, gw_app_conf(x->app)->frontend == GW_FRONTEND_TLS ? "https://" : "http://");
    buf_add(&text, r->host);
    buf_add(&text, r->target.path);
    json_set_str(claims, "htu", buf_view(&text));
    buf_deinit(&text);
}

static struct json *claims_of(const struct identity *i, const struct gw_exchange *x, sp_unix_ms now)
{
    const struct gw_caller *c = x->caller;
    struct json *claims = json_object(), *groups = json_array(), *cnf = json_object();

    json_set_cstr(claims, "iss", i->issuer);
    json_set_cstr(claims, "aud", gw_app_conf(x->app)->identity.audience);
    json_set_id(claims, "sub", c->user);
    set_text(claims, "name", c->name);
    set_text(claims, "email", c->email);
    for (size_t g = 0; g < c->group_count; g++)
        json_push(groups, json_new_str(c->groups[g]));
    json_set(claims, "groups", groups);
    json_set_id(claims, "sid", c->session);
    json_set_int(claims, "iat", now / 1000);
    json_set_int(claims, "exp", (now + IDENTITY_ASSERTION_MS) / 1000);
    json_set_id(claims, "jti", random_id());
    json_set_cstr(claims, "htm", gw_method_name(x->request.method));
    set_htu(claims, x);
    set_text(cnf, "jkt", c->device_text);
    json_set(claims, "cnf", cnf);
    return claims;
}

static void add_assertion(struct fields *f, const struct identity *i, const struct gw_exchange *x,
                          sp_unix_ms now)
{
    struct json *claims = claims_of(i, x, now);
    struct buf token;

    buf_init(&token, JWT_BYTES_MAX);
    sp_error e = jwt_sign(i->key, i->kid.s, claims, &token);
    struct view copy = e == SP_OK ? arena_copy(f->arena, buf_view(&token)) : (struct view){0};
    if (e == SP_OK && copy.at == NULL)
        e = arena_error(f->arena);
    if (f->e == SP_OK)
        f->e = e;
    add(f, "sallyport-assertion", copy);
    buf_deinit(&token);
    json_free(claims);
}

/* `forward: bearer`: an application that knows no proofs gets the token as a plain bearer. */
static sp_error forward_bearer(struct gw_request *r)
{
    static const char scheme[] = "Bearer ";
    size_t kept = 0;

    for (size_t i = 0; i < r->field_count; i++) {
        struct gw_field f = r->fields[i];
        if (view_is(f.name, "dpop"))
            continue;
        if (view_is(f.name, "authorization") && field_name_begins(f.value, "dpop ")) {
            uint8_t *to = arena_take(r->arena, f.value.len + sizeof scheme);
            if (to == NULL)
                return arena_error(r->arena);
            memcpy(to, scheme, sizeof scheme - 1);
            memcpy(to + sizeof scheme - 1, f.value.at + 5, f.value.len - 5);
            f.value = (struct view){to, f.value.len - 5 + sizeof scheme - 1};
        }
        r->fields[kept++] = f;
    }
    r->field_count = kept;
    return SP_OK;
}

sp_error identity_fields(const struct identity *i, struct gw_exchange *x, sp_unix_ms now,
                         struct gw_own *own)
{
    const struct gwconf_identity *conf = &gw_app_conf(x->app)->identity;
    struct fields f = {.arena = x->request.arena, .own = own};

    own->n = 0;
    if (x->drop_bearer)
        f.e = forward_bearer(&x->request);
    add(&f, "sallyport-decision",
        (struct view){(const uint8_t *)x->decision, GW_DECISION_TEXT - 1});
    if (conf->headers)
        add_plain(&f, x->caller);
    if (conf->assertion)
        add_assertion(&f, i, x, now);
    return f.e;
}

sp_error identity_signature(const struct identity *i, struct gw_exchange *x, struct view host,
                            const struct view *body, sp_unix_ms now, struct gw_own *own)
{
    struct gw_request *r = &x->request;
    const struct signature_request signed_of = {
        .method = view_str(gw_method_name(r->method)),
        .secure = gw_app_conf(x->app)->upstream.https,
        .host = host,
        .prefix = app_prefix(x->app),
        .target = &r->target,
        .whole = body != NULL,
        .body = body != NULL ? *body : (struct view){0},
        .user = gw_field_find(own->at, own->n, "sallyport-user", NULL)};

    r->field_count = signature_keep(r->fields, r->field_count, body != NULL);
    return signature_fields(i->key, i->kid.s, &signed_of, now, r->arena, own);
}
