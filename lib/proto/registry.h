#ifndef SP_PROTO_REGISTRY_H
#define SP_PROTO_REGISTRY_H

/*
 * registry: enrolment and the signed records that a broker hands to connectors and relays
 * (PROTOCOL §5). Statements are PASETO text, checked by lib/trust.
 */

#include "lib/proto/fields.h"

enum { REGISTRY_ADDRESSES_MAX = 8, REGISTRY_ADDRESS_MAX = 260 };

/* → "enrol", connector and relay; the channel's proven key is the one that is enrolled */
struct enrol {
    struct view token; /* spe_… */
    struct view name;
    struct view addresses[REGISTRY_ADDRESSES_MAX]; /* relay: where tunnels reach it, host:port */
    size_t address_count;
};
struct enrol_answer {
    struct sp_id id;
    struct sp_id site; /* connector */
    struct view site_name;
    struct view keys; /* statement */
};
/* ↠ "keys", "app.put" from the broker */
struct statement_put {
    struct view statement;
};
/* ↠ "app.drop" from the broker */
struct app_drop {
    struct sp_id app;
    int64_t version; /* records of it up to this version are void */
};
/* ↠ "stand.put" from the broker to a connector: where to stand */
struct stand_put {
    struct view statement;
    struct sp_id relay;
    struct view name;
    struct view addresses[REGISTRY_ADDRESSES_MAX]; /* host:port */
    size_t address_count;
    struct view key; /* base64url SHA-256 of the relay's SPKI */
};
/* ↠ "stand.drop" from the broker */
struct stand_drop {
    struct sp_id relay;
};
/* ↠ "at" from the edge: applied */
struct at {
    struct view scope; /* "keys", "app ID", "stand ID" */
    int64_t version;
};
/* → "app.test" from the broker to a connector */
struct app_test {
    struct sp_id app;
};
struct app_test_answer {
    struct view address; /* resolved; absent: not resolved */
    struct view floor;   /* ok, or the line of the floor file that refuses */
    /* Absent: connected. refused, timeout, unreachable, not_found, floor, record ("error" is the
     * envelope's own member). */
    struct view failed;
    int64_t ms;
};
/* → "blob.get" */
struct blob_get {
    uint8_t sha256[32];
    int64_t at;
};
struct blob_get_answer {
    struct view bytes; /* base64url, at most 32 KiB decoded */
    int64_t size;      /* of the whole */
};

extern const struct field enrol_fields[], enrol_answer_fields[], statement_put_fields[],
    app_drop_fields[], stand_put_fields[], stand_drop_fields[], at_fields[], app_test_fields[],
    app_test_answer_fields[], blob_get_fields[], blob_get_answer_fields[];

#endif
