#include "lib/proto/login.h"
#include "lib/proto/opening.h"

const struct field login_start_fields[] = {
    F_STR(login_start, "redirect", redirect, LOGIN_URL_MAX, FIELD_OPTIONAL),
    F_BLOB(login_start, "challenge", challenge, LOGIN_CODE_MAX, 0),
    F_BLOB(login_start, "state", state, LOGIN_CODE_MAX, 0),
    F_STR(login_start, "idp", idp, 64, FIELD_OPTIONAL),
    F_STR(login_start, "name", name, PROTO_NAME_MAX, FIELD_OPTIONAL),
    F_STR(login_start, "os", os, PROTO_NAME_MAX, FIELD_OPTIONAL),
    F_STR(login_start, "serials", serials, PROTO_NAME_MAX, FIELD_OPTIONAL),
    F_BOOL(login_start, "device_code", device_code, FIELD_OPTIONAL),
    F_END,
};

const struct field login_start_answer_fields[] = {
    F_STR(login_start_answer, "url", url, LOGIN_URL_MAX, 0),
    F_STR(login_start_answer, "code", code, 32, 0),
    F_INT(login_start_answer, "until", until, 0, 0),
    F_STR(login_start_answer, "poll", poll, LOGIN_CODE_MAX, FIELD_OPTIONAL),
    F_INT(login_start_answer, "interval_ms", interval_ms, 0, FIELD_OPTIONAL),
    F_END,
};

const struct field login_poll_fields[] = {
    F_STR(login_poll, "code", code, LOGIN_CODE_MAX, 0),
    F_END,
};

const struct field login_poll_answer_fields[] = {
    F_STR(login_poll_answer, "state", state, 32, 0),
    F_INT(login_poll_answer, "interval_ms", interval_ms, 0, 0),
    F_END,
};

const struct field login_state_fields[] = {
    F_STR(login_state, "state", state, 32, 0),
    F_STR(login_state, "text", text, 512, FIELD_OPTIONAL),
    F_END,
};

const struct field login_finish_fields[] = {
    F_STR(login_finish, "code", code, LOGIN_CODE_MAX, 0),
    F_BLOB(login_finish, "verifier", verifier, LOGIN_CODE_MAX, 0),
    F_END,
};

const struct field login_finish_answer_fields[] = {
    F_STR(login_finish_answer, "user", user, 256, 0),
    F_ID(login_finish_answer, "device", device, 0),
    F_STR(login_finish_answer, "state", state, 16, 0),
    F_INT(login_finish_answer, "until", until, 0, 0),
    F_BOOL(login_finish_answer, "groups_known", groups_known, 0),
    F_INT(login_finish_answer, "mfa_at", mfa_at, 0, FIELD_OPTIONAL),
    F_STR(login_finish_answer, "mfa_kind", mfa_kind, 32, FIELD_OPTIONAL),
    F_END,
};

const struct field login_factor_fields[] = {
    F_STR(login_factor, "code", code, 64, 0),
    F_END,
};

const struct field login_factor_answer_fields[] = {
    F_INT(login_factor_answer, "mfa_at", mfa_at, 0, 0),
    F_STR(login_factor_answer, "kind", kind, 32, 0),
    F_END,
};

const struct field login_end_fields[] = {
    F_BOOL(login_end, "everywhere", everywhere, FIELD_OPTIONAL),
    F_END,
};

const struct field login_end_answer_fields[] = {
    F_INT(login_end_answer, "sessions", sessions, 0, 0),
    F_END,
};

const struct field api_ticket_answer_fields[] = {
    F_STR(api_ticket_answer, "ticket", ticket, 64, 0),
    F_INT(api_ticket_answer, "until", until, 0, 0),
    F_END,
};
