#include "broker/feeds/intune.h"

#include "broker/feeds/answer.h"

static const char *const compliance[] = {
    "compliant", "noncompliant", "inGracePeriod", "conflict", "error", "configManager", NULL};
static const char *const owner[] = {"company", "personal", NULL};
static const char *const threat[] = {
    "activated",    "deactivated",  "secured",     "lowSeverity",   "mediumSeverity",
    "highSeverity", "unresponsive", "compromised", "misconfigured", NULL};
static const char *const yes_or_no[] = {"True", "False", NULL};

static void take_values(struct feed_record *r, const struct json *o)
{
    feed_take_pass(r, (struct feed_member){"disk_encryption", "isEncrypted"}, o);
    feed_take_word(r, (struct feed_member){"intune:compliance", "complianceState"}, o, compliance);
    feed_take_word(r, (struct feed_member){"intune:jailbroken", "jailBroken"}, o, yes_or_no);
    feed_take_word(r, (struct feed_member){"intune:os_version", "osVersion"}, o, NULL);
    feed_take_word(r, (struct feed_member){"intune:owner", "managedDeviceOwnerType"}, o, owner);
    feed_take_word(r, (struct feed_member){"intune:threat", "partnerReportedThreatState"}, o,
                   threat);
}

static sp_error take_device(const struct json *o, struct sp_why *why, struct feed_records *out)
{
    char id[FEED_ID_MAX + 1];
    struct feed_record *r = NULL;
    sp_error e;

    feed_text(o, "id", id, sizeof id);
    if (id[0] == '\0')
        return SP_OK;
    if ((e = feed_records_add(out, &r)) != SP_OK)
        return answer_too_many(why, e);
    memcpy(r->id, id, sizeof id);
    feed_text(o, "serialNumber", r->serial, sizeof r->serial);
    r->seen_at = feed_time(o, "lastSyncDateTime");
    take_values(r, o);
    return SP_OK;
}

static sp_error take_next(const struct json *answer, const struct url *origin, struct sp_why *why,
                          char next[URL_BYTES_MAX + 1])
{
    const struct json *link = json_get(answer, "@odata.nextLink");
    bool same = view_is(json_str(link), next);
    struct url to;

    next[0] = '\0';
    if (json_kind(link) == JSON_MISSING || json_kind(link) == JSON_NULL)
        return SP_OK;
    if (url_parse(json_str(link), &to) != SP_OK || to.has_fragment)
        return sp_why_say(why, SP_ERR_MALFORMED, "the link to the next page is no URL");
    if (!url_same_origin(&to, origin))
        return sp_why_say(why, SP_ERR_DENIED,
                          "the link to the next page leads to another host: not followed");
    if (same)
        return sp_why_say(why, SP_ERR_MALFORMED, "the link to the next page leads to itself");
    view_copy(next, URL_BYTES_MAX + 1, json_str(link));
    return SP_OK;
}

sp_error intune_read_page(struct view body, const struct url *origin, struct sp_why *why,
                          struct feed_records *out, char next[URL_BYTES_MAX + 1])
{
    struct json *answer = NULL, *list = NULL;
    sp_error e = answer_read(body, "value", why, &answer, &list);

    for (size_t i = 0; e == SP_OK && i < json_len(list); i++)
        e = take_device(json_at(list, i), why, out);
    if (e == SP_OK)
        e = take_next(answer, origin, why, next);
    json_free(answer);
    return e;
}
