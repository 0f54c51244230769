#include "lib/proto/posture.h"

const char *const signal_verdict_names[] = {NULL, "pass", "fail", "unknown", NULL};

const struct field posture_nonce_answer_fields[] = {
    F_BYTES(posture_nonce_answer, "nonce", nonce, 0),
    F_INT(posture_nonce_answer, "until", until, 0, 0),
    F_END,
};

const struct field posture_report_fields[] = {
    F_BLOB(posture_report, "bytes", bytes, POSTURE_REPORT_TEXT_MAX, 0),
    F_BLOB(posture_report, "sig", sig, 96, 0),
    F_END,
};

static const struct field signal_rows[] = {
    F_STR(posture_signal, "signal", signal, 64, 0),
    F_ENUM(posture_signal, "verdict", verdict, signal_verdict_names, 0),
    F_STR(posture_signal, "text", text, 256, FIELD_OPTIONAL),
    F_END,
};

const struct field posture_report_answer_fields[] = {
    F_INT(posture_report_answer, "sequence", sequence, 0, 0),
    F_LIST(posture_report_answer, "signals", signals, signal_count, signal_rows, 0),
    F_END,
};
