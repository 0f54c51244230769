#include "lib/proto/session.h"

const char *const session_decision_names[] = {NULL, "deny", "step_up", "allow", NULL};

enum { NAME_MAX_BYTES = 128, WORD_MAX = 32, KEY_MAX = 64, GRANT_TEXT_MAX = 1024 };

const struct field app_list_fields[] = {
    F_STR(app_list, "cursor", cursor, 256, FIELD_OPTIONAL),
    F_END,
};

static const struct field app_rows[] = {
    F_ID(app_entry, "id", id, 0),
    F_STR(app_entry, "name", name, NAME_MAX_BYTES, 0),
    F_STR(app_entry, "type", type, WORD_MAX, 0),
    F_INTS(app_entry, "ports", ports, port_count, 65535, 0),
    F_STR(app_entry, "access", access, WORD_MAX, 0),
    F_STR(app_entry, "why", why, SESSION_TEXT_MAX, FIELD_OPTIONAL),
    F_END,
};

const struct field app_list_answer_fields[] = {
    F_LIST(app_list_answer, "apps", apps, app_count, app_rows, 0),
    F_STR(app_list_answer, "next", next, 256, FIELD_OPTIONAL),
    F_END,
};

const struct field session_open_fields[] = {
    F_STR(session_open, "app", app, NAME_MAX_BYTES, 0),
    F_ID(session_open, "session", session, FIELD_OPTIONAL),
    F_IDS(session_open, "not", not_relays, not_count, FIELD_OPTIONAL),
    F_END,
};

static const struct field reason_rows[] = {
    F_STR(session_reason, "code", code, 64, 0),
    F_STR(session_reason, "text", text, SESSION_TEXT_MAX, 0),
    F_END,
};

const struct field session_open_answer_fields[] = {
    F_ENUM(session_open_answer, "decision", decision, session_decision_names, 0),
    F_ID(session_open_answer, "session", session, FIELD_OPTIONAL),
    F_ID(session_open_answer, "app", app, FIELD_OPTIONAL),
    F_STR(session_open_answer, "name", name, NAME_MAX_BYTES, FIELD_OPTIONAL),
    F_STR(session_open_answer, "type", type, WORD_MAX, FIELD_OPTIONAL),
    F_INTS(session_open_answer, "ports", ports, port_count, 65535, FIELD_OPTIONAL),
    F_STR(session_open_answer, "grant", grant, GRANT_TEXT_MAX, FIELD_OPTIONAL),
    F_STR(session_open_answer, "identity", identity, 16 * 1024, FIELD_OPTIONAL),
    F_ID(session_open_answer, "relay", relay, FIELD_OPTIONAL),
    F_STR(session_open_answer, "relay_name", relay_name, NAME_MAX_BYTES, FIELD_OPTIONAL),
    F_STRS(session_open_answer, "addresses", addresses, address_count, 260, FIELD_OPTIONAL),
    F_BLOB(session_open_answer, "relay_key", relay_key, KEY_MAX, FIELD_OPTIONAL),
    F_STR(session_open_answer, "connector", connector, KEY_MAX, FIELD_OPTIONAL),
    F_INT(session_open_answer, "deadline", deadline, 0, FIELD_OPTIONAL),
    F_INT(session_open_answer, "idle", idle, 0, FIELD_OPTIONAL),
    F_INT(session_open_answer, "reverify", reverify, 0, FIELD_OPTIONAL),
    F_BOOL(session_open_answer, "cut_through", cut_through, FIELD_OPTIONAL),
    F_STR(session_open_answer, "code", code, 64, FIELD_OPTIONAL),
    F_LIST(session_open_answer, "reasons", reasons, reason_count, reason_rows, FIELD_OPTIONAL),
    F_STRS(session_open_answer, "remedies", remedies, remedy_count, SESSION_TEXT_MAX,
           FIELD_OPTIONAL),
    F_STR(session_open_answer, "step_up", step_up, WORD_MAX, FIELD_OPTIONAL),
    F_BOOL(session_open_answer, "posture_only", posture_only, FIELD_OPTIONAL),
    F_STR(session_open_answer, "request", request, WORD_MAX, FIELD_OPTIONAL),
    F_END,
};

const struct field session_cut_fields[] = {
    F_ID(session_cut, "session", session, FIELD_OPTIONAL),
    F_STR(session_cut, "device", device, KEY_MAX, FIELD_OPTIONAL),
    F_ID(session_cut, "connector", connector, FIELD_OPTIONAL),
    F_ID(session_cut, "app", app, FIELD_OPTIONAL),
    F_ID(session_cut, "user", user, FIELD_OPTIONAL),
    F_STR(session_cut, "why", why, WORD_MAX, 0),
    F_STR(session_cut, "text", text, SESSION_TEXT_MAX, FIELD_OPTIONAL),
    F_INT(session_cut, "version", version, 0, FIELD_OPTIONAL),
    F_END,
};

const struct field session_cut_answer_fields[] = {
    F_INT(session_cut_answer, "count", count, 0, 0),
    F_INT(session_cut_answer, "ms", ms, 0, 0),
    F_END,
};

const struct field session_limit_fields[] = {
    F_ID(session_limit, "session", session, 0),
    F_INT(session_limit, "until", until, 0, 0),
    F_STR(session_limit, "why", why, SESSION_TEXT_MAX, 0),
    F_STR(session_limit, "step_up", step_up, WORD_MAX, FIELD_OPTIONAL),
    F_END,
};

const struct field session_name_fields[] = {
    F_ID(session_name, "session", session, 0),
    F_END,
};

const struct field edge_audit_fields[] = {
    F_STR(edge_audit, "action", action, WORD_MAX, 0),
    F_ID(edge_audit, "session", session, FIELD_OPTIONAL),
    F_ID(edge_audit, "app", app, FIELD_OPTIONAL),
    F_STR(edge_audit, "why", why, WORD_MAX, 0),
    F_STR(edge_audit, "text", text, EDGE_AUDIT_TEXT_MAX, 0),
    F_JSON(edge_audit, "detail", detail, FIELD_OPTIONAL),
    F_INT(edge_audit, "lost", lost, 0, FIELD_OPTIONAL),
    F_INT(edge_audit, "at", at, 0, FIELD_OPTIONAL),
    F_END,
};

const struct field audit_batch_fields[] = {
    F_ID(audit_batch, "spool", spool, 0),
    F_INT(audit_batch, "first", first, INT64_MAX / 2, 0),
    F_LIST(audit_batch, "records", records, record_count, edge_audit_fields, FIELD_OPTIONAL),
    F_INT(audit_batch, "waiting", waiting, 0, FIELD_OPTIONAL),
    F_INT(audit_batch, "oldest", oldest, 0, FIELD_OPTIONAL),
    F_INT(audit_batch, "dropped", dropped, 0, FIELD_OPTIONAL),
    F_END,
};

const struct field audit_batch_answer_fields[] = {
    F_INT(audit_batch_answer, "told", told, 0, 0),
    F_END,
};

const struct field why_ask_fields[] = {
    F_STR(why_ask, "app", app, NAME_MAX_BYTES, 0),
    F_END,
};

const struct field why_said_fields[] = {
    F_ENUM(why_said, "decision", decision, session_decision_names, 0),
    F_STR(why_said, "code", code, 64, FIELD_OPTIONAL),
    F_LIST(why_said, "reasons", reasons, reason_count, reason_rows, FIELD_OPTIONAL),
    F_STRS(why_said, "remedies", remedies, remedy_count, SESSION_TEXT_MAX, FIELD_OPTIONAL),
    F_JSON(why_said, "trace", trace, FIELD_OPTIONAL),
    F_STR(why_said, "request", request, WORD_MAX, FIELD_OPTIONAL),
    F_END,
};
