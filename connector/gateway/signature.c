#include "connector/gateway/signature.h"

#include "connector/gateway/fields.h"
#include "lib/base/encode.h"
#include "lib/crypto/hash.h"

enum { BASE_MAX = 128 * 1024, VALUE_MAX = 512 };

void signature_target_uri(const struct signature_request *r, struct buf *out)
{
    buf_add_str(out, r->secure ? "https://" : "http://");
    buf_add(out, r->host);
    if (view_is(r->target->path, "*"))
        return;
    buf_add(out, r->prefix);
    buf_add(out, r->target->path);
    if (r->target->query.len > 0) {
        buf_add_byte(out, '?');
        buf_add(out, r->target->query);
    }
}

void signature_parameters(bool digested, sp_unix_ms now, const char *key_id, struct buf *out)
{
    buf_addf(out,
             "(\"@method\" \"@target-uri\"%s \"sallyport-user\");created=%lld;expires=%lld;"
             "keyid=\"%s\";alg=\"ecdsa-p256-sha256\";tag=\"sallyport\"",
             digested ? " \"content-digest\"" : "", (long long)(now / 1000),
             (long long)(now / 1000 + SIGNATURE_SECONDS), key_id);
}

void signature_base(const struct signature_request *r, struct view digest, struct view parameters,
                    struct buf *out)
{
    buf_add_str(out, "\"@method\": ");
    buf_add(out, r->method);
    buf_add_str(out, "\n\"@target-uri\": ");
    signature_target_uri(r, out);
    if (digest.len > 0) {
        buf_add_str(out, "\n\"content-digest\": ");
        buf_add(out, digest);
    }
    buf_add_str(out, "\n\"sallyport-user\": ");
    buf_add(out, r->user);
    buf_add_str(out, "\n\"@signature-params\": ");
    buf_add(out, parameters);
}

static void write_digest(struct view body, struct buf *out)
{
    struct hash h = hash_sha256(body);

    buf_add_str(out, "sha-256=:");
    encode_base64(hash_view(&h), out);
    buf_add_byte(out, ':');
}

SP_MUST static sp_error sign(const struct key_secret *key, struct view base, struct buf *out)
{
    uint8_t bytes[KEY_SIGNATURE_BYTES];
    sp_error e = key_sign(key, base, bytes);

    if (e != SP_OK)
        return e;
    buf_add_str(out, "sallyport=:");
    encode_base64((struct view){bytes, sizeof bytes}, out);
    buf_add_byte(out, ':');
    return SP_OK;
}

/* A value that is ready becomes a field; the buffer is free for the next one. */
SP_MUST static sp_error add(const char *name, struct buf *value, struct arena *a,
                            struct gw_own *own)
{
    sp_error e = buf_error(value);
    struct view copy = e == SP_OK ? arena_copy(a, buf_view(value)) : (struct view){0};

    if (e == SP_OK && copy.at == NULL)
        e = arena_error(a);
    if (e == SP_OK)
        own->at[own->n++] = (struct gw_field){view_str(name), copy};
    buf_reset(value);
    return e;
}

sp_error signature_fields(const struct key_secret *key, const char *key_id,
                          const struct signature_request *r, sp_unix_ms now, struct arena *a,
                          struct gw_own *own)
{
    struct buf digest, parameters, base, value;
    sp_error e;

    buf_init(&digest, VALUE_MAX);
    buf_init(&parameters, VALUE_MAX);
    buf_init(&base, BASE_MAX);
    buf_init(&value, VALUE_MAX);
    if (r->whole)
        write_digest(r->body, &digest);
    signature_parameters(r->whole, now, key_id, &parameters);
    signature_base(r, buf_view(&digest), buf_view(&parameters), &base);
    buf_add_str(&value, "sallyport=");
    buf_add(&value, buf_view(&parameters));
    if ((e = buf_error(&digest)) == SP_OK && (e = buf_error(&parameters)) == SP_OK &&
        (e = buf_error(&base)) == SP_OK && (e = add("signature-input", &value, a, own)) == SP_OK &&
        (e = sign(key, buf_view(&base), &value)) == SP_OK)
        e = add("signature", &value, a, own);
    if (e == SP_OK && r->whole)
        e = add("content-digest", &digest, a, own);
    buf_deinit(&value);
    buf_deinit(&base);
    buf_deinit(&parameters);
    buf_deinit(&digest);
    return e;
}

static bool is_named(struct view name, const char *lower_case)
{
    return name.len == strlen(lower_case) && field_name_begins(name, lower_case);
}

size_t signature_keep(struct gw_field *fields, size_t n, bool digested)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (!is_named(fields[i].name, "signature") &&
            !is_named(fields[i].name, "signature-input") &&
            !(digested && is_named(fields[i].name, "content-digest")))
            fields[kept++] = fields[i];
    return kept;
}
