#include "connector/gateway/detect/exposure.h"
#include "connector/gateway/inventory/classify.h"

#include <ctype.h>

static void note(struct exposure_seen *s, enum exposure kind, struct view name)
{
    if (!(s->kinds & (unsigned)kind))
        view_copy(s->where[__builtin_ctz((unsigned)kind)], sizeof s->where[0], name);
    s->kinds |= (unsigned)kind;
}

/* "passwordHash", "user_password", "PWD", "client-secret"; not "password_changed_at". */
static bool names_a_secret(struct view name)
{
    static const char *const words[] = {"password",   "passwd", "pwd",    "secret",
                                        "privatekey", "apikey", "pwhash", "passwordhash"};
    char plain[64];
    size_t n = 0;

    for (size_t i = 0; i < name.len && n < sizeof plain - 1; i++)
        if (isalnum(name.at[i]))
            plain[n++] = (char)tolower(name.at[i]);
    plain[n] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t len = strlen(words[i]);
        if (n >= len && strcmp(plain + n - len, words[i]) == 0)
            return true;
    }
    return false;
}

/* Three base64url parts, the first the beginning of a JSON object: {" */
static bool is_jwt(struct view v)
{
    size_t dots = 0;

    if (v.len < 40 || memcmp(v.at, "eyJ", 3) != 0)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.at[i];
        if (!isalnum(c) && c != '-' && c != '_' && c != '.')
            return false;
        dots += c == '.';
    }
    return dots == 2;
}

static bool is_private_key(struct view v)
{
    static const char begin[] = "-----BEGIN ", end[] = "PRIVATE KEY-----";
    const uint8_t *at = v.len == 0 ? NULL : memmem(v.at, v.len, begin, sizeof begin - 1);

    return at != NULL && memmem(at, v.len - (size_t)(at - v.at), end, sizeof end - 1) != NULL;
}

void exposure_see(struct exposure_seen *s, struct view name, struct view value)
{
    if (s->values == EXPOSURE_VALUES_MAX || value.len == 0)
        return;
    s->values++;
    if (classify_is_card(value))
        note(s, EXPOSURE_CARD, name);
    if (classify_is_iban(value))
        note(s, EXPOSURE_IBAN, name);
    if (is_jwt(value))
        note(s, EXPOSURE_TOKEN, name);
    if (is_private_key(value))
        note(s, EXPOSURE_KEY, name);
    if (names_a_secret(name))
        note(s, EXPOSURE_PASSWORD, name);
    if (classify_is_email(value) && ++s->emails >= EXPOSURE_EMAILS_MIN)
        note(s, EXPOSURE_EMAILS, name);
}

const char *exposure_text(enum exposure kind)
{
    switch (kind) {
    case EXPOSURE_CARD:
        return "payment card numbers";
    case EXPOSURE_IBAN:
        return "bank account numbers";
    case EXPOSURE_EMAILS:
        return "a list of e-mail addresses";
    case EXPOSURE_TOKEN:
        return "access tokens";
    case EXPOSURE_KEY:
        return "a private key";
    case EXPOSURE_PASSWORD:
        return "passwords or secrets";
    default:
        return "";
    }
}
