#include "lib/trust/enrol.h"

#include "lib/base/encode.h"

void enrol_token_write(const uint8_t secret[ENROL_SECRET_BYTES], char text[ENROL_TOKEN_TEXT + 1])
{
    struct buf b;

    buf_init(&b, ENROL_TOKEN_TEXT);
    buf_add_str(&b, "spe_");
    encode_base64url((struct view){secret, ENROL_SECRET_BYTES}, &b);
    memset(text, 0, ENROL_TOKEN_TEXT + 1);
    if (buf_error(&b) == SP_OK)
        memcpy(text, b.at, b.len);
    buf_wipe(&b);
}

sp_error enrol_token_read(struct view text, uint8_t secret[ENROL_SECRET_BYTES])
{
    if (text.len != ENROL_TOKEN_TEXT || memcmp(text.at, "spe_", 4) != 0)
        return SP_ERR_MALFORMED;
    return decode_base64url_exact(view_slice(text, 4, SIZE_MAX), secret, ENROL_SECRET_BYTES);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* https://HOST[:PORT], and nothing that could be a path, a user or a query. */
static bool url_sound(struct view url)
{
    if (url.len <= 8 || url.len > ENROL_URL_MAX || memcmp(url.at, "https://", 8) != 0)
        return false;
    for (size_t i = 8; i < url.len; i++) {
        uint8_t c = url.at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '-' || c == '.' || c == ':' || c == '[' || c == ']'))
            return false;
    }
    return true;
}

static bool fingerprint_sound(struct view v)
{
    if (v.len != KEY_FINGERPRINT_TEXT || memcmp(v.at, "SP1:", 4) != 0)
        return false;
    for (size_t i = 4; i < v.len; i++) {
        uint8_t c = v.at[i];
        bool dash = i % 5 == 3;
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

static struct view next_part(struct view *rest)
{
    size_t len = 0;

    while (len < rest->len && rest->at[len] != ';')
        len++;
    struct view part = view_slice(*rest, 0, len);
    *rest = view_slice(*rest, len + 1, SIZE_MAX);
    return part;
}

static bool take_ca(struct view text, struct enrol_address *a)
{
    struct buf der;
    bool fine;

    buf_init(&der, ENROL_CA_MAX);
    fine = decode_base64url(text, &der) == SP_OK && der.len > 0;
    if (fine) {
        memcpy(a->ca, der.at, der.len);
        a->ca_len = der.len;
    }
    buf_deinit(&der);
    return fine;
}

static bool begins(struct view v, const char *prefix)
{
    return v.len >= strlen(prefix) && memcmp(v.at, prefix, strlen(prefix)) == 0;
}

/* The parts behind '#', each at its place in the order. */
static sp_error take_parts(struct view rest, struct sp_why *why, struct enrol_address *a)
{
    enum { WANT_FINGERPRINT, WANT_FRONT, WANT_CA, WANT_TOKEN, WANT_NOTHING } want = 0;
    uint8_t secret[ENROL_SECRET_BYTES];

    while (rest.len > 0) {
        struct view part = next_part(&rest);

        if (want == WANT_FINGERPRINT && fingerprint_sound(part)) {
            memcpy(a->fingerprint.s, part.at, part.len);
            want = WANT_FRONT;
        } else if (want == WANT_FRONT && view_is(part, "front=l7")) {
            a->front_l7 = true;
            want = WANT_CA;
        } else if (want >= WANT_FRONT && want <= WANT_CA && begins(part, "ca=") &&
                   take_ca(view_slice(part, 3, SIZE_MAX), a)) {
            want = WANT_TOKEN;
        } else if (want >= WANT_FRONT && want <= WANT_TOKEN &&
                   enrol_token_read(part, secret) == SP_OK) {
            memcpy(a->token, part.at, part.len);
            secret_wipe(secret, sizeof secret);
            want = WANT_NOTHING;
        } else {
            return sp_why_say(
                why, SP_ERR_MALFORMED,
                "the part after '#' is not SP1:FINGERPRINT[;front=l7][;ca=…][;spe_…]; "
                "copy the whole line again");
        }
    }
    return want == WANT_FINGERPRINT ? sp_why_say(why, SP_ERR_MALFORMED, "nothing stands after '#'")
                                    : SP_OK;
}

sp_error enrol_address_parse(struct view line, struct sp_why *why, struct enrol_address *out)
{
    struct enrol_address a = {{0}, {{0}}, false, {0}, 0, {0}};
    const uint8_t *hash;
    struct view url;
    sp_error e = SP_OK;

    if (line.len > ENROL_LINE_MAX)
        return sp_why_say(why, SP_ERR_LIMIT, "the line is longer than %d bytes", ENROL_LINE_MAX);
    while (line.len > 0 && is_blank(line.at[0]))
        line = view_slice(line, 1, SIZE_MAX);
    while (line.len > 0 && is_blank(line.at[line.len - 1]))
        line.len--;

    hash = line.len == 0 ? NULL : memchr(line.at, '#', line.len);
    url = view_slice(line, 0, hash == NULL ? line.len : (size_t)(hash - line.at));
    if (url.len > 0 && url.at[url.len - 1] == '/') /* as browsers show it */
        url.len--;
    if (!url_sound(url))
        return sp_why_say(why, SP_ERR_MALFORMED,
                          "the line does not begin with https://HOST or https://HOST:PORT");
    memcpy(a.url, url.at, url.len);
    if (hash != NULL)
        e = take_parts(view_slice(line, (size_t)(hash - line.at) + 1, SIZE_MAX), why, &a);
    if (e == SP_OK)
        *out = a;
    enrol_address_wipe(&a);
    return e;
}

void enrol_address_write(const struct enrol_address *a, struct buf *out)
{
    buf_add_str(out, a->url);
    if (a->fingerprint.s[0] == '\0')
        return;
    buf_addf(out, "#%s", a->fingerprint.s);
    if (a->front_l7)
        buf_add_str(out, ";front=l7");
    if (a->ca_len > 0) {
        buf_add_str(out, ";ca=");
        encode_base64url((struct view){a->ca, a->ca_len}, out);
    }
    if (a->token[0] != '\0')
        buf_addf(out, ";%s", a->token);
}

void enrol_address_wipe(struct enrol_address *a)
{
    secret_wipe(a, sizeof *a);
}

bool enrol_address_names(const struct enrol_address *a, const struct key_public *identity)
{
    struct key_fingerprint have = key_fingerprint(identity);

    return a->fingerprint.s[0] != '\0' && memcmp(have.s, a->fingerprint.s, sizeof have.s) == 0;
}
