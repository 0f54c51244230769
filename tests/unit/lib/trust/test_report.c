#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/crypto/random.h"
#include "lib/trust/report.h"

static struct key_secret *device;
static struct json *value;

static int setup(void **state)
{
    (void)state;
    value = json_new_str(view_str("pass"));
    return key_secret_new(KEY_P256, &device) == SP_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    json_free(value);
    key_secret_free(device);
    return 0;
}

static struct report a_report(struct report_signal *signals, size_t count)
{
    struct report r = {.sequence = 1,
                       .boot = random_id(),
                       .made = INT64_C(1764043200000),
                       .count = count,
                       .signals = signals};
    random_bytes(r.nonce, sizeof r.nonce);
    return r;
}

static struct report_signal a_signal(const char *name, bool known)
{
    struct report_signal s = {{0}, known,         known ? value : NULL,  view_str("test"),
                              {0}, REPORT_SIGNED, INT64_C(1764043200000)};

    memcpy(s.name, name, strlen(name));
    if (!known)
        s.why = view_str("no desktop session");
    return s;
}

static void a_report_is_read_as_it_was_made(void **state)
{
    (void)state;
    struct report_signal signals[] = {a_signal("disk_encryption", true),
                                      a_signal("screen_lock", false)};
    struct report r = a_report(signals, 2), out = {0};
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct buf bytes;

    buf_init(&bytes, REPORT_MAX);
    assert_int_equal(report_make(&r, device, &bytes, signature), SP_OK);
    struct view sig = {signature, sizeof signature};
    assert_int_equal(report_verify(buf_view(&bytes), key_secret_public(device), sig, &out), SP_OK);
    assert_int_equal(out.sequence, 1);
    assert_true(id_equal(out.boot, r.boot));
    assert_memory_equal(out.nonce, r.nonce, sizeof r.nonce);
    assert_int_equal(out.count, 2);
    assert_true(out.signals[0].known);
    assert_true(view_is(json_str(out.signals[0].value), "pass"));
    assert_false(out.signals[1].known);
    assert_null(out.signals[1].value);
    assert_true(view_is(out.signals[1].why, "no desktop session"));
    report_deinit(&out);

    bytes.at[bytes.len / 2] ^= 1;
    assert_int_equal(report_verify(buf_view(&bytes), key_secret_public(device), sig, &out),
                     SP_ERR_SIGNATURE);
    bytes.at[bytes.len / 2] ^= 1;
    sig.len--;
    assert_int_equal(report_verify(buf_view(&bytes), key_secret_public(device), sig, &out),
                     SP_ERR_SIGNATURE);
    buf_deinit(&bytes);
}

static void a_plain_signature_over_the_bytes_is_no_report(void **state)
{
    (void)state;
    struct report r = a_report(NULL, 0), out = {0};
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct buf bytes;

    buf_init(&bytes, REPORT_MAX);
    assert_int_equal(report_make(&r, device, &bytes, signature), SP_OK);
    assert_int_equal(key_sign(device, buf_view(&bytes), signature), SP_OK); /* without its kind */
    assert_int_equal(report_verify(buf_view(&bytes), key_secret_public(device),
                                   (struct view){signature, sizeof signature}, &out),
                     SP_ERR_SIGNATURE);
    buf_deinit(&bytes);
}

static void what_a_reader_would_refuse_is_not_made(void **state)
{
    (void)state;
    struct report_signal signals[REPORT_SIGNALS_MAX + 1];
    struct json *real = json_new_real(1.5), *list = json_array();
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct report r = a_report(signals, 2);
    struct buf bytes;

    buf_init(&bytes, 4 * REPORT_MAX);
#define REFUSED(change)                                                               \
    do {                                                                              \
        signals[0] = a_signal("a", true);                                             \
        signals[1] = a_signal("b", false);                                            \
        r = a_report(signals, 2);                                                     \
        change;                                                                       \
        assert_int_equal(report_make(&r, device, &bytes, signature), SP_ERR_INVALID); \
        assert_int_equal(bytes.len, 0);                                               \
    } while (0)
    REFUSED(signals[1].name[0] = 'a'); /* twice */
    REFUSED(signals[1].name[0] = 'B'); /* not a name */
    REFUSED(signals[1].name[0] = ':'); /* what is a vendor's to say has one: "falcon:overall" */
    REFUSED(signals[1].name[0] = '\0');
    REFUSED(signals[0].value = real); /* a fraction is no value */
    REFUSED(signals[0].value = list);
    REFUSED(signals[0].value = NULL); /* known without a value */
    REFUSED(signals[0].at = -1);
    REFUSED(r.sequence = -1);
    REFUSED(r.boot = (struct sp_id){0});
#undef REFUSED
    for (size_t i = 0; i <= REPORT_SIGNALS_MAX; i++) {
        signals[i] = a_signal("n", true);
        signals[i].name[1] = (char)('a' + i / 26);
        signals[i].name[2] = (char)('a' + i % 26);
    }
    r = a_report(signals, REPORT_SIGNALS_MAX);
    assert_int_equal(report_make(&r, device, &bytes, signature), SP_OK);
    bytes.len = 0;
    r = a_report(signals, REPORT_SIGNALS_MAX + 1);
    assert_int_equal(report_make(&r, device, &bytes, signature), SP_ERR_INVALID);
    json_free(real);
    json_free(list);
    buf_deinit(&bytes);
}

static void an_envelope_is_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"v\":1}",
        "{\"v\":2,\"sequence\":1,\"boot\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"nonce\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"made\":1,\"signals\":[]}",
        "{\"v\":1,\"sequence\":1,\"boot\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"nonce\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"made\":1,\"signals\":[7]}",
        "{\"v\":1,\"sequence\":1,\"boot\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"nonce\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"made\":1,\"signals\":{}}",
        "{\"v\":1,\"sequence\":1,\"boot\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"nonce\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"made\":1,\"signals\":[],\"x\":1}",
    };
    struct report out = {0};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(report_parse(view_str(bad[i]), &out), SP_ERR_MALFORMED);
        assert_null(out.body);
    }
    assert_int_equal(
        report_parse(view_str("{\"v\":1,\"sequence\":1,\"boot\":\"AAAAAAAAAAAAAAAAAAAAAQ\","
                              "\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
                              "\"made\":1,\"signals\":[]}"),
                     &out),
        SP_OK);
    report_deinit(&out);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_report_is_read_as_it_was_made),
        CASE(a_plain_signature_over_the_bytes_is_no_report),
        CASE(what_a_reader_would_refuse_is_not_made),
        CASE(an_envelope_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
