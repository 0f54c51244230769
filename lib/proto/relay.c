#include "lib/proto/relay.h"

const char *const open_mode_names[] = {NULL, "cut", "frames", NULL};
const char *const open_verdict_names[] = {NULL, "take", "refuse", NULL};

enum { KEY_TEXT_BYTES = 64, WORD_BYTES = 32 };

static const struct field entry_rows[] = {
    F_ID(live_entry, "session", session, 0),
    F_ID(live_entry, "app", app, 0),
    F_ID(live_entry, "connector", connector, 0),
    F_ID(live_entry, "relay", relay, 0),
    F_STR(live_entry, "device", device, KEY_TEXT_BYTES, 0),
    F_INT(live_entry, "policy", policy, 0, 0),
    F_INT(live_entry, "deadline", deadline, 0, 0),
    F_INT(live_entry, "opened", opened, 0, 0),
    F_INT(live_entry, "up", up, 0, 0),
    F_INT(live_entry, "down", down, 0, 0),
    F_END,
};

const struct field live_list_fields[] = {
    F_LIST(live_list, "sessions", sessions, session_count, entry_rows, 0),
    F_BOOL(live_list, "last", last, 0),
    F_END,
};

static const struct field closed_rows[] = {
    F_ID(live_closed, "session", session, 0), F_STR(live_closed, "why", why, WORD_BYTES, 0),
    F_INT(live_closed, "up", up, 0, 0),       F_INT(live_closed, "down", down, 0, 0),
    F_INT(live_closed, "ms", ms, 0, 0),       F_END,
};

static const struct field bytes_rows[] = {
    F_ID(live_bytes, "session", session, 0),
    F_INT(live_bytes, "up", up, 0, 0),
    F_INT(live_bytes, "down", down, 0, 0),
    F_INT(live_bytes, "streams", streams, 0, 0),
    F_END,
};

const struct field live_delta_fields[] = {
    F_LIST(live_delta, "opened", opened, opened_count, entry_rows, FIELD_OPTIONAL),
    F_LIST(live_delta, "closed", closed, closed_count, closed_rows, FIELD_OPTIONAL),
    F_LIST(live_delta, "bytes", bytes, bytes_count, bytes_rows, FIELD_OPTIONAL),
    F_END,
};

static const struct field at_rows[] = {
    F_ID(stand_at_entry, "id", id, 0),
    F_INT(stand_at_entry, "generation", generation, 0, 0),
    F_INT(stand_at_entry, "rtt_us", rtt_us, 0, FIELD_OPTIONAL),
    F_INT(stand_at_entry, "spares", spares, 0, FIELD_OPTIONAL),
    F_END,
};

const struct field stand_at_fields[] = {
    F_LIST(stand_at, "at", at, at_count, at_rows, 0),
    F_BOOL(stand_at, "last", last, 0),
    F_END,
};

const struct field relay_boot_fields[] = {
    F_ID(relay_boot, "boot", boot, 0),
    F_STRS(relay_boot, "addresses", addresses, address_count, 260, FIELD_OPTIONAL),
    F_END,
};

const struct field load_report_fields[] = {
    F_INT(load_report, "tunnels", tunnels, 0, 0),
    F_INT(load_report, "sessions", sessions, 0, 0),
    F_INT(load_report, "bytes_per_s", bytes_per_s, 0, 0),
    F_INT(load_report, "descriptors_free", descriptors_free, 0, 0),
    F_END,
};

const struct field drain_fields[] = {
    F_INT(drain, "until", until, 0, 0),
    F_END,
};

const struct field ticket_fields[] = {
    F_IDS(ticket, "tickets", tickets, ticket_count, 0),
    F_INT(ticket, "until", until, 0, 0),
    F_END,
};

const struct field relay_open_fields[] = {
    F_STR(relay_open, "grant", grant, 1024, 0),
    F_ID(relay_open, "ticket", ticket, 0),
    F_ENUM(relay_open, "mode", mode, open_mode_names, 0),
    F_END,
};

const struct field relay_open_answer_fields[] = {
    F_ENUM(relay_open_answer, "verdict", verdict, open_verdict_names, 0),
    F_STR(relay_open_answer, "code", code, WORD_BYTES, FIELD_OPTIONAL),
    F_END,
};
