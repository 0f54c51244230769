#include "tests/unit/connector/gateway/detect/seen.h"

#include "connector/gateway/detect/usual.h"
#include "lib/base/buf.h"

enum { MESSAGES = 64 };

uint64_t mix(uint64_t n)
{
    n = (n + 1) * 0x9e3779b97f4a7c15u;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
    return n ^ (n >> 31);
}

struct detect *new_detect(enum gw_mode mode)
{
    struct detect_options o = {.key = "a test's own key", .learning_ms = 0, .began = NOW};
    struct detect *d = NULL;

    for (size_t i = 0; i < DETECTORS; i++)
        o.modes[i] = (int)mode;
    assert_int_equal(detect_new(&o, &d), SP_OK);
    return d;
}

/* A GET of one object by one user. */
struct observation get(uint64_t user, uint64_t object, sp_unix_ms at)
{
    return (struct observation){.at = at,
                                .user = mix(user),
                                .user_text = view_str("u-pairwise"),
                                .method = GW_GET,
                                .endpoint = mix(77),
                                .endpoint_text = view_str("GET /accounts/{id}"),
                                .object = object == 0 ? 0 : mix(object + 1000000),
                                .status = 200};
}

/* The open incidents of a detector; the newest's JSON to `last`, owned by the caller. */
size_t incidents(struct detect *d, const char *detector, struct json **last)
{
    struct json *o;
    size_t n = 0;

    detect_tell_again(d);
    while ((o = detect_next_incident(d, NOW)) != NULL) {
        detect_told(d, NOW);
        if (!view_is(json_str(json_get(o, "detector")), detector)) {
            json_free(o);
            continue;
        }
        n++;
        if (last != NULL) {
            json_free(*last);
            *last = o;
        } else {
            json_free(o);
        }
    }
    return n;
}

const char *evidence(struct json *incident)
{
    return json_cstr(json_at(json_get(incident, "evidence"), 0));
}

bool blocked(struct detect *d, struct observation o, enum detector by)
{
    struct detect_block b;

    o.status = 0;
    return detect_blocked(d, &o, &b) && b.detector == by && b.mode == GW_BLOCK;
}

void learn_private(struct detect *d)
{
    for (uint64_t i = 0; i < 50 * 200; i++)
        detect_see(d, &(struct observation){.at = NOW + (sp_unix_ms)i,
                                            .user = mix(i % 50),
                                            .method = GW_GET,
                                            .endpoint = mix(77),
                                            .object = mix(i + 1000000),
                                            .status = 200});
}

struct detect *new_shared(uint8_t self)
{
    struct detect_options o = {
        .key = "the site's key", .began = NOW, .shared = true, .self = {{self}}};
    struct detect *d = NULL;

    for (size_t i = 0; i < DETECTORS; i++)
        o.modes[i] = GW_BLOCK;
    assert_int_equal(detect_new(&o, &d), SP_OK);
    return d;
}

size_t tell(struct detect *from, struct detect *to, sp_unix_ms now)
{
    bool more = true;
    size_t n = 0;

    for (; more && n < MESSAGES; n++) {
        struct buf m;
        buf_init(&m, USUAL_BYTES_MAX);
        assert_int_equal(usual_tell(from, now, &m, &more), SP_OK);
        assert_int_equal(usual_hear(to, buf_view(&m), now), SP_OK);
        usual_told(from);
        buf_deinit(&m);
    }
    assert_true(n < MESSAGES);
    return n;
}

void open_windows(struct detect *d, uint64_t users)
{
    for (uint64_t u = 0; u < users; u++)
        for (uint64_t i = 0; i < 4; i++) {
            struct observation o = get(u, u * 4 + i + 1, NOW + (i == 3 ? 11 * MINUTE : 0));
            detect_see(d, &o);
        }
}

void walk(struct detect *d)
{
    for (uint64_t i = 0; i < 60; i++) {
        struct observation o = get(900, 5000 + i, NOW + HOUR);
        detect_see(d, &o);
    }
}

void volume(struct detect *d, uint64_t user, uint64_t bytes, sp_unix_ms at)
{
    static const uint64_t group = 4711;
    struct observation o = get(user, 0, at);

    o.bytes = bytes;
    o.group_count = 1;
    o.groups = &group;
    detect_see(d, &o);
}
