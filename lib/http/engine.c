#include "lib/http/engine.h"

#include "lib/base/log.h"
#include "lib/os/loop.h"

#include <libwebsockets.h>
#include <stdlib.h>

struct engine {
    struct loop *loop;           /* borrowed */
    struct lws_context *context; /* owned; libwebsockets clears it when it has let go of the loop */
};

enum {
    /* Room for a head of 16 KiB and a bit, so that what is over the limit gets its 431; below
     * 64 KiB, where libwebsockets' 16-bit lengths of unknown headers end. */
    HEAD_ROOM = 60 * 1024,
    HEADS_AT_ONCE = 256,
    TURNS_TO_CLOSE = 1000
};

/* Lines that say nothing: libwebsockets 4.3.5 thinks that wolfSSL knows no ALPN (DATAPATH B), and
 * reports each peer that left during its handshake. */
static const char *const noise[] = {
    "ALPN configured but not supported", "openssl too old",  "openssl is too old",
    "lws_ssl_client_bio_create",         "Unable to create", "no_client_cert",
};

static void on_lws_log(int level, const char *line)
{
    const char *colon = strstr(line, ": "); /* behind "[2026/11/25 04:49:13:3064] E" */
    char text[512];

    if (line[0] == '[' && colon != NULL)
        line = colon + 2;
    size_t n = strlen(line);

    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
        if (strstr(line, noise[i]) != NULL)
            return;
    if (n >= sizeof text)
        n = sizeof text - 1;
    memcpy(text, line, n);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n] = '\0';
    log_event(level == LLL_ERR ? LOG_WARN : LOG_DEBUG, "lws", text, NULL);
}

sp_error engine_new(struct loop *loop, struct engine **out)
{
    struct engine *e = calloc(1, sizeof *e);
    void *loops[] = {loop_native(loop)};
    struct lws_context_creation_info info = {0};

    if (e == NULL)
        return SP_ERR_NOMEM;
    /* A root folder without devices: libwebsockets 4.3.5 crashes when it takes back what it began.
     */
    if (access("/dev/urandom", R_OK) != 0) {
        log_event(LOG_ERROR, "engine.random", "/dev/urandom can't be read", NULL);
        free(e);
        return SP_ERR_IO;
    }
    e->loop = loop;
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN;
    info.foreign_loops = loops;
    info.pcontext = &e->context;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    info.max_http_header_data2 = HEAD_ROOM;
    info.max_http_header_pool2 = HEADS_AT_ONCE;
    /* also for a head: the vhost's timeout_secs_ah_idle is replaced by this one after TLS */
    info.timeout_secs = ENGINE_HEAD_MS / 1000;
    info.pt_serv_buf_size = 16 * 1024;
    if ((e->context = lws_create_context(&info)) == NULL) {
        free(e);
        return SP_ERR_NOMEM;
    }
    *out = e;
    return SP_OK;
}

void engine_free(struct engine *e)
{
    if (e == NULL)
        return;
    for (int i = 0; e->context != NULL && i < TURNS_TO_CLOSE; i++) {
        lws_context_destroy(e->context);
        loop_turn(e->loop, false);
    }
    free(e);
}

struct loop *engine_loop(struct engine *e)
{
    return e->loop;
}

struct lws_context *engine_context(struct engine *e)
{
    return e->context;
}
