#include "connector/gateway/certs.h"

#include "lib/base/encode.h"

#include <stdio.h>

#include "lib/base/banned.h"

SP_MUST static sp_error put_path(const char *files, const char *name, char out[CERTS_PATH_MAX],
                                 struct sp_why *why)
{
    if (name == NULL)
        return SP_OK;
    int n = snprintf(out, CERTS_PATH_MAX, "%s/%s", files, name);
    return n > 0 && n < CERTS_PATH_MAX
               ? SP_OK
               : sp_why_say(why, SP_ERR_LIMIT, "the path of %s is too long", name);
}

/* "sha256/BASE64" */
SP_MUST static sp_error read_pin(const char *text, uint8_t out[TLS_PIN_BYTES])
{
    struct buf bytes;
    sp_error e;

    buf_init(&bytes, TLS_PIN_BYTES);
    if ((e = decode_base64(view_str(text + strlen("sha256/")), &bytes)) == SP_OK &&
        bytes.len != TLS_PIN_BYTES)
        e = SP_ERR_MALFORMED;
    if (e == SP_OK)
        memcpy(out, bytes.at, TLS_PIN_BYTES);
    buf_deinit(&bytes);
    return e;
}

sp_error certs_name(const struct gwconf *conf, const char *files, struct certs_spec *out,
                    struct sp_why *why)
{
    const struct gwconf_upstream *u = &conf->upstream;
    bool front = conf->frontend == GW_FRONTEND_TLS;
    const char *const names[CERTS_FILES] = {
        [CERTS_FRONT_CHAIN] = front ? conf->tls.cert : NULL,
        [CERTS_FRONT_KEY] = front ? conf->tls.key : NULL,
        [CERTS_APP_CA] = u->https ? u->ca : NULL,
        [CERTS_APP_CHAIN] = u->https ? u->client_cert : NULL,
        [CERTS_APP_KEY] = u->https ? u->client_key : NULL,
    };
    sp_error e = SP_OK;

    *out = (struct certs_spec){.front = front,
                               .front_http2 = conf->http2,
                               .app = u->https,
                               .app_http2 = u->http2,
                               .pinned = u->https && u->pin != NULL};
    for (size_t i = 0; i < CERTS_FILES && e == SP_OK; i++)
        e = put_path(files, names[i], out->paths[i], why);
    if (e == SP_OK && out->pinned && (e = read_pin(u->pin, out->pin)) != SP_OK)
        e = sp_why_say(why, e, "pin is sha256/ and the base64 of a public key's SHA-256");
    return e;
}

static const char *named(const struct certs_spec *spec, enum certs_file file)
{
    return spec->paths[file][0] != '\0' ? spec->paths[file] : NULL;
}

SP_MUST static sp_error load_front(const struct certs_spec *spec, struct sp_why *why,
                                   struct tls_context **out)
{
    static const char *const alpn[] = {"h2", "http/1.1", NULL};

    return spec->front ? tls_served(spec->paths[CERTS_FRONT_CHAIN], spec->paths[CERTS_FRONT_KEY],
                                    alpn + (spec->front_http2 ? 0 : 1), why, out)
                       : SP_OK;
}

SP_MUST static sp_error load_app(const struct certs_spec *spec, struct sp_why *why,
                                 struct tls_context **out)
{
    static const char *const alpn[] = {"h2", NULL};
    const struct tls_named n = {.alpn = spec->app_http2 ? alpn : NULL,
                                .pin = spec->pinned ? spec->pin : NULL,
                                .chain_file = named(spec, CERTS_APP_CHAIN),
                                .key_file = named(spec, CERTS_APP_KEY),
                                .without_system_store =
                                    named(spec, CERTS_APP_CA) != NULL || spec->pinned,
                                .ca_files = {named(spec, CERTS_APP_CA)}};

    return spec->app ? tls_named_client(&n, why, out) : SP_OK;
}

sp_error certs_load(const struct certs_spec *spec, struct certs *out, struct sp_why *why)
{
    struct certs c = {NULL, NULL};
    sp_error e;

    if ((e = load_front(spec, why, &c.front)) != SP_OK ||
        (e = load_app(spec, why, &c.app)) != SP_OK) {
        certs_free(&c);
        return e;
    }
    *out = c;
    return SP_OK;
}

void certs_free(struct certs *c)
{
    tls_context_free(c->front);
    tls_context_free(c->app);
    *c = (struct certs){NULL, NULL};
}
