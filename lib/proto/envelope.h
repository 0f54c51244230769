#ifndef SP_PROTO_ENVELOPE_H
#define SP_PROTO_ENVELOPE_H

/*
 * envelope: the outside of every control message (PROTOCOL §4).
 *
 *   call or event  {"t":"session.open","i":17, members…}
 *   answer         {"re":17,"i":9, members…}           or
 * {"re":17,"i":9,"error":{code,text,request}} `i` rises by one a direction, from 1. At most
 * ENVELOPE_BYTES_MAX, depth ENVELOPE_DEPTH_MAX. Reading is pure and strict; fuzzed by
 * tests/fuzz/fuzz_envelope.c with all families.
 */

#include "lib/base/json.h"

enum {
    ENVELOPE_BYTES_MAX = 64 * 1024,
    ENVELOPE_DEPTH_MAX = 16,
    ENVELOPE_TYPE_MAX = 32,
    ENVELOPE_CODE_MAX = 48,
    ENVELOPE_UNANSWERED_MAX = 64, /* a direction; 4429 above */
    ENVELOPE_CALL_MS = 10 * 1000,
    ENVELOPE_OPENING_BYTES_MAX = 4 * 1024, /* from the edge before welcome (WS-15) */
    ENVELOPE_OPENING_MS = 10 * 1000
};

/* Close codes of PROTOCOL §10. */
enum channel_close {
    CHANNEL_CLOSE_NORMAL = 1000,
    CHANNEL_CLOSE_GOING = 1001,
    CHANNEL_CLOSE_PROTOCOL = 1002,
    CHANNEL_CLOSE_PROOF = 4401,
    CHANNEL_CLOSE_CUT = 4403,
    CHANNEL_CLOSE_TIME = 4408,
    CHANNEL_CLOSE_REPLACED = 4409,
    CHANNEL_CLOSE_DRAINING = 4410,
    CHANNEL_CLOSE_VERSION = 4426,
    CHANNEL_CLOSE_TOO_MUCH = 4429
};

struct envelope {
    char type[ENVELOPE_TYPE_MAX + 1]; /* "family.verb"; empty: an answer */
    int64_t i;
    int64_t re;           /* 0: not an answer */
    struct json *members; /* the whole object; owned */
    bool is_error;
    struct view code, text, request; /* of an error answer; borrow members */
};

/*
 * On SP_OK `out` owns members: envelope_deinit. Checks neither order of `i` nor family: that is
 * lib/channel/call.
 *   SP_ERR_LIMIT, SP_ERR_MALFORMED, SP_ERR_NOMEM
 */
SP_MUST sp_error envelope_parse(struct view text, struct envelope *out);
void envelope_deinit(struct envelope *m);

/*
 * Appends the text of a call or event (re 0) or of an answer (type NULL). Takes `members`, also
 * when it fails; NULL members is an empty message.
 *   SP_ERR_LIMIT, SP_ERR_NOMEM
 */
SP_MUST sp_error envelope_write(const char *type, int64_t i, int64_t re, struct json *members,
                                struct buf *out);
/* The answer of a refusal. `request` may be NULL. */
SP_MUST sp_error envelope_write_error(int64_t i, int64_t re, const char *code, const char *text,
                                      const char *request, struct buf *out);

/* The stable word of an sp_error on the wire ("not_found", "denied", …) and back
 * (SP_ERR_REFUSED for a word that is not known). Never NULL. */
const char *envelope_code_of(sp_error e);
sp_error envelope_error_of(struct view code);

#endif
