#ifndef SP_PAGES_PAGES_INTERNAL_H
#define SP_PAGES_PAGES_INTERNAL_H

/* What the pages share: the frame around each, the sign for states, and the refusals. */

#include "broker/pages/pages.h"
#include "lib/http/html.h"

struct pages {
    struct pages_options o; /* borrowed pointers */
};

enum { PAGE_MAX = 512 * 1024 };

/* One request on its way to a page. */
struct visit {
    struct pages *p;
    const struct request *req;
    struct response *res;
    struct buf page; /* being written; taken by page_end */
};

/* Begins a card with a heading; what follows is written with html_f(&v->page, …). `broad`: more
 * room, for a page with a drawing. */
void pages_begin(struct visit *v, const char *title, bool broad);
void page_end(struct visit *v, int status);
/* Begins a page without a card, for lists. */
void page_begin_wide(struct visit *v, const char *title, const char *who);
void page_end_wide(struct visit *v, int status);

/* The icon with this id of the sprite that every page carries. `id` is a literal of ours. */
void page_icon(struct buf *out, const char *id);
/* A button that copies the text of the element with the id `from`. It is hidden until the script
 * of the pages has shown it, so that nobody without script sees a dead one. `look`: its classes;
 * `label`: its name where it has no `text`; literals of ours. */
void page_copy(struct buf *out, const char *look, const char *from, const char *label,
               const char *text);
/* The line under a field that says what was wrong. */
void page_error(struct buf *out, const char *id, const char *text);

/* "25 Nov 2026, 15:29 UTC", for printf within the full expression. */
struct page_time {
    char s[40];
};
struct page_time page_time(sp_unix_ms at);

/* The address of this request as policy sees it: IPv4 as ::ffff:a.b.c.d. */
struct net_address page_peer(const struct request *req);

/* The login can't go on: what happened, and a way to begin again. */
void page_stopped(struct visit *v, int status, const char *title, const char *text);
/* The refusal of an error nobody expected shows the request's reference only (LOG-7). */
void page_failed(struct visit *v, sp_error e);

/* 303 to PATH?l=ID. `path` is a literal of ours. */
void page_go(struct visit *v, const char *path, const struct login *login);

/* A form field of the body, a value of the query; views into `f`, which the caller deinits. */
SP_MUST sp_error visit_form(struct visit *v, struct form *f);
SP_MUST sp_error visit_query(struct visit *v, struct form *f);
struct audit_record visit_record(const struct visit *v, struct sp_id user);

/* What a person reads after a try with a code. */
void code_words(const struct mfa_answer *a, struct buf *out);

/* Choose a provider, for this login. */
void login_draw(struct visit *v, const struct login *login);
/* The page that sets an authenticator up: QR, secret, first code. `login` NULL: none is under way.
 */
void draw_enrol(struct visit *v, const struct mfa_enrolment *e, const char *action,
                const struct login *login, const char *problem);
/* The page that shows recovery codes this once; `next`: where it leads. */
void draw_recovery(struct visit *v, const struct mfa_recovery *codes, const char *next);

/* ---- the pages, one function a route */
typedef void page_fn(struct visit *v);
page_fn entry_page, entry_post;
page_fn login_page, login_device_page, login_go, login_callback;
page_fn code_page, code_post, enrol_post;
page_fn approve_page, approve_post, done_page;
page_fn factor_page, factor_post, logout_post;
page_fn home_page, denied_page, denied_post;
page_fn mine_end, mine_sign_out, mine_codes, mine_authenticator, mine_authenticator_post;

#endif
