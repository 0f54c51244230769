#include "connector/gateway/expiry.h"

#include "lib/base/log.h"

static bool ends_soon(const struct gw_app *a, const char *name, sp_unix_ms until, sp_unix_ms now)
{
    if (until == 0 || until - now >= EXPIRY_AHEAD_MS)
        return false;
    log_event(LOG_WARN, "gateway.certificate",
              until <= now ? "a certificate of this app has ended"
                           : "a certificate of this app ends within 30 days",
              "app", app_name(a), "file", name, "days",
              LOG_INT((until - now) / (24 * 60 * 60 * 1000)), NULL);
    return true;
}

unsigned expiry_warn(const struct gw_app *a, sp_unix_ms now)
{
    const struct gwconf *c = gw_app_conf(a);
    struct renew_ends ends = app_ends(a);

    return (unsigned)ends_soon(a, c->upstream.client_cert, ends.app, now) +
           (unsigned)ends_soon(a, c->tls.cert, ends.front, now);
}
