#include "tests/unit/connector/gateway/rig.h"

#include "lib/crypto/random.h"
#include "lib/os/file.h"
#include "lib/os/pool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static sp_unix_ms on_time(void *arg)
{
    return ((struct rig *)arg)->now;
}

static void on_tell(void *arg, const struct gw_told *t)
{
    struct rig *r = arg;

    r->told++;
    snprintf(r->reason, sizeof r->reason, "%s", t->reason);
    snprintf(r->found_by, sizeof r->found_by, "%s", t->detector);
    r->trace = t->trace;
}

static bool on_incident(void *arg, struct sp_id app, const struct json *incident)
{
    struct rig *r = arg;

    check(id_equal(app, r->app.id));
    r->incidents++;
    view_copy(r->detector, sizeof r->detector, json_str(json_get(incident, "detector")));
    return true;
}

/* ---- the agent's side ---------------------------------------------------------------------- */

static sp_error on_read(void *arg, uint8_t *to, size_t room, size_t *got)
{
    struct rig_user *u = arg;
    size_t held = u->out.len - u->out_at;

    if (held == 0)
        return u->finish ? SP_ERR_CLOSED : SP_ERR_AGAIN;
    *got = held < room ? held : room;
    memcpy(to, u->out.at + u->out_at, *got);
    u->out_at += *got;
    return SP_OK;
}

static sp_error on_write(void *arg, struct view bytes, size_t *took)
{
    struct rig_user *u = arg;

    *took = u->pace == 0 || bytes.len < u->pace ? bytes.len : u->pace;
    return buf_append(&u->in, view_slice(bytes, 0, *took));
}

static size_t on_room(void *arg)
{
    (void)arg;
    return 1 << 20;
}

static void on_finished(void *arg)
{
    ((struct rig_user *)arg)->ended = true;
}

static void on_answered(void *arg, int status)
{
    (void)arg;
    (void)status;
}

static void on_over(void *arg, sp_error why)
{
    struct rig_user *u = arg;

    u->over = true;
    u->why = why;
}

static const struct stream_io io = {on_read, on_write, on_room, on_finished, on_answered, on_over};

/* ---- the connector's side ------------------------------------------------------------------ */

static void on_served(void *arg, struct gw_conn *c)
{
    struct rig_user *u = arg;

    assert_ptr_equal(u->conn, c);
    gateway_leave(c);
    u->conn = NULL;
}

static void on_opened(void *arg, struct stream *s, unsigned port)
{
    struct rig_user *u = arg;
    const struct gateway_serving serving = {u->rig->to, on_served, u};

    (void)port;
    check_ok(gateway_serve(u->rig->gateway, &u->rig->app, u->person, s, &serving, &u->conn));
}

static const struct streams_hooks agent_hooks = {0}, connector_hooks = {.opened = on_opened};

static bool move(struct streams *from, struct streams *to)
{
    struct view v;
    bool any = false;

    while (streams_give(from, &v) == SP_OK && v.len > 0) {
        check_ok(streams_take(to, v));
        any = true;
    }
    return any;
}

/* ---- the application ----------------------------------------------------------------------- */

static void app_turn(struct rig *r)
{
    uint8_t bytes[4096];
    int fd;

    while (r->app_count < RIG_APP_CONNECTIONS && sock_accept(r->listener, &fd, NULL) == SP_OK)
        r->app_fd[r->app_count++] = fd;
    for (size_t i = 0; i < r->app_count; i++) {
        ssize_t n;
        while (r->app_fd[i] >= 0 && (n = read(r->app_fd[i], bytes, sizeof bytes)) > 0)
            check_ok(buf_append(&r->app_in[i], (struct view){bytes, (size_t)n}));
    }
}

void rig_turn(struct rig *r)
{
    app_turn(r);
    for (size_t u = 0; u < RIG_USERS; u++)
        for (bool there = true, back = true; there || back;) {
            there = move(r->users[u].agent, r->users[u].connector);
            back = move(r->users[u].connector, r->users[u].agent);
        }
    for (size_t u = 0; u < RIG_USERS; u++)
        if (r->users[u].pace > 0)
            stream_writable(r->users[u].stream);
    loop_turn(r->loop, false);
    usleep(200);
}

void rig_answer(struct rig *r, size_t i, const char *text)
{
    rig_answer_bytes(r, i, view_str(text));
}

void rig_answer_bytes(struct rig *r, size_t i, struct view bytes)
{
    assert_int_equal(write(r->app_fd[i], bytes.at, bytes.len), bytes.len);
}

void rig_hang_up(struct rig *r, size_t i)
{
    close(r->app_fd[i]);
    r->app_fd[i] = -1;
}

/* ---- life ---------------------------------------------------------------------------------- */

void rig_open(struct rig *r, size_t user)
{
    struct rig_user *u = &r->users[user];

    stream_free(u->stream);
    buf_reset(&u->out);
    buf_reset(&u->in);
    u->out_at = 0;
    u->ended = u->over = u->finish = false;
    check_ok(streams_open(u->agent, 0, &u->stream));
    stream_attach(u->stream, &io, u);
    rig_until(r, u->conn != NULL);
}

static void make_user(struct rig *r, size_t i)
{
    static const char *const names[] = {"ann", "bob"};
    struct rig_user *u = &r->users[i];
    struct json *groups = json_array();
    struct key_secret *device;

    u->rig = r;
    check_ok(key_secret_new(KEY_ED25519, &device));
    u->grant = (struct grant){.session = random_id(),
                              .app = r->app.id,
                              .user = i > 0 && r->one_person ? r->users[0].grant.user : random_id(),
                              .device = *key_secret_public(device)};
    key_secret_free(device);
    json_push(groups, json_new_str(view_str("idp/staff")));
    u->statement = (struct person){.name = view_str(names[i]),
                                   .email = view_str("x@example"),
                                   .groups = groups,
                                   .claims = groups};
    check_ok(gateway_person(&u->grant, &u->statement, r->now, r->now + 3600000, &u->person));
    json_free(groups);
    buf_init(&u->out, 16 << 20);
    buf_init(&u->in, 16 << 20);
    check_ok(streams_new(STREAMS_AGENT, r->app.id, 8, &agent_hooks, u, &u->agent));
    check_ok(streams_new(STREAMS_CONNECTOR, r->app.id, 8, &connector_hooks, u, &u->connector));
    streams_allow_data(u->agent);
    streams_allow_data(u->connector);
}

static void rig_make(struct rig *r, const char *gateway, const char *document, bool one_person);

void rig_init(struct rig *r, const char *gateway)
{
    rig_make(r, gateway, NULL, false);
}

static bool on_report(void *arg, struct json *report)
{
    struct rig *r = arg;

    r->reports++;
    json_free(r->report);
    r->report = report;
    return true;
}

static void on_fetch(void *arg, const uint8_t sha256[32])
{
    struct rig *r = arg;

    r->fetched++;
    memcpy(r->sha256, sha256, sizeof r->sha256);
}

static void put_document(struct rig *r, const char *text)
{
    char path[128];

    snprintf(path, sizeof path, "%s/api.yaml", r->dir);
    check_ok(file_write(path, view_str(text), 0600, NULL));
}

void rig_init_one_person(struct rig *r, const char *gateway)
{
    rig_make(r, gateway, NULL, true);
}

void rig_init_documented(struct rig *r, const char *gateway, const char *document)
{
    rig_make(r, gateway, document, false);
}

static void rig_make(struct rig *r, const char *gateway, const char *document, bool one_person)
{
    struct gateway_options o = {.state = r->dir,
                                .files = r->dir,
                                .connector = random_id(),
                                .broker_time = on_time,
                                .tell = on_tell,
                                .incident = on_incident,
                                .report = on_report,
                                .fetch = on_fetch,
                                .arg = r};

    *r = (struct rig){
        .one_person = one_person, .now = 1764043200000, .dir = "/tmp/sallyport-rig-XXXXXX"};
    signal(SIGPIPE, SIG_IGN); /* as service_start() of every program */
    assert_non_null(mkdtemp(r->dir));
    if (document != NULL)
        put_document(r, document);
    check_ok(loop_new(&r->loop));
    check_ok(pool_new(r->loop, 2, &r->pool));
    check_ok(address_parse(view_str("127.0.0.1:0"), &r->to));
    check_ok(sock_listen(&r->to, NULL, &r->listener));
    check_ok(sock_local(r->listener, &r->to));
    o.loop = r->loop;
    o.pool = r->pool;
    check_ok(gateway_new(&o, NULL, &r->gateway));
    r->app = (struct apprec){.id = random_id(),
                             .version = 1,
                             .name = "api",
                             .type = APPREC_HTTP,
                             .host_count = 1,
                             .port_count = 1,
                             .hosts = {"api.internal"},
                             .ports = {address_port(&r->to)},
                             .streams_max = 8,
                             .gateway = strdup(gateway)};
    for (size_t i = 0; i < RIG_APP_CONNECTIONS; i++)
        buf_init(&r->app_in[i], 16 << 20);
    for (size_t i = 0; i < RIG_USERS; i++)
        make_user(r, i);
    for (size_t i = 0; i < RIG_USERS; i++)
        rig_open(r, i);
}

/* Keys, documents, what was learned. */
static void drop_folder(const char *path)
{
    DIR *dir = opendir(path);

    assert_non_null(dir);
    for (const struct dirent *d; (d = readdir(dir)) != NULL;)
        unlinkat(dirfd(dir), d->d_name, 0); /* not "." and "..", which are folders */
    closedir(dir);
    assert_int_equal(rmdir(path), 0);
}

void rig_deinit(struct rig *r)
{
    for (size_t i = 0; i < RIG_USERS; i++) {
        struct rig_user *u = &r->users[i];
        gateway_leave(u->conn);
        stream_free(u->stream);
        streams_free(u->agent);
        streams_free(u->connector);
        gateway_person_free(u->person);
        buf_deinit(&u->out);
        buf_deinit(&u->in);
    }
    gateway_free(r->gateway);
    json_free(r->report);
    for (size_t i = 0; i < RIG_APP_CONNECTIONS; i++) {
        buf_deinit(&r->app_in[i]);
        if (i < r->app_count && r->app_fd[i] >= 0)
            close(r->app_fd[i]);
    }
    close(r->listener);
    pool_free(r->pool);
    loop_free(r->loop);
    apprec_deinit(&r->app);
    drop_folder(r->dir);
}

void rig_send(struct rig *r, size_t user, const char *text)
{
    rig_send_bytes(r, user, view_str(text));
}

void rig_send_bytes(struct rig *r, size_t user, struct view bytes)
{
    struct rig_user *u = &r->users[user];

    check_ok(buf_append(&u->out, bytes));
    stream_readable(u->stream);
}

bool rig_got(struct rig *r, size_t user, const char *text)
{
    return strstr(buf_cstr(&r->users[user].in), text) != NULL;
}

bool rig_app_got(struct rig *r, size_t i, const char *text)
{
    return i < r->app_count && strstr(buf_cstr(&r->app_in[i]), text) != NULL;
}
