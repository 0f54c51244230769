#include "broker/identity/logins_internal.h"
#include "lib/base/encode.h"
#include "lib/base/failpoint.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"
#include "lib/http/url.h"

#include <stdio.h>

enum { START_TEXT_MAX = 64 }; /* of what a device says about itself: the address stays short */

/* ---- beginning ---------------------------------------------------------------------------- */

/* OA-9: literal loopback, a port, a path, and nothing else. */
static bool redirect_sound(struct view text)
{
    struct url u;
    bool v4, v6;

    if (text.len > LOGINS_REDIRECT_MAX || url_parse(text, &u) != SP_OK || u.https || u.has_query ||
        u.has_fragment || u.path.len < 2)
        return false;
    v4 = !u.host_is_ipv6 && view_is(u.host, "127.0.0.1");
    v6 = u.host_is_ipv6 && view_is(u.host, "::1");
    /* The port is written, since no loopback listener of ours stands on 80. */
    return (v4 || v6) && u.port != 80;
}

static bool state_sound(struct view text)
{
    if (text.len < 16 || text.len > LOGINS_STATE_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '-' || c == '_'))
            return false;
    }
    return true;
}

static sp_error check_begin(const struct login_begin *b, struct sp_why *why)
{
    uint8_t challenge[32];

    if (b->redirect.len > 0 && !redirect_sound(b->redirect))
        return sp_why_say(why, SP_ERR_INVALID,
                          "redirect must be http://127.0.0.1:PORT/PATH or http://[::1]:PORT/PATH");
    if (decode_base64url_exact(b->challenge, challenge, sizeof challenge) != SP_OK)
        return sp_why_say(why, SP_ERR_INVALID, "challenge must be base64url of 32 bytes (S256)");
    if (!state_sound(b->state))
        return sp_why_say(why, SP_ERR_INVALID, "state must be 16 to %d base64url characters",
                          LOGINS_STATE_MAX);
    return SP_OK;
}

/* Text that a device says of itself, made visible and short. */
static void copy_said(const char *from, char *out, size_t size)
{
    struct buf safe;

    buf_init(&safe, size - 1 < START_TEXT_MAX ? size - 1 : START_TEXT_MAX);
    if (from != NULL)
        encode_visible(view_slice(view_str(from), 0, START_TEXT_MAX), &safe);
    snprintf(out, size, "%s", buf_cstr(&safe) == NULL ? "" : buf_cstr(&safe));
    buf_deinit(&safe);
}

static void new_match(char out[LOGINS_MATCH_TEXT + 1])
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    size_t n = 0;

    for (int i = 0; i < 8; i++) {
        if (i == 4)
            out[n++] = '-';
        out[n++] = letters[random_below(sizeof letters - 1)];
    }
    out[n] = '\0';
}

static sp_error not_blocked(struct logins *l, const struct key_public *key, struct sp_why *why)
{
    struct device_row row;
    sp_error e = l->services->registry->device_by_key(l->o.store, key, &row);

    if (e == SP_ERR_NOT_FOUND)
        return SP_OK;
    if (e == SP_OK && (row.state == ROW_DEVICE_BLOCKED || row.state == ROW_DEVICE_LOST))
        return sp_why_say(why, SP_ERR_DENIED,
                          "this device is blocked; an administrator can allow it again");
    return e;
}

/* The login itself, sealed, is what the address brings. */
static sp_error address_of(struct logins *l, const struct login *login, struct buf *url)
{
    struct buf token;
    bool first = true;
    sp_error e;

    buf_init(&token, 2048);
    if ((e = login_seal(l, login, SEAL_START, &token)) == SP_OK) {
        buf_addf(url, "%s/login/device", l->o.origin);
        url_add_query(url, &first, "start", buf_view(&token));
    }
    buf_deinit(&token);
    return e;
}

sp_error logins_begin(struct logins *l, const struct login_device *device,
                      const struct login_begin *begin, struct sp_why *why, struct buf *url,
                      struct login_begun *out)
{
    struct login login = {.id = random_id(),
                          .step = LOGIN_CHOOSE,
                          .device = true,
                          .waits = begin->device_code,
                          .started = clock_unix(),
                          .key = *device->key,
                          .hardware_key = device->hardware_key};
    sp_error e;

    if ((e = check_begin(begin, why)) != SP_OK || (e = not_blocked(l, device->key, why)) != SP_OK)
        return e;
    if (begin->device_code && !l->o.device_code)
        return sp_why_say(why, SP_ERR_DENIED,
                          "nobody signs in by device code here; sallyport login --no-browser shows "
                          "a code to type on this device");
    if (begin->redirect.len > 0)
        memcpy(login.redirect, begin->redirect.at, begin->redirect.len);
    memcpy(login.challenge, begin->challenge.at, begin->challenge.len);
    memcpy(login.state, begin->state.at, begin->state.len);
    if (begin->idp.len > 0 && begin->idp.len < sizeof login.idp)
        memcpy(login.idp, begin->idp.at, begin->idp.len);
    if (oidc_find(l->o.oidc, view_str(login.idp)) == NULL)
        login.idp[0] = '\0';
    copy_said(device->name, login.name, sizeof login.name);
    copy_said(device->os, login.os, sizeof login.os);
    copy_said(device->software, login.software, sizeof login.software);
    copy_said(device->serials, login.serials, sizeof login.serials);
    snprintf(login.address, sizeof login.address, "%s", device->address);

    struct login_begun begun = {.until = login.started + LOGINS_LIFE_MS};
    if (begin->device_code) {
        if ((e = waits_put(l->waits, &login, begun.poll)) == SP_OK)
            buf_addf(url, "%s/d/%s", l->o.origin, login.match);
    } else {
        new_match(login.match);
        e = address_of(l, &login, url);
    }
    if (e == SP_OK && (e = buf_error(url)) == SP_OK) {
        memcpy(begun.match, login.match, sizeof begun.match);
        *out = begun;
    }
    secret_wipe(&begun, sizeof begun);
    return e;
}

const char *logins_poll(struct logins *l, const struct login_device *device, struct view poll,
                        int64_t *interval_ms)
{
    return waits_poll(l->waits, poll, device->key, clock_unix(), interval_ms);
}

/* ---- finishing ---------------------------------------------------------------------------- */

static bool verifier_fits(const struct login *login, struct view verifier)
{
    struct hash h = hash_sha256(verifier);
    struct buf text;
    bool same;

    buf_init(&text, LOGINS_CHALLENGE_TEXT);
    encode_base64url(hash_view(&h), &text);
    same = verifier.len >= 43 && verifier.len <= 128 && buf_error(&text) == SP_OK &&
           secret_equal(buf_view(&text), view_str(login->challenge));
    buf_deinit(&text);
    return same;
}

struct binding {
    struct logins *l;
    struct login_row row;
    struct audit_record record;
    struct hash code;
    bool won;
};

static sp_error bind_work(struct store_tx *tx, void *arg)
{
    struct binding *b = arg;
    const struct store_services *s = b->l->services;
    sp_error e = s->once->consume(tx, ONCE_LOGIN_CODE, hash_view(&b->code),
                                  tx_now(tx) + LOGINS_CODE_MS, &b->won);

    if (e != SP_OK || !b->won)
        return e;
    FAILPOINT("login:code_consumed");
    if ((e = s->logins->device_put(tx, &b->row)) != SP_OK)
        return e;
    return audit_append(tx, s, &b->record);
}

/* The device in the registry, then its login and the record, in one transaction. */
static sp_error bind(struct logins *l, const struct login_device *device, const struct login *login,
                     struct view code, struct sp_why *why, struct login_done *out)
{
    struct device_claim claim = {.key = *device->key,
                                 .name = login->name,
                                 .os = login->os,
                                 .serials = login->serials,
                                 .software = login->software,
                                 .hardware_key = device->hardware_key,
                                 .user = login->user,
                                 .approve = l->o.approve_devices};
    struct binding b = {.l = l, .code = hash_sha256(code)};
    struct audit_record by =
        login_record(login, AUDIT_UNNAMED, AUDIT_OK, device->address, NULL, NULL);
    sp_error e;

    if ((e = l->services->registry->user_get(l->o.store, login->user, &out->user)) != SP_OK)
        return e;
    if ((e = devices_admit(l->o.registry, &claim, &by, &out->device)) != SP_OK)
        return e == SP_ERR_DENIED
                   ? sp_why_say(why, e,
                                "this device is blocked, or belongs to another person; an "
                                "administrator can give it to you")
                   : e;
    if ((e = l->services->logins->device_get(l->o.store, out->device.id, &b.row)) != SP_OK &&
        e != SP_ERR_NOT_FOUND)
        return e;
    uint64_t ver = e == SP_OK ? b.row.ver : 0;
    b.row = (struct login_row){.device = out->device.id,
                               .user = login->user,
                               .auth_at = login->auth_at,
                               .mfa_at = login->mfa_at,
                               .mfa_kind = login->mfa_kind,
                               .created = clock_unix(),
                               .ver = ver};
    b.row.rolled = b.row.created;
    b.row.expires = b.row.created + l->o.session_ms;
    snprintf(b.row.amr, sizeof b.row.amr, "%s", login->amr);
    snprintf(b.row.acr, sizeof b.row.acr, "%s", login->acr);
    snprintf(b.row.idp_sid, sizeof b.row.idp_sid, "%s", login->sid);
    snprintf(b.row.address, sizeof b.row.address, "%s", device->address);
    b.record = by;
    b.record.event = AUDIT_LOGIN_OK;
    b.record.device = out->device.id;
    b.record.text = "signed in on a device";
    FAILPOINT("login:bind");
    if ((e = store_commit(l->o.store, bind_work, &b)) != SP_OK)
        return e;
    FAILPOINT("login:bound");
    if (!b.won)
        return SP_ERR_DENIED;
    out->login = b.row;
    return SP_OK;
}

/* A used code came again: whoever has it may have been first (OA-6). */
static sp_error end_reused(struct logins *l, struct sp_id device, const char *address)
{
    struct audit_record by =
        login_record(NULL, AUDIT_LOGIN_FAIL, AUDIT_DENIED, address, NULL,
                     "a login code was used twice: the login that it gave has ended");
    sp_error e;

    by.device = device;
    if ((e = audit_now(l->o.store, &by)) != SP_OK)
        return e;
    e = devices_sign_out(l->o.registry, device, &by);
    return e == SP_OK || e == SP_ERR_NOT_FOUND ? SP_ERR_DENIED : e;
}

sp_error logins_finish(struct logins *l, const struct login_device *device, struct view code,
                       struct view verifier, struct sp_why *why, struct login_done *out)
{
    struct login_done done = {.user = {.state = USER_NONE}};
    struct login login = {.step = LOGIN_NOWHERE};
    bool waited = waits_poll_text(code);
    struct sp_id reused, id;
    sp_error e = waited ? waits_take(l->waits, code, device->key, clock_unix(), &login, &reused)
                        : codes_take(l->codes, code, clock_unix(), &login, &reused);

    if (e == SP_ERR_DENIED && !id_is_zero(reused))
        e = end_reused(l, reused, device->address);
    id = login.id;
    /* Of another device's channel or with another verifier it is burnt all the same. */
    if (e == SP_OK && (!key_equal(&login.key, device->key) || !verifier_fits(&login, verifier)))
        e = SP_ERR_DENIED;
    if (e == SP_ERR_DENIED)
        e = sp_why_say(why, e,
                       "the code is wrong, used or too old; start again with sallyport login");
    else if (e == SP_OK && (e = bind(l, device, &login, code, why, &done)) == SP_OK) {
        if (waited)
            waits_used(l->waits, id, done.device.id);
        else
            codes_used(l->codes, code, done.device.id);
        *out = done;
    }
    secret_wipe(&login, sizeof login);
    return e;
}

/* ---- afterwards --------------------------------------------------------------------------- */

sp_error logins_of_device(struct logins *l, struct sp_id device, sp_unix_ms now,
                          struct login_row *out)
{
    struct login_row row;
    sp_error e = l->services->logins->device_get(l->o.store, device, &row);

    if (e == SP_ERR_NOT_FOUND || (e == SP_OK && now >= row.expires))
        return SP_ERR_UNAUTHENTICATED;
    if (e == SP_OK)
        *out = row;
    return e;
}

sp_error logins_user(struct logins *l, struct sp_id user, struct user_row *out)
{
    return l->services->registry->user_get(l->o.store, user, out);
}

struct device_list {
    struct device_row *rows;
    size_t max, count;
};

/* Keeps the `max` devices that were seen last, in that order. */
static bool add_device(void *arg, const struct device_row *row)
{
    struct device_list *list = arg;
    size_t at = list->count;

    while (at > 0 && list->rows[at - 1].seen < row->seen)
        at--;
    if (at == list->max)
        return true;
    if (list->count < list->max)
        list->count++;
    memmove(&list->rows[at + 1], &list->rows[at], (list->count - at - 1) * sizeof list->rows[0]);
    list->rows[at] = *row;
    return true;
}

sp_error logins_devices(struct logins *l, struct sp_id user, struct device_row *out, size_t max,
                        size_t *count)
{
    struct device_list list = {.rows = out, .max = max};
    const struct device_filter theirs = {.user = user};
    sp_error e = l->services->registry->device_list(l->o.store, &theirs, NULL, STORE_PAGE_MAX,
                                                    add_device, &list);

    *count = e == SP_OK ? list.count : 0;
    return e;
}

static sp_error put_work(struct store_tx *tx, void *arg)
{
    struct binding *b = arg;
    return b->l->services->logins->device_put(tx, &b->row);
}

sp_error logins_factor(struct logins *l, struct sp_id device, struct view typed,
                       const char *address, struct mfa_answer *answer, struct login_row *out)
{
    struct binding b = {.l = l};
    struct audit_record by = {.actor_kind = AUDIT_ACTOR_USER, .device = device, .address = address};
    sp_error e = logins_of_device(l, device, clock_unix(), &b.row);

    if (e != SP_OK)
        return e;
    by.actor = by.user = b.row.user;
    if ((e = mfa_verify(l->o.mfa, b.row.user, typed, &by, answer)) != SP_OK)
        return e;
    b.row.mfa_at = answer->at;
    b.row.mfa_kind = ROW_MFA_OTP;
    if ((e = store_commit(l->o.store, put_work, &b)) == SP_OK)
        *out = b.row;
    return e;
}

sp_error logins_end(struct logins *l, struct sp_id device, bool everywhere, const char *address)
{
    struct audit_record by = {.actor_kind = AUDIT_ACTOR_USER, .device = device, .address = address};
    struct login_row row;
    sp_error e = l->services->logins->device_get(l->o.store, device, &row);

    if (e != SP_OK)
        return e;
    by.actor = by.user = row.user;
    return everywhere ? users_sign_out(l->o.registry, row.user, &by)
                      : devices_sign_out(l->o.registry, device, &by);
}
