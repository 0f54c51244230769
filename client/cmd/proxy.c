/* proxy: SOCKS5 and HTTP CONNECT on a loopback address, each connection to the app that it names.
 */
#include "client/cmd/cmd.h"
#include "client/cmd/pipe.h"
#include "client/cmd/proxyhead.h"
#include "client/cmd/talk.h"
#include "lib/base/clock.h"
#include "lib/os/resolve.h"
#include "lib/term/out.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROXY_AT_ONCE = 256, HEAD_MS = 10 * 1000 };

/* ---- one connection, in a process of its own ---------------------------------------------- */

/* SOCKS5 replies of RFC 1928 section 6; the address in them means nothing here. */
static bool answer(int fd, enum proxyhead_kind kind, int exit)
{
    uint8_t socks[10] = {5, 0, 0, 1};
    const char *http = exit == EXIT_OK ? "HTTP/1.1 200 Connection established\r\n\r\n"
                       : exit == EXIT_UNREACHABLE
                           ? "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
                           : "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";

    if (kind == PROXYHEAD_HTTP)
        return pipe_write(fd, http, strlen(http));
    socks[1] = exit == EXIT_OK ? 0 : exit == EXIT_UNREACHABLE ? 4 : 2;
    return pipe_write(fd, socks, sizeof socks);
}

/* What was asked for, read byte by byte behind the head's end: bytes after it are the app's. */
static sp_error read_head(int fd, struct proxyhead *out)
{
    static const uint8_t no_proof[2] = {5, 0}, refused[2] = {5, 0xff};
    sp_boot_ms until = clock_boot() + HEAD_MS;
    uint8_t in[PROXYHEAD_BYTES_MAX];
    bool greeted = false;
    size_t len = 0;

    while (len < sizeof in) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = until - clock_boot();
        sp_error e;

        if (left <= 0 || poll(&p, 1, (int)left) != 1 || read(fd, in + len, 1) != 1)
            return SP_ERR_TIMEOUT;
        len++;
        e = proxyhead_read((struct view){in, len}, greeted, out);
        if (e == SP_ERR_UNSUPPORTED && in[0] == 5 && !greeted)
            pipe_write(fd, refused, sizeof refused);
        if (e == SP_OK && out->kind != PROXYHEAD_GREETING)
            return SP_OK;
        if (e == SP_OK) {
            if (!pipe_write(fd, no_proof, sizeof no_proof))
                return SP_ERR_IO;
            greeted = true;
            len = 0;
        } else if (e != SP_ERR_AGAIN) {
            return e;
        }
    }
    return SP_ERR_LIMIT;
}

static int serve(const struct command_call *call, int fd)
{
    struct proxyhead head;
    struct pipe p;
    int code;

    if (read_head(fd, &head) != SP_OK)
        return EXIT_USAGE;
    code = pipe_open(call, head.host, head.port, &p);
    if (answer(fd, head.kind, code) && code == EXIT_OK)
        code = pipe_join(call, &p, fd, fd);
    pipe_close(&p);
    return code;
}

/* ---- the listener ------------------------------------------------------------------------- */

static void accept_one(const struct command_call *call, int listener, unsigned *running)
{
    uid_t owner;
    pid_t child;
    int fd;

    if (sock_accept(listener, &fd, NULL) != SP_OK)
        return;
    /* TM-14: a session is its owner's; other users of this machine get RST, root too. */
    if (sock_tcp_owner(fd, &owner) != SP_OK || owner != geteuid() || *running >= PROXY_AT_ONCE) {
        sock_reset(fd);
        return;
    }
    if ((child = fork()) == 0) {
        struct command_call quiet = *call;

        quiet.json = false; /* one JSON object on standard output, and that was the address */
        close(listener);
        _exit(serve(&quiet, fd));
    }
    close(fd);
    *running += child > 0;
}

static int listen_on(const struct command_call *call, const char *text, int *fd)
{
    struct address at;
    sp_error e = address_parse(view_str(text), &at);

    if (e == SP_OK && address_class(&at) != ADDRESS_LOOPBACK)
        e = SP_ERR_INVALID;
    if (e == SP_OK)
        e = sock_listen(&at, NULL, fd);
    if (e == SP_OK)
        return EXIT_OK;
    return command_fail(call, &(struct command_failure){
                                  .exit = e == SP_ERR_EXISTS ? EXIT_ERROR : EXIT_USAGE,
                                  .code = "listen",
                                  .what = "The proxy can't listen there.",
                                  .why = e == SP_ERR_EXISTS ? "The address is in use."
                                                            : "It needs a loopback ADDRESS:PORT.",
                                  .next = "sallyport proxy --listen 127.0.0.1:1081"});
}

void proxy_pac(const char *address, struct buf *out)
{
    buf_addf(out,
             "function FindProxyForURL(url, host) {\n"
             "  return dnsDomainIs(host, \".sallyport.internal\") ? "
             "\"SOCKS5 %s; PROXY %s\" : \"DIRECT\";\n}\n",
             address, address);
}

static int print_pac(const struct command_call *call, const char *address)
{
    struct buf text;

    if (call->json) {
        struct json *j = json_object();

        json_set_cstr(j, "address", address);
        return command_json("proxy", j);
    }
    buf_init(&text, 4096);
    proxy_pac(address, &text);
    fwrite(text.at, 1, text.len, stdout);
    buf_deinit(&text);
    return EXIT_OK;
}

int cmd_proxy(const struct command_call *call)
{
    const char *address = command_value(call, "listen");
    struct settings settings;
    struct out out = out_on(stdout);
    unsigned running = 0;
    int listener, code;

    if ((code = talk_settings(call, &settings)) != EXIT_OK)
        return code;
    if (address == NULL)
        address = settings_value(&settings, SETTING_LISTEN);
    if (call->count > 0 && strcmp(call->args[0], "pac") == 0)
        return print_pac(call, address);
    if ((code = listen_on(call, address, &listener)) != EXIT_OK)
        return code;
    if (call->json) {
        struct json *j = json_object();

        json_set_cstr(j, "address", address);
        command_json("proxy", j);
    } else {
        out_line(&out, "SOCKS5 and HTTP CONNECT on %s; an app is APP.sallyport.internal", address);
        fputs("Ctrl-C ends it.\n", stderr);
    }
    fflush(stdout);
    for (;;) {
        struct pollfd p = {.fd = listener, .events = POLLIN};

        if (poll(&p, 1, 1000) > 0)
            accept_one(call, listener, &running);
        while (running > 0 && waitpid(-1, NULL, WNOHANG) > 0)
            running--;
    }
}
