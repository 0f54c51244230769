#include "relay/config.h"

#include "lib/os/file.h"

static const char *const cut_words[] = {"auto", "off", NULL};
static const char *const front_words[] = {"direct", "l7", NULL};

#define AT(field) offsetof(struct relay_config, field)
const struct config_field relay_fields[] = {
    {.name = "state",
     .kind = CONFIG_STRING,
     .at = AT(state),
     .preset = "/var/lib/sallyport-relay",
     .expected = "a folder of this relay's own"},
    {.name = "listen",
     .kind = CONFIG_STRING,
     .at = AT(listen),
     .expected = "an address and port such as 0.0.0.0:443"},
    {.name = "front", .kind = CONFIG_WORD, .at = AT(front), .words = front_words},
    {.name = "proxies", .kind = CONFIG_STRINGS, .at = AT(proxies), .max = 64},
    {.name = "front_socket",
     .kind = CONFIG_STRING,
     .at = AT(front_socket),
     .expected = "the broker's socket such as /run/sallyport/front.sock"},
    {.name = "front_user",
     .kind = CONFIG_STRING,
     .at = AT(front_user),
     .min = 1,
     .max = 32,
     .expected = "the user as whom the broker of this machine runs"},
    {.name = "addresses",
     .kind = CONFIG_STRINGS,
     .at = AT(addresses),
     .expected = "a list of HOST:PORT where agents and connectors reach this relay"},
    {.name = "cut_through", .kind = CONFIG_WORD, .at = AT(cut_through), .words = cut_words},
    {.name = "drain_max",
     .kind = CONFIG_DURATION,
     .at = AT(drain_max_ms),
     .preset = "1h",
     .max = 24 * 60 * 60 * 1000},
    {.name = "name", .kind = CONFIG_STRING, .at = AT(name), .max = 128},
    {.name = "health_socket",
     .kind = CONFIG_STRING,
     .at = AT(health_socket),
     .max = 100,
     .expected = "a path of at most 100 bytes for a unix socket"},
    {.name = "proxy",
     .kind = CONFIG_STRING,
     .at = AT(proxy),
     .expected = "an HTTP proxy such as http://proxy.example:3128"},
    {.name = "proxy_login",
     .kind = CONFIG_STRING,
     .at = AT(proxy_login),
     .expected = "a file of mode 0600 that holds USER:PASSWORD"},
    {0},
};

SP_MUST static sp_error default_health(struct relay_config *c)
{
    struct buf path;
    sp_error e = SP_OK;

    if (c->health_socket != NULL)
        return SP_OK;
    buf_init(&path, 4096);
    if (file_path(&path, c->state, "health.sock") == NULL ||
        (c->health_socket = buf_take_str(&path)) == NULL)
        e = SP_ERR_NOMEM;
    buf_deinit(&path);
    return e;
}

/* What stands before a port of our own: without one there is nothing for it to stand before. */
SP_MUST static sp_error check_front(const char *path, struct relay_config *c, struct sp_why *why)
{
    if (c->listen == NULL && (c->front != RELAY_FRONT_DIRECT || c->proxies.count > 0))
        return sp_why_say(why, SP_ERR_INVALID,
                          "%s: `front` and `proxies` are about `listen`, which is not set: the "
                          "broker's front has its own",
                          path);
    if (c->front == RELAY_FRONT_L7 && c->proxies.count == 0)
        return sp_why_say(why, SP_ERR_INVALID,
                          "%s: `front: l7` needs `proxies`, from where the HTTP proxy comes", path);
    return prefixes_read("proxies", c->proxies.items, c->proxies.count, &c->proxied, why);
}

sp_error relay_config_load(const char *path, struct relay_config *out, struct sp_why *why)
{
    sp_error e;

    *out = (struct relay_config){0};
    if ((e = config_load(path, relay_fields, out, why)) != SP_OK ||
        (e = config_environment(relay_fields, out, "SALLYPORT_RELAY_", why)) != SP_OK)
        return e;
    if (out->listen == NULL && out->front_socket == NULL)
        return sp_why_say(why, SP_ERR_INVALID,
                          "%s: set `listen` (a port of its own) or `front_socket` (behind the "
                          "broker on this machine)",
                          path);
    if ((e = check_front(path, out, why)) != SP_OK)
        return e;
    return default_health(out);
}

void relay_config_free(struct relay_config *c)
{
    config_free(relay_fields, c);
}

sp_error relay_proxy(const struct relay_config *c, struct proxy_env *out, struct sp_why *why)
{
    const struct proxy_own own = {.configured = c->proxy,
                                  .variable = "SALLYPORT_RELAY_PROXY",
                                  .keep = "proxy and proxy_login of relay.yaml keep it in a file"};

    proxy_env_read(&own, proxy_getenv, out);
    return c->proxy_login == NULL ? SP_OK : proxy_login(out, c->proxy_login, why);
}
