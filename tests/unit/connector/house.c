#include "tests/unit/connector/house.h"

#include "connector/spool.h"
#include "lib/os/sock.h"
#include "lib/proto/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_session_opened(void *arg, const struct session_facts *f)
{
    struct house *h = arg;

    h->opened++;
    h->facts = *f;
}

static void on_session_closed(void *arg, const struct session_facts *f, const char *why)
{
    struct house *h = arg;

    h->closed++;
    h->facts = *f;
    snprintf(h->why, sizeof h->why, "%s", why);
    if (h->stands != NULL)
        stands_cut(h->stands, f->grant.session, why); /* as control.c does for ordered ends */
}

static const struct sessions_events events = {on_session_opened, on_session_closed};

static void on_changed(void *arg)
{
    ((struct house *)arg)->changed++;
}

static sp_error hear(void *arg, struct view text)
{
    struct house *h = arg;
    size_t n = strlen(h->heard);

    snprintf(h->heard + n, sizeof h->heard - n, "%.*s\n", VIEW_ARG(text));
    struct audit_batch batch;
    struct envelope m;
    check_ok(envelope_parse(text, &m));
    if (strcmp(m.type, "audit.batch") == 0) {
        check_ok(fields_read(m.members, audit_batch_fields, NULL, &batch));
        h->asked = m.i;
        h->told = batch.first + (int64_t)batch.record_count - 1;
    }
    envelope_deinit(&m);
    return SP_OK;
}

static void hang_up(void *arg, enum channel_close code, const char *reason)
{
    (void)arg;
    (void)code;
    (void)reason;
}

static void no_message(void *arg, struct channel *c, const struct envelope *m)
{
    (void)arg;
    (void)c;
    (void)m;
}

void house_init(struct house *h)
{
    struct sp_why why = {{0}, {0}, 0, 0};
    char floor[64];

    *h = (struct house){.app = -1};
    h->app_port = scene_listen(&h->app_listener);
    snprintf(floor, sizeof floor, "allow 127.0.0.1:%u\n", h->app_port);
    scene_init(&h->scene, floor);
    h->app_id = scene_app(&h->scene, (struct sp_id){{0}}, "127.0.0.1", h->app_port);
    fake_relay_init(&h->relay, &h->scene);
    snprintf(h->audit, sizeof h->audit, "/tmp/sp-stand-XXXXXX");
    assert_non_null(mkdtemp(h->audit));
    const struct courier_options co = {
        .loop = h->scene.loop, .pool = h->scene.pool, .folder = h->audit, .max = SPOOL_BYTES_MIN};
    check_ok(tell_new(&co, &why, &h->tell));
    const struct channel_options channel = {.loop = h->scene.loop,
                                            .wire = {hear, hang_up, h},
                                            .sent = 1,
                                            .received = 1,
                                            .message = no_message,
                                            .arg = h};
    check_ok(channel_new(&channel, &h->broker));
    tell_channel(h->tell, h->broker);
    const struct sessions_options so = {.loop = h->scene.loop,
                                        .pool = h->scene.pool,
                                        .records = &h->scene.records,
                                        .floor = (const struct floor *const *)&h->scene.floor,
                                        .broker_time = scene_now,
                                        .tell = h->tell,
                                        .events = &events,
                                        .arg = h};
    check_ok(sessions_new(&so, &h->sessions));
    const struct stands_options o = {.loop = h->scene.loop,
                                     .pool = h->scene.pool,
                                     .key = h->scene.own,
                                     .id = &h->scene.id,
                                     .sessions = h->sessions,
                                     .tell = h->tell,
                                     .records = &h->scene.records,
                                     .keys = &h->scene.keys,
                                     .floor = (const struct floor *const *)&h->scene.floor,
                                     .broker_time = scene_now,
                                     .changed = on_changed,
                                     .arg = h};
    check_ok(stands_new(&o, &h->stands));
}

void house_stands(struct house *h)
{
    house_init(h);
    fake_relay_stand(&h->relay, &h->stand);
    check_ok(stands_put(h->stands, &h->stand.put));
    scene_until(&h->scene, h->relay.channel != NULL);
    fake_relay_spares(&h->relay, 2);
}

void house_deinit(struct house *h)
{
    struct stands *stands = h->stands;

    h->stands = NULL;
    stands_free(stands);
    sessions_free(h->sessions);
    tell_free(h->tell);
    channel_free(h->broker);
    fake_relay_deinit(&h->relay);
    scene_deinit(&h->scene);
    scene_clear(h->audit);
    close(h->app_listener);
    if (h->app >= 0)
        close(h->app);
}

bool house_app_came(struct house *h)
{
    if (h->app < 0 && sock_accept(h->app_listener, &h->app, NULL) != SP_OK)
        h->app = -1;
    return h->app >= 0;
}

static bool app_has(const struct house *h, size_t n)
{
    uint8_t room[2000];

    return recv(h->app, room, sizeof room, MSG_PEEK | MSG_DONTWAIT) >= (ssize_t)n;
}

ssize_t house_app_reads(struct house *h, uint8_t *to, size_t room)
{
    ssize_t n = read(h->app, to, room);

    return n > 0 ? n : n == 0 ? -2 : errno == EAGAIN ? 0 : -1;
}

struct fake_agent *house_begin_with(struct house *h, struct grant *g, size_t bytes)
{
    house_stands(h);
    *g = fake_relay_grant(&h->relay, h->app_id);
    struct fake_agent *a = fake_relay_ask(&h->relay, 0, g, h->scene.grants);
    assert_string_equal(a->refused, "");
    scene_until(&h->scene, a->up && h->opened == 1);
    fake_relay_stream(a, bytes);
    scene_until(&h->scene, house_app_came(h) && app_has(h, 1000));
    return a;
}

struct fake_agent *house_begin(struct house *h, struct grant *g)
{
    return house_begin_with(h, g, 64 * 1024 * 1024);
}
