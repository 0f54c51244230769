#ifndef SP_PROTO_OPENING_H
#define SP_PROTO_OPENING_H

/*
 * opening: hello, prove, welcome: the first three messages of every channel (PROTOCOL §4).
 *
 * Form only; who signs what is lib/trust/proof.h, the order is lib/channel/opening.h. Keys are text
 * as lib/crypto/key.h reads it ("ed25519:…", "p256:…"), statements are PASETO text.
 */

#include "lib/proto/fields.h"

enum {
    PROTO_VERSION_LOW = 1,
    PROTO_VERSION_HIGH = 1,
    PROTO_NONCE_BYTES = 32,
    PROTO_SIG_TEXT_MAX = 96, /* base64url of 64 bytes is 86 */
    PROTO_KEY_TEXT_MAX = 64,
    PROTO_STATEMENT_MAX = 48 * 1024, /* keys, app, identity as text */
    PROTO_NAME_MAX = 128,
    PROTO_CAPS_MAX = 16,
    PROTO_CAP_MAX = 31
};

/* "hello", server → edge. */
struct opening_hello {
    int64_t versions[2];  /* lowest and highest that the server speaks */
    size_t version_count; /* 2 */
    uint8_t nonce[PROTO_NONCE_BYTES];
    int64_t time;     /* broker time, Unix ms */
    struct view id;   /* the server's key: broker identity, or the relay's TLS key */
    struct view keys; /* `keys` statement; absent from a relay */
    struct view sig;  /* base64url */
};

enum prove_kind { PROVE_NOBODY = 0, PROVE_DEVICE, PROVE_CONNECTOR, PROVE_RELAY, PROVE_KINDS };

/* "prove", edge → server. */
struct opening_prove {
    int64_t v; /* the version that the edge chose from the range */
    int kind;  /* enum prove_kind */
    struct view key;
    struct view tunnel_key; /* device only: the key that grants will name */
    struct view tunnel_sig; /* device only: the device key over the tunnel key (proof.h) */
    struct sp_id id;        /* own id, when the edge has one already; zero: unknown key */
    struct sp_id boot;      /* relay only: this start's id */
    uint8_t nonce[PROTO_NONCE_BYTES]; /* the server's, again */
    struct view software;             /* "sallyport 0.1.0 (linux x86_64)" */
    struct view caps[PROTO_CAPS_MAX]; /* statement versions and features that it reads */
    size_t cap_count;
    struct view stand; /* to a relay: the stand statement */
    struct view sig;
};

/* "welcome", server → edge. From here on the channel is open. */
struct opening_welcome {
    int64_t v;
    struct sp_id id;   /* the edge's id; zero while the key is unknown (login.*, enrol only) */
    struct view state; /* device: unknown pending approved blocked lost; others: approved */
    int64_t ping;      /* ms between pings */
    /* A device with a login: what `sallyport status` shows after a restart. */
    struct view user;     /* "anna@corp" */
    int64_t until;        /* Unix ms; 0: no login */
    int64_t mfa_at;       /* Unix ms; 0: none */
    struct view mfa_kind; /* any, otp, phishing_resistant */
};

extern const struct field hello_fields[], prove_fields[], welcome_fields[];
extern const char *const prove_kind_names[]; /* "device", "connector", "relay" from index 1 */

#endif
