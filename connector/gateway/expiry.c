#include "connector/gateway/expiry.h"

#include "connector/gateway/gateway_internal.h"
#include "lib/base/log.h"
#include "lib/os/file.h"
#include "lib/tls/expiry.h"

enum { CHAIN_MAX = 64 * 1024, PATH_MAX_BYTES = 2048 };

static bool ends_soon(const struct gw_app *a, const char *name, sp_unix_ms now)
{
    struct buf path, pem;
    sp_unix_ms until = 0;
    bool soon = false;

    buf_init(&path, PATH_MAX_BYTES);
    buf_init(&pem, CHAIN_MAX);
    const char *at = file_path(&path, gateway_files(app_gateway(a)), name);
    /* what can't be read was refused when it was loaded */
    if (at != NULL && file_read(at, CHAIN_MAX, &pem, NULL) == SP_OK &&
        tls_expires(buf_view(&pem), &until) == SP_OK)
        soon = until - now < EXPIRY_AHEAD_MS;
    if (soon)
        log_event(LOG_WARN, "gateway.certificate",
                  until <= now ? "a certificate of this app has ended"
                               : "a certificate of this app ends within 30 days",
                  "app", app_name(a), "file", name, "days",
                  LOG_INT((until - now) / (24 * 60 * 60 * 1000)), NULL);
    buf_deinit(&pem);
    buf_deinit(&path);
    return soon;
}

unsigned expiry_warn(const struct gw_app *a, sp_unix_ms now)
{
    const struct gwconf *c = gw_app_conf(a);
    const char *const names[] = {c->upstream.client_cert,
                                 c->frontend == GW_FRONTEND_TLS ? c->tls.cert : NULL};
    unsigned found = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        found += names[i] != NULL && ends_soon(a, names[i], now);
    return found;
}
