#include "lib/tunnel/bind.h"

#include "lib/base/encode.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/secret.h"

enum { LENGTH_BYTES = 4, KEY_FORM_BYTES = 1 + KEY_BYTES_MAX, SIGNATURE_TEXT_MAX = 128 };

static void add_key(struct buf *out, const struct key_public *k)
{
    buf_add_byte(out, (uint8_t)k->kind);
    buf_add(out, (struct view){k->bytes, KEY_BYTES_MAX});
}

sp_error bind_value(struct tls_conn *inner, enum bind_from from,
                    const struct tunnel_session *session, uint8_t out[TLS_EXPORT_BYTES])
{
    const char *label =
        from == BIND_FROM_AGENT ? "EXPORTER-sallyport-agent/1" : "EXPORTER-sallyport-connector/1";
    struct hash grant = hash_sha256(session->grant);
    struct buf context;
    sp_error e;

    buf_init(&context, HASH_BYTES + SP_ID_BYTES + 2 * KEY_FORM_BYTES + 1);
    buf_add(&context, hash_view(&grant));
    buf_add(&context, id_view(&session->app));
    add_key(&context, &session->device);
    add_key(&context, &session->connector);
    buf_add_byte(&context, BIND_VERSION);
    if ((e = buf_error(&context)) == SP_OK)
        e = tls_conn_export(inner, label, buf_view(&context), true, out);
    buf_deinit(&context);
    return e;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Takes `message`. */
SP_MUST static sp_error write_message(struct json *message, struct buf *out)
{
    struct buf text;
    sp_error e;

    buf_init(&text, BIND_MAX);
    if ((e = json_write(message, &text)) == SP_OK) {
        buf_add_uint(out, text.len, LENGTH_BYTES);
        buf_add(out, buf_view(&text));
        e = buf_error(out);
    }
    buf_deinit(&text);
    json_free(message);
    return e;
}

static struct json *begin(const uint8_t value[TLS_EXPORT_BYTES])
{
    struct json *m = json_object();

    json_set_int(m, "v", BIND_VERSION);
    json_set_base64url(m, "bind", (struct view){value, TLS_EXPORT_BYTES});
    return m;
}

sp_error bind_write_agent(const uint8_t value[TLS_EXPORT_BYTES],
                          const struct tunnel_agent_says *says, struct buf *out)
{
    struct json *m = begin(value);

    json_set_base64url(m, "device_sig", says->device_sig);
    if (says->identity.len > 0)
        json_set_str(m, "identity", says->identity);
    return write_message(m, out);
}

sp_error bind_write_connector(const uint8_t value[TLS_EXPORT_BYTES],
                              const struct tunnel_limits *limits, struct buf *out)
{
    struct json *m = begin(value), *l = json_object();

    if (limits->deadline > 0)
        json_set_int(l, "deadline", limits->deadline);
    if (limits->idle_ms > 0)
        json_set_int(l, "idle", limits->idle_ms);
    if (limits->streams > 0)
        json_set_int(l, "streams", limits->streams);
    json_set(m, "limits", l);
    return write_message(m, out);
}

/* ---- reading ------------------------------------------------------------------------------ */

/* An absent number is 0: no limit. */
SP_MUST static sp_error read_number(const struct json *o, const char *name, int64_t max,
                                    int64_t *out)
{
    sp_error e = json_get_int(o, name, 1, max, out);

    if (e == SP_ERR_NOT_FOUND) {
        *out = 0;
        return SP_OK;
    }
    return e;
}

SP_MUST static sp_error read_limits(const struct json *said, struct tunnel_limits *out)
{
    static const char *const members[] = {"deadline", "idle", "streams", NULL};
    const struct json *l = json_get(said, "limits");
    int64_t streams;
    sp_error e;

    if (json_kind(l) != JSON_OBJECT || (e = json_only(l, members, NULL)) != SP_OK ||
        (e = read_number(l, "deadline", INT64_MAX, &out->deadline)) != SP_OK ||
        (e = read_number(l, "idle", INT64_MAX, &out->idle_ms)) != SP_OK ||
        (e = read_number(l, "streams", STREAMS_MAX, &streams)) != SP_OK)
        return SP_ERR_MALFORMED;
    out->streams = (unsigned)streams;
    return SP_OK;
}

SP_MUST static sp_error read_agent(const struct json *said)
{
    struct view v;
    sp_error e;

    if (json_get_str(said, "device_sig", SIGNATURE_TEXT_MAX, &v) != SP_OK)
        return SP_ERR_MALFORMED;
    e = json_get_str(said, "identity", BIND_MAX, &v);
    return e == SP_OK || e == SP_ERR_NOT_FOUND ? SP_OK : SP_ERR_MALFORMED;
}

SP_MUST static sp_error read_members(const struct json *said, enum bind_from from,
                                     const uint8_t expected[TLS_EXPORT_BYTES], struct bind *out)
{
    static const char *const agent[] = {"v", "bind", "device_sig", "identity", NULL};
    static const char *const connector[] = {"v", "bind", "limits", NULL};
    uint8_t value[TLS_EXPORT_BYTES];
    int64_t v;
    sp_error e;

    if (json_get_int(said, "v", 0, INT32_MAX, &v) != SP_OK)
        return SP_ERR_MALFORMED;
    if (v != BIND_VERSION)
        return SP_ERR_VERSION;
    if (json_only(said, from == BIND_FROM_AGENT ? agent : connector, NULL) != SP_OK ||
        json_get_base64url(said, "bind", value, sizeof value) != SP_OK)
        return SP_ERR_MALFORMED;
    if (!secret_equal((struct view){value, sizeof value},
                      (struct view){expected, TLS_EXPORT_BYTES}))
        return SP_ERR_SIGNATURE;
    e = from == BIND_FROM_AGENT ? read_agent(said) : read_limits(said, &out->limits);
    return e;
}

sp_error bind_read(struct view in, enum bind_from from, const uint8_t expected[TLS_EXPORT_BYTES],
                   struct bind *out, size_t *used)
{
    struct cursor c = cur_over(in, SP_ERR_AGAIN);
    struct bind b = {0};
    sp_error e;

    size_t len = (size_t)cur_uint(&c, LENGTH_BYTES);
    if (len > BIND_MAX)
        return SP_ERR_LIMIT;
    struct view text = cur_take(&c, len);
    if (c.err != SP_OK)
        return c.err;
    if ((e = json_parse(text, BIND_MAX, NULL, &b.said)) != SP_OK)
        return e == SP_ERR_NOMEM ? e : SP_ERR_MALFORMED;
    if ((e = read_members(b.said, from, expected, &b)) != SP_OK) {
        json_free(b.said);
        return e;
    }
    *out = b;
    *used = LENGTH_BYTES + len;
    return SP_OK;
}

void bind_deinit(struct bind *b)
{
    json_free(b->said);
    *b = (struct bind){0};
}
