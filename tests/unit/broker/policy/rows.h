#ifndef SP_TEST_POLICY_ROWS_H
#define SP_TEST_POLICY_ROWS_H

/*
 * rows: the decision table of ECOSYSTEM.md section 1.7, whose document is that of section 1.6
 * (example.h): who asks for what in each row, and what is said to it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/policy/explain.h"

enum { SECOND = 1000, MIN = 60 * SECOND, HOUR = 60 * MIN };
#define NOW ((sp_unix_ms)1795597200000) /* Wednesday 2026-11-25, 10:00 in Berlin */

/* Facts that a row can change; everything else is "anna" of the table. */
struct person {
    struct facts f;
    struct fact_value agent_version[1], disk[2], lock[1], falcon[1];
    struct fact_signal signals[4];
    const char *groups[4];
};

void anna(struct person *p); /* in front of payroll, with all that it asks for */
void on_payroll(struct person *p);

enum { ROWS = 20 };

extern const struct row {
    const char *name;
    void (*change)(struct person *);
    const char *line;            /* explain_line() */
    const char *reason, *remedy; /* of the first pair; NULL: none */
    int exit_code;
    struct limits limits;
} rows[ROWS];

/* What some rows change of anna. */
void row3_contractor(struct person *p);
void row4_staff_only(struct person *p);
void row4_no_such_app(struct person *p);
void row5_vendor_says_fail(struct person *p);
void row6_never_reported(struct person *p);
void row7_closed(struct person *p);
void row8_elsewhere(struct person *p);
void row11_pending(struct person *p);
void row14_groups_unreadable(struct person *p);

void same_limits(const char *name, struct limits got, struct limits want);

/* Of a group of tests: each has the document as its state. */
int document_set_up(void **state);
int document_tear_down(void **state);

#endif
