#ifndef SP_PAGES_PAGES_H
#define SP_PAGES_PAGES_H

/*
 * pages: what a person sees of the broker besides the console: plain forms that need no script.
 *
 *   GET  /login                 who are you: choose a provider       (?return_to=/path)
 *   GET  /login/device          the same, for the device that asks   (?start=…)
 *   GET  /login/go              to the provider                      (?l=…&idp=…)
 *   GET  /login/callback/NAME   back from it
 *   GET  /login/code            one-time code, or setting one up     (?l=…)
 *   POST /login/code, /login/enrol
 *   GET  /d, /d/CODE, POST /d   enter the code of a device that waits elsewhere
 *   GET  /login/approve         is this your device                  (?l=…)
 *   POST /login/approve
 *   GET  /login/done            nothing more to do here
 *   GET  /login/factor          a newer code for this browser's login (?return_to=/path)
 *   POST /login/factor
 *   POST /logout
 *   GET  /home                  my apps, devices, sessions, factor
 *   POST /home/end, /home/sign-out, /home/codes          a session, a device, recovery codes
 *   GET, POST /home/authenticator                        another authenticator
 *   GET  /denied                why an app is closed                 (?app=NAME&device=ID)
 *   POST /denied                asks for access to it
 * What changes something is a POST whose cookie no other site can bring along (SameSite), and
 * every answer is no-store (OA-5, TM-15). Style: /assets/style.css. The one script that their
 * policy allows, /assets/pages.js, copies, saves and prints what stands on the page; every page
 * works without it.
 * Worker threads; what pages_calls_out() names blocks on another server (POOL_OUTBOUND).
 */

#include "broker/identity/logins.h"
#include "lib/http/message.h"

struct live;
struct pages;
struct sessions;

struct pages_options {
    const char *organisation; /* title of every page; NULL: "This installation" */
    const char *help;         /* whom to ask; NULL: "your administrator" */
    const char *banner;       /* shown on every page: "Evaluation mode…"; NULL: none */
    bool enrol_at_login;      /* whoever has no factor sets one up at login (OTP-10); false: they
                                 are sent to whom `help` names */
    struct logins *logins;
    struct oidc *oidc;
    struct mfa *mfa;
    struct signin *signin;
    struct sessions *sessions; /* for /home and /denied; NULL: those answer 404 */
    struct live *live;         /* as above */
};

/* Everything is borrowed until pages_free. SP_ERR_NOMEM */
SP_MUST sp_error pages_new(const struct pages_options *o, struct pages **out);
void pages_free(struct pages *p); /* NULL is fine */

/* Answers when the path is one of the above; else false and `res` is untouched. */
bool pages_handle(struct pages *p, const struct request *req, struct response *res);

/* Whether answering this path waits for another server. Any thread. */
bool pages_calls_out(struct view path);

#endif
