#include "connector/config.h"

#include "connector/spool.h"

#include "lib/os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/banned.h"

static const char *const log_words[] = {"error", "warn", "info", "debug", NULL};
static const char *const cut_words[] = {"auto", "off", NULL};

static const struct config_field tunnel_fields[] = {
    {.name = "cut_through", .kind = CONFIG_WORD, .at = 0, .words = cut_words},
    {0},
};

#define AT(member) offsetof(struct connector_config, member)
static const struct config_field fields[] = {
    {.name = "state",
     .kind = CONFIG_STRING,
     .at = AT(state),
     .min = 1,
     .preset = CONNECTOR_STATE_DIR,
     .expected = "a folder such as " CONNECTOR_STATE_DIR},
    {.name = "floor",
     .kind = CONFIG_STRING,
     .at = AT(floor),
     .min = 1,
     .preset = "/etc/sallyport/floor",
     .expected = "a file such as /etc/sallyport/floor"},
    {.name = "health",
     .kind = CONFIG_STRING,
     .at = AT(health),
     .min = 1,
     .max = 100,
     .expected = "a path of at most 100 bytes for a unix socket"},
    {.name = "gateway",
     .kind = CONFIG_STRING,
     .at = AT(gateway),
     .min = 1,
     .max = 1024,
     .expected = "a folder such as /etc/sallyport/gateway"},
    {.name = "proxy",
     .kind = CONFIG_STRING,
     .at = AT(proxy),
     .max = PROXY_TEXT_MAX - 1,
     .expected = "http://HOST:PORT; the login stands in proxy_login"},
    {.name = "proxy_login",
     .kind = CONFIG_STRING,
     .at = AT(proxy_login),
     .expected = "a file of mode 0600 that holds USER:PASSWORD"},
    {.name = "ca", .kind = CONFIG_STRINGS, .at = AT(ca), .expected = "a list of PEM files"},
    {.name = "drain_max",
     .kind = CONFIG_DURATION,
     .at = AT(drain_ms),
     .preset = "1h",
     .max = 24 * 3600 * 1000},
    {.name = "audit_spool",
     .kind = CONFIG_SIZE,
     .at = AT(audit_spool),
     .preset = "256MiB",
     .min = SPOOL_BYTES_MIN,
     .max = SPOOL_BYTES_MAX},
    {.name = "log", .kind = CONFIG_WORD, .at = AT(log), .words = log_words, .preset = "info"},
    {.name = "tunnel", .kind = CONFIG_BLOCK, .at = AT(tunnel), .fields = tunnel_fields},
    {0},
};

/* A path inside of the state folder where the configuration has none. */
SP_MUST static sp_error default_path(const struct connector_config *c, const char *name, char **at)
{
    struct buf path;
    sp_error e = SP_OK;

    if (*at != NULL)
        return SP_OK;
    buf_init(&path, 4096);
    if (file_path(&path, c->state, name) == NULL || (*at = buf_take_str(&path)) == NULL)
        e = SP_ERR_NOMEM;
    buf_deinit(&path);
    return e;
}

sp_error connector_config_load(const char *path, const char *state, struct connector_config *out,
                               struct sp_why *why)
{
    sp_error e;

    *out = (struct connector_config){0};
    if (path == NULL && access(CONNECTOR_CONFIG_PATH, F_OK) == 0)
        path = CONNECTOR_CONFIG_PATH;
    if (path != NULL)
        e = config_load(path, fields, out, why);
    else
        e = config_read((struct view){0}, "defaults", fields, out, why);
    if (e != SP_OK || (e = config_environment(fields, out, "SALLYPORT_CONNECTOR_", why)) != SP_OK ||
        (state != NULL && (e = config_set(fields, out, "state", state, why)) != SP_OK))
        return e;
    out->path = path;
    if ((e = default_path(out, "health.sock", &out->health)) != SP_OK)
        return e;
    return default_path(out, "gateway", &out->gateway);
}

void connector_config_end(struct connector_config *c)
{
    config_free(fields, c);
}

sp_error connector_proxy(const struct connector_config *c, struct proxy_env *out,
                         struct sp_why *why)
{
    const struct proxy_own own = {.configured = c->proxy,
                                  .variable = "SALLYPORT_CONNECTOR_PROXY",
                                  .keep =
                                      "proxy and proxy_login of connector.yaml keep it in a file"};

    proxy_env_read(&own, proxy_getenv, out);
    return c->proxy_login == NULL ? SP_OK : proxy_login(out, c->proxy_login, why);
}
