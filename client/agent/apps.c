#include "client/agent/apps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct apps {
    struct control *control;    /* borrowed */
    struct question *question;  /* owned; NULL: not running */
    struct app *last, *reading; /* owned */
    size_t last_count, reading_count;
    struct {
        apps_done *done;
        void *arg;
    } readers[APPS_READERS_MAX];
    size_t reader_count;
};

sp_error apps_new(struct control *control, struct apps **out)
{
    struct apps *a = calloc(1, sizeof *a);

    if (a == NULL)
        return SP_ERR_NOMEM;
    a->control = control;
    *out = a;
    return SP_OK;
}

void apps_free(struct apps *a)
{
    if (a == NULL)
        return;
    control_cancel(a->control, a->question);
    free(a->last);
    free(a->reading);
    free(a);
}

static void finish(struct apps *a, const struct refusal *why)
{
    size_t count = a->reader_count;
    struct apps_list list;

    if (why == NULL) {
        free(a->last);
        a->last = a->reading;
        a->last_count = a->reading_count;
        a->reading = NULL;
    }
    free(a->reading);
    a->reading = NULL;
    a->reading_count = 0;
    list = apps_last(a);
    a->reader_count = 0;
    for (size_t i = 0; i < count; i++)
        a->readers[i].done(a->readers[i].arg, &list, why);
}

static void keep(const struct app_entry *e, struct app *out)
{
    *out = (struct app){.id = e->id};
    snprintf(out->name, sizeof out->name, "%.*s", VIEW_ARG(e->name));
    snprintf(out->type, sizeof out->type, "%.*s", VIEW_ARG(e->type));
    snprintf(out->access, sizeof out->access, "%.*s", VIEW_ARG(e->access));
    snprintf(out->why, sizeof out->why, "%.*s", VIEW_ARG(e->why));
    for (size_t i = 0; i < e->port_count; i++)
        if (e->ports[i] > 0 && e->ports[i] <= 65535)
            out->ports[out->port_count++] = (uint16_t)e->ports[i];
}

static sp_error add_page(struct apps *a, const struct app_list_answer *page)
{
    struct app *more;

    if (a->reading_count + page->app_count > APPS_MAX)
        return SP_ERR_LIMIT;
    more = realloc(a->reading, (a->reading_count + page->app_count + 1) * sizeof *more);
    if (more == NULL)
        return SP_ERR_NOMEM;
    a->reading = more;
    for (size_t i = 0; i < page->app_count; i++)
        keep(&page->apps[i], &a->reading[a->reading_count++]);
    return SP_OK;
}

static void ask_page(struct apps *a, struct view cursor);

static void on_page(void *arg, sp_error e, const struct envelope *m)
{
    struct apps *a = arg;
    struct app_list_answer *page = calloc(1, sizeof *page);
    struct refusal why = {0};

    a->question = NULL; /* no longer pending */
    if (e != SP_OK)
        why = control_refusal(a->control, "Your apps can't be listed.", e, m);
    else if (page == NULL ||
             (e = fields_read(m->members, app_list_answer_fields, NULL, page)) != SP_OK ||
             (e = add_page(a, page)) != SP_OK)
        why = refusal_make(EXIT_ERROR, "protocol", "Your apps can't be listed.",
                           sp_error_text(page == NULL ? SP_ERR_NOMEM : e), NULL);
    if (why.exit != EXIT_OK)
        finish(a, &why);
    else if (page->next.len > 0)
        ask_page(a, page->next);
    else
        finish(a, NULL);
    free(page);
}

static void ask_page(struct apps *a, struct view cursor)
{
    struct app_list list = {cursor};
    struct refusal why;
    sp_error e;

    struct call_ask call = {"app.list", fields_write(app_list_fields, &list), ENVELOPE_CALL_MS};

    if ((e = control_ask(a->control, &call, on_page, a, &a->question)) == SP_OK)
        return;
    why = control_refusal(a->control, "Your apps can't be listed.", e, NULL);
    finish(a, &why);
}

void apps_read(struct apps *a, apps_done *done, void *arg)
{
    struct refusal why;
    struct apps_list none = {0};

    if (a->reader_count == APPS_READERS_MAX) {
        why = refusal_make(EXIT_ERROR, "busy", "Your apps can't be listed.",
                           "Too many ask at once.", NULL);
        done(arg, &none, &why);
        return;
    }
    a->readers[a->reader_count].done = done;
    a->readers[a->reader_count++].arg = arg;
    if (a->question == NULL)
        ask_page(a, (struct view){0});
}

void apps_forget(struct apps *a, void *arg)
{
    for (size_t i = 0; i < a->reader_count;)
        if (a->readers[i].arg == arg)
            a->readers[i] = a->readers[--a->reader_count];
        else
            i++;
}

const struct app *apps_find(const struct apps_list *list, struct view name)
{
    struct sp_id id;
    bool is_id = id_parse(name, &id) == SP_OK;

    for (size_t i = 0; i < list->count; i++)
        if (view_is(name, list->at[i].name) || (is_id && id_equal(id, list->at[i].id)))
            return &list->at[i];
    return NULL;
}

struct apps_list apps_last(const struct apps *a)
{
    return (struct apps_list){a->last, a->last_count};
}
