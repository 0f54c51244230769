#include "broker/identity/oidc_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What a provider says about a person, from verified claims. Pure. */

/* Cuts at a character's beginning. */
static void copy_text(struct view v, char *out, size_t size)
{
    size_t len = v.len < size ? v.len : size - 1;

    if (len < v.len)
        while (len > 0 && (v.at[len] & 0xc0) == 0x80)
            len--;
    memcpy(out, v.at, len);
    out[len] = '\0';
}

/* A text that either document has, the ID token first. */
static void copy_claim(const struct json *claims, const struct json *info, const char *name,
                       char *out, size_t size)
{
    struct view v = json_str(json_get(claims, name));

    if (v.len == 0)
        v = json_str(json_get(info, name));
    if (v.len > 0)
        copy_text(v, out, size);
}

/* A claim that is longer than its place is no claim: never half an address, half a session id. */
static void copy_whole(const struct json *claims, const struct json *info, const char *name,
                       char *out, size_t size)
{
    struct view v = json_str(json_get(claims, name));

    if (v.len == 0)
        v = json_str(json_get(info, name));
    if (v.len > 0 && v.len < size)
        copy_text(v, out, size);
}

static void copy_amr(const struct json *amr, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; json_kind(amr) == JSON_ARRAY && i < json_len(amr); i++) {
        struct view v = json_str(json_at(amr, i));
        if (v.len == 0 || memchr(v.at, ' ', v.len) != NULL || used + v.len + 2 > size)
            continue;
        if (used > 0)
            out[used++] = ' ';
        memcpy(out + used, v.at, v.len);
        used += v.len;
    }
    out[used] = '\0';
}

/* Core 5.6.2 and what Entra does: a pointer stands in place of the groups (C-008). */
static bool is_overage(const struct provider *p, const struct json *doc)
{
    return json_get(json_get(doc, "_claim_names"), p->groups_path[0]) != NULL ||
           json_is_true(json_get(doc, "hasgroups"));
}

static void drop_groups(struct identity *i)
{
    for (size_t g = 0; g < i->group_count; g++)
        free(i->groups[g]);
    free(i->groups);
    i->groups = NULL;
    i->group_count = 0;
}

void identity_deinit(struct identity *i)
{
    drop_groups(i);
    *i = (struct identity){0};
}

SP_PRINTF(2, 3) static sp_error unreadable(struct identity *i, const char *format, ...)
{
    va_list args;

    drop_groups(i);
    i->groups_state = GROUPS_UNREADABLE;
    va_start(args, format);
    vsnprintf(i->groups_detail, sizeof i->groups_detail, format, args);
    va_end(args);
    return SP_OK;
}

/* Adds "idp/group". SP_ERR_LIMIT: the name has no place in the registry. */
static sp_error add_group(const struct provider *p, struct view name, struct identity *i)
{
    struct buf text;
    char *group;

    if (name.len == 0)
        return SP_OK; /* an empty text names no group */
    buf_init(&text, ROW_NAME_MAX);
    buf_addf(&text, "%s/", p->name);
    buf_add(&text, name);
    if (buf_error(&text) == SP_ERR_LIMIT) {
        buf_deinit(&text);
        return SP_ERR_LIMIT;
    }
    group = buf_take_str(&text);
    buf_deinit(&text);
    if (group == NULL)
        return SP_ERR_NOMEM;
    i->groups[i->group_count++] = group;
    return SP_OK;
}

static sp_error read_groups(const struct provider *p, const struct json *doc, struct identity *i)
{
    const struct json *value = doc;
    size_t count;
    sp_error e = SP_OK;

    for (size_t step = 0; step < p->groups_path_count; step++)
        value = json_get(value, p->groups_path[step]);
    if (value == NULL && is_overage(p, doc))
        return unreadable(i, "the provider did not deliver the groups (overage)");
    if (json_kind(value) != JSON_STRING && json_kind(value) != JSON_ARRAY)
        return unreadable(i, "claim %s of provider %s is %s: groups were not delivered",
                          p->groups_claim, p->name, json_kind_name(json_kind(value)));

    count = json_kind(value) == JSON_ARRAY ? json_len(value) : 1;
    if (count > OIDC_GROUPS_MAX)
        return unreadable(i, "claim %s of provider %s holds %zu groups; at most %d are kept",
                          p->groups_claim, p->name, count, OIDC_GROUPS_MAX);
    if ((i->groups = calloc(count + 1, sizeof *i->groups)) == NULL)
        return SP_ERR_NOMEM;
    for (size_t g = 0; e == SP_OK && g < count; g++) {
        const struct json *one = json_kind(value) == JSON_ARRAY ? json_at(value, g) : value;
        if (json_kind(one) == JSON_STRING)
            e = add_group(p, json_str(one), i);
    }
    if (e == SP_ERR_LIMIT) /* a deny rule may name it: not knowing it is not knowing the groups */
        return unreadable(i, "claim %s of provider %s holds a group name that is too long",
                          p->groups_claim, p->name);
    if (e == SP_OK)
        i->groups_state = GROUPS_KNOWN;
    return e;
}

static sp_unix_ms seconds(const struct json *claims, const char *name)
{
    double t;

    return json_number(json_get(claims, name), &t) && t > 0 ? (sp_unix_ms)(t * 1000) : 0;
}

sp_error oidc_identity(const struct provider *p, const struct json *claims,
                       const struct json *userinfo, struct identity *out)
{
    struct identity i = {.groups_state = GROUPS_UNREADABLE};
    sp_error e;

    copy_whole(claims, NULL, "sub", i.sub, sizeof i.sub);
    copy_claim(claims, userinfo, "preferred_username", i.preferred, sizeof i.preferred);
    copy_claim(claims, userinfo, "name", i.display, sizeof i.display);
    copy_whole(claims, userinfo, "email", i.email, sizeof i.email);
    copy_whole(claims, NULL, "acr", i.acr, sizeof i.acr);
    copy_whole(claims, NULL, "sid", i.sid, sizeof i.sid);
    copy_amr(json_get(claims, "amr"), i.amr, sizeof i.amr);
    i.auth_at = seconds(claims, "auth_time");
    if (i.auth_at == 0)
        i.auth_at = seconds(claims, "iat");

    if (!p->groups_from_userinfo)
        e = read_groups(p, claims, &i);
    else if (userinfo != NULL)
        e = read_groups(p, userinfo, &i);
    else
        e = unreadable(&i, "provider %s gave no userinfo, which should hold %s", p->name,
                       p->groups_claim);
    if (e != SP_OK)
        identity_deinit(&i);
    else
        *out = i;
    return e;
}
