#ifndef SP_GATEWAY_TRACE_H
#define SP_GATEWAY_TRACE_H

/*
 * trace: what a record of a refusal or of an incident says of its request beside who, where and
 * why: by which versions it was judged, how large it was, how long it took. Numbers and hashes
 * only, never a value of the request.
 *
 * Made by   the connector's gateway, for the request as far as it has come.
 * Read by   people, in the audit log and beside an incident. Pure. Any thread.
 */

#include "lib/base/json.h"

enum { TRACE_DECISION_TEXT = 17 };

struct trace {
    char decision[TRACE_DECISION_TEXT]; /* 16 hex digits; "" none */
    int64_t policy_version;             /* of the session's grant; 0: not known */
    int64_t app_version;                /* of the app's record, so of its gateway; 0: not known */
    bool documented;
    uint8_t document[32]; /* documented: SHA-256 of the API document in force */
    uint64_t request_bytes;
    uint64_t response_bytes; /* of the application's answer, also of one that was held back */
    int64_t latency_us;      /* since the head of the request was whole */
};

/* Adds its members to the object; what is not known is left out. */
void trace_write(const struct trace *t, struct json *o);

#endif
