/* What services ask of the whole broker: requests to their handlers, sockets to their takers. */
#include "broker/run_internal.h"

#include "broker/api/assets.h"
#include "broker/control/control.h"
#include "broker/pages/pages.h"
#include "broker/session/edges.h"
#include "lib/base/log.h"
#include "lib/http/server.h"
#include "lib/os/file.h"
#include "lib/tls/expiry.h"

#include <stdio.h>
#include <unistd.h>

void port_request(void *arg, const struct request *req, struct response *res)
{
    struct broker *b = arg;

    if (req->path.len >= 5 && memcmp(req->path.at, "/api/", 5) == 0) {
        api_handle(&b->api, req, res);
        return;
    }
    if ((b->idp != NULL && idp_handle(b->idp, req, res)) || pages_handle(b->pages, req, res) ||
        assets_serve(req, res))
        return;
    response_empty(res, 404);
}

bool port_calls_out(void *arg, const struct request *req)
{
    (void)arg;
    return pages_calls_out(req->path) || api_waits_long(req);
}

/* ---- ports of the API ---- */

sp_error port_app_test(void *arg, struct sp_id connector, struct sp_id app, struct app_test *out)
{
    struct broker *b = arg;
    struct control_dial dial = {0};
    sp_error e = control_app_test(b->control, connector, app, &dial);

    if (e != SP_OK)
        return e;
    *out = (struct app_test){.result = wire_test_result(dial.error), .ms = dial.ms};
    snprintf(out->address, sizeof out->address, "%s", dial.address);
    snprintf(out->text, sizeof out->text, "%s",
             out->result == APP_TEST_FLOOR ? dial.floor : wire_test_text(out->result));
    return SP_OK;
}

bool port_ask_report(void *arg, struct sp_id device)
{
    struct broker *b = arg;

    return control_ask_report(b->control, device);
}

void port_expect(void *arg, struct sp_id app)
{
    struct broker *b = arg;

    control_expect(b->control, app);
}

/* What a feed does not say is unknown, and decided as that. */
static void check_feed(const struct feed_view *f, struct api_check *out)
{
    out->ok = f->state != FEED_FAILS;
    snprintf(out->text, sizeof out->text, "%.*s", (int)sizeof out->text - 1,
             f->state == FEED_NEW ? "not asked yet" : f->row.result);
}

struct feed_checks {
    each_check *each;
    void *arg;
};

static void tell_feed(void *arg, const struct feed_view *f)
{
    struct feed_checks *c = arg;
    char name[48];
    struct api_check check = {.name = name, .minor = true};

    snprintf(name, sizeof name, "feed %s", f->row.name);
    check_feed(f, &check);
    c->each(c->arg, &check);
}

void port_checks(void *arg, each_check *each, void *each_arg)
{
    struct broker *b = arg;
    struct store_health h = store_health(b->store);
    struct api_check store = {.name = "store", .ok = !h.broken && !h.full};
    struct api_check relay = {.name = "relay", .ok = edges_count(b->edges, EDGE_RELAY) > 0};

    snprintf(store.text, sizeof store.text, "%s",
             h.broken ? "a write failed: restart the broker"
             : h.full ? "no space is left"
                      : "ok");
    snprintf(relay.text, sizeof relay.text, "%zu attached", edges_count(b->edges, EDGE_RELAY));
    each(each_arg, &store);
    each(each_arg, &relay);
    feeds_each(b->feeds, tell_feed, &(struct feed_checks){each, each_arg});
}

static void tell_key(const struct key_secret *k, const char *purpose, each_key *each, void *arg)
{
    struct key_kid kid = key_kid(key_secret_public(k));
    const struct api_key key = {.purpose = purpose, .kid = kid.s};

    each(arg, &key);
}

void port_keys(void *arg, each_key *each, void *each_arg)
{
    struct broker *b = arg;

    tell_key(b->keys.identity, "identity", each, each_arg);
    tell_key(b->keys.grant, "grant", each, each_arg);
    tell_key(b->keys.record, "record", each, each_arg);
}

/* The file is read anew: somebody may have renewed it. */
sp_error port_certificate_ends(void *arg, sp_unix_ms *out)
{
    enum { CHAIN_BYTES_MAX = 256 * 1024 };
    struct broker *b = arg;
    struct sp_why why = {0};
    struct buf pem;

    if (b->config->certificate == NULL)
        return SP_ERR_NOT_FOUND;
    buf_init(&pem, CHAIN_BYTES_MAX);
    sp_error e = file_read(b->config->certificate, CHAIN_BYTES_MAX, &pem, &why);
    if (e == SP_OK)
        e = tls_expires(buf_view(&pem), out);
    buf_deinit(&pem);
    return e;
}

/* ---- what the front steers to ---- */

void port_tunnel(void *arg, int fd, const struct address *peer)
{
    struct broker *b = arg;

    if (b->handoff == NULL)
        close(fd);
    else
        handoff_socket(b->handoff, fd, peer);
}

void port_http(void *arg, int fd, const struct address *peer)
{
    struct broker *b = arg;
    struct address_text host = address_host_text(peer);

    sp_error e = server_adopt(b->server, fd, host.s, address_port(peer));

    if (e == SP_ERR_LIMIT)
        log_event(LOG_WARN, "front.drop", "too many connections", "peer", host.s, NULL);
    else if (e != SP_OK) /* mostly a peer that left between its hello and here */
        log_event(LOG_DEBUG, "front.drop", sp_error_text(e), "peer", host.s, NULL);
}
