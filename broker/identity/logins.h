#ifndef SP_IDENTITY_LOGINS_H
#define SP_IDENTITY_LOGINS_H

/*
 * logins: a login in progress, from its start on a device's channel or in a browser, through the
 * provider and the second factor, to a device login or a browser ticket (PROTOCOL section 11).
 *
 *   device   login.start → /login/device?start=… → provider → factor → approve → loopback code →
 *            login.finish on the same key's channel
 *   browser  /login → provider → factor → ticket
 *   code     login.start → the code at /d in any browser → provider → factor → approve; the device
 *            asks with login.poll, then login.finish (RFC 8628; off unless configured, OA-10)
 * Between its pages a login lives in one sealed cookie (v4.local) of its own, so ten tabs are ten
 * logins (C-010) and any broker can go on with it; each way forward spends an id once, in one
 * statement of the store. Steps only go forward: step is part of what is sealed.
 * Pages (broker/pages) call these functions and draw what they answer; nothing here is HTML.
 * Worker threads; logins_to_provider and logins_answer call out (POOL_OUTBOUND).
 * Errors besides those listed: the store's.
 */

#include "broker/identity/mfa.h"
#include "broker/identity/oidc.h"
#include "broker/identity/signin.h"
#include "broker/registry/devices.h"
#include "broker/registry/users.h"

struct logins;

enum {
    LOGINS_LIFE_MS = 10 * 60 * 1000, /* from start to end (IDT-19) */
    LOGINS_CODE_MS = 3 * 60 * 1000,  /* the loopback code */
    LOGINS_COOKIES_MAX = 12,         /* pending logins of one browser; the oldest goes */
    LOGINS_REDIRECT_MAX = 256,
    LOGINS_STATE_MAX = 128,
    LOGINS_CHALLENGE_TEXT = 43,
    LOGINS_MATCH_TEXT = 9, /* "K7QF-3MPT" */
    LOGINS_CODE_TEXT = 43,
    LOGINS_RETURN_MAX = 512,
    LOGINS_CODES_MAX = 4096, /* finished in the browser, not yet by the device */
    LOGINS_POLL_TEXT = 56,   /* of a device that waits for its code to be entered elsewhere */
    LOGINS_POLL_MS = 5 * 1000,
    LOGINS_POLL_MAX_MS = 60 * 1000,
    LOGINS_POLL_SLACK_MS = 500, /* clocks and networks are not that exact */
    LOGINS_OPEN_TRIES = 5       /* of one code (OA-10) */
};

struct logins_options {
    struct store *store;
    struct registry *registry;
    struct oidc *oidc;
    struct mfa *mfa;
    struct signin *signin;
    const struct secret *cookie_key; /* 32 bytes */
    const struct secret *cookie_old; /* the one before, which still reads; NULL: none */
    sp_unix_ms cookie_old_until;
    const char *origin;   /* "https://access.example.org" */
    int64_t session_ms;   /* life of a device login */
    bool approve_devices; /* a person's own device at its first login */
    bool device_code;     /* a code of one device may be entered on another */
    /* Told as a device's login moves on: "opened", "signed_in", "approved", "refused". Any
     * worker; NULL: nobody listens. */
    void (*moved)(void *arg, const struct key_public *device, const char *state, const char *text);
    void *arg;
};

/* All pointers are borrowed until logins_free. SP_ERR_NOMEM */
SP_MUST sp_error logins_new(const struct logins_options *o, struct logins **out);
void logins_free(struct logins *l);

/* ---- on the device's channel (broker/control) ------------------------------------------- */

/* The channel as the broker knows it. Borrowed for the call. */
struct login_device {
    const struct key_public *key;
    bool hardware_key;
    const char *name, *os, *serials, *software; /* as the device says; shown, never trusted */
    const char *address;                        /* of the channel's peer */
};

struct login_begin {
    struct view redirect;  /* empty: no browser on the device, the code is typed */
    struct view challenge; /* PKCE S256 */
    struct view state;
    struct view idp; /* empty: choose in the browser */
    bool device_code;
};

struct login_begun {
    char match[LOGINS_MATCH_TEXT + 1]; /* to compare; with device_code: to enter */
    char poll[LOGINS_POLL_TEXT + 1];   /* with device_code, else "" */
    sp_unix_ms until;
};

/*
 * Appends the address to open.
 *   SP_ERR_INVALID  redirect is not http://127.0.0.1:PORT/PATH or http://[::1]:PORT/PATH (OA-9),
 *                   challenge or state break their form; `why` says which
 *   SP_ERR_DENIED   the device is blocked or lost, or device codes are off
 *   SP_ERR_BUSY     too many wait
 */
SP_MUST sp_error logins_begin(struct logins *l, const struct login_device *device,
                              const struct login_begin *begin, struct sp_why *why, struct buf *url,
                              struct login_begun *out);

/* What became of the code: "waiting", "approved", "refused" or "expired", which is also the answer
 * to another device and to a secret that is none. */
const char *logins_poll(struct logins *l, const struct login_device *device, struct view poll,
                        int64_t *interval_ms);

struct login_done {
    struct user_row user;
    struct device_row device;
    struct login_row login;
};

/*
 * Binds the login that the code stands for to the device of this channel.
 *   SP_ERR_DENIED   unknown, used or expired code, code of another device's login, wrong verifier:
 *                   one answer; or the device belongs to someone else. A code that was used
 *                   before also ends the login that it gave (OA-6).
 */
SP_MUST sp_error logins_finish(struct logins *l, const struct login_device *device,
                               struct view code, struct view verifier, struct sp_why *why,
                               struct login_done *out);

/*
 * A newer proof for a device's login (step-up): what was typed at the device.
 *   SP_ERR_DENIED           as mfa_verify
 *   SP_ERR_UNAUTHENTICATED  nobody is logged in on this device
 */
SP_MUST sp_error logins_factor(struct logins *l, struct sp_id device, struct view typed,
                               const char *address, struct mfa_answer *answer,
                               struct login_row *out);

/* Ends the device's login; `everywhere`: all of its user. SP_ERR_NOT_FOUND */
SP_MUST sp_error logins_end(struct logins *l, struct sp_id device, bool everywhere,
                            const char *address);

/* The login of a device that is still valid at `now`. SP_ERR_UNAUTHENTICATED */
SP_MUST sp_error logins_of_device(struct logins *l, struct sp_id device, sp_unix_ms now,
                                  struct login_row *out);

/* Whose it is, and their devices, the one seen last first: for the person's own pages. */
SP_MUST sp_error logins_user(struct logins *l, struct sp_id user, struct user_row *out);
SP_MUST sp_error logins_devices(struct logins *l, struct sp_id user, struct device_row *out,
                                size_t max, size_t *count);

/* ---- in the browser (broker/pages) ------------------------------------------------------ */

enum login_step {
    LOGIN_NOWHERE = 0,
    LOGIN_CHOOSE,   /* a provider */
    LOGIN_PROVIDER, /* the browser is there */
    LOGIN_FACTOR,   /* the provider's answer was good: user is known */
    LOGIN_APPROVE,  /* device logins: is this your device? */
    LOGIN_STEPS
};

/* One login in progress, opened from its cookie. */
struct login {
    struct sp_id id; /* names the cookie */
    enum login_step step;
    bool device; /* else of the browser */
    bool waits;  /* device logins: its code was entered in a browser elsewhere */
    sp_unix_ms started;
    char return_to[LOGINS_RETURN_MAX + 1]; /* browser: a path of ours */
    char idp[ROW_NAME_MAX + 1];            /* hint, then the chosen one */
    struct oidc_attempt attempt;           /* LOGIN_PROVIDER */
    struct sp_id user;                     /* from LOGIN_FACTOR on */
    sp_unix_ms auth_at, mfa_at;
    enum mfa_row_kind mfa_kind;
    char amr[ROW_TEXT_MAX + 1], acr[ROW_NAME_MAX + 1], sid[ROW_SUB_MAX + 1];
    /* device logins */
    struct key_public key;
    bool hardware_key;
    char name[ROW_NAME_MAX + 1], os[ROW_NAME_MAX + 1], software[ROW_NAME_MAX + 1];
    char serials[ROW_NAME_MAX + 1];
    char address[64]; /* where it was asked from */
    char redirect[LOGINS_REDIRECT_MAX + 1], state[LOGINS_STATE_MAX + 1];
    char challenge[LOGINS_CHALLENGE_TEXT + 1], match[LOGINS_MATCH_TEXT + 1];
};

/* A browser begins by itself. `return_to` that is no path of ours becomes "/" (OA-4). */
void logins_open_browser(struct logins *l, struct view return_to, struct login *out);
/* The address of logins_begin was opened.
 *   SP_ERR_EXPIRED, SP_ERR_DENIED (not one of ours) */
SP_MUST sp_error logins_open_device(struct logins *l, struct view start, struct login *out);
/* A code was entered. Errors of waits_open; SP_ERR_UNSUPPORTED: device codes are off. */
SP_MUST sp_error logins_open_code(struct logins *l, struct view typed, const char *address,
                                  struct login *out);
/* Whether codes can be entered at all. */
bool logins_codes_allowed(const struct logins *l);

/* Puts it into its cookie, and drops the oldest of too many. */
void logins_keep(struct logins *l, const struct login *login, const struct request *req,
                 struct response *res);
/*
 * The login that the form or link names ("l" = text of its id), if this browser holds it and it
 * is at `step`.
 *   SP_ERR_NOT_FOUND  no such login here, over, or at another step: offer to start again
 */
SP_MUST sp_error logins_load(struct logins *l, const struct request *req, struct view id,
                             enum login_step step, struct login *out);
void logins_drop(const struct login *login, struct response *res);

/* To the provider: appends the address, moves to LOGIN_PROVIDER. SP_ERR_NOT_FOUND: no such
 * provider; else errors of oidc_begin, with a record of it. */
SP_MUST sp_error logins_to_provider(struct logins *l, const struct request *req,
                                    struct login *login, struct view idp, struct buf *url,
                                    struct sp_why *why);

/*
 * Back from it, on the callback of provider `idp`: finds the login by `state`, spends it, checks
 * the answer, finds or makes the user; moves to LOGIN_FACTOR.
 *   SP_ERR_NOT_FOUND  no login of this browser has this state, or it is over (IDT-19)
 *   SP_ERR_REPLAY     its callback came before
 *   SP_ERR_DENIED     the provider or the registry said no; `why`
 *   errors of oidc_finish
 */
SP_MUST sp_error logins_answer(struct logins *l, const struct request *req, struct view idp,
                               struct login *out, struct sp_why *why);

/* The factor was proved (mfa_verify or mfa_enrol by the page). Device logins move to
 * LOGIN_APPROVE; a browser login is finished: ticket set, cookie dropped; the page redirects to
 * login->return_to.   SP_ERR_REPLAY  this login was finished before */
SP_MUST sp_error logins_proved(struct logins *l, struct login *login,
                               const struct mfa_answer *answer, const struct request *req,
                               struct response *res);

/*
 * Approved. Appends the loopback address with code and state, or, when the device has no browser,
 * only the code for typing; nothing for a device that waits.
 *   SP_ERR_REPLAY  decided before; SP_ERR_BUSY  too many wait; SP_ERR_EXPIRED  nobody waits
 */
SP_MUST sp_error logins_approve(struct logins *l, const struct login *login,
                                const struct request *req, struct response *res, struct buf *out);
/* Not mine: spends it, tells the device, audits. */
SP_MUST sp_error logins_refuse(struct logins *l, const struct login *login,
                               const struct request *req, struct response *res);

/* A same-origin path, or "/" (OA-4). For every redirect that a request may choose. */
struct view logins_return_to(struct view wanted);

#endif
