#include "tests/unit/connector/gateway/ward.h"

#include <stdlib.h>

static bool floor_says(void *arg, struct view host, uint16_t port)
{
    (void)host;
    return port == ((struct ward *)arg)->idp.port;
}

int ward_set_up(void **state)
{
    struct ward *w = calloc(1, sizeof *w);
    const struct client_options o = {.at_once = 4};

    assert_non_null(w);
    idp_start(&w->idp);
    assert_int_equal(loop_new(&w->loop), SP_OK);
    assert_int_equal(pool_new(w->loop, 4, &w->pool), SP_OK);
    assert_int_equal(client_new(&o, NULL, &w->client), SP_OK);
    assert_int_equal(key_secret_new(KEY_P256, &w->issuer), SP_OK);
    assert_int_equal(key_secret_new(KEY_P256, &w->holder), SP_OK);
    assert_int_equal(key_secret_new(KEY_ED25519, &w->device), SP_OK);
    buf_init(&w->token, 16384);
    buf_init(&w->text, 16384);
    buf_init(&w->proof, 16384);
    w->arenas.max = 8 << 20;
    w->group = view_str("idp/staff");
    w->caller = (struct gw_caller){.user = {{1}},
                                   .device = *key_secret_public(w->device),
                                   .device_text = view_str("device"),
                                   .name = view_str("ann"),
                                   .email = view_str("ann@example.com"),
                                   .group_count = 1,
                                   .groups = &w->group,
                                   .attribute_count = 1,
                                   .attributes = &w->attribute,
                                   .alive = true};
    *state = w;
    return 0;
}

void ward_end(struct ward *w)
{
    if (w->x.request.arena == NULL)
        return;
    pipeline_forget(&w->x);
    guard_account(w->guard, &w->x, clock_boot_us() * 1000);
    arena_free(w->x.request.arena);
    w->x.request.arena = NULL;
}

int ward_tear_down(void **state)
{
    struct ward *w = *state;

    ward_end(w);
    guard_free(w->guard);
    guard_free(NULL);
    gwconf_free(w->conf);
    pool_free(w->pool);
    client_free(w->client);
    loop_free(w->loop);
    idp_stop(&w->idp);
    key_secret_free(w->issuer);
    key_secret_free(w->holder);
    key_secret_free(w->device);
    buf_deinit(&w->token);
    buf_deinit(&w->text);
    buf_deinit(&w->proof);
    clock_set_for_test(-1, -1);
    free(w);
    return 0;
}

void ward_configure(struct ward *w, const char *text)
{
    struct sp_why why = {{0}, {0}, 0, 0};

    if (gwconf_parse(view_str(text), &why, &w->conf) != SP_OK)
        fail_msg("%s", why.text);
    const struct guard_options o = {
        .conf = w->conf, .outside = {w->loop, w->pool, w->client, "/nonexistent", floor_says, w}};
    assert_int_equal(guard_new(&o, &why, &w->guard), SP_OK);
}

static void on_resumed(struct gw_exchange *x, struct gw_verdict v)
{
    struct ward *w = x->owner;

    (void)v;
    w->resumed++;
}

void ward_request(struct ward *w, enum gw_method method, const char *path)
{
    ward_end(w);
    w->x = (struct gw_exchange){.caller = &w->caller, .resumed = on_resumed, .owner = w};
    assert_int_equal(arena_new(&w->arenas, 1 << 20, &w->x.request.arena), SP_OK);
    w->x.phase = GW_PHASE_HEAD;
    w->x.request.method = method;
    w->x.request.method_text = view_str(gw_method_name(method));
    w->x.request.host = view_str("127.77.0.2:8080");
    w->x.request.target.path = view_str(path);
    w->x.request.target.segments = w->segments;
    w->x.request.fields = w->fields;
    for (const char *at = path; *at == '/' && at[1] != '\0';) {
        size_t n = strcspn(at + 1, "/");
        w->segments[w->x.request.target.segment_count++] =
            (struct view){(const uint8_t *)at + 1, n};
        at += n + 1;
    }
}

void refused(struct gw_verdict v, enum gw_reason reason, int status, const char *says)
{
    assert_int_equal(v.outcome, GW_REFUSE);
    assert_int_equal(v.reason, reason);
    assert_int_equal(v.status != 0 ? v.status : gw_reasons[v.reason].status, status);
    if (strstr(gw_words(&v)->challenge, says) == NULL)
        fail_msg("%s", gw_words(&v)->challenge);
}

void passed(struct gw_verdict v)
{
    if (v.outcome != GW_PASS)
        fail_msg("%s: %s", gw_reasons[v.reason].name, gw_words(&v)->challenge);
}
