#include "broker/pages/pages_internal.h"
#include "broker/session/live.h"
#include "broker/session/open.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum { HOME_DEVICES = 16, HOME_APPS = 100, HOME_SESSIONS = 32 };

/* One person's page: what was read before anything is drawn. */
struct home {
    struct user_row user;
    struct mfa_state mfa;
    struct device_row devices[HOME_DEVICES];
    size_t device_count;
    struct visible_app apps[HOME_APPS];
    size_t app_count;
    bool more_apps;
    struct session sessions[HOME_SESSIONS];
    size_t session_count;
};

struct net_address page_peer(const struct request *req)
{
    struct net_address a = {0};
    struct in_addr v4;

    if (inet_pton(AF_INET, req->peer, &v4) == 1) {
        a.bytes[10] = a.bytes[11] = 0xff;
        memcpy(a.bytes + 12, &v4, 4);
        a.known = true;
    } else if (inet_pton(AF_INET6, req->peer, a.bytes) == 1) {
        a.known = true;
    }
    return a;
}

/* What it is, how a person opens it, and where a program that goes through the proxy finds it. The
 * address on the device itself is the agent's choice: only it can say that one. */
static void draw_what(struct visit *v, const struct visible_app *app)
{
    html_f(&v->page, "<td role=\"cell\" class=\"main\"><b class=\"nowrap\">%s</b>", app->name);
    if (app->description[0] != '\0')
        html_f(&v->page, "<span class=\"two\">%s</span>", app->description);
    html_f(&v->page,
           "</td><td role=\"cell\" data-l=\"Open it with\"><div><code>sallyport %s %s</code>"
           "<span class=\"two mono\">%s.sallyport.internal:%d</span></div></td>",
           app->type == APP_SSH ? "ssh" : "connect", app->name, app->name, (int)app->port);
}

static void draw_app(struct visit *v, const struct visible_app *app)
{
    buf_add_str(&v->page, "<tr role=\"row\">");
    draw_what(v, app);
    buf_add_str(&v->page, "<td role=\"cell\" data-l=\"State\"><div>");
    switch (app->access) {
    case VERDICT_ALLOW:
        buf_add_str(&v->page, "<span class=\"st ok\">");
        page_icon(&v->page, "check");
        buf_add_str(&v->page,
                    "Open</span></div></td><td role=\"cell\" class=\"p2\" data-l=\"Note\"><div>"
                    "<span class=\"dim\">any time</span>");
        break;
    case VERDICT_STEP_UP:
        buf_add_str(&v->page, "<span class=\"st info\">");
        page_icon(&v->page, "key");
        html_f(&v->page,
               "Asks for a code</span></div></td><td role=\"cell\" data-l=\"Note\">"
               "<div>%s",
               app->why);
        break;
    case VERDICT_DENY:
        buf_add_str(&v->page, "<span class=\"st warn\">");
        page_icon(&v->page, "unknown");
        html_f(&v->page,
               "Closed: %s</span></div></td><td role=\"cell\" data-l=\"Note\"><div>"
               "<a class=\"nowrap\" href=\"/denied?app=%s\">What to do<span class=\"vh\"> about "
               "%s</span></a>",
               app->why, app->name, app->name);
        break;
    }
    buf_add_str(&v->page, "</div></td></tr>");
}

static void draw_apps(struct visit *v, const struct home *h)
{
    if (h->device_count == 0) {
        buf_add_str(&v->page, "<p>Apps are opened by a device. Run <code>sallyport login</code> on "
                              "yours first.</p>");
        return;
    }
    buf_add_str(&v->page,
                "<section class=\"tw\" aria-label=\"List\"><table class=\"flow\" role=\"table\">"
                "<caption class=\"vh\">My apps</caption><thead role=\"rowgroup\"><tr role=\"row\">"
                "<th role=\"columnheader\" scope=\"col\">App</th>"
                "<th role=\"columnheader\" scope=\"col\">Open it with</th>"
                "<th role=\"columnheader\" scope=\"col\">State</th>"
                "<th role=\"columnheader\" scope=\"col\" class=\"p2\">Note</th></tr></thead>"
                "<tbody role=\"rowgroup\">");
    for (size_t i = 0; i < h->app_count; i++)
        draw_app(v, &h->apps[i]);
    buf_add_str(
        &v->page,
        "</tbody></table></section><p class=\"dim\">An app's local address "
        "(127.77.x.y) is the same each day: <code>sallyport apps</code> on your device lists "
        "it. The name under a command works where <code>sallyport proxy</code> or "
        "<code>sallyport config ssh</code> is set up.</p>");
    if (h->more_apps)
        buf_add_str(&v->page, "<p class=\"dim\">There are more: <code>sallyport apps</code> lists "
                              "all.</p>");
}

/* What the page answers first: how many of the apps below are open, and to which device. */
static void say_open(struct visit *v, const struct home *h)
{
    size_t open = 0;
    char text[64];

    if (h->device_count == 0 || h->app_count == 0)
        return;
    for (size_t i = 0; i < h->app_count; i++)
        open += h->apps[i].access != VERDICT_DENY;
    snprintf(text, sizeof text, "%zu of %s%zu %s", open, h->more_apps ? "these " : "your ",
             h->app_count, h->app_count == 1 ? "app" : "apps");
    html_f(&v->page, " %s %s open to %s.", text, open == 1 ? "is" : "are", h->devices[0].name);
}

static const char *device_words(enum device_row_state s)
{
    switch (s) {
    case ROW_DEVICE_PENDING:
        return "waits for an administrator";
    case ROW_DEVICE_APPROVED:
        return "approved";
    case ROW_DEVICE_BLOCKED:
        return "blocked";
    case ROW_DEVICE_LOST:
        return "reported lost";
    default:
        return "unknown";
    }
}

/* A form of one button: `action` on the thing whose id goes along. */
static void draw_act(struct visit *v, const char *action, const char *field, struct sp_id id,
                     const char *verb, const char *what)
{
    html_f(&v->page,
           "<form method=\"post\" action=\"%s\"><input type=\"hidden\" name=\"%s\" value=\"%s\">"
           "<button class=\"btn small\">%s<span class=\"vh\"> %s</span></button></form>",
           action, field, id_text(id).s, verb, what);
}

static void draw_devices(struct visit *v, const struct home *h)
{
    buf_add_str(&v->page, "<section class=\"panel\" aria-label=\"My devices\"><header>"
                          "<h2>My devices</h2></header><ul class=\"rows\">");
    for (size_t i = 0; i < h->device_count; i++) {
        const struct device_row *d = &h->devices[i];
        buf_add_str(&v->page, "<li>");
        page_icon(&v->page, "device");
        html_f(&v->page, "<div>%s<small>%s, %s</small></div>", d->name, device_words(d->state),
               key_fingerprint(&d->key).s);
        draw_act(v, "/home/sign-out", "device", d->id, "Sign out", d->name);
        buf_add_str(&v->page, "</li>");
    }
    if (h->device_count == 0)
        buf_add_str(&v->page, "<li><div>None yet<small>One appears with <code>sallyport "
                              "login</code>.</small></div></li>");
    buf_add_str(&v->page, "</ul></section>");
}

static void draw_sessions(struct visit *v, const struct home *h)
{
    buf_add_str(&v->page, "<section class=\"panel\" aria-label=\"My live sessions\"><header>"
                          "<h2>My live sessions</h2></header><ul class=\"rows\">");
    for (size_t i = 0; i < h->session_count; i++) {
        const struct session *s = &h->sessions[i];
        buf_add_str(&v->page, "<li>");
        page_icon(&v->page, "session");
        html_f(&v->page, "<div>%s<small>since %s on %s, ends %s</small></div>", s->app_name,
               page_time(s->opened).s, s->device_name, page_time(s->deadline).s);
        draw_act(v, "/home/end", "session", s->id, "End session", s->app_name);
        buf_add_str(&v->page, "</li>");
    }
    if (h->session_count == 0)
        buf_add_str(&v->page, "<li><div>None<small>A session begins when you open an app.</small>"
                              "</div></li>");
    buf_add_str(&v->page, "</ul></section>");
}

static void draw_factor(struct visit *v, const struct home *h)
{
    buf_add_str(&v->page, "<section class=\"panel\" aria-label=\"Authenticator\"><header>"
                          "<h2>Authenticator</h2></header><ul class=\"rows\"><li>");
    page_icon(&v->page, "key");
    html_f(&v->page,
           "<div>Authenticator app<small>set up %s</small></div>"
           "<a class=\"btn small\" href=\"/home/authenticator\">Replace<span class=\"vh\"> "
           "authenticator app</span></a></li><li>",
           h->mfa.enrolled ? page_time(h->mfa.enrolled_at).s : "never");
    page_icon(&v->page, "key");
    html_f(&v->page,
           "<div>Recovery codes<small>%d of %d left; new ones void these</small></div>"
           "<form method=\"post\" action=\"/home/codes\"><button class=\"btn small\">Make new<span "
           "class=\"vh\"> recovery codes</span></button></form></li></ul></section>",
           (int)h->mfa.recovery_left, MFA_RECOVERY_CODES);
}

static void draw_panels(struct visit *v, const struct home *h)
{
    buf_add_str(&v->page, "<div class=\"cols two\">");
    draw_devices(v, h);
    draw_sessions(v, h);
    draw_factor(v, h);
    buf_add_str(&v->page,
                "<section class=\"panel\" aria-label=\"What IT can see\"><header><h2>What IT can "
                "see</h2></header><div class=\"body\"><p class=\"sub\">Which app you open, when, "
                "from which device and network, and the posture signals of your devices. Broker "
                "and relay cannot read your traffic.</p></div></section></div>");
}

static sp_error gather(struct visit *v, const struct login_row *row, struct home *h)
{
    struct pages_options *o = &v->p->o;
    struct net_address peer = page_peer(v->req);
    sp_error e;

    if ((e = logins_user(o->logins, row->user, &h->user)) != SP_OK ||
        (e = mfa_state(o->mfa, row->user, &h->mfa)) != SP_OK ||
        (e = logins_devices(o->logins, row->user, h->devices, HOME_DEVICES, &h->device_count)) !=
            SP_OK)
        return e;
    if (h->device_count > 0) {
        struct visible_apps seen = {.at = h->apps, .max = HOME_APPS};
        e = session_apps(o->sessions, h->devices[0].id, &peer, (struct view){0}, &seen);
        h->app_count = seen.count;
        h->more_apps = seen.more;
        if (e != SP_OK && e != SP_ERR_UNAUTHENTICATED) /* nobody is logged in on it any more */
            return e;
    }
    size_t found = live_find(o->live, LIVE_USER, row->user, h->sessions, HOME_SESSIONS);
    for (size_t i = 0; i < found && i < HOME_SESSIONS; i++)
        if (h->sessions[i].state != SESSION_CUTTING) /* over for its person; the edges confirm */
            h->sessions[h->session_count++] = h->sessions[i];
    return SP_OK;
}

void home_page(struct visit *v)
{
    struct login_row row;
    struct home *h;
    sp_error e;

    if (v->p->o.sessions == NULL || v->p->o.live == NULL) {
        page_stopped(v, 404, "Not here", "This broker shows no apps in the browser.");
        return;
    }
    e = signin_find(v->p->o.signin, v->req, v->res, &row);
    if (e == SP_ERR_UNAUTHENTICATED) {
        response_redirect(v->res, view_str("/login?return_to=%2Fhome"));
        return;
    }
    if (e != SP_OK || (h = calloc(1, sizeof *h)) == NULL) {
        page_failed(v, e == SP_OK ? SP_ERR_NOMEM : e);
        return;
    }
    if ((e = gather(v, &row, h)) != SP_OK) {
        page_failed(v, e);
    } else {
        const char *name = h->user.email[0] != '\0' ? h->user.email : h->user.name;
        page_begin_wide(v, "My apps", name);
        html_f(&v->page, "<div class=\"head\"><div><h1>My apps</h1><p>Signed in as %s until %s.",
               name, page_time(row.expires).s);
        say_open(v, h);
        buf_add_str(&v->page, "</p></div></div>");
        draw_apps(v, h);
        draw_panels(v, h);
        page_end_wide(v, 200);
    }
    free(h);
}
