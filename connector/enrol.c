#include "connector/enrol.h"

#include "lib/base/encode.h"
#include "lib/channel/dialer.h"
#include "lib/http/engine.h"
#include "lib/http/url.h"
#include "lib/os/file.h"
#include "lib/os/loop.h"
#include "lib/proto/registry.h"
#include "lib/trust/enrol.h"
#include "lib/trust/keyset.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/banned.h"

enum { ENROL_MS = 30 * 1000, PEM_LINE = 64 };

struct enrolling {
    struct connector_state *state;
    struct enrol_address address;
    const char *name;
    struct sp_why *why;
    struct loop *loop;
    struct opening_edge_config edge;
    struct key_public identity;
    struct call *call;  /* NULL: not under way */
    struct timer *late; /* owned; NULL: not running */
    sp_error result;
};

static void finish(struct enrolling *n, sp_error e)
{
    n->result = e;
    loop_stop(n->loop);
}

static void on_answer(void *arg, sp_error e, const struct envelope *m)
{
    struct enrolling *n = arg;
    struct connector_state *s = n->state;
    struct enrol_answer a = {0};
    struct keyset *keys = calloc(1, sizeof *keys);

    n->call = NULL;
    if (e == SP_ERR_REFUSED)
        e = sp_why_say(n->why, SP_ERR_DENIED, "%.*s", VIEW_ARG(m->text));
    if (e == SP_OK)
        e = keys == NULL ? SP_ERR_NOMEM : fields_read(m->members, enrol_answer_fields, n->why, &a);
    if (e == SP_OK && (e = keyset_read(a.keys, &n->identity, 0, keys)) != SP_OK)
        sp_ignore(sp_why_say(n->why, e, "the broker's keys are not signed by its identity key"));
    if (e == SP_OK) {
        s->id = a.id;
        s->site = a.site;
        s->identity = keys->identity;
        s->epoch = keys->epoch;
        snprintf(s->site_name, sizeof s->site_name, "%.*s", VIEW_ARG(a.site_name));
    }
    free(keys);
    finish(n, e);
}

static void on_opened(void *arg, struct channel *c, const struct opening_welcome *w,
                      const struct opening_edge *edge)
{
    struct enrolling *n = arg;
    const struct enrol ask = {.token = view_str(n->address.token), .name = view_str(n->name)};
    sp_error e;

    (void)w;
    const struct call_ask call = {"enrol", fields_write(enrol_fields, &ask), ENVELOPE_CALL_MS};
    n->identity = edge->server;
    if ((e = channel_call(c, &call, on_answer, n, &n->call)) != SP_OK)
        finish(n, e);
}

/* One try: a person waits, and the reason is theirs to mend. */
static void on_lost(void *arg, const struct dialer_lost *lost)
{
    struct enrolling *n = arg;

    if (n->why->text[0] == '\0')
        sp_ignore(
            sp_why_say(n->why, lost->error, "%s",
                       lost->why.text[0] != '\0' ? lost->why.text : sp_error_text(lost->error)));
    finish(n, lost->error);
}

static void on_message(void *arg, struct channel *c, const struct envelope *m)
{
    (void)arg;
    (void)c;
    (void)m; /* records come to a connector that runs */
}

static void on_late(void *arg)
{
    struct enrolling *n = arg;

    n->late = NULL;
    finish(n, sp_why_say(n->why, SP_ERR_TIMEOUT, "the broker did not answer within 30 s"));
}

static const struct dialer_events events = {
    .opened = on_opened, .message = on_message, .lost = on_lost};

static sp_error read_line(struct enrolling *n, struct view line)
{
    struct url url;
    sp_error e;

    if ((e = enrol_address_parse(line, n->why, &n->address)) != SP_OK)
        return e;
    if (n->address.token[0] == '\0')
        return sp_why_say(n->why, SP_ERR_MALFORMED,
                          "the line holds no enrolment token (spe_…): make one in the console");
    if ((e = url_parse(view_str(n->address.url), &url)) != SP_OK || !url.https)
        return sp_why_say(n->why, SP_ERR_MALFORMED, "the address is no https URL");
    snprintf(n->state->host, sizeof n->state->host, "%.*s", VIEW_ARG(url.host));
    n->state->port = url.port;
    n->state->front_l7 = n->address.front_l7;
    return SP_OK;
}

static void write_pem(const uint8_t *der, size_t len, struct buf *out)
{
    struct buf text;

    buf_init(&text, 2 * ENROL_CA_MAX);
    encode_base64((struct view){der, len}, &text);
    buf_add_str(out, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; at < text.len; at += PEM_LINE) {
        buf_add(out, view_slice(buf_view(&text), at, PEM_LINE));
        buf_add_byte(out, '\n');
    }
    buf_add_str(out, "-----END CERTIFICATE-----\n");
    buf_deinit(&text);
}

static sp_error save_ca(struct enrolling *n, struct buf *path)
{
    struct buf pem;
    sp_error e;

    if (n->address.ca_len == 0)
        return SP_OK;
    buf_init(&pem, 2 * ENROL_CA_MAX);
    write_pem(n->address.ca, n->address.ca_len, &pem);
    const char *file = state_path(n->state, path, "ca.pem");
    e = file == NULL ? SP_ERR_LIMIT : file_write_secret(file, buf_view(&pem), n->why);
    n->state->has_ca = e == SP_OK;
    buf_deinit(&pem);
    return e;
}

static sp_error call_broker(struct enrolling *n, const struct enrol_spec *spec, const char *ca)
{
    struct tls_named tls = {.ca_files = {ca}};
    struct engine *engine = NULL;
    struct dialer *dialer = NULL;
    size_t used = ca != NULL ? 1 : 0;
    sp_error e;

    for (size_t i = 0; spec->ca != NULL && spec->ca[i] != NULL && used < TLS_CA_FILES_MAX; i++)
        tls.ca_files[used++] = spec->ca[i];
    n->edge = (struct opening_edge_config){
        .kind = PROVE_CONNECTOR,
        .key = n->state->key,
        .fingerprint = n->address.fingerprint.s[0] != '\0' ? n->address.fingerprint.s : NULL,
        .software = "sallyport-connector " SP_VERSION};
    const struct dialer_options o = {.host = n->state->host,
                                     .port = n->state->port,
                                     .tls = &tls,
                                     .proxy = spec->proxy,
                                     .l7 = n->state->front_l7,
                                     .edge = &n->edge,
                                     .events = &events,
                                     .arg = n};
    if ((e = loop_new(&n->loop)) == SP_OK && (e = engine_new(n->loop, &engine)) == SP_OK &&
        (e = timer_start(n->loop, clock_boot() + ENROL_MS, on_late, n, &n->late)) == SP_OK &&
        (e = dialer_new(engine, &o, n->why, &dialer)) == SP_OK) {
        loop_run(n->loop);
        e = n->result;
    }
    call_cancel(n->call);
    n->call = NULL;
    dialer_free(dialer);
    timer_cancel(n->late);
    if (engine != NULL)
        engine_free(engine);
    loop_free(n->loop);
    return e;
}

sp_error enrol_run(const struct enrol_spec *spec, struct connector_state *out, struct sp_why *why)
{
    struct enrolling *n = calloc(1, sizeof *n);
    struct buf path = {0};
    sp_error e;

    *out = (struct connector_state){0};
    if (n == NULL)
        return SP_ERR_NOMEM;
    n->why = why;
    n->name = spec->name;
    n->state = out;
    if ((e = state_prepare(spec->dir, out, why)) == SP_OK &&
        (e = read_line(n, spec->line)) == SP_OK && (e = save_ca(n, &path)) == SP_OK &&
        (e = call_broker(n, spec, out->has_ca ? (const char *)path.at : NULL)) == SP_OK) {
        snprintf(out->name, sizeof out->name, "%s", spec->name);
        e = state_save(out, why);
    }
    enrol_address_wipe(&n->address);
    buf_deinit(&path);
    free(n);
    return e;
}
