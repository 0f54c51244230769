#include "broker/feeds/falcon.h"

#include "broker/feeds/answer.h"

static bool id_read(struct view v, char out[FALCON_ID + 1])
{
    if (v.len != FALCON_ID)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i] >= 'A' && v.at[i] <= 'F' ? v.at[i] + ('a' - 'A') : v.at[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
        out[i] = (char)c;
    }
    out[FALCON_ID] = '\0';
    return true;
}

static void take_ids(const struct json *list, struct falcon_ids *out)
{
    out->count = 0;
    for (size_t i = 0; i < json_len(list); i++)
        if (id_read(json_str(json_get(json_at(list, i), "aid")), out->at[out->count]))
            out->count++;
}

/* A cursor that we can't give back would end the list before its end. */
static sp_error take_cursor(const struct json *answer, struct sp_why *why, struct falcon_ids *out)
{
    const struct json *after = json_get(json_get(json_get(answer, "meta"), "pagination"), "after");
    enum json_kind kind = json_kind(after);
    char text[FALCON_AFTER_MAX + 1] = "";

    feed_text(json_get(json_get(answer, "meta"), "pagination"), "after", text, sizeof text);
    if (kind != JSON_MISSING && kind != JSON_NULL &&
        (kind != JSON_STRING || strlen(text) != json_str(after).len))
        return sp_why_say(why, SP_ERR_MALFORMED, "the cursor to the next page is no short text");
    memcpy(out->after, text, sizeof text);
    return SP_OK;
}

sp_error falcon_read_ids(struct view body, struct sp_why *why, struct falcon_ids *out)
{
    struct json *answer = NULL, *list = NULL;
    sp_error e = answer_read(body, "resources", why, &answer, &list);

    if (e != SP_OK)
        return e;
    if (json_len(list) > FALCON_IDS_MAX) {
        e = sp_why_say(why, SP_ERR_LIMIT, "a page holds more than %d ids", FALCON_IDS_MAX);
    } else if ((e = take_cursor(answer, why, out)) == SP_OK) {
        take_ids(list, out);
    }
    json_free(answer);
    return e;
}

static void take_values(struct feed_record *r, const struct json *o)
{
    const struct json *scores = json_get(o, "assessment");

    feed_take_score(r, (struct feed_member){"falcon:overall", "overall"}, scores);
    feed_take_score(r, (struct feed_member){"falcon:os", "os"}, scores);
    feed_take_score(r, (struct feed_member){"falcon:sensor_config", "sensor_config"}, scores);
    feed_take_word(r, (struct feed_member){"falcon:version", "version"}, scores, NULL);
    feed_take_word(r, (struct feed_member){"falcon:sensor_file_status", "sensor_file_status"}, o,
                   NULL);
}

sp_error falcon_read_assessments(struct view body, struct sp_why *why, struct feed_records *out)
{
    struct json *answer = NULL, *list = NULL;
    sp_error e = answer_read(body, "resources", why, &answer, &list);

    for (size_t i = 0; e == SP_OK && i < json_len(list); i++) {
        const struct json *o = json_at(list, i);
        char id[FALCON_ID + 1];
        struct feed_record *r = NULL;
        if (!id_read(json_str(json_get(o, "aid")), id))
            continue;
        if ((e = feed_records_add(out, &r)) != SP_OK) {
            e = answer_too_many(why, e);
            break;
        }
        memcpy(r->id, id, sizeof id);
        feed_text(o, "system_serial_number", r->serial, sizeof r->serial);
        r->seen_at = feed_time(o, "modified_time");
        take_values(r, o);
    }
    json_free(answer);
    return e;
}
