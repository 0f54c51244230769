#include "client/admin/names.h"

#include "lib/http/url.h"

#include <stdio.h>
#include <string.h>

/* How to look one up: a list, and the parameter of it that narrows by name (NULL: none). */
static const struct {
    const char *word, *list, *filter;
} kinds[] = {
    [REF_USER] = {"user", "/api/v1/users", "name"},
    [REF_APP] = {"app", "/api/v1/apps", "name"},
    [REF_SITE] = {"site", "/api/v1/sites", "name"},
    [REF_DEVICE] = {"device", "/api/v1/devices", "q"},
    [REF_CONNECTOR] = {"connector", "/api/v1/connectors", NULL},
    [REF_RELAY] = {"relay", "/api/v1/relays", NULL},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

const char *ref_word(enum ref kind)
{
    return (size_t)kind < KINDS && kinds[kind].word != NULL ? kinds[kind].word : "object";
}

enum ref ref_of(struct view word)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].word != NULL && view_is(word, kinds[i].word))
            return (enum ref)i;
    return REF_TEXT;
}

struct search {
    const char *typed;
    struct buf ids; /* "ID (user anna), ID (site office)" for people */
    char first[64];
    size_t count;
};

static void look_at(struct search *s, const struct json *item)
{
    const char *name = json_cstr(json_get(item, "name")), *id = json_cstr(json_get(item, "id"));
    const char *of = json_cstr(json_get(json_get(item, "user"), "name"));

    if (name == NULL || id == NULL || strcmp(name, s->typed) != 0)
        return;
    if (of == NULL)
        of = json_cstr(json_get(json_get(item, "site"), "name"));
    if (s->count++ == 0)
        view_copy(s->first, sizeof s->first, view_str(id));
    buf_addf(&s->ids, "%s%s%s%s%s", s->ids.len == 0 ? "" : ", ", id, of == NULL ? "" : " (",
             of == NULL ? "" : of, of == NULL ? "" : ")");
}

static int look_up(struct broker *b, enum ref kind, struct search *s)
{
    char after[512] = "";
    int code = EXIT_OK;

    do {
        struct json *page = NULL;
        struct buf path;
        bool first = true;

        buf_init(&path, URL_BYTES_MAX);
        buf_add_str(&path, kinds[kind].list);
        if (kinds[kind].filter != NULL)
            url_add_query(&path, &first, kinds[kind].filter, view_str(s->typed));
        if (kind != REF_RELAY)
            url_add_query(&path, &first, "limit", view_str("200"));
        if (after[0] != '\0')
            url_add_query(&path, &first, "after", view_str(after));
        code =
            broker_call(b, &(struct broker_request){.method = METHOD_GET, .path = buf_cstr(&path)},
                        &page, NULL);
        buf_deinit(&path);
        for (size_t i = 0; i < json_len(json_get(page, "items")); i++)
            look_at(s, json_at(json_get(page, "items"), i));
        const char *next = json_cstr(json_get(page, "next"));
        view_copy(after, sizeof after, view_str(next == NULL ? "" : next));
        json_free(page);
    } while (code == EXIT_OK && after[0] != '\0');
    return code;
}

static int none_or_many(struct broker *b, enum ref kind, struct search *s)
{
    char what[320], next[64];

    if (s->count == 0)
        snprintf(what, sizeof what, "There is no %s \"%.200s\".", ref_word(kind), s->typed);
    else
        snprintf(what, sizeof what, "%zu of kind %s are called \"%.200s\": give the id.", s->count,
                 ref_word(kind), s->typed);
    snprintf(next, sizeof next, "sallyport-admin %s list", ref_word(kind));
    return command_fail(b->call,
                        &(struct command_failure){.exit = EXIT_ERROR,
                                                  .code = s->count == 0 ? "not_found" : "ambiguous",
                                                  .what = what,
                                                  .why = buf_cstr(&s->ids),
                                                  .next = next});
}

int name_resolve(struct broker *b, enum ref kind, const char *typed, struct buf *id)
{
    struct search s = {.typed = typed};
    struct sp_id as_id;
    int code;

    if (kind == REF_TEXT || kind == REF_NONE) {
        buf_add_str(id, typed);
        return EXIT_OK;
    }
    buf_init(&s.ids, 4096);
    code = look_up(b, kind, &s);
    if (code == EXIT_OK && s.count == 1)
        buf_add_str(id, s.first);
    else if (code == EXIT_OK && s.count == 0 && id_parse(view_str(typed), &as_id) == SP_OK)
        buf_add_str(id, typed);
    else if (code == EXIT_OK)
        code = none_or_many(b, kind, &s);
    buf_deinit(&s.ids);
    return code;
}
