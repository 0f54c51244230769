/*
 * ws_echo: our websocket before the judge that everybody uses, the Autobahn suite.
 *
 *   ws_echo serve PORT    listens on loopback; each connection is one of Autobahn's fuzzing client
 *   ws_echo ask PORT N    runs case N of Autobahn's fuzzing server as its client
 *
 * The engine is lib/tunnel/outer as the programs use it, with its TLS and its upgrade. Between it
 * and the suite, in this process, stands a front that ends the TLS and says the upgrade in the
 * suite's words (another path, no credential). The suite sends text and our tunnels take binary
 * messages only (WS-07), so the front also turns TEXT into BINARY on the way in and back on the
 * way out; every other bit of a frame is passed as it is.
 *
 * What comes is echoed, a message as one frame: longer ones than FRAME_SEND_MAX end with 1009.
 */
#include "lib/base/encode.h"
#include "lib/base/num.h"
#include "lib/tunnel/outer.h"
#include "lib/tunnel/thread_internal.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CASE_MS = 20 * 1000, KEY_TEXT = 24 };

/* Where one direction is in its frames: what is left to pass before the next first byte. */
struct frames {
    uint8_t head[FRAME_HEADER_MAX];
    size_t have;
    uint64_t left; /* payload bytes of the frame at hand */
};

struct judged {
    int fd;
    unsigned port; /* of the suite, for the Host header */
    struct tunnel_thread *thread;
    struct key_secret *key;
    struct tls_context *client, *server;
    uint8_t pin[TLS_PIN_BYTES];
    struct wire ours, front;
    struct outer *outer;
    struct tls_conn *tls; /* the front's */
    struct frames in, out;
    bool text; /* the message at hand came as text, and goes back as that */
    uint8_t message[FRAME_HEADER_MAX + FRAME_SEND_MAX];
    size_t len;
};

static void must(sp_error e, const char *what)
{
    if (e != SP_OK)
        errx(1, "%s: %s", what, sp_error_text(e));
}

static void pass(struct wire *from, struct wire *to)
{
    struct view out = wire_out(from);

    wire_feed(to, out);
    must(wire_keep(to), "wire");
    wire_sent(from, out.len);
}

static void send_all(int fd, const uint8_t *at, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the suite has ended the case; its report says what it thinks of that */
        at += n;
        len -= (size_t)n;
    }
}

/* ---- the front ---------------------------------------------------------------------------- */

static size_t header_length(const struct frames *f)
{
    uint8_t len = f->head[1] & 0x7f;

    if (f->have < 2)
        return 2;
    return 2u + (len == 126 ? 2 : len == 127 ? 8 : 0) + ((f->head[1] & 0x80) != 0 ? 4 : 0);
}

static uint64_t payload_length(const struct frames *f)
{
    size_t bytes = (f->head[1] & 0x7f) == 126 ? 2 : (f->head[1] & 0x7f) == 127 ? 8 : 0;
    uint64_t n = 0;

    if (bytes == 0)
        return f->head[1] & 0x7f;
    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | f->head[2 + i];
    return n;
}

/* Turns opcode `from` into `to` in every frame that begins in `at`. */
static void rename_frames(struct judged *j, struct frames *f, uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len;) {
        if (f->left > 0) {
            uint64_t n = len - i < f->left ? len - i : f->left;
            f->left -= n;
            i += (size_t)n;
            continue;
        }
        if (f->have == 0) {
            uint8_t op = at[i] & 0x0f;
            if (f == &j->in && (op == FRAME_TEXT || op == FRAME_BIN))
                j->text = op == FRAME_TEXT;
            if (f == &j->in && op == FRAME_TEXT)
                at[i] = (uint8_t)((at[i] & 0xf0) | FRAME_BIN);
            if (f == &j->out && op == FRAME_BIN && j->text)
                at[i] = (uint8_t)((at[i] & 0xf0) | FRAME_TEXT);
        }
        f->head[f->have++] = at[i++];
        if (f->have >= 2 && f->have == header_length(f)) {
            f->left = payload_length(f);
            f->have = 0;
        }
    }
}

static void hear(struct judged *j)
{
    uint8_t to[TLS_RECORD_PLAIN];
    size_t got;

    pass(&j->ours, &j->front);
    while (tls_conn_read(j->tls, to, sizeof to, &got) == SP_OK) {
        rename_frames(j, &j->out, to, got);
        send_all(j->fd, to, got);
    }
}

static void say(struct judged *j, uint8_t *at, size_t len)
{
    must(tls_conn_write(j->tls, (struct view){at, len}), "the front's TLS");
    pass(&j->front, &j->ours);
}

/* One HTTP head from the suite, at most `room` bytes; what it reads behind it never comes: both
 * sides wait for the other's word at this point. */
static size_t read_head(int fd, char *head, size_t room)
{
    size_t have = 0;

    while (have + 1 < room) {
        ssize_t n = recv(fd, head + have, 1, 0); /* not a byte of the frames behind it */
        if (n <= 0)
            return 0;
        have++;
        head[have] = '\0';
        if (have >= 4 && memcmp(head + have - 4, "\r\n\r\n", 4) == 0)
            return have;
    }
    return 0;
}

static void handshakes(struct judged *j)
{
    for (int i = 0; i < 8; i++) {
        sp_ignore(outer_advance(j->outer));
        pass(&j->ours, &j->front);
        sp_ignore(tls_conn_handshake(j->tls));
        pass(&j->front, &j->ours);
    }
}

/* The suite's upgrade in our words, answered by our server. */
static bool serve_upgrade(struct judged *j)
{
    struct upgrade_request ask = {
        .path = UPGRADE_TUNNEL, .host = view_str("relay.test"), .has_ticket = true, .ticket = {1}};
    char head[UPGRADE_HEAD_MAX];
    struct buf key, words;

    if (read_head(j->fd, head, sizeof head) == 0)
        return false;
    const char *at = strcasestr(head, "\r\nSec-WebSocket-Key: ");
    if (at == NULL || strlen(at) < 21 + KEY_TEXT)
        return false;
    buf_init(&key, 64);
    must(decode_base64((struct view){(const uint8_t *)at + 21, KEY_TEXT}, &key), "its key");
    memcpy(ask.key, key.at, sizeof ask.key);
    buf_deinit(&key);
    buf_init(&words, UPGRADE_HEAD_MAX);
    upgrade_write_request(&ask, &words);
    say(j, words.at, words.len);
    buf_deinit(&words);
    must(outer_advance(j->outer), "our upgrade");
    must(outer_accept(j->outer, false), "our answer");
    return true;
}

/* Our client's upgrade in the suite's words, answered by the suite. */
static bool ask_upgrade(struct judged *j, uint64_t number)
{
    const struct upgrade_request ask = {
        .path = UPGRADE_TUNNEL, .host = view_str("relay.test"), .has_ticket = true, .ticket = {1}};
    struct upgrade_request asked;
    uint8_t said[UPGRADE_HEAD_MAX];
    char head[UPGRADE_HEAD_MAX];
    struct buf key;
    size_t n, used;

    must(outer_ask(j->outer, &ask), "our request");
    pass(&j->ours, &j->front);
    must(tls_conn_read(j->tls, said, sizeof said, &n), "our request");
    must(upgrade_parse_request((struct view){said, n}, &asked, &used), "our request");
    buf_init(&key, 64);
    encode_base64((struct view){asked.key, sizeof asked.key}, &key);
    int len = snprintf(head, sizeof head,
                       "GET /runCase?case=%llu&agent=sallyport HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                       "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: %.*s\r\n\r\n",
                       (unsigned long long)number, j->port, (int)key.len, (const char *)key.at);
    buf_deinit(&key);
    send_all(j->fd, (const uint8_t *)head, (size_t)len);
    if ((n = read_head(j->fd, head, sizeof head)) == 0)
        return false;
    say(j, (uint8_t *)head, n);
    must(outer_advance(j->outer), "the suite's answer");
    return true;
}

/* ---- the echo ----------------------------------------------------------------------------- */

/* Reads what came and sends whole messages back. False: the websocket has ended. */
static bool echo(struct judged *j)
{
    for (;;) {
        uint8_t *payload = j->message + FRAME_HEADER_MAX;
        struct outer_bit bit;
        sp_error e;

        if (j->len == FRAME_SEND_MAX) {
            outer_close(j->outer, CLOSE_TOO_BIG, "");
            return false;
        }
        e = outer_read(j->outer, false, payload + j->len, FRAME_SEND_MAX - j->len, &bit);
        if (e == SP_ERR_AGAIN)
            return true;
        if (e != SP_OK)
            return false;
        j->len += bit.len;
        if (!bit.last)
            continue;
        if (outer_frame(j->outer, FRAME_BIN, payload, j->len) != SP_OK)
            return false;
        j->len = 0;
        hear(j);
    }
}

static void run(struct judged *j)
{
    uint8_t in[16 * 1024];
    bool open = true;

    while (open) {
        struct pollfd p = {.fd = j->fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, CASE_MS) == 1 ? recv(j->fd, in, sizeof in, 0) : 0;
        if (n <= 0)
            break;
        rename_frames(j, &j->in, in, (size_t)n);
        say(j, in, (size_t)n);
        open = echo(j);
        hear(j);
    }
}

/* `number` 0: our server. */
static void judge(int fd, unsigned port, uint64_t number)
{
    struct judged j = {.fd = fd, .port = port};
    const struct tls_wire wire = {wire_take, wire_put, &j.front};
    const struct tls_expect expect = {.name = "relay.test", .pin = j.pin};

    must(tunnel_thread_new(&j.thread), "buffers");
    must(key_secret_new(KEY_P256, &j.key), "a key");
    must(tls_pin(key_secret_public(j.key), j.pin), "its pin");
    must(tls_pinned_client("sallyport-tunnel/1", &j.client), "client");
    must(tls_pinned_server(j.key, "sallyport-tunnel/1", &j.server), "server");
    wire_init(&j.ours, j.thread);
    wire_init(&j.front, j.thread);
    if (number == 0) {
        must(outer_server(&j.ours, j.server, &j.outer), "our server");
        must(tls_conn_new(j.client, &expect, &wire, &j.tls), "the front");
        sp_ignore(tls_conn_handshake(j.tls));
        pass(&j.front, &j.ours);
    } else {
        must(outer_client(&j.ours, j.client, &expect, NULL, &j.outer), "our client");
        must(tls_conn_new(j.server, NULL, &wire, &j.tls), "the front");
    }
    handshakes(&j);
    if (number == 0 ? serve_upgrade(&j) : ask_upgrade(&j, number)) {
        if (number == 0) { /* the answer's head goes as it is */
            uint8_t head[UPGRADE_HEAD_MAX];
            size_t n;
            pass(&j.ours, &j.front);
            must(tls_conn_read(j.tls, head, sizeof head, &n), "our answer");
            send_all(fd, head, n);
        }
        run(&j);
    }
    shutdown(fd, SHUT_WR);
    while (recv(fd, j.message, sizeof j.message, 0) > 0) /* until the suite has read all of it */
        ;
    close(fd);
    outer_free(j.outer);
    tls_conn_free(j.tls);
    wire_deinit(&j.ours);
    wire_deinit(&j.front);
    tls_context_free(j.client);
    tls_context_free(j.server);
    key_secret_free(j.key);
    tunnel_thread_free(j.thread);
}

int main(int argc, char **argv)
{
    const struct timeval patience = {.tv_sec = CASE_MS / 1000};
    uint64_t port, number = 0;
    int on = 1;
    bool asks = argc == 4 && strcmp(argv[1], "ask") == 0;

    if ((!asks && (argc != 3 || strcmp(argv[1], "serve") != 0)) ||
        num_uint(view_str(argv[2]), 65535, &port) != SP_OK ||
        (asks && (num_uint(view_str(argv[3]), 10000, &number) != SP_OK || number == 0)))
        errx(2, "usage: ws_echo serve PORT | ws_echo ask PORT CASE");

    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        err(1, "socket");
    if (asks) {
        if (connect(s, (struct sockaddr *)&at, sizeof at) != 0 ||
            setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
            err(1, "connect");
        judge(s, (unsigned)port, number);
        return 0;
    }
    if (bind(s, (struct sockaddr *)&at, sizeof at) != 0 || listen(s, 16) != 0)
        err(1, "listen");
    for (;;) { /* the suite runs one case after the other; ended by a signal */
        int fd = accept(s, NULL, NULL);
        if (fd < 0)
            err(1, "accept");
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
            err(1, "setsockopt");
        judge(fd, 0, 0);
    }
}
