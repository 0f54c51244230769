#include "broker/config.h"
#include "lib/crypto/jwk.h"
#include "lib/http/url.h"
#include "lib/os/prefix.h"

#include <stddef.h>
#include <string.h>

#define MINUTE_MS (60 * 1000)
#define HOUR_MS (60 * MINUTE_MS)

#define AT(field) .at = offsetof(struct broker_config, field)
#define PROVIDER_AT(field) .at = offsetof(struct provider_config, field)

static const char *const front_words[] = {"direct", "l7", NULL};
static const char *const cut_through_words[] = {"auto", "off", NULL};
static const char *const groups_words[] = {"id_token", "userinfo", NULL};

static const struct config_field provider_fields[] = {
    {.name = "name", .kind = CONFIG_STRING, PROVIDER_AT(name), .required = true, .max = 32},
    {.name = "title", .kind = CONFIG_STRING, PROVIDER_AT(title), .max = 64},
    {.name = "issuer",
     .kind = CONFIG_STRING,
     PROVIDER_AT(issuer),
     .required = true,
     .max = 512,
     .expected = "the provider's issuer, letter by letter, such as https://id.example.org"},
    {.name = "client_id", .kind = CONFIG_STRING, PROVIDER_AT(client_id), .required = true},
    {.name = "client_secret_file",
     .kind = CONFIG_STRING,
     PROVIDER_AT(client_secret_file),
     .required = true,
     .expected = "a file of mode 0600 with the client secret"},
    {.name = "scopes", .kind = CONFIG_STRINGS, PROVIDER_AT(scopes), .max = 128},
    {.name = "groups_claim", .kind = CONFIG_STRINGS, PROVIDER_AT(groups_claim), .max = 256},
    {.name = "groups_from", .kind = CONFIG_WORD, PROVIDER_AT(groups_from), .words = groups_words},
    {.name = "algs", .kind = CONFIG_STRINGS, PROVIDER_AT(algs), .max = 16},
    {.name = "audiences", .kind = CONFIG_STRINGS, PROVIDER_AT(audiences), .max = 256},
    {.name = "ca_file", .kind = CONFIG_STRING, PROVIDER_AT(ca_file)},
    {0}};

static const struct config_field login_fields[] = {{.name = "session",
                                                    .kind = CONFIG_DURATION,
                                                    AT(login.session_ms),
                                                    .preset = "12h",
                                                    .min = 5 * MINUTE_MS,
                                                    .max = 24 * HOUR_MS},
                                                   {.name = "idle",
                                                    .kind = CONFIG_DURATION,
                                                    AT(login.idle_ms),
                                                    .preset = "30m",
                                                    .min = MINUTE_MS,
                                                    .max = HOUR_MS},
                                                   {0}};
static const struct config_field idp_fields[] = {
    {.name = "enabled", .kind = CONFIG_BOOL, AT(idp.enabled)}, {0}};
static const struct config_field tunnel_fields[] = {{.name = "cut_through",
                                                     .kind = CONFIG_WORD,
                                                     AT(tunnel.cut_through),
                                                     .words = cut_through_words},
                                                    {0}};

const struct config_field broker_config_fields[] = {
    {.name = "organisation",
     .kind = CONFIG_STRING,
     AT(organisation),
     .preset = "Sallyport",
     .max = 64},
    {.name = "public_url",
     .kind = CONFIG_STRING,
     AT(public_url),
     .required = true,
     .max = 300,
     .expected = "an origin such as https://access.example.org"},
    {.name = "listen", .kind = CONFIG_STRINGS, AT(listen), .required = true},
    {.name = "certificate", .kind = CONFIG_STRING, AT(certificate), .required = true},
    {.name = "key", .kind = CONFIG_STRING, AT(key), .required = true},
    {.name = "ca_file", .kind = CONFIG_STRING, AT(ca_file)},
    {.name = "state",
     .kind = CONFIG_STRING,
     AT(state),
     .preset = "/var/lib/sallyport-broker",
     .max = 200},
    {.name = "front_socket",
     .kind = CONFIG_STRING,
     AT(front_socket),
     .preset = "/run/sallyport/front.sock",
     .max = 100},
    {.name = "relay_user", .kind = CONFIG_STRING, AT(relay_user), .min = 1, .max = 32},
    {.name = "relay_group", .kind = CONFIG_STRING, AT(relay_group), .min = 1, .max = 32},
    {.name = "enrol_at_login", .kind = CONFIG_BOOL, AT(enrol_at_login), .preset = "true"},
    {.name = "front", .kind = CONFIG_WORD, AT(front), .words = front_words},
    {.name = "proxies", .kind = CONFIG_STRINGS, AT(proxies), .max = 64},
    {.name = "proxy",
     .kind = CONFIG_STRING,
     AT(proxy),
     .max = PROXY_TEXT_MAX - 1,
     .expected = "http://HOST:PORT; the login stands in proxy_login"},
    {.name = "proxy_login",
     .kind = CONFIG_STRING,
     AT(proxy_login),
     .expected = "a file of mode 0600 that holds USER:PASSWORD"},
    {.name = "operations",
     .kind = CONFIG_STRING,
     AT(operations),
     .preset = "127.0.0.1:7480",
     .expected = "an address on loopback such as 127.0.0.1:7480"},
    {.name = "workers", .kind = CONFIG_INT, AT(workers), .preset = "8", .min = 2, .max = 64},
    {.name = "admin_group",
     .kind = CONFIG_STRING,
     AT(admin_group),
     .required = true,
     .max = 128,
     .expected = "PROVIDER/GROUP, such as corp/sallyport-admins"},
    {.name = "viewer_group", .kind = CONFIG_STRING, AT(viewer_group), .max = 128},
    {.name = "approve_devices", .kind = CONFIG_BOOL, AT(approve_devices)},
    {.name = "device_code", .kind = CONFIG_BOOL, AT(device_code)},
    {.name = "second_approval", .kind = CONFIG_BOOL, AT(second_approval)},
    {.name = "login", .kind = CONFIG_BLOCK, .at = 0, .fields = login_fields},
    {.name = "idp", .kind = CONFIG_BLOCK, .at = 0, .fields = idp_fields},
    {.name = "tunnel", .kind = CONFIG_BLOCK, .at = 0, .fields = tunnel_fields},
    {.name = "providers",
     .kind = CONFIG_BLOCKS,
     AT(providers),
     .fields = provider_fields,
     .size = sizeof(struct provider_config)},
    {0}};

static sp_error check_origin(const char *text, const char *field, struct sp_why *why)
{
    struct url u;

    if (url_parse(view_str(text), &u) == SP_OK && u.https && u.path.len == 0 && !u.has_query &&
        !u.has_fragment)
        return SP_OK;
    sp_why_field(why, "%s", field);
    return sp_why_say(why, SP_ERR_INVALID,
                      "%s is no https origin: write https://HOST[:PORT] without path and without "
                      "a slash at the end",
                      text);
}

/* Names of providers are the namespace of groups: "builtin" is the built-in one's. */
static sp_error check_provider(const struct broker_config *c, size_t at, struct sp_why *why)
{
    const struct provider_config *all = c->providers.items, *p = &all[at];
    struct url u;

    sp_why_field(why, "providers[%zu]", at);
    if (strchr(p->name, '/') != NULL || strcmp(p->name, "builtin") == 0)
        return sp_why_say(why, SP_ERR_INVALID,
                          "a provider's name holds no '/' and is not \"builtin\"");
    for (size_t other = 0; other < at; other++)
        if (strcmp(all[other].name, p->name) == 0 || strcmp(all[other].issuer, p->issuer) == 0)
            return sp_why_say(why, SP_ERR_INVALID, "two providers have the same name or issuer");
    if (url_parse(view_str(p->issuer), &u) != SP_OK || !u.https || u.has_query || u.has_fragment)
        return sp_why_say(why, SP_ERR_INVALID, "the issuer %s is no https URL", p->issuer);
    for (size_t a = 0; a < p->algs.count; a++)
        if (jwt_alg_parse(view_str(p->algs.items[a])) == JWT_ALG_NONE)
            return sp_why_say(why, SP_ERR_INVALID, "algs: %s is none of RS256, PS256, ES256, EdDSA",
                              p->algs.items[a]);
    return SP_OK;
}

static sp_error check_listen(const struct broker_config *c, struct sp_why *why)
{
    struct address a;

    for (size_t l = 0; l < c->listen.count; l++)
        if (address_parse(view_str(c->listen.items[l]), &a) != SP_OK) {
            sp_why_field(why, "listen[%zu]", l);
            return sp_why_say(why, SP_ERR_INVALID,
                              "%s is no address and port, such as 0.0.0.0:443 or [::]:443",
                              c->listen.items[l]);
        }
    return SP_OK;
}

sp_error broker_config_proxies(const struct broker_config *c, struct prefixes *out,
                               struct sp_why *why)
{
    return prefixes_read("proxies", c->proxies.items, c->proxies.count, out, why);
}

sp_error broker_config_check(const struct broker_config *c, struct sp_why *why)
{
    struct prefixes proxies;
    sp_error e;

    if ((e = check_origin(c->public_url, "public_url", why)) != SP_OK ||
        (e = check_listen(c, why)) != SP_OK ||
        (e = broker_config_proxies(c, &proxies, why)) != SP_OK)
        return e;
    for (size_t p = 0; p < c->providers.count; p++)
        if ((e = check_provider(c, p, why)) != SP_OK)
            return e;
    if (c->providers.count == 0 && !c->idp.enabled) {
        sp_why_field(why, "providers");
        return sp_why_say(why, SP_ERR_INVALID,
                          "nobody could sign in: name a provider, or set idp.enabled: true");
    }
    return SP_OK;
}

sp_error broker_config_load(const char *path, struct broker_config *out, struct sp_why *why)
{
    sp_error e;

    *out = (struct broker_config){0};
    if ((e = config_load(path, broker_config_fields, out, why)) != SP_OK)
        return e;
    return broker_config_check(out, why);
}

void broker_config_free(struct broker_config *c)
{
    config_free(broker_config_fields, c);
}

sp_error broker_proxy(const struct broker_config *c, struct proxy_env *out, struct sp_why *why)
{
    const struct proxy_own own = {.configured = c->proxy,
                                  .keep = "proxy and proxy_login of broker.yaml keep it in a file"};

    proxy_env_read(&own, proxy_getenv, out);
    return c->proxy_login == NULL ? SP_OK : proxy_login(out, c->proxy_login, why);
}
