#ifndef SP_CLIENT_DESKTOP_NOTICES_H
#define SP_CLIENT_DESKTOP_NOTICES_H

/*
 * notices: what a person at a desktop is told, when, and once. Facts in, notices out; no D-Bus
 * here.
 *
 * A notice has a key: a later one with the same key takes its place, and one that is `over` takes
 * it away. A zeroed struct has told nothing yet. Times are Unix ms of one clock. Loop thread only.
 */

#include "lib/base/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NOTICES_SESSIONS_MAX = 256,
    NOTICES_SIGNALS_MAX = 32,
    NOTICES_EARLY_MS = 10 * 60 * 1000, /* before a session's end */
    NOTICES_LATE_MS = 2 * 60 * 1000,
    NOTICES_LOGIN_MS = 15 * 60 * 1000 /* before the login's end */
};

struct notice {
    char key[64];
    char title[160], body[768]; /* foreign text as it came */
    bool urgent;                /* stays until it is dismissed */
    bool over;                  /* nothing but `key` counts */
    const char *action;         /* a button's label, of static life; NULL: none */
};

typedef void notice_show(void *arg, const struct notice *n);

struct notices_session {
    struct sp_id id;
    const char *app;
    int64_t opened, deadline; /* 0: no deadline */
};

struct notices_signal {
    const char *title, *text, *remedy; /* "Disk encryption", "fail: …" or "", what to do or "" */
};

struct notices {
    notice_show *show;
    void *arg;
    struct {
        struct sp_id id;
        int64_t told; /* the earliest limit that was told, ms before the end */
    } sessions[NOTICES_SESSIONS_MAX];
    size_t session_count;
    int64_t login_told; /* the end that was told */
    char failing[NOTICES_SIGNALS_MAX][64];
    size_t failing_count;
};

void notices_init(struct notices *n, notice_show *show, void *arg);

/* Now and then (each half minute will do): who ends soon. `login_until` 0: nobody is signed in. */
void notices_time(struct notices *n, const struct notices_session *all, size_t count,
                  int64_t login_until, int64_t now);

/* A session, or a connection that waits for one, needs a proof: `what` in the broker's words. */
void notices_step_up(struct notices *n, const char *app, const char *what);
/* It goes on, or is over. */
void notices_step_up_over(struct notices *n, const char *app);

/* Killed by an administrator, cut by policy, revoked; ends that the person made are not told. */
void notices_ended(struct notices *n, const char *app, const char *code, const char *why);
/* The broker closed this device out. */
void notices_revoked(struct notices *n);
/* The sign-in that a notice's button began came to nothing. */
void notices_signin_failed(struct notices *n);

/* All signals that fail now: new ones are told with their remedy, gone ones taken away. */
void notices_posture(struct notices *n, const struct notices_signal *failing, size_t count);

#endif
