#ifndef SP_PROTO_LOGIN_H
#define SP_PROTO_LOGIN_H

/*
 * login: device logins over the agent's channel (PROTOCOL §5, §11). Times in Unix ms.
 */

#include "lib/proto/fields.h"

enum { LOGIN_URL_MAX = 2048, LOGIN_CODE_MAX = 128 };

/* → "login.start" */
struct login_start {
    struct view redirect;  /* http://127.0.0.1:PORT/PATH; absent: no browser here, the last page
                              shows the code for typing */
    struct view challenge; /* PKCE S256, base64url of 32 bytes */
    struct view state;     /* of the agent's loopback, 16..128 base64url characters */
    struct view idp;       /* hint; may be absent */
    struct view name, os, serials; /* what the device says of itself, for people; may be absent */
    bool device_code; /* nothing is typed here: the code is entered on another device (RFC 8628) */
};
struct login_start_answer {
    struct view url;  /* to open in a browser */
    struct view code; /* "K7QF-3MPT", to compare on the approval page */
    int64_t until;
    struct view poll;    /* with device_code: what login.poll and login.finish name; a secret */
    int64_t interval_ms; /* with device_code: between two login.poll */
};
/* → "login.poll": has somebody answered? Only for logins with device_code. */
struct login_poll {
    struct view code;
};
struct login_poll_answer {
    struct view state;   /* waiting, approved, refused, expired */
    int64_t interval_ms; /* until the next one; longer when this one came too early */
};
/* ↠ "login.state", from the broker while a login runs */
struct login_state {
    struct view state; /* opened, signed_in, approved, refused, expired */
    struct view text;  /* a sentence for people; may be absent */
};
/* → "login.finish" */
struct login_finish {
    struct view code;
    struct view verifier; /* PKCE */
};
struct login_finish_answer {
    struct view user;
    struct sp_id device;
    struct view state; /* of the device */
    int64_t until;
    bool groups_known;
    int64_t mfa_at;
    struct view mfa_kind;
};
/* → "login.factor" */
struct login_factor {
    struct view code; /* six digits, or a recovery code */
};
struct login_factor_answer {
    int64_t mfa_at;
    struct view kind;
};
/* → "login.end" */
struct login_end {
    bool everywhere;
};
struct login_end_answer {
    int64_t sessions; /* how many live sessions ended with it */
};
/* → "api.ticket" (no members) */
struct api_ticket_answer {
    struct view ticket; /* "sat_…" */
    int64_t until;
};

extern const struct field login_start_fields[], login_start_answer_fields[], login_poll_fields[],
    login_poll_answer_fields[], login_state_fields[], login_finish_fields[],
    login_finish_answer_fields[], login_factor_fields[], login_factor_answer_fields[],
    login_end_fields[], login_end_answer_fields[], api_ticket_answer_fields[];

#endif
