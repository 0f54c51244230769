#include "client/admin/show.h"

#include "lib/term/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 64 * 1024, PAIRS_MAX = 64, KEY_MAX = 64 };

static const struct json *member(const struct json *object, const char *path)
{
    const char *dot;

    while ((dot = strchr(path, '.')) != NULL) {
        char name[64];

        view_copy(name, sizeof name, (struct view){(const uint8_t *)path, (size_t)(dot - path)});
        object = json_get(object, name);
        path = dot + 1;
    }
    return json_get(object, path);
}

static enum out_tone tone(const char *word)
{
    static const struct {
        const char *word;
        enum out_tone tone;
    } words[] = {
        {"online", OUT_GOOD},     {"approved", OUT_GOOD},    {"active", OUT_GOOD},
        {"live", OUT_GOOD},       {"reachable", OUT_GOOD},   {"ok", OUT_GOOD},
        {"pass", OUT_GOOD},       {"allow", OUT_GOOD},       {"verified", OUT_GOOD},
        {"spare", OUT_GOOD},      {"used", OUT_GOOD},        {"yes", OUT_GOOD},
        {"single", OUT_WARN},     {"pending", OUT_WARN},     {"silent", OUT_WARN},
        {"draining", OUT_WARN},   {"unknown", OUT_WARN},     {"step_up", OUT_WARN},
        {"paused", OUT_WARN},     {"empty", OUT_WARN},       {"no_policy", OUT_WARN},
        {"warn", OUT_WARN},       {"never", OUT_WARN},       {"waiting", OUT_WARN},
        {"locked", OUT_BAD},      {"blocked", OUT_BAD},      {"lost", OUT_BAD},
        {"revoked", OUT_BAD},     {"denied", OUT_BAD},       {"deny", OUT_BAD},
        {"fail", OUT_BAD},        {"error", OUT_BAD},        {"broken", OUT_BAD},
        {"failing", OUT_BAD},     {"no_connector", OUT_BAD}, {"expired", OUT_BAD},
        {"unreachable", OUT_BAD}, {"refused", OUT_BAD},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i].word) == 0)
            return words[i].tone;
    return OUT_PLAIN;
}

static void bytes(int64_t n, struct buf *out)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)n;
    size_t unit = 0;

    while (v >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        v /= 1024;
        unit++;
    }
    buf_addf(out, unit == 0 ? "%.0f %s" : "%.1f %s", v, units[unit]);
}

static void number(int64_t n, enum show_form form, struct buf *out)
{
    if (form == SHOW_BYTES)
        bytes(n, out);
    else if (form == SHOW_MS && n >= 1000)
        buf_add_str(out, out_age(n).s);
    else
        buf_addf(out, form == SHOW_MS ? "%lld ms" : "%lld", (long long)n);
}

static void text(struct view v, enum show_form form, struct buf *out)
{
    /* RFC 3339 in UTC with milliseconds: day and second are enough for people. */
    if ((form == SHOW_TIME || form == SHOW_TEXT) && v.len == 24 && v.at[4] == '-' &&
        v.at[10] == 'T' && v.at[23] == 'Z') {
        buf_add(out, view_slice(v, 0, 10));
        buf_add_byte(out, ' ');
        buf_add(out, view_slice(v, 11, 8));
        buf_add_byte(out, 'Z');
    } else {
        buf_add(out, v);
    }
}

static void pairs_in_line(const struct json *object, struct buf *out)
{
    if (json_cstr(json_get(object, "name")) != NULL && json_get(object, "id") != NULL) {
        buf_add_str(out, json_cstr(json_get(object, "name")));
        return;
    }
    for (void *i = json_iter(object); i != NULL; i = json_iter_next(object, i)) {
        buf_addf(out, "%s%s=", out->len == 0 ? "" : ", ", json_iter_name(i));
        show_value(json_iter_value(i), SHOW_TEXT, out);
    }
}

void show_value(const struct json *value, enum show_form form, struct buf *out)
{
    int64_t n;
    double real;

    switch (json_kind(value)) {
    case JSON_STRING:
        text(json_str(value), form, out);
        break;
    case JSON_INTEGER:
        if (json_integer(value, &n))
            number(n, form, out);
        break;
    case JSON_REAL:
        if (json_number(value, &real))
            buf_addf(out, "%g", real);
        break;
    case JSON_BOOL:
        buf_add_str(out, json_is_true(value) ? "yes" : "no");
        break;
    case JSON_OBJECT:
        pairs_in_line(value, out);
        break;
    case JSON_ARRAY:
        for (size_t i = 0; i < json_len(value); i++) {
            if (i > 0)
                buf_add_str(out, ", ");
            show_value(json_at(value, i), form, out);
        }
        break;
    case JSON_MISSING:
    case JSON_NULL:
        break;
    }
}

/* ---- tables ------------------------------------------------------------------------------ */

int show_table(const struct column columns[], const struct json *items)
{
    const char *heads[OUT_COLUMNS_MAX];
    struct buf values[OUT_COLUMNS_MAX];
    struct out out = out_on(stdout);
    struct out_table *t;
    size_t count = 0;
    int code;

    while (count < OUT_COLUMNS_MAX && columns[count].head != NULL) {
        heads[count] = columns[count].head;
        buf_init(&values[count], VALUE_BYTES_MAX);
        count++;
    }
    t = out_table_new(heads, count);
    for (size_t i = 0; t != NULL && i < json_len(items); i++) {
        struct out_cell cells[OUT_COLUMNS_MAX] = {0};

        for (size_t k = 0; k < count; k++) {
            buf_reset(&values[k]);
            show_value(member(json_at(items, i), columns[k].member), columns[k].form, &values[k]);
            cells[k].text = values[k].len == 0 ? NULL : buf_cstr(&values[k]);
            if (columns[k].form == SHOW_STATE && cells[k].text != NULL)
                cells[k].tone = tone(cells[k].text);
        }
        out_table_row(t, cells);
    }
    code = t != NULL && out_table_print(t, &out) == SP_OK ? EXIT_OK : EXIT_ERROR;
    out_table_free(t);
    for (size_t k = 0; k < count; k++)
        buf_deinit(&values[k]);
    return code;
}

static enum show_form form_of(const char *name)
{
    size_t len = strlen(name);

    if (len > 3 && strcmp(name + len - 3, "_ms") == 0)
        return SHOW_MS;
    if (strcmp(name, "state") == 0 || strcmp(name, "result") == 0 || strcmp(name, "verdict") == 0)
        return SHOW_STATE;
    if (strncmp(name, "bytes_", 6) == 0)
        return SHOW_BYTES;
    if ((len > 3 && strcmp(name + len - 3, "_at") == 0) || strcmp(name, "time") == 0 ||
        strcmp(name, "expires") == 0 || strcmp(name, "deadline") == 0 ||
        strcmp(name, "opened") == 0 || strcmp(name, "at") == 0 || strncmp(name, "last_", 5) == 0 ||
        strncmp(name, "first_", 6) == 0 || strcmp(name, "online_since") == 0)
        return SHOW_TIME;
    return SHOW_TEXT;
}

/* A list of objects as a table whose heads are the members of the first. */
static int nested_table(const char *title, const struct json *items)
{
    struct column columns[OUT_COLUMNS_MAX] = {0};
    char heads[OUT_COLUMNS_MAX][KEY_MAX];
    struct json *first = json_at(items, 0);
    size_t n = 0;

    for (void *i = json_iter(first); i != NULL && n + 1 < OUT_COLUMNS_MAX;
         i = json_iter_next(first, i), n++) {
        const char *name = json_iter_name(i);
        size_t k = 0;

        for (; name[k] != '\0' && k + 1 < KEY_MAX; k++)
            heads[n][k] = name[k] == '_'                     ? ' '
                          : name[k] >= 'a' && name[k] <= 'z' ? (char)(name[k] - 'a' + 'A')
                                                             : name[k];
        heads[n][k] = '\0';
        columns[n] = (struct column){heads[n], name, form_of(name)};
    }
    printf("\n%s\n", title);
    return show_table(columns, items);
}

/* ---- one object -------------------------------------------------------------------------- */

static bool is_table(const struct json *value)
{
    return json_kind(value) == JSON_ARRAY && json_kind(json_at(value, 0)) == JSON_OBJECT;
}

struct block {
    struct out_pair pairs[PAIRS_MAX];
    char keys[PAIRS_MAX][KEY_MAX];
    struct buf values[PAIRS_MAX];
    size_t count;
};

static void fill(struct block *b, const struct json *object, const char *prefix)
{
    for (void *i = json_iter(object); i != NULL && b->count < PAIRS_MAX;
         i = json_iter_next(object, i)) {
        const struct json *value = json_iter_value(i);
        const char *name = json_iter_name(i);
        char key[KEY_MAX];

        snprintf(key, sizeof key, "%s%s%s", prefix, prefix[0] == '\0' ? "" : " ", name);
        if (json_kind(value) == JSON_OBJECT && json_get(value, "id") == NULL) {
            fill(b, value, key);
            continue;
        }
        if (is_table(value))
            continue;
        size_t at = b->count++;
        for (char *k = key; *k != '\0'; k++)
            *k = *k == '_' ? ' ' : *k;
        memcpy(b->keys[at], key, sizeof key);
        buf_init(&b->values[at], VALUE_BYTES_MAX);
        show_value(value, form_of(name), &b->values[at]);
        b->pairs[at].key = b->keys[at];
        b->pairs[at].value.text = b->values[at].len == 0 ? "–" : buf_cstr(&b->values[at]);
        if (form_of(name) == SHOW_STATE)
            b->pairs[at].value.tone = tone(b->pairs[at].value.text);
    }
}

int show_object(const struct json *object)
{
    struct out out = out_on(stdout);
    struct block *b = calloc(1, sizeof *b);
    int code = EXIT_ERROR;

    if (b == NULL)
        return code;
    fill(b, object, "");
    code = out_pairs(&out, b->pairs, b->count) == SP_OK ? EXIT_OK : EXIT_ERROR;
    for (size_t i = 0; i < b->count; i++)
        buf_deinit(&b->values[i]);
    free(b);
    for (void *i = json_iter(object); i != NULL && code == EXIT_OK; i = json_iter_next(object, i))
        if (is_table(json_iter_value(i)))
            code = nested_table(json_iter_name(i), json_iter_value(i));
    return code;
}

int show_cut(const struct json *cut, const char *done, const char *what)
{
    const struct out o = out_on(stdout);
    static const struct column columns[] = {{"SESSION", "id", SHOW_TEXT},
                                            {"USER", "user", SHOW_TEXT},
                                            {"APP", "app", SHOW_TEXT},
                                            {"CONFIRMED", "confirmed", SHOW_STATE},
                                            {"LAST BYTE AFTER", "took_ms", SHOW_MS},
                                            {"SILENT", "silent", SHOW_TEXT},
                                            {NULL, NULL, SHOW_TEXT}};
    int64_t killed = 0, took = 0;

    const char *colon = done == NULL ? "" : ": ", *stop = done == NULL ? "" : ". ";
    if (done == NULL)
        done = what = "";
    if (!json_integer(json_get(cut, "killed"), &killed) || killed == 0) {
        out_line(&o, "%s%s%s%sNo session was live.", done, colon, what, stop);
        return EXIT_OK;
    }
    if (json_integer(json_get(cut, "took_ms"), &took))
        out_line(&o, "%s%s%s%s%lld session%s cut, last byte after %lld ms.", done, colon, what,
                 stop, (long long)killed, killed == 1 ? "" : "s", (long long)took);
    else
        out_line(&o, "%s%s%s%s%lld session%s told to end; not every edge has confirmed.", done,
                 colon, what, stop, (long long)killed, killed == 1 ? "" : "s");
    return show_table(columns, json_get(cut, "sessions"));
}
