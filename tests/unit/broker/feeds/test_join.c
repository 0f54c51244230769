/* Whose a vendor's record is: by serial, and never by a guess. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/feeds/join.h"

#include <stdlib.h>

enum { DEVICES_MAX = 3, RECORDS_MAX = 3 };

struct row {
    const char *name;
    struct {
        const char *serials; /* NULL ends the list */
        bool pending;
    } devices[DEVICES_MAX + 1];
    const char *records[RECORDS_MAX + 1]; /* serials; NULL ends the list */
    struct {
        enum join_result result;
        uint8_t device; /* from 1 */
    } want[RECORDS_MAX];
};

#define APPROVED(serials) \
    {                     \
        serials, false    \
    }
#define PENDING(serials) \
    {                    \
        serials, true    \
    }

static const struct row rows[] = {
    {"the same serial", {APPROVED("PF-1234")}, {"PF-1234"}, {{JOIN_DONE, 1}}},
    {"another case, blanks around", {APPROVED(" pf-1234 ")}, {"PF-1234"}, {{JOIN_DONE, 1}}},
    {"one of several serials", {APPROVED("AAAA1; BBBB2")}, {"BBBB2"}, {{JOIN_DONE, 1}}},
    {"nobody's", {APPROVED("PF-1234")}, {"PF-9999"}, {{JOIN_NO_DEVICE, 0}}},
    {"no devices at all", {{NULL, false}}, {"PF-9999"}, {{JOIN_NO_DEVICE, 0}}},
    {"the record has none", {APPROVED("PF-1234")}, {""}, {{JOIN_NO_SERIAL, 0}}},
    {"only blanks", {APPROVED("PF-1234")}, {"   "}, {{JOIN_NO_SERIAL, 0}}},
    {"a placeholder on both sides",
     {APPROVED("To be filled by O.E.M.")},
     {"To Be Filled By O.E.M."},
     {{JOIN_PLACEHOLDER, 0}}},
    {"two devices say it",
     {APPROVED("PF-1234"), APPROVED("PF-1234")},
     {"PF-1234"},
     {{JOIN_TWO_DEVICES, 0}}},
    {"a pending one does not disturb an approved one",
     {APPROVED("PF-1234"), PENDING("PF-1234")},
     {"PF-1234"},
     {{JOIN_DONE, 1}}},
    {"in the other order too",
     {PENDING("PF-1234"), APPROVED("PF-1234")},
     {"PF-1234"},
     {{JOIN_DONE, 2}}},
    {"a pending one alone", {PENDING("PF-1234")}, {"PF-1234"}, {{JOIN_DONE, 1}}},
    {"two pending ones",
     {PENDING("PF-1234"), PENDING("PF-1234")},
     {"PF-1234"},
     {{JOIN_TWO_DEVICES, 0}}},
    {"two records of one serial",
     {APPROVED("PF-1234")},
     {"PF-1234", "pf-1234"},
     {{JOIN_TWO_RECORDS, 0}, {JOIN_TWO_RECORDS, 0}}},
    {"two records by two serials of one device",
     {APPROVED("AAAA1;BBBB2"), APPROVED("CCCC3")},
     {"AAAA1", "BBBB2", "CCCC3"},
     {{JOIN_TWO_RECORDS, 0}, {JOIN_TWO_RECORDS, 0}, {JOIN_DONE, 2}}},
    {"a device that says its serial twice", {APPROVED("AAAA1;AAAA1")}, {"AAAA1"}, {{JOIN_DONE, 1}}},
    {"each to its own",
     {APPROVED("AAAA1"), APPROVED("BBBB2"), APPROVED("CCCC3")},
     {"CCCC3", "AAAA1", "BBBB2"},
     {{JOIN_DONE, 3}, {JOIN_DONE, 1}, {JOIN_DONE, 2}}},
};

static struct sp_id id_of(uint8_t n)
{
    return (struct sp_id){.bytes = {n}};
}

static void run(const struct row *row)
{
    struct join_devices devices = {0};
    struct feed_records records = {0};
    struct join *joins = NULL;

    for (uint8_t i = 0; row->devices[i].serials != NULL; i++)
        assert_int_equal(join_devices_add(&devices, id_of((uint8_t)(i + 1)),
                                          !row->devices[i].pending, row->devices[i].serials),
                         SP_OK);
    for (size_t i = 0; row->records[i] != NULL; i++) {
        struct feed_record *r = NULL;
        assert_int_equal(feed_records_add(&records, &r), SP_OK);
        view_copy(r->serial, sizeof r->serial, view_str(row->records[i]));
    }
    assert_int_equal(join_all(&devices, &records, &joins), SP_OK);
    for (size_t i = 0; i < records.count; i++) {
        if (joins[i].result != row->want[i].result)
            fail_msg("%s: record %zu is %s", row->name, i, join_word(joins[i].result));
        if (joins[i].result == JOIN_DONE && !id_equal(joins[i].device, id_of(row->want[i].device)))
            fail_msg("%s: record %zu went to another device", row->name, i);
    }
    free(joins);
    feed_records_free(&records);
    join_devices_free(&devices);
}

static void FLT_12_a_record_is_a_device_s_or_nobody_s(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        run(&rows[i]);
}

static void placeholders_name_nothing(void **state)
{
    static const char *const nothing[] = {"",
                                          "0",
                                          "abc",
                                          "00000000",
                                          "XXXXXXX",
                                          "none",
                                          "Default string",
                                          "To be filled by O.E.M.",
                                          "System Serial Number",
                                          "0123456789",
                                          "...----  00"};
    static const char *const something[] = {"PF-1234", "VMware-42 13 64 f9", "5CD0",
                                            "C02XL0GYJGH5"};

    (void)state;
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        if (!serial_placeholder(nothing[i]))
            fail_msg("%s", nothing[i]);
    }
    for (size_t i = 0; i < sizeof something / sizeof *something; i++)
        assert_false(serial_placeholder(something[i]));
}

static void a_serial_that_is_too_long_is_none(void **state)
{
    char text[FEED_SERIAL_MAX + 2], out[FEED_SERIAL_MAX + 1];

    (void)state;
    memset(text, 'a', sizeof text);
    serial_form((struct view){(const uint8_t *)text, FEED_SERIAL_MAX}, out);
    assert_int_equal(strlen(out), FEED_SERIAL_MAX);
    assert_int_equal(out[0], 'A');
    serial_form((struct view){(const uint8_t *)text, FEED_SERIAL_MAX + 1}, out);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(FLT_12_a_record_is_a_device_s_or_nobody_s),
        cmocka_unit_test(placeholders_name_nothing),
        cmocka_unit_test(a_serial_that_is_too_long_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
