#include "broker/wire.h"
#include "lib/base/encode.h"
#include "lib/http/url.h"
#include "lib/os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEM_MAX = 16 * 1024, SECRET_TEXT_MAX = 1024 };

sp_error wire_public_address(const char *public_url, char *out, size_t room)
{
    struct url u;
    sp_error e = url_parse(view_str(public_url), &u);

    if (e != SP_OK)
        return e;
    int n = snprintf(out, room, u.host_is_ipv6 ? "[%.*s]:%u" : "%.*s:%u", VIEW_ARG(u.host), u.port);
    return n < 0 || (size_t)n >= room ? SP_ERR_LIMIT : SP_OK;
}

/* The first certificate of a PEM text (RFC 7468) as DER. */
static sp_error first_certificate(const char *pem, struct buf *der)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    const char *from = strstr(pem, begin), *to = from == NULL ? NULL : strstr(from, end);
    struct buf text;

    if (to == NULL)
        return SP_ERR_MALFORMED;
    buf_init(&text, PEM_MAX);
    for (const char *c = from + strlen(begin); c < to; c++)
        if (*c != '\n' && *c != '\r')
            buf_add_byte(&text, (uint8_t)*c);
    sp_error e = buf_error(&text);
    if (e == SP_OK)
        e = decode_base64(buf_view(&text), der);
    buf_deinit(&text);
    return e;
}

static sp_error read_ca(const char *path, struct sp_why *why, struct enrol_address *out)
{
    struct buf pem, der;
    sp_error e;

    buf_init(&pem, PEM_MAX);
    buf_init(&der, sizeof out->ca);
    if ((e = file_read(path, PEM_MAX, &pem, why)) == SP_OK) {
        const char *text = buf_cstr(&pem);
        e = text == NULL ? SP_ERR_NOMEM : first_certificate(text, &der);
        if (e == SP_OK) {
            memcpy(out->ca, der.at, der.len);
            out->ca_len = der.len;
        } else {
            e = sp_why_say(why, e, "%s holds no PEM certificate", path);
        }
    }
    buf_deinit(&pem);
    buf_deinit(&der);
    return e;
}

sp_error wire_enrol_address(const struct broker_config *c, const struct key_public *identity,
                            struct sp_why *why, struct enrol_address *out)
{
    *out = (struct enrol_address){.fingerprint = key_fingerprint(identity),
                                  .front_l7 = c->front == FRONT_L7};
    snprintf(out->url, sizeof out->url, "%s", c->public_url);
    return c->ca_file == NULL ? SP_OK : read_ca(c->ca_file, why, out);
}

static sp_error read_secret(const char *path, struct buf *out, struct sp_why *why)
{
    sp_error e = file_read_secret(path, SECRET_TEXT_MAX, out, why);

    while (e == SP_OK && out->len > 0 &&
           (out->at[out->len - 1] == '\n' || out->at[out->len - 1] == '\r'))
        out->len--;
    return e;
}

static unsigned algs_of(const struct provider_config *p)
{
    unsigned algs = 0;

    for (size_t a = 0; a < p->algs.count; a++)
        algs |= (unsigned)jwt_alg_parse(view_str(p->algs.items[a]));
    return algs;
}

static struct provider_options provider_of(const struct broker_config *c,
                                           const struct provider_config *p, struct view secret)
{
    return (struct provider_options){
        .name = p->name,
        .title = p->title != NULL ? p->title : p->name,
        .issuer = p->issuer,
        .client_id = p->client_id,
        .client_secret = secret,
        .scopes = p->scopes.count == 0 ? NULL : (const char *const *)p->scopes.items,
        .scope_count = p->scopes.count,
        .groups_path =
            p->groups_claim.count == 0 ? NULL : (const char *const *)p->groups_claim.items,
        .groups_path_count = p->groups_claim.count,
        .groups_from_userinfo = p->groups_from == GROUPS_USERINFO,
        .algs = algs_of(p),
        .audiences = (const char *const *)p->audiences.items,
        .audience_count = p->audiences.count,
        .ca_file = p->ca_file != NULL ? p->ca_file : c->ca_file,
    };
}

struct listing {
    struct provider_options options[OIDC_PROVIDERS_MAX];
    struct buf secrets[OIDC_PROVIDERS_MAX];
    size_t count;
};

static sp_error list_providers(const struct broker_config *c, struct listing *l, struct sp_why *why)
{
    const struct provider_config *all = c->providers.items;
    sp_error e = SP_OK;

    if (c->providers.count >= OIDC_PROVIDERS_MAX)
        return sp_why_say(why, SP_ERR_LIMIT, "at most %d providers", OIDC_PROVIDERS_MAX - 1);
    for (size_t p = 0; e == SP_OK && p < c->providers.count; p++) {
        struct buf *secret = &l->secrets[l->count];
        buf_init(secret, SECRET_TEXT_MAX);
        e = read_secret(all[p].client_secret_file, secret, why);
        l->options[l->count++] = provider_of(c, &all[p], buf_view(secret));
    }
    return e;
}

/* It knows its people by the same HTTPS that everyone uses. */
static void list_builtin(const struct broker_config *c, const struct idp_client *client,
                         struct listing *l)
{
    buf_init(&l->secrets[l->count], 0);
    l->options[l->count++] = (struct provider_options){.name = "builtin",
                                                       .title = "Local account",
                                                       .issuer = client->issuer,
                                                       .client_id = client->client_id,
                                                       .client_secret = secret_open(client->secret),
                                                       .algs = JWT_ES256,
                                                       .ca_file = c->ca_file,
                                                       .built_in = true};
}

sp_error wire_oidc(const struct broker_config *c, const struct idp *builtin,
                   const struct proxy_env *proxy, struct sp_why *why, struct oidc **out)
{
    struct listing *l = calloc(1, sizeof *l);
    struct idp_client client;
    sp_error e;

    if (l == NULL)
        return SP_ERR_NOMEM;
    e = list_providers(c, l, why);
    if (builtin != NULL) {
        client = idp_client(builtin);
        list_builtin(c, &client, l);
    }
    const struct oidc_options o = {.providers = l->options,
                                   .provider_count = l->count,
                                   .origin = c->public_url,
                                   .proxy = proxy,
                                   .at_once = (size_t)c->workers / 2};
    if (e == SP_OK)
        e = oidc_new(&o, why, out);
    if (builtin != NULL)
        secret_close(client.secret);
    for (size_t s = 0; s < l->count; s++)
        buf_wipe(&l->secrets[s]);
    free(l);
    return e;
}

size_t wire_roles(const struct broker_config *c, struct api_role_rule out[WIRE_ROLES_MAX])
{
    size_t n = 0;

    out[n++] = (struct api_role_rule){.group = c->admin_group, .role = ROLE_ADMIN};
    if (c->viewer_group != NULL)
        out[n++] = (struct api_role_rule){.group = c->viewer_group, .role = ROLE_VIEWER};
    return n;
}

enum app_test_result wire_test_result(const char *error)
{
    static const struct {
        const char *word;
        enum app_test_result result;
    } words[] = {
        {"", APP_TEST_OK},
        {"refused", APP_TEST_REFUSED},
        {"timeout", APP_TEST_NO_ANSWER},
        {"not_found", APP_TEST_NAME},
        {"floor", APP_TEST_FLOOR},
        {"record", APP_TEST_RECORD},
    };

    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        if (strcmp(words[w].word, error) == 0)
            return words[w].result;
    return APP_TEST_UNREACHABLE;
}

const char *wire_test_text(enum app_test_result r)
{
    static const char *const texts[] = {
        [APP_TEST_NONE] = "no connector answered",
        [APP_TEST_OK] = "connected",
        [APP_TEST_REFUSED] = "the app's host refuses the connection",
        [APP_TEST_NO_ANSWER] = "the app's host does not answer",
        [APP_TEST_NAME] = "the app's name has no address there",
        [APP_TEST_FLOOR] = "the connector's floor does not allow it",
        [APP_TEST_RECORD] = "the connector has no record of the app",
        [APP_TEST_UNREACHABLE] = "there is no way to the app's host",
    };

    return texts[r];
}
