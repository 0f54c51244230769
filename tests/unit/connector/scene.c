#include "tests/unit/connector/scene.h"

#include "lib/crypto/random.h"
#include "lib/os/sock.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

void scene_floor(struct scene *s, const char *text)
{
    floor_free(s->floor);
    s->floor = NULL;
    if (text != NULL)
        check_ok(floor_parse(view_str(text), NULL, &s->floor));
}

void scene_init(struct scene *s, const char *floor)
{
    *s = (struct scene){.site = random_id(), .id = random_id()};
    signal(SIGPIPE, SIG_IGN); /* as service_start() of every program */
    check_ok(loop_new(&s->loop));
    check_ok(pool_new(s->loop, 2, &s->pool));
    check_ok(key_secret_new(KEY_ED25519, &s->grants));
    check_ok(key_secret_new(KEY_ED25519, &s->record_key));
    check_ok(key_secret_new(KEY_ED25519, &s->own));
    check_ok(key_secret_new(KEY_ED25519, &s->device));
    s->keys = (struct keyset){.epoch = 1, .issued = clock_unix(), .count = 2};
    s->keys.keys[0] =
        (struct keyset_key){KEYSET_GRANT, *key_secret_public(s->grants), 0, INT64_MAX};
    s->keys.keys[1] =
        (struct keyset_key){KEYSET_RECORD, *key_secret_public(s->record_key), 0, INT64_MAX};
    scene_floor(s, floor);
}

void scene_deinit(struct scene *s)
{
    records_deinit(&s->records);
    floor_free(s->floor);
    pool_free(s->pool);
    loop_free(s->loop);
    key_secret_free(s->grants);
    key_secret_free(s->record_key);
    key_secret_free(s->own);
    key_secret_free(s->device);
}

struct sp_id scene_app(struct scene *s, struct sp_id app, const char *host, uint16_t port)
{
    const struct record *old = id_is_zero(app) ? NULL : records_get(&s->records, app);
    struct apprec a = {.id = old == NULL ? random_id() : app,
                       .site = s->site,
                       .version = old == NULL ? 1 : old->app.version + 1,
                       .name = "wiki",
                       .type = APPREC_TCP,
                       .host_count = 1,
                       .port_count = 1,
                       .ports = {port},
                       .streams_max = 8};
    const struct record_judge by = {
        .keys = &s->keys, .floor = s->floor, .site = s->site, .now = clock_unix()};
    struct buf token;

    snprintf(a.hosts[0], sizeof a.hosts[0], "%s", host);
    buf_init(&token, APPREC_MAX);
    check_ok(apprec_mint(&a, s->record_key, &token));
    check_ok(records_put(&s->records, buf_view(&token), &by, NULL));
    buf_deinit(&token);
    return a.id;
}

uint16_t scene_listen(int *fd)
{
    struct address a;

    check_ok(address_parse(view_str("127.0.0.1:0"), &a));
    check_ok(sock_listen(&a, NULL, fd));
    check_ok(sock_local(*fd, &a));
    return address_port(&a);
}

sp_unix_ms scene_now(void *arg)
{
    (void)arg;
    return clock_unix();
}

void scene_turn(struct scene *s)
{
    loop_turn(s->loop, usleep(100) != 0); /* not waiting: the condition may hold now */
}

void scene_for(struct scene *s, int64_t ms)
{
    sp_boot_ms until = clock_boot() + ms;

    while (clock_boot() < until)
        scene_turn(s);
}

void scene_clear(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *entry;
    char inside[400];

    while (d != NULL && (entry = readdir(d)) != NULL) {
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(inside);
    }
    if (d != NULL)
        closedir(d);
    rmdir(path);
    unlink(path);
}
