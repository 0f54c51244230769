/* Every format that is asserted: what its RFC allows, and what is next to it and not allowed. */
#include "lib/schema/format.h"

#include "lib/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *text;
    bool holds;
};

static void judge(enum format f, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (format_holds(f, view_str(rows[i].text)) != rows[i].holds)
            fail_msg("format %d, \"%s\": not %s", f, rows[i].text,
                     rows[i].holds ? "taken" : "refused");
}
#define JUDGE(f, rows) judge(f, rows, sizeof(rows) / sizeof *(rows))

/* `piece` `count` times, then `end`, in static storage. */
static const char *many(const char *piece, size_t count, const char *end)
{
    static char texts[16][600];
    static unsigned at;
    char *text = texts[at++ % 16];
    size_t len = strlen(piece);

    assert_true(len * count + strlen(end) < sizeof texts[0]);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * len, piece, len);
    memcpy(text + len * count, end, strlen(end) + 1);
    return text;
}

static void a_date_is_a_day_of_the_calendar(void **state)
{
    static const struct row rows[] = {
        {"2026-11-27", true},   {"0000-01-01", true},   {"9999-12-31", true},
        {"2024-02-29", true},   {"2000-02-29", true},   {"2026-02-28", true},
        {"2026-02-29", false},  {"1900-02-29", false},  {"2026-02-31", false},
        {"2026-04-31", false},  {"2026-12-32", false},  {"2026-13-01", false},
        {"2026-00-10", false},  {"2026-01-00", false},  {"2026-1-01", false},
        {"2026-01-1", false},   {"20260101", false},    {"2026/01/01", false},
        {"26-01-01", false},    {"12026-01-01", false}, {"-2026-01-01", false},
        {"+2026-01-01", false}, {"2026-01-01 ", false}, {" 2026-01-01", false},
        {"2026-01-01Z", false}, {"2026-W48-5", false},  {"2026-331", false},
        {"2026-01-", false},    {"2026-01-0১", false},  {"", false},
    };

    (void)state;
    JUDGE(FORMAT_DATE, rows);
}

static void a_time_has_an_offset_and_a_leap_second_only_at_the_end_of_a_day(void **state)
{
    static const struct row rows[] = {
        {"12:00:00Z", true},
        {"12:00:00z", true},
        {"00:00:00Z", true},
        {"23:59:59Z", true},
        {"12:00:00.5Z", true},
        {"12:00:00.123456789012345678901234567890Z", true},
        {"12:00:00+00:00", true},
        {"12:00:00-00:00", true}, /* the offset is not known: RFC 3339 4.3 */
        {"12:00:00+05:45", true},
        {"12:00:00-23:59", true},
        {"12:00:00+23:59", true},
        {"24:00:00Z", false},
        {"12:60:00Z", false},
        {"12:00:61Z", false},
        {"12:00:00", false},
        {"12:00:00.Z", false},
        {"12:00:00,5Z", false},
        {"12:00Z", false},
        {"12Z", false},
        {"1:00:00Z", false},
        {"12:0:00Z", false},
        {"12-00-00Z", false},
        {"120000Z", false},
        {"12:00:00+24:00", false},
        {"12:00:00+01:60", false},
        {"12:00:00+01", false},
        {"12:00:00+0100", false},
        {"12:00:00+1:00", false},
        {"12:00:00+01:00Z", false},
        {"12:00:00Z+01:00", false},
        {"12:00:00 Z", false},
        {"12:00:00Z ", false},
        {"12:00:00 am", false},
        {"12:00:00\xe2\x88\x92"
         "01:00",
         false}, /* U+2212, no hyphen */
        {"", false},
        /* leap seconds: the last of a day in UTC */
        {"23:59:60Z", true},
        {"23:59:60.999Z", true},
        {"23:59:60+00:00", true},
        {"22:59:60-01:00", true},
        {"00:59:60+01:00", true},
        {"00:29:60+00:30", true},
        {"15:59:60-08:00", true},
        {"22:59:60Z", false},
        {"23:58:60Z", false},
        {"23:59:60+01:00", false},
        {"23:59:60-00:30", false},
        {"00:59:60-01:00", false},
        {"23:59:61Z", false},
    };

    (void)state;
    JUDGE(FORMAT_TIME, rows);
}

static void a_date_time_is_both(void **state)
{
    static const struct row rows[] = {
        /* the examples of RFC 3339 5.8 */
        {"1985-04-12T23:20:50.52Z", true},
        {"1996-12-19T16:39:57-08:00", true},
        {"1990-12-31T23:59:60Z", true},
        {"1990-12-31T15:59:60-08:00", true},
        {"1937-01-01T12:00:27.87+00:20", true},
        {"2026-11-27t12:00:00z", true},
        {"2026-02-31T12:00:00Z", false},
        {"2026-11-27T24:00:00Z", false},
        {"1990-12-31T23:58:60Z", false},
        {"2026-11-27 12:00:00Z", false},
        {"2026-11-27_12:00:00Z", false},
        {"2026-11-2712:00:00Z", false},
        {"2026-11-27T12:00:00", false},
        {"2026-11-27T", false},
        {"2026-11-27", false},
        {"12:00:00Z", false},
        {"T12:00:00Z", false},
        {"2026-11-27T12:00:00ZZ", false},
        {"06/19/1963 08:30:06 PST", false},
        {"2013-350T01:01:01Z", false},
        {"", false},
    };

    (void)state;
    JUDGE(FORMAT_DATE_TIME, rows);
}

static void an_email_is_a_mailbox_of_smtp(void **state)
{
    const struct row rows[] = {
        {"joe.bloggs@example.com", true},
        {"te~st@example.com", true},
        {"~test@example.com", true},
        {"a!#$%&'*+-/=?^_`{|}~b@example.com", true},
        {"a@b", true},
        {"user+tag@xn--bcher-kva.example", true},
        {"\"joe bloggs\"@example.com", true},
        {"\"joe..bloggs\"@example.com", true},
        {"\"joe@bloggs\"@example.com", true},
        {"\"joe\\\"bloggs\"@example.com", true},
        {"\"joe\\\\\"@example.com", true},
        {"\"\"@example.com", true}, /* *QcontentSMTP: RFC 5321 4.1.2 */
        {"joe@[127.0.0.1]", true},
        {"joe@[IPv6:::1]", true},
        {"joe@[IPv6:2001:db8::25]", true},
        {many("a", 64, "@b.example"), true},
        {many("a", 65, "@b.example"), false},
        {many("\"", 1, "unclosed@example.com"), false},
        {"", false},
        {"@", false},
        {"2962", false},
        {"joe", false},
        {"@example.com", false},
        {"joe@", false},
        {".joe@example.com", false},
        {"joe.@example.com", false},
        {"jo..e@example.com", false},
        {"jo e@example.com", false},
        {"jo@e@example.com", false},
        {"j\xc3\xb6@example.com", false}, /* that is idn-email */
        {"\"@example.com", false},
        {"\"joe\"bloggs\"@example.com", false},
        {"\"joe\\\"@example.com", false},
        {"\"jo\te\"@example.com", false},
        {"\"j\xc3\xb6\"@example.com", false},
        {"\"joe\"x@example.com", false},
        {"joe@-example.com", false},
        {"joe@example-.com", false},
        {"joe@example..com", false},
        {"joe@example.com.", false},
        {"joe@exa mple.com", false},
        {"joe@invalid=domain.com", false},
        {"joe@[]", false},
        {"joe@[127.0.0.300]", false},
        {"joe@[127.0.0.1", false},
        {"joe@127.0.0.1]", false},
        {"joe@[IPv6:]", false},
        {"joe@[IPv6:1::2::3]", false},
        {"joe@[::1]", false}, /* the tag is missing */
        {"joe@[example.com]", false},
        {"Joe <joe@example.com>", false},
    };
    char whole[300];

    (void)state;
    JUDGE(FORMAT_EMAIL, rows);
    /* 254 octets in all, and one more */
    (void)snprintf(whole, sizeof whole, "a@%s", many("abcdefg.", 31, "abcd"));
    assert_int_equal(strlen(whole), 254);
    assert_true(format_holds(FORMAT_EMAIL, view_str(whole)));
    (void)snprintf(whole, sizeof whole, "ab@%s", many("abcdefg.", 31, "abcd"));
    assert_false(format_holds(FORMAT_EMAIL, view_str(whole)));
}

static void a_hostname_has_labels_of_letters_digits_and_inner_hyphens(void **state)
{
    const struct row rows[] = {
        {"www.example.com", true},
        {"localhost", true},
        {"EXAMPLE.Com", true},
        {"xn--4gbwdl.xn--wgbh1c", true},
        {"1.2.3.4", true}, /* RFC 1123 2.1: a label may begin with a digit */
        {"3com.example", true},
        {"a-b.c--d", true},
        {"a", true},
        {many("a", 63, ".com"), true},
        {many("a", 64, ".com"), false},
        {many("com.", 1, many("a", 64, "")), false},
        {many("abc.", 63, "a"), true},   /* 253 */
        {many("abc.", 63, "ab"), false}, /* 254 */
        {"", false},
        {".", false},
        {".example", false},
        {"example.", false},
        {"exa..mple", false},
        {"-example", false},
        {"example-", false},
        {"exa-.mple", false},
        {"exa.-mple", false},
        {"-", false},
        {"not_a_host", false},
        {"exa mple", false},
        {"example.com:80", false},
        {"*.example.com", false},
        {"b\xc3\xbc"
         "cher.example",
         false},
        {"example\n", false},
    };

    (void)state;
    JUDGE(FORMAT_HOSTNAME, rows);
    assert_false(format_holds(FORMAT_HOSTNAME, (struct view){(const uint8_t *)"a\0b", 3}));
}

static void an_ipv4_address_is_four_decimal_octets(void **state)
{
    static const struct row rows[] = {
        {"0.0.0.0", true},
        {"192.168.0.1", true},
        {"255.255.255.255", true},
        {"127.0.0.0.1", false},
        {"127.0.1", false},
        {"256.0.0.1", false},
        {"1.2.3.256", false},
        {"1.2.3.1000", false},
        {"1.2.3.00", false},
        {"1.2.3.01", false},
        {"087.10.0.1", false},
        {"0x7f.0.0.1", false},
        {"2130706433", false},
        {"1..2.3", false},
        {".1.2.3", false},
        {"1.2.3.", false},
        {"1.2.3.4.", false},
        {"1.2.3.4/24", false},
        {"1.2.3.+4", false},
        {"1.2.3.-4", false},
        {" 1.2.3.4", false},
        {"1.2.3.4 ", false},
        {"1.2.3.4\n", false},
        {"1.2.3.a", false},
        {"1\xe0\xa7\xa8"
         "7.0.0.1",
         false},
        {"4294967297.1.1.1", false},
        {"", false},
    };

    (void)state;
    JUDGE(FORMAT_IPV4, rows);
}

static void an_ipv6_address_has_eight_groups_or_one_gap(void **state)
{
    static const struct row rows[] = {
        {"::", true},
        {"::1", true},
        {"1::", true},
        {"::abcd:EF01", true},
        {"2001:db8::1", true},
        {"1:2:3:4:5:6:7:8", true},
        {"1:2:3:4:5:6:7::", true},
        {"::2:3:4:5:6:7:8", true},
        {"1:2:3:4::6:7:8", true},
        {"0001:0002:0003:0004:0005:0006:0007:0008", true},
        {"::ffff:192.0.2.128", true},
        {"::192.0.2.1", true},
        {"1:2:3:4:5:6:192.0.2.1", true},
        {"1:2:3:4:5::192.0.2.1", true},
        {"64:ff9b::192.0.2.33", true},
        {"", false},
        {":", false},
        {":::", false},
        {"1", false},
        {"1:", false},
        {":1", false},
        {"1:2:3:4:5:6:7", false},
        {"1:2:3:4:5:6:7:8:9", false},
        {"1:2:3:4:5:6:7:8::", false},
        {"::1:2:3:4:5:6:7:8", false},
        {"1:2:3:4::5:6:7:8", false},
        {"1::2::3", false},
        {"1:::2", false},
        {"1::2:", false},
        {":1::2", false},
        {"12345::", false},
        {"::00001", false},
        {"::g", false},
        {"::1%eth0", false},
        {"fe80::a%25en1", false},
        {"::1/64", false},
        {"[::1]", false},
        {" ::1", false},
        {"::1 ", false},
        {"1:2:3:4:5:6:7:192.0.2.1", false},
        {"1:2:3:4:5:6::192.0.2.1", false},
        {"1:2:3:4:5:192.0.2.1", false},
        {"::192.0.2.1:1", false},
        {"::192.0.2", false},
        {"::192.0.2.256", false},
        {"192.0.2.1", false},
        {"::-1", false},
    };

    (void)state;
    JUDGE(FORMAT_IPV6, rows);
}

static void a_uri_has_a_scheme_and_a_reference_may_lack_it(void **state)
{
    static const struct {
        const char *text;
        bool uri, reference;
    } rows[] = {
        /* the examples of RFC 3986 1.1.2 */
        {"ftp://ftp.is.co.za/rfc/rfc1808.txt", true, true},
        {"http://www.ietf.org/rfc/rfc2396.txt", true, true},
        {"ldap://[2001:db8::7]/c=GB?objectClass?one", true, true},
        {"mailto:John.Doe@example.com", true, true},
        {"news:comp.infosystems.www.servers.unix", true, true},
        {"tel:+1-816-555-1212", true, true},
        {"telnet://192.0.2.16:80/", true, true},
        {"urn:oasis:names:specification:docbook:dtd:xml:4.1.2", true, true},
        {"http://foo.bar/?baz=qux#quux", true, true},
        {"http://foo.bar/?q=Test%20URL-encoded%20stuff", true, true},
        {"http://-.~_!$&'()*+,;=:%40:80%2f::::::@example.com", true, true},
        {"a:", true, true},
        {"//foo.bar/?baz=qux#quux", false, true},
        {"/abc", false, true},
        {"abc", false, true},
        {"#fragment", false, true},
        {"?query", false, true},
        {"", false, true},
        {"\\\\WINDOWS\\fileshare", false, false},
        {"http:// shouldfail.com", false, false},
        {"http://example.com/ b", false, false},
        {":// should fail", false, false},
        {"1http://example.com", false, false}, /* no scheme, and a colon in a first segment */
        {"bar,baz:foo", false, false},
        {"http://example.com/<>", false, false},
        {"http://example.com/{x}", false, false},
        {"http://example.com/a|b", false, false},
        {"http://example.com/\"", false, false},
        {"http://example.com/^", false, false},
        {"http://example.com/%", false, false},
        {"http://example.com/%2", false, false},
        {"http://example.com/%g0", false, false},
        {"http://example.com/#a#b", false, false},
        {"http://example.com:80x/", false, false},
        {"http://[::1", false, false},
        {"http://[1.2.3.4]/", false, false},
        {"http://b\xc3\xbc"
         "cher.example/",
         false, false}, /* that is iri */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (format_holds(FORMAT_URI, view_str(rows[i].text)) != rows[i].uri)
            fail_msg("uri \"%s\"", rows[i].text);
        if (format_holds(FORMAT_URI_REFERENCE, view_str(rows[i].text)) != rows[i].reference)
            fail_msg("uri-reference \"%s\"", rows[i].text);
    }
}

static void a_uuid_is_its_form_in_either_case(void **state)
{
    static const struct row rows[] = {
        {"2eb8aa08-aa98-11ea-b4aa-73b441d16380", true},
        {"2EB8AA08-AA98-11EA-B4AA-73B441D16380", true},
        {"2eb8aa08-AA98-11ea-B4Aa-73B441D16380", true},
        {"00000000-0000-0000-0000-000000000000", true},
        {"ffffffff-ffff-ffff-ffff-ffffffffffff", true},
        {"99c17cbb-656f-f64a-940f-1a4568f03487", true}, /* of a version that is not made */
        {"2eb8aa08-aa98-11ea-b4aa-73b441d1638", false},
        {"2eb8aa08-aa98-11ea-b4aa-73b441d163800", false},
        {"2eb8aa08-aa98-11ea-73b441d16380", false},
        {"2eb8aa08aa9811eab4aa73b441d16380", false},
        {"2eb8aa08aa98-11ea-b4aa73b441d16380----", false},
        {"2eb8-aa08-aa98-11ea-b4aa73b44-1d16380", false},
        {"2eb8aa0-8aa98-11ea-b4aa-73b441d16380", false},
        {"2eb8aa08-aa98-11ea-b4ga-73b441d16380", false},
        {"2eb8aa08_aa98_11ea_b4aa_73b441d16380", false},
        {"{2eb8aa08-aa98-11ea-b4aa-73b441d16380}", false},
        {"urn:uuid:2eb8aa08-aa98-11ea-b4aa-73b441d16380", false},
        {"2eb8aa08-aa98-11ea-b4aa-73b441d1638\n", false},
        {"", false},
    };
    char text[] = "2eb8aa08-aa98-11ea-b4aa-73b441d16380";

    (void)state;
    JUDGE(FORMAT_UUID, rows);
    for (size_t i = 0; i < sizeof text - 1; i++) { /* each place alone, by each byte */
        char was = text[i];
        for (int c = 0; c < 256; c++) {
            bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
            text[i] = (char)c;
            if (format_holds(FORMAT_UUID, (struct view){(const uint8_t *)text, 36}) !=
                (was == '-' ? c == '-' : hex))
                fail_msg("place %zu, byte %02x", i, (unsigned)c);
        }
        text[i] = was;
    }
}

static void a_byte_string_is_base64_with_its_padding(void **state)
{
    static const struct row rows[] = {
        /* RFC 4648 10 */
        {"", true},          {"Zg==", true},      {"Zm8=", true},     {"Zm9v", true},
        {"Zm9vYg==", true},  {"Zm9vYmE=", true},  {"Zm9vYmFy", true}, {"+/+/", true},
        {"Zg", false},       {"Zg=", false},      {"Z===", false},    {"====", false},
        {"=", false},        {"Zg==Zg==", false}, {"Z=g=", false},    {"-_-_", false},
        {"Zm9v\n", false},   {"Zm9v ", false},    {"Zm 9", false},    {"Zm9vY", false},
        {"Zm9v====", false},
    };

    (void)state;
    JUDGE(FORMAT_BYTE, rows);
}

static void a_regex_is_what_patterns_take(void **state)
{
    static const struct row rows[] = {
        {"^a+$", true}, {"", true},   {"([abc])+\\s+$", true}, {"\\d{2,3}", true}, {"(", false},
        {"a)", false},  {"[", false}, {"^(abc]", false},       {"*", false},       {"\\", false},
    };

    (void)state;
    JUDGE(FORMAT_REGEX, rows);
}

static void a_format_is_found_by_its_name_and_all_others_are_remarks(void **state)
{
    static const struct {
        const char *name;
        enum format format;
    } rows[] = {
        {"date-time", FORMAT_DATE_TIME},
        {"date", FORMAT_DATE},
        {"time", FORMAT_TIME},
        {"email", FORMAT_EMAIL},
        {"hostname", FORMAT_HOSTNAME},
        {"ipv4", FORMAT_IPV4},
        {"ipv6", FORMAT_IPV6},
        {"uri", FORMAT_URI},
        {"uri-reference", FORMAT_URI_REFERENCE},
        {"uuid", FORMAT_UUID},
        {"byte", FORMAT_BYTE},
        {"regex", FORMAT_REGEX},
        {"int32", FORMAT_INT32},
        {"int64", FORMAT_INT64},
        {"float", FORMAT_FLOAT},
        {"double", FORMAT_DOUBLE},
        {"", FORMAT_NONE},
        {"Date", FORMAT_NONE},
        {"date ", FORMAT_NONE},
        {"duration", FORMAT_NONE},
        {"json-pointer", FORMAT_NONE},
        {"relative-json-pointer", FORMAT_NONE},
        {"idn-email", FORMAT_NONE},
        {"idn-hostname", FORMAT_NONE},
        {"iri", FORMAT_NONE},
        {"uri-template", FORMAT_NONE},
        {"password", FORMAT_NONE},
        {"binary", FORMAT_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (format_by_name(view_str(rows[i].name)) != rows[i].format)
            fail_msg("%s", rows[i].name);
    /* a string has any format that is a remark, or of numbers */
    assert_true(format_holds(FORMAT_NONE, view_str("anything")));
    for (enum format f = FORMAT_NUMBERS; f < FORMATS; f++)
        assert_true(format_holds(f, view_str("anything")));
}

/* No format reads beyond its text: each beginning of what it takes is judged at the end of a page
 * of its own, for the sanitizers. */
static void beginnings_of_texts_are_judged_alone(void **state)
{
    static const char *const texts[] = {
        "1990-12-31T15:59:60.25-08:00",
        "23:59:60.5+00:00",
        "\"joe\\\"b\"@[IPv6:2001:db8::192.0.2.1]",
        "a-b.example.com",
        "1:2:3:4:5:6:192.0.2.1",
        "http://u@[2001:db8::7]:80/%20?q#f",
        "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
        "Zm9vYg==",
        "^([a-z]{2}|\\d+)$",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t n = 0; n <= strlen(texts[i]); n++) {
            char *own = malloc(n + 1);
            assert_non_null(own);
            memcpy(own, texts[i], n);
            own = realloc(own, n == 0 ? 1 : n);
            assert_non_null(own);
            for (enum format f = FORMAT_NONE; f < FORMATS; f++)
                (void)format_holds(f, (struct view){(const uint8_t *)own, n});
            free(own);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_date_is_a_day_of_the_calendar),
        cmocka_unit_test(a_time_has_an_offset_and_a_leap_second_only_at_the_end_of_a_day),
        cmocka_unit_test(a_date_time_is_both),
        cmocka_unit_test(an_email_is_a_mailbox_of_smtp),
        cmocka_unit_test(a_hostname_has_labels_of_letters_digits_and_inner_hyphens),
        cmocka_unit_test(an_ipv4_address_is_four_decimal_octets),
        cmocka_unit_test(an_ipv6_address_has_eight_groups_or_one_gap),
        cmocka_unit_test(a_uri_has_a_scheme_and_a_reference_may_lack_it),
        cmocka_unit_test(a_uuid_is_its_form_in_either_case),
        cmocka_unit_test(a_byte_string_is_base64_with_its_padding),
        cmocka_unit_test(a_regex_is_what_patterns_take),
        cmocka_unit_test(a_format_is_found_by_its_name_and_all_others_are_remarks),
        cmocka_unit_test(beginnings_of_texts_are_judged_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
