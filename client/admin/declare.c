#include "client/admin/declare.h"

#include "lib/base/ascii.h"
#include "lib/base/encode.h"
#include "lib/config/tree.h"

#include <string.h>

enum { NAMES_MAX = 8192 };

/* ---- reading ------------------------------------------------------------------------------ */

static const struct member {
    const char *name;
    enum json_kind kind; /* JSON_NULL: a string or null */
    bool required;
    const char *preset; /* a string's; NULL: an empty object, or null */
} app_members[] =
    {
        {"name", JSON_STRING, true, NULL},           {"description", JSON_STRING, false, ""},
        {"site", JSON_STRING, true, NULL},           {"type", JSON_STRING, false, "tcp"},
        {"host", JSON_STRING, true, NULL},           {"port", JSON_INTEGER, true, NULL},
        {"labels", JSON_OBJECT, false, NULL},        {"limits", JSON_OBJECT, false, NULL},
        {"cut_through", JSON_STRING, false, "auto"}, {"gateway", JSON_NULL, false, NULL},
},
  site_members[] = {{"name", JSON_STRING, true, NULL}};

enum {
    APP_MEMBERS = sizeof app_members / sizeof *app_members,
    SITE_MEMBERS = sizeof site_members / sizeof *site_members
};

struct reading {
    struct tree *tree;
    struct sp_why *why;
};

/* A refusal at the place of a member, or of the object itself. */
static sp_error refuse(const struct reading *r, const struct json *object, const char *member,
                       const char *text)
{
    unsigned line = 0, column = 0;

    if (member != NULL && json_get(object, member) != NULL)
        tree_place_member(r->tree, object, member, &line, &column);
    else
        tree_place(r->tree, object, &line, &column);
    sp_why_place(r->why, line, column);
    return sp_why_say(r->why, SP_ERR_INVALID, "%s%s%s", member != NULL ? member : "",
                      member != NULL ? ": " : "", text);
}

static const struct member *member_of(const struct member *all, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

static bool fits(const struct member *m, const struct json *value)
{
    enum json_kind kind = json_kind(value);

    return m->kind == JSON_NULL ? kind == JSON_STRING || kind == JSON_NULL : kind == m->kind;
}

static void add_preset(const struct member *m, struct json *to)
{
    if (m->kind == JSON_OBJECT)
        json_set(to, m->name, json_object());
    else
        json_set_cstr(to, m->name, m->preset);
}

/* Labels are text; limits are text but for step_up, which the broker judges. */
static sp_error check_object(const struct reading *r, const struct json *object, bool labels)
{
    for (void *i = json_iter(object); i != NULL; i = json_iter_next(object, i)) {
        enum json_kind kind = json_kind(json_iter_value(i));

        if (kind != JSON_STRING && (labels || kind != JSON_OBJECT))
            return refuse(r, object, json_iter_name(i), "it has to be text; put it in quotes");
    }
    return SP_OK;
}

static sp_error read_one(const struct reading *r, const struct json *from, const struct member *all,
                         size_t count, struct json *to)
{
    sp_error e;

    if (json_kind(from) != JSON_OBJECT)
        return refuse(r, from, NULL, "it has to be a mapping with a name");
    for (void *i = json_iter(from); i != NULL; i = json_iter_next(from, i)) {
        const struct member *m = member_of(all, count, json_iter_name(i));

        if (m == NULL)
            return refuse(r, from, json_iter_name(i), "there is no such member");
        if (!fits(m, json_iter_value(i)))
            return refuse(r, from, m->name, "it is of another kind");
        if (m->kind == JSON_OBJECT &&
            (e = check_object(r, json_iter_value(i), strcmp(m->name, "labels") == 0)) != SP_OK)
            return e;
    }
    for (size_t i = 0; i < count; i++) {
        const struct json *value = json_get(from, all[i].name);

        if (value == NULL && all[i].required)
            return refuse(r, from, NULL, "it needs a name, and an app site, host and port");
        if (value == NULL)
            add_preset(&all[i], to);
        else
            json_set(to, all[i].name, json_copy(value));
    }
    return SP_OK;
}

const struct json *declare_find(const struct json *list, const char *name)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const char *other = json_cstr(json_get(json_at(list, i), "name"));

        if (other != NULL && strcmp(other, name) == 0)
            return json_at(list, i);
    }
    return NULL;
}

static sp_error read_list(const struct reading *r, const struct json *root, const char *section,
                          const struct member *all, size_t count, struct json *doc)
{
    const struct json *from = json_get(root, section);
    struct json *list;
    sp_error e;

    if (from == NULL)
        return SP_OK;
    if (json_kind(from) != JSON_ARRAY || json_len(from) > NAMES_MAX)
        return refuse(r, root, section, "it has to be a list of at most 8192");
    json_set(doc, section, json_array());
    list = json_get(doc, section);
    for (size_t i = 0; i < json_len(from); i++) {
        struct json *one = json_object();

        if ((e = read_one(r, json_at(from, i), all, count, one)) == SP_OK &&
            declare_find(list, json_cstr(json_get(one, "name"))) != NULL)
            e = refuse(r, json_at(from, i), "name", "it stands twice");
        if (e != SP_OK) {
            json_free(one);
            return e;
        }
        json_push(list, one);
    }
    return SP_OK;
}

static sp_error read_root(const struct reading *r, const struct json *root, struct json *doc)
{
    static const char *const names[] = {"version", "sites", "apps", "policy"};
    int64_t version = 0;
    sp_error e;

    if (json_kind(root) != JSON_OBJECT)
        return refuse(r, root, NULL, "it has to begin with version: 1");
    for (void *i = json_iter(root); i != NULL; i = json_iter_next(root, i)) {
        size_t n = 0;

        while (n < 4 && strcmp(names[n], json_iter_name(i)) != 0)
            n++;
        if (n == 4)
            return refuse(r, root, json_iter_name(i),
                          "there is no such section; there are sites, apps and policy");
    }
    if (!json_integer(json_get(root, "version"), &version) || version != 1)
        return refuse(r, root, "version", "it has to be 1");
    if ((e = read_list(r, root, "sites", site_members, SITE_MEMBERS, doc)) != SP_OK ||
        (e = read_list(r, root, "apps", app_members, APP_MEMBERS, doc)) != SP_OK)
        return e;
    if (json_get(root, "policy") == NULL)
        return SP_OK;
    if (json_kind(json_get(root, "policy")) != JSON_STRING)
        return refuse(r, root, "policy",
                      "it has to be the document's text: policy: | and the lines");
    json_set(doc, "policy", json_copy(json_get(root, "policy")));
    return SP_OK;
}

sp_error declare_read(struct view text, struct sp_why *why, struct json **out)
{
    struct reading r = {.why = why};
    struct json *doc;
    sp_error e = tree_parse(text, DECLARE_BYTES_MAX, why, &r.tree);

    if (e != SP_OK)
        return e;
    if ((doc = json_object()) == NULL)
        e = SP_ERR_NOMEM;
    else if ((e = read_root(&r, tree_root(r.tree), doc)) == SP_OK)
        *out = json_ref(doc);
    json_free(doc);
    tree_free(r.tree);
    return e;
}

struct json *declare_app(const struct json *from_api)
{
    struct json *app = json_object();

    for (size_t i = 0; i < APP_MEMBERS; i++) {
        const struct json *value = json_get(from_api, app_members[i].name);

        if (strcmp(app_members[i].name, "site") == 0)
            value = json_get(value, "name");
        if (value != NULL)
            json_set(app, app_members[i].name, json_copy(value));
        else if (!app_members[i].required)
            add_preset(&app_members[i], app);
    }
    return app;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* A word that YAML reads as itself, whatever reader. */
static bool is_word(struct view v)
{
    static const char *const taken[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};

    if (v.len == 0 || v.len > 128)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool more = (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';

        if (!letter && (i == 0 || !more))
            return false;
    }
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (ascii_is(v, taken[i]))
            return false;
    return true;
}

/*
 * Characters that YAML readers take for the end of a line, or not at all, when they stand as they
 * are: DEL, C1, LS, PS, the byte order mark, U+FFFE and U+FFFF. Their bytes; 0: none stands at
 * `at`.
 */
static size_t odd(struct view v, size_t at, unsigned *c)
{
    static const struct {
        const char *bytes;
        unsigned c;
    } rows[] = {{"\x7f", 0x7f},           {"\xe2\x80\xa8", 0x2028}, {"\xe2\x80\xa9", 0x2029},
                {"\xef\xbb\xbf", 0xfeff}, {"\xef\xbf\xbe", 0xfffe}, {"\xef\xbf\xbf", 0xffff}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].bytes);

        *c = rows[i].c;
        if (view_is(view_slice(v, at, n), rows[i].bytes))
            return n;
    }
    *c = at + 1 < v.len ? v.at[at + 1] : 0;
    return v.at[at] == 0xc2 && *c >= 0x80 && *c < 0xa0 ? 2 : 0;
}

/* A JSON string is a YAML string but for those. */
static void write_quoted(struct view text, struct buf *out)
{
    struct buf plain;
    struct view v;

    buf_init(&plain, out->max);
    encode_json_string(text, &plain);
    v = buf_view(&plain);
    for (size_t i = 0; i < v.len;) {
        unsigned c;
        size_t n = odd(v, i, &c);

        if (n == 0)
            buf_add_byte(out, v.at[i]);
        else
            buf_addf(out, "\\u%04x", c);
        i += n == 0 ? 1 : n;
    }
    buf_deinit(&plain);
}

static void write_value(const struct json *j, struct buf *out);

static void write_object(const struct json *j, struct buf *out)
{
    const char *before = "";

    buf_add_byte(out, '{');
    for (void *i = json_iter(j); i != NULL; i = json_iter_next(j, i)) {
        buf_add_str(out, before);
        write_quoted(view_str(json_iter_name(i)), out);
        buf_add_str(out, ": ");
        write_value(json_iter_value(i), out);
        before = ", ";
    }
    buf_add_byte(out, '}');
}

static void write_value(const struct json *j, struct buf *out)
{
    struct view text = json_str(j);

    if (json_kind(j) == JSON_OBJECT)
        write_object(j, out);
    else if (json_kind(j) == JSON_STRING && is_word(text))
        buf_add(out, text);
    else if (json_kind(j) == JSON_STRING)
        write_quoted(text, out);
    else
        sp_ignore(json_write(j, out)); /* the buf keeps the error */
}

/* Several lines as they are, where that is the same text: the indent is all that is added. */
static bool is_block(struct view v)
{
    if (v.len < 2 || v.at[v.len - 1] != '\n' || v.at[v.len - 2] == '\n' || v.at[0] == ' ' ||
        v.at[0] == '\n')
        return false;
    for (size_t i = 0; i < v.len; i++) {
        unsigned c;

        if ((v.at[i] < ' ' && v.at[i] != '\n') || odd(v, i, &c) > 0 ||
            (v.at[i] == '\n' && v.at[i - 1] == ' '))
            return false;
    }
    return utf8_valid(v);
}

static void write_text(struct view v, const char *indent, struct buf *out)
{
    bool start = true;

    if (!is_block(v)) {
        write_quoted(v, out);
        buf_add_byte(out, '\n');
        return;
    }
    buf_add_str(out, "|\n");
    for (size_t i = 0; i < v.len; i++) {
        if (start && v.at[i] != '\n')
            buf_add_str(out, indent);
        buf_add_byte(out, v.at[i]);
        start = v.at[i] == '\n';
    }
}

/* Members that are as they would be without a word are left out. */
static bool is_preset(const struct member *m, const struct json *value)
{
    if (m->kind == JSON_OBJECT)
        return json_len(value) == 0;
    return m->preset == NULL
               ? json_kind(value) == JSON_NULL
               : json_kind(value) == JSON_STRING && view_is(json_str(value), m->preset);
}

static void write_app(const struct json *app, struct buf *out)
{
    const char *before = "  - ";

    for (size_t i = 0; i < APP_MEMBERS; i++) {
        const struct member *m = &app_members[i];
        const struct json *value = json_get(app, m->name);

        if (value == NULL || (!m->required && is_preset(m, value)))
            continue;
        buf_addf(out, "%s%s: ", before, m->name);
        before = "    ";
        if (strcmp(m->name, "gateway") == 0) {
            write_text(json_str(value), "      ", out);
        } else {
            write_value(value, out);
            buf_add_byte(out, '\n');
        }
    }
}

static void write_heading(const char *name, const struct json *list, struct buf *out)
{
    buf_addf(out, "%s:%s\n", name, json_len(list) == 0 ? " []" : "");
}

void declare_write(const struct json *doc, struct buf *out)
{
    const struct json *sites = json_get(doc, "sites"), *apps = json_get(doc, "apps");

    buf_add_str(out, "version: 1\n");
    if (sites != NULL)
        write_heading("sites", sites, out);
    for (size_t i = 0; i < json_len(sites); i++) {
        buf_add_str(out, "  - name: ");
        write_value(json_get(json_at(sites, i), "name"), out);
        buf_add_byte(out, '\n');
    }
    if (apps != NULL)
        write_heading("apps", apps, out);
    for (size_t i = 0; i < json_len(apps); i++)
        write_app(json_at(apps, i), out);
    if (json_get(doc, "policy") != NULL) {
        buf_add_str(out, "policy: ");
        write_text(json_str(json_get(doc, "policy")), "  ", out);
    }
}

/* ---- comparing ---------------------------------------------------------------------------- */
