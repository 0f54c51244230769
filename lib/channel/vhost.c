#include "lib/channel/vhost.h"

#include "lib/crypto/random.h"

#include <stdlib.h>

static void on_gone(struct lws_vhost *vhost, void *protocols)
{
    (void)vhost;
    free(protocols);
}

sp_error control_vhost(struct engine *engine, lws_callback_function *callback, void *user,
                       const char *proxy, struct lws_vhost **out)
{
    struct lws_context_creation_info info = {0};
    /* The vhost's: it outlives its last connection. */
    struct lws_protocols *protocols = calloc(2, sizeof *protocols);

    if (protocols == NULL)
        return SP_ERR_NOMEM;
    protocols[0] = (struct lws_protocols){
        .name = CONTROL_PROTOCOL, .callback = callback, .rx_buffer_size = 4096};
    info.finalize = on_gone;
    info.finalize_arg = protocols;
    /* libwebsockets shares one SSL_CTX among vhosts whose options are equal, and the name to check
     * hangs on the SSL_CTX: bits that mean nothing keep ours apart. */
    info.ssl_client_options_clear = (long)((1 + random_below(0x3fffff)) << 40);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.connect_timeout_secs = CONTROL_CONNECT_S;
    info.vhost_name = "control";
    info.protocols = protocols;
    info.user = user;
    info.http_proxy_address = proxy;
    /* Every channel proves anew over a fresh handshake: a kept TLS session would only outlive its
     * vhost, which libwebsockets forgets it for when a try ends in its handshake. */
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS |
                   LWS_SERVER_OPTION_DISABLE_TLS_SESSION_CACHE;
    if ((*out = lws_create_vhost(engine_context(engine), &info)) == NULL) {
        free(protocols);
        return SP_ERR_NOMEM;
    }
    return lws_init_vhost_client_ssl(&info, *out) == 0 ? SP_OK : SP_ERR_TLS;
}
