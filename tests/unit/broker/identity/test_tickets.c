#include "broker/identity/tickets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct sp_id laptop = {{1}}, phone = {{2}};

static void a_ticket_names_its_device_until_its_last_moment(void **state)
{
    (void)state;
    struct tickets *t;
    char text[TICKET_TEXT + 1];
    struct sp_id device = {{0}};

    assert_int_equal(tickets_new(&t), SP_OK);
    tickets_issue(t, laptop, 1000, text);
    assert_int_equal(strlen(text), TICKET_TEXT);
    assert_int_equal(tickets_find(t, view_str(text), 1000, &device), SP_OK);
    assert_true(id_equal(device, laptop));
    assert_int_equal(tickets_find(t, view_str(text), 1000 + TICKET_LIFE_MS - 1, &device), SP_OK);
    assert_int_equal(tickets_find(t, view_str(text), 1000 + TICKET_LIFE_MS, &device),
                     SP_ERR_NOT_FOUND);
    tickets_free(t);
}

static void what_is_no_ticket_is_refused_and_leaves_the_device_alone(void **state)
{
    (void)state;
    struct tickets *t;
    char text[TICKET_TEXT + 1];
    struct sp_id device = phone;

    assert_int_equal(tickets_new(&t), SP_OK);
    tickets_issue(t, laptop, 0, text);
    assert_int_equal(tickets_find(t, view_str(""), 0, &device), SP_ERR_MALFORMED);
    assert_int_equal(
        tickets_find(t, (struct view){(const uint8_t *)text, TICKET_TEXT - 1}, 0, &device),
        SP_ERR_MALFORMED);
    text[0] = 'S';
    assert_int_equal(tickets_find(t, view_str(text), 0, &device), SP_ERR_MALFORMED);
    text[0] = 's';
    text[10] = text[10] == 'A' ? 'B' : 'A';
    assert_int_equal(tickets_find(t, view_str(text), 0, &device), SP_ERR_NOT_FOUND);
    assert_true(id_equal(device, phone));
    tickets_free(t);
}

static void a_full_table_drops_the_ticket_that_ends_first(void **state)
{
    (void)state;
    struct tickets *t;
    char first[TICKET_TEXT + 1], second[TICKET_TEXT + 1], last[TICKET_TEXT + 1];
    struct sp_id device;

    assert_int_equal(tickets_new(&t), SP_OK);
    tickets_issue(t, laptop, 0, first);
    tickets_issue(t, phone, 1, second);
    for (sp_boot_ms i = 0; i < TICKETS_HELD_MAX - 1; i++)
        tickets_issue(t, laptop, 2 + i, last);
    assert_int_equal(tickets_find(t, view_str(first), 5000, &device), SP_ERR_NOT_FOUND);
    assert_int_equal(tickets_find(t, view_str(second), 5000, &device), SP_OK);
    assert_true(id_equal(device, phone));
    assert_int_equal(tickets_find(t, view_str(last), 5000, &device), SP_OK);
    tickets_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_names_its_device_until_its_last_moment),
        cmocka_unit_test(what_is_no_ticket_is_refused_and_leaves_the_device_alone),
        cmocka_unit_test(a_full_table_drops_the_ticket_that_ends_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
