#include "lib/proto/opening.h"

const char *const prove_kind_names[] = {NULL, "device", "connector", "relay", NULL};

const struct field hello_fields[] = {
    F_INTS(opening_hello, "v", versions, version_count, 1000, 0),
    F_BYTES(opening_hello, "nonce", nonce, 0),
    F_INT(opening_hello, "time", time, 0, 0),
    F_STR(opening_hello, "id", id, PROTO_KEY_TEXT_MAX, 0),
    F_STR(opening_hello, "keys", keys, PROTO_STATEMENT_MAX, FIELD_OPTIONAL),
    F_BLOB(opening_hello, "sig", sig, PROTO_SIG_TEXT_MAX, 0),
    F_END,
};

const struct field prove_fields[] = {
    F_INT(opening_prove, "v", v, 1000, 0),
    F_ENUM(opening_prove, "kind", kind, prove_kind_names, 0),
    F_STR(opening_prove, "key", key, PROTO_KEY_TEXT_MAX, 0),
    F_STR(opening_prove, "tunnel_key", tunnel_key, PROTO_KEY_TEXT_MAX, FIELD_OPTIONAL),
    F_BLOB(opening_prove, "tunnel_sig", tunnel_sig, PROTO_SIG_TEXT_MAX, FIELD_OPTIONAL),
    F_ID(opening_prove, "id", id, FIELD_OPTIONAL),
    F_ID(opening_prove, "boot", boot, FIELD_OPTIONAL),
    F_BYTES(opening_prove, "nonce", nonce, 0),
    F_STR(opening_prove, "software", software, PROTO_NAME_MAX, 0),
    F_STRS(opening_prove, "caps", caps, cap_count, PROTO_CAP_MAX, FIELD_OPTIONAL),
    F_STR(opening_prove, "stand", stand, 1024, FIELD_OPTIONAL),
    F_BLOB(opening_prove, "sig", sig, PROTO_SIG_TEXT_MAX, 0),
    F_END,
};

const struct field welcome_fields[] = {
    F_INT(opening_welcome, "v", v, 1000, 0),
    F_ID(opening_welcome, "id", id, FIELD_OPTIONAL),
    F_STR(opening_welcome, "state", state, 16, 0),
    F_INT(opening_welcome, "ping", ping, 10 * 60 * 1000, 0),
    F_STR(opening_welcome, "user", user, 256, FIELD_OPTIONAL),
    F_INT(opening_welcome, "until", until, 0, FIELD_OPTIONAL),
    F_INT(opening_welcome, "mfa_at", mfa_at, 0, FIELD_OPTIONAL),
    F_STR(opening_welcome, "mfa_kind", mfa_kind, 32, FIELD_OPTIONAL),
    F_END,
};
