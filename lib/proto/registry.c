#include "lib/proto/registry.h"

enum { NAME_BYTES = 128, STATEMENT_BYTES = 48 * 1024, STAND_BYTES = 1024, HASH_TEXT = 43 };

const struct field enrol_fields[] = {
    F_STR(enrol, "token", token, 64, 0),
    F_STR(enrol, "name", name, NAME_BYTES, 0),
    F_STRS(enrol, "addresses", addresses, address_count, REGISTRY_ADDRESS_MAX, FIELD_OPTIONAL),
    F_END,
};

const struct field enrol_answer_fields[] = {
    F_ID(enrol_answer, "id", id, 0),
    F_ID(enrol_answer, "site", site, FIELD_OPTIONAL),
    F_STR(enrol_answer, "site_name", site_name, NAME_BYTES, FIELD_OPTIONAL),
    F_STR(enrol_answer, "keys", keys, STATEMENT_BYTES, 0),
    F_END,
};

const struct field statement_put_fields[] = {
    F_STR(statement_put, "statement", statement, STATEMENT_BYTES, 0),
    F_END,
};

const struct field app_drop_fields[] = {
    F_ID(app_drop, "app", app, 0),
    F_INT(app_drop, "version", version, 0, 0),
    F_END,
};

const struct field stand_put_fields[] = {
    F_STR(stand_put, "statement", statement, STAND_BYTES, 0),
    F_ID(stand_put, "relay", relay, 0),
    F_STR(stand_put, "name", name, NAME_BYTES, 0),
    F_STRS(stand_put, "addresses", addresses, address_count, REGISTRY_ADDRESS_MAX, 0),
    F_BLOB(stand_put, "key", key, HASH_TEXT, 0),
    F_END,
};

const struct field stand_drop_fields[] = {
    F_ID(stand_drop, "relay", relay, 0),
    F_END,
};

const struct field at_fields[] = {
    F_STR(at, "scope", scope, 64, 0),
    F_INT(at, "version", version, 0, 0),
    F_END,
};

const struct field app_test_fields[] = {
    F_ID(app_test, "app", app, 0),
    F_END,
};

const struct field app_test_answer_fields[] = {
    F_STR(app_test_answer, "address", address, REGISTRY_ADDRESS_MAX, FIELD_OPTIONAL),
    F_STR(app_test_answer, "floor", floor, 256, FIELD_OPTIONAL),
    F_STR(app_test_answer, "failed", failed, 256, FIELD_OPTIONAL),
    F_INT(app_test_answer, "ms", ms, 0, 0),
    F_END,
};

const struct field blob_get_fields[] = {
    F_BYTES(blob_get, "sha256", sha256, 0),
    F_INT(blob_get, "at", at, 16 * 1024 * 1024, 0),
    F_END,
};

const struct field blob_get_answer_fields[] = {
    F_BLOB(blob_get_answer, "bytes", bytes, 43692, FIELD_EMPTY),
    F_INT(blob_get_answer, "size", size, 16 * 1024 * 1024, 0),
    F_END,
};
