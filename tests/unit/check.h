#ifndef SP_TEST_CHECK_H
#define SP_TEST_CHECK_H

/* cmocka with the headers that it wants before it, and two words for what every test asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define check(x) assert_true(x)
#define check_ok(call) assert_int_equal((call), SP_OK)

#endif
