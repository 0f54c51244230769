#include "broker/feeds/records.h"

#include <math.h>
#include <stdlib.h>

enum { FIRST_RECORDS = 64 };
static const sp_unix_ms year_2000 = INT64_C(946684800000);

void feed_records_free(struct feed_records *r)
{
    free(r->at);
    *r = (struct feed_records){0};
}

sp_error feed_records_add(struct feed_records *r, struct feed_record **out)
{
    if (r->count == FEED_RECORDS_MAX)
        return SP_ERR_LIMIT;
    if (r->count == r->cap) {
        size_t cap = r->cap == 0 ? FIRST_RECORDS : r->cap * 2;
        struct feed_record *more = realloc(r->at, cap * sizeof *more);
        if (more == NULL)
            return SP_ERR_NOMEM;
        r->at = more;
        r->cap = cap;
    }
    *out = &r->at[r->count++];
    **out = (struct feed_record){0};
    return SP_OK;
}

static bool printable(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.at[i] < ' ' || v.at[i] > '~')
            return false;
    return true;
}

void feed_text(const struct json *object, const char *name, char *out, size_t size)
{
    struct view v = json_str(json_get(object, name));
    bool fits = v.len < size && printable(v);

    view_copy(out, size, fits ? v : (struct view){0});
}

sp_unix_ms feed_time(const struct json *object, const char *name)
{
    sp_unix_ms at = 0;

    if (clock_parse(json_str(json_get(object, name)), &at) != SP_OK || at < year_2000)
        return 0; /* Graph writes 0001-01-01 for never */
    return at;
}

/* NULL: no room, which a parser's fixed list of members rules out. */
static struct feed_value *next_value(struct feed_record *r, struct feed_member m)
{
    if (r->count == FEED_VALUES_MAX)
        return NULL;
    r->at[r->count] = (struct feed_value){.signal = m.signal};
    return &r->at[r->count++];
}

void feed_take_score(struct feed_record *r, struct feed_member m, const struct json *object)
{
    struct feed_value *v = next_value(r, m);
    double n = 0;

    if (v == NULL || !json_number(json_get(object, m.name), &n) || !isfinite(n) || n < 0 || n > 100)
        return;
    v->kind = VALUE_NUMBER;
    v->number = n;
}

void feed_take_pass(struct feed_record *r, struct feed_member m, const struct json *object)
{
    struct feed_value *v = next_value(r, m);
    bool pass = false;

    if (v == NULL || json_get_bool(object, m.name, &pass) != SP_OK)
        return;
    v->kind = VALUE_PASS_FAIL;
    v->pass = pass;
}

static bool listed(const char *word, const char *const words[])
{
    for (size_t i = 0; words != NULL && words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return words == NULL;
}

void feed_take_word(struct feed_record *r, struct feed_member m, const struct json *object,
                    const char *const words[])
{
    struct feed_value *v = next_value(r, m);

    if (v == NULL)
        return;
    feed_text(object, m.name, v->text, sizeof v->text);
    if (v->text[0] != '\0' && listed(v->text, words))
        v->kind = VALUE_TEXT;
    else
        v->text[0] = '\0';
}
