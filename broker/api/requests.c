/* Requests for access: who asks, who answers, what became of it. */
#include "broker/session/ask.h"

#include "broker/api/call.h"
#include "broker/api/names.h"
#include "lib/base/num.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- one request -------------------------------------------------------------------------- */

static const char *state_word(const struct access_row *row, sp_unix_ms now)
{
    static const char *const words[] = {
        [ACCESS_NONE] = "waiting",        [ACCESS_WAITING] = "waiting",
        [ACCESS_APPROVED] = "approved",   [ACCESS_REFUSED] = "refused",
        [ACCESS_WITHDRAWN] = "withdrawn", [ACCESS_ENDED] = "ended"};

    if (access_lapsed(row, now))
        return "lapsed";
    if (row->state == ACCESS_APPROVED && !access_lives(row, now))
        return "over";
    return words[row->state];
}

static struct json *request_object(const struct names *n, const struct access_row *row)
{
    struct json *o = json_object();

    json_set_id(o, "id", row->id);
    json_set_cstr(o, "ref", row->ref);
    set_user(o, "user", n, row->user);
    if (id_is_zero(row->device))
        set_null(o, "device");
    else
        set_device(o, "device", n, row->device);
    set_app(o, "app", n, row->app);
    json_set_cstr(o, "reason", row->reason);
    json_set_cstr(o, "denied", row->denied);
    json_set_int(o, "for_ms", row->for_ms);
    json_set_cstr(o, "state", state_word(row, clock_unix()));
    json_set_time(o, "created", row->created);
    set_time(o, "decided", row->decided);
    if (id_is_zero(row->decided_by))
        set_null(o, "decided_by");
    else
        set_user(o, "decided_by", n, row->decided_by);
    set_text_or_null(o, "answer", row->answer);
    set_time(o, "until", row->until);
    return o;
}

static void answer_request(struct api *api, struct api_call *c, int status,
                           const struct access_row *row)
{
    struct names n = names_hold(api);

    response_json(c->res, status, request_object(&n, row));
    names_release(&n);
}

static sp_error find(struct api *api, struct api_call *c, struct access_row *out)
{
    struct store *st = registry_store(api->registry);
    struct sp_id id;
    sp_error e = request_id(c->req, "id", &id);

    return e == SP_OK ? store_services(st)->access->get(st, id, out) : e;
}

/* ---- lists -------------------------------------------------------------------------------- */

struct request_rows {
    struct access_row *at; /* owned */
    size_t count;
};

static bool keep_request(void *arg, const struct access_row *row)
{
    struct request_rows *rows = arg;

    rows->at[rows->count++] = *row;
    return true;
}

/* "CREATED.ID". */
static sp_error read_cursor(struct api_call *c, const char *text, struct access_row *edge)
{
    const char *dot = strchr(text, '.');
    uint64_t created = 0;

    *edge = (struct access_row){0};
    if (text[0] == '\0')
        return SP_OK;
    if (dot != NULL &&
        num_uint(view_slice(view_str(text), 0, (size_t)(dot - text)), INT64_MAX, &created) ==
            SP_OK &&
        created > 0 && id_parse(view_str(dot + 1), &edge->id) == SP_OK) {
        edge->created = (sp_unix_ms)created;
        return SP_OK;
    }
    return call_cursor_bad(c);
}

static sp_error answer_list(struct api *api, struct api_call *c, const struct access_filter *f)
{
    struct store *st = registry_store(api->registry);
    struct request_rows rows = {0};
    struct access_row edge;
    struct page p;
    sp_error e = listing_begin(c, &p);

    if (e != SP_OK)
        return e;
    if ((e = read_cursor(c, p.after, &edge)) == SP_OK &&
        (rows.at = calloc(p.limit + 1, sizeof *rows.at)) == NULL)
        e = SP_ERR_NOMEM;
    if (e == SP_OK)
        e = store_services(st)->access->list(st, f, &edge, p.limit + 1, keep_request, &rows);
    if (e == SP_OK)
        e = store_services(st)->access->count(st, f, COUNT_EXACT_MAX + 1, &p.total);
    p.more = rows.count > p.limit;
    struct names n = names_hold(api);
    for (size_t i = 0; e == SP_OK && i < rows.count && i < p.limit; i++) {
        listing_push(&p, request_object(&n, &rows.at[i]));
        snprintf(p.next, sizeof p.next, "%lld.%s", (long long)rows.at[i].created,
                 id_text(rows.at[i].id).s);
    }
    names_release(&n);
    free(rows.at);
    if (e == SP_OK)
        response_json(c->res, 200, listing_object(&p));
    else
        listing_drop(&p);
    return e;
}

/* The words of the state filter: those of state_word, which know the time. */
static sp_error read_state(struct api_call *c, struct access_filter *f)
{
    static const struct {
        const char *word;
        enum access_state state;
        bool over;
    } words[] = {{"waiting", ACCESS_WAITING, false}, {"approved", ACCESS_APPROVED, false},
                 {"refused", ACCESS_REFUSED, false}, {"withdrawn", ACCESS_WITHDRAWN, false},
                 {"ended", ACCESS_ENDED, false},     {"lapsed", ACCESS_WAITING, true},
                 {"over", ACCESS_APPROVED, true}};
    sp_unix_ms now = clock_unix();
    char state[16];
    sp_error e = call_text(c, "state", state, sizeof state);

    if (e != SP_OK || state[0] == '\0')
        return e;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].word, state) != 0)
            continue;
        f->state = words[i].state;
        if (f->state == ACCESS_WAITING && words[i].over)
            f->created_to = now - ACCESS_WAIT_MS;
        else if (f->state == ACCESS_WAITING)
            f->created_from = now - ACCESS_WAIT_MS + 1;
        else if (f->state == ACCESS_APPROVED && words[i].over)
            f->until_to = now;
        else if (f->state == ACCESS_APPROVED)
            f->until_from = now + 1;
        return SP_OK;
    }
    sp_why_field(&c->why, "state");
    return sp_why_say(&c->why, SP_ERR_INVALID, "there is no such state");
}

sp_error api_request_list(struct api *api, struct api_call *c)
{
    struct access_filter f = {0};
    sp_error e;

    if ((e = read_state(c, &f)) != SP_OK || (e = call_id(c, "user", &f.user)) != SP_OK ||
        (e = call_id(c, "app", &f.app)) != SP_OK)
        return e;
    return answer_list(api, c, &f);
}

sp_error api_me_request_list(struct api *api, struct api_call *c)
{
    struct access_filter f = {.user = c->caller.user.id};
    sp_error e;

    if (id_is_zero(f.user)) /* the bootstrap session is nobody's: its list is empty, not all */
        f.user = c->caller.login.device;
    if (id_is_zero(f.user))
        return SP_ERR_DENIED;
    if ((e = read_state(c, &f)) != SP_OK)
        return e;
    return answer_list(api, c, &f);
}

sp_error api_request_get(struct api *api, struct api_call *c)
{
    struct access_row row;
    sp_error e = find(api, c, &row);

    if (e == SP_OK)
        answer_request(api, c, 200, &row);
    return e;
}

/* ---- asking ------------------------------------------------------------------------------- */

static sp_error read_for(struct api_call *c, const struct json *body, int64_t preset, int64_t *out)
{
    *out = preset;
    if (json_get(body, "for_ms") == NULL ||
        json_get_int(body, "for_ms", ACCESS_FOR_MIN_MS, ACCESS_FOR_MAX_MS, out) == SP_OK)
        return SP_OK;
    sp_why_field(&c->why, "for_ms");
    return sp_why_say(&c->why, SP_ERR_INVALID, "for_ms is a minute to 30 days, in ms");
}

static void say_no_help(struct api_call *c, const struct asked_for *a)
{
    size_t n = a->sentences.count;
    struct problem p = {.status = 409,
                        .code = "no_help",
                        .title = n == 0 ? "The app is open to you" : "A request would not help",
                        .detail = n == 0 ? "There is nothing to ask for."
                                         : "A rule lets you in; something else stands in the way."};

    _Static_assert((int)EXPLAIN_LINES_MAX <= (int)PROBLEM_LIST_MAX, "every sentence has a place");
    for (size_t i = 0; i < n && i < EXPLAIN_LINES_MAX; i++) {
        p.reasons[p.reason_count++] = a->sentences.at[i].reason;
        if (a->sentences.at[i].remedy[0] != '\0')
            p.remedies[p.remedy_count++] = a->sentences.at[i].remedy;
    }
    problem_write(&p, c->req, c->res);
}

/* Which groups may answer: the first that is named, of operators and administrators. */
static const char *approvers(const struct api *api)
{
    for (size_t i = 0; i < api->about.role_count; i++)
        if (api->about.roles[i].role >= ROLE_OPERATOR)
            return api->about.roles[i].group;
    return "";
}

static sp_error ask(struct api *api, struct api_call *c, struct ask_for *q)
{
    struct asked_for *a = calloc(1, sizeof *a);
    sp_error e = a == NULL ? SP_ERR_NOMEM : session_ask(api->sessions, q, a);

    if (e == SP_ERR_INVALID) {
        say_no_help(c, a);
        e = SP_OK; /* answered */
    } else if (e == SP_ERR_LIMIT) {
        c->problem = (struct problem){
            .status = 429,
            .code = "busy",
            .detail = "Too many requests of yours wait for an answer, or were made just now."};
    } else if (e == SP_OK || e == SP_ERR_EXISTS) {
        struct names n = names_hold(api);
        struct json *o = request_object(&n, &a->row);
        json_set_cstr(o, "approvers", approvers(api));
        names_release(&n);
        response_json(c->res, e == SP_OK ? 201 : 200, o);
        e = SP_OK;
    }
    free(a);
    return e;
}

sp_error api_me_request_create(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"app", "reason", "for_ms", NULL};
    struct ask_for q = {.user = c->caller.user.id,
                        .device = c->caller.proof == PROOF_DEVICE ? c->caller.login.device
                                                                  : (struct sp_id){{0}},
                        .peer = c->req->peer,
                        .ref = c->req->ref,
                        .by = &c->by};
    struct json *body;
    sp_error e;

    if (id_is_zero(q.user))
        return SP_ERR_DENIED;
    if ((e = call_body(c, names, &body)) != SP_OK)
        return e;
    if ((e = member_text(c, body, "app", 1, ROW_NAME_MAX, &q.app)) == SP_OK &&
        (e = member_text(c, body, "reason", 1, 500, &q.reason)) == SP_OK &&
        (e = read_for(c, body, ACCESS_FOR_DEFAULT_MS, &q.for_ms)) == SP_OK)
        e = ask(api, c, &q);
    json_free(body);
    return e;
}

/* ---- answering ---------------------------------------------------------------------------- */

static void say_conflict(struct api_call *c, const struct access_row *row, sp_error e)
{
    static const char own[] = "Nobody answers a request of their own: ask another administrator.";

    if (e == SP_ERR_DENIED)
        c->problem = (struct problem){.status = 403, .code = "own_request", .detail = own};
    else if (strcmp(state_word(row, clock_unix()), "lapsed") == 0)
        c->problem = (struct problem){
            .status = 409,
            .code = "conflict",
            .detail = "It waited for 7 days without an answer and lapsed: it is asked for anew."};
    else
        c->problem = (struct problem){
            .status = 409, .code = "conflict", .detail = "It was answered meanwhile, or is over."};
}

static sp_error answer(struct api *api, struct api_call *c, struct access_row *row,
                       const struct access_answer *a)
{
    struct names n = names_hold(api);
    const struct app_row *app = snapshot_app_by_id(n.s, row->app);
    sp_error e = access_answer(api->registry, row, a, app == NULL ? "" : app->name, &c->by);

    names_release(&n);
    if (e == SP_ERR_DENIED || e == SP_ERR_CONFLICT) {
        say_conflict(c, row, e);
        return e;
    }
    if (e == SP_OK)
        answer_request(api, c, 200, row);
    return e;
}

sp_error api_request_approve(struct api *api, struct api_call *c)
{
    static const char *const names[] = {"for_ms", "reason", NULL};
    char text[ROW_TEXT_MAX + 1] = "";
    struct access_answer a = {.state = ACCESS_APPROVED, .by = c->caller.user.id, .text = text};
    int64_t longest = INT64_C(24) * 3600 * 1000, life = 0;
    struct view said = {0};
    struct access_row row;
    struct json *body;
    sp_error e;

    if ((e = find(api, c, &row)) != SP_OK || (e = call_body(c, names, &body)) != SP_OK)
        return e;
    if (json_get(body, "reason") != NULL)
        e = member_text(c, body, "reason", 0, 500, &said);
    if (e == SP_OK &&
        (e = read_for(c, body, row.for_ms < longest ? row.for_ms : longest, &life)) == SP_OK) {
        view_copy(text, sizeof text, said);
        a.until = clock_unix() + life;
        e = answer(api, c, &row, &a);
    }
    json_free(body);
    return e;
}

static sp_error answer_with(struct api *api, struct api_call *c, enum access_state state)
{
    char text[CALL_TEXT_MAX + 1];
    const struct access_answer a = {.state = state, .by = c->caller.user.id, .text = text};
    struct access_row row;
    sp_error e;

    if ((e = find(api, c, &row)) != SP_OK || (e = call_reason(c, text)) != SP_OK)
        return e;
    return answer(api, c, &row, &a);
}

sp_error api_request_refuse(struct api *api, struct api_call *c)
{
    return answer_with(api, c, ACCESS_REFUSED);
}

sp_error api_request_end(struct api *api, struct api_call *c)
{
    return answer_with(api, c, ACCESS_ENDED);
}

sp_error api_me_request_withdraw(struct api *api, struct api_call *c)
{
    const struct access_answer a = {.state = ACCESS_WITHDRAWN, .by = c->caller.user.id, .text = ""};
    struct access_row row;
    sp_error e = find(api, c, &row);

    if (e == SP_OK && !id_equal(row.user, c->caller.user.id))
        return SP_ERR_NOT_FOUND; /* whose it is, is nobody else's to know */
    return e == SP_OK ? answer(api, c, &row, &a) : e;
}
