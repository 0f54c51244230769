#ifndef SP_TEST_PROTO_TABLES_H
#define SP_TEST_PROTO_TABLES_H

/* Every table of message fields, for the tests that must hold for all of them. */

#include "lib/proto/envelope.h"
#include "lib/proto/gateway.h"
#include "lib/proto/login.h"
#include "lib/proto/opening.h"
#include "lib/proto/posture.h"
#include "lib/proto/registry.h"
#include "lib/proto/relay.h"
#include "lib/proto/session.h"

static const struct field *const message_tables[] = {
    hello_fields,
    prove_fields,
    welcome_fields,
    login_start_fields,
    login_start_answer_fields,
    login_poll_fields,
    login_poll_answer_fields,
    login_state_fields,
    login_finish_fields,
    login_finish_answer_fields,
    login_factor_fields,
    login_factor_answer_fields,
    login_end_fields,
    login_end_answer_fields,
    api_ticket_answer_fields,
    posture_nonce_answer_fields,
    posture_report_fields,
    posture_report_answer_fields,
    app_list_fields,
    app_list_answer_fields,
    session_open_fields,
    session_open_answer_fields,
    session_cut_fields,
    session_cut_answer_fields,
    session_limit_fields,
    session_name_fields,
    why_ask_fields,
    why_said_fields,
    enrol_fields,
    enrol_answer_fields,
    statement_put_fields,
    app_drop_fields,
    stand_put_fields,
    stand_drop_fields,
    at_fields,
    app_test_fields,
    app_test_answer_fields,
    blob_get_fields,
    blob_get_answer_fields,
    live_list_fields,
    live_delta_fields,
    stand_at_fields,
    relay_boot_fields,
    load_report_fields,
    drain_fields,
    ticket_fields,
    relay_open_fields,
    relay_open_answer_fields,
    edge_audit_fields,
    audit_batch_fields,
    audit_batch_answer_fields,
    api_report_fields,
    api_keys_fields,
    api_expect_fields,
};

#endif
