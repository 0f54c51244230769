#include "connector/gateway/challenge.h"

#include "connector/gateway/fields.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/ascii.h"
#include "lib/base/banned.h"

/* RFC 9110 section 11.2. */
static bool is_token68(struct view v)
{
    size_t n = 0;

    while (n < v.len &&
           ((v.at[n] >= 'a' && v.at[n] <= 'z') || (v.at[n] >= 'A' && v.at[n] <= 'Z') ||
            (v.at[n] >= '0' && v.at[n] <= '9') || memchr("-._~+/", v.at[n], 6) != NULL))
        n++;
    if (n == 0)
        return false;
    while (n < v.len && v.at[n] == '=')
        n++;
    return n == v.len;
}

static sp_error read_credentials(struct view value, struct sp_why *why, struct bearer *out)
{
    size_t n = 0, from;
    struct bearer b = {0};

    while (n < value.len && value.at[n] != ' ')
        n++;
    struct view scheme = view_slice(value, 0, n);
    if (ascii_is(scheme, "bearer"))
        b.scheme = BEARER_BEARER;
    else if (ascii_is(scheme, "dpop"))
        b.scheme = BEARER_DPOP;
    else
        return SP_OK; /* Basic and others are the application's matter: here there is no token */
    for (from = n; from < value.len && value.at[from] == ' '; from++)
        continue;
    b.token = view_slice(value, from, value.len);
    if (b.token.len > CHALLENGE_TOKEN_MAX)
        return sp_why_say(why, SP_ERR_LIMIT, "the access token is longer than %d bytes",
                          CHALLENGE_TOKEN_MAX);
    if (!is_token68(b.token))
        return sp_why_say(why, SP_ERR_MALFORMED, "what follows the scheme is no access token");
    *out = b;
    return SP_OK;
}

sp_error bearer_find(const struct gw_request *r, struct sp_why *why, struct bearer *out)
{
    size_t count;
    struct view value = gw_field_find(r->fields, r->field_count, "authorization", &count);

    *out = (struct bearer){0};
    for (size_t i = 0; i < r->target.query_count; i++) {
        if (ascii_is(r->target.pairs[i].name, "access_token"))
            return sp_why_say(
                why, SP_ERR_MALFORMED,
                "an access token may not stand in the query; send it in Authorization");
    }
    if (count > 1)
        return sp_why_say(why, SP_ERR_MALFORMED, "there are two Authorization fields");
    return count == 0 ? SP_OK : read_credentials(value, why, out);
}

/* Appends what fits whole; a challenge that is cut in the middle would be none. */
static void SP_PRINTF(3, 4) add(char *to, size_t room, const char *format, ...)
{
    size_t used = strlen(to);
    char part[256];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(part, sizeof part, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof part && (size_t)n < room - used)
        memcpy(to + used, part, (size_t)n + 1);
}

static void add_quoted(char *to, size_t room, const char *name, const char *text)
{
    char clean[160];
    size_t n = 0;

    for (; text[n] != '\0' && n < sizeof clean - 1; n++) {
        unsigned char c = (unsigned char)text[n];
        clean[n] = c < ' ' || c >= 0x7f || c == '"' || c == '\\' ? '?' : text[n];
    }
    clean[n] = '\0';
    add(to, room, ", %s=\"%s\"", name, clean);
}

struct gw_verdict challenge(const struct gwconf_oauth *conf, enum challenge_error error,
                            const char *text, const char *scope, struct gw_words *words)
{
    static const struct {
        enum gw_reason reason;
        int status; /* 0: the reason's own */
        const char *word;
        bool dpop;
    } rows[] = {
        [CHALLENGE_NONE] = {GW_REASON_TOKEN_MISSING, 0, "", false},
        [CHALLENGE_INVALID_REQUEST] = {GW_REASON_INVALID_REQUEST, 0, "invalid_request", false},
        [CHALLENGE_INVALID_TOKEN] = {GW_REASON_INVALID_TOKEN, 0, "invalid_token", false},
        [CHALLENGE_INSUFFICIENT_SCOPE] = {GW_REASON_INSUFFICIENT_SCOPE, 0, "insufficient_scope",
                                          false},
        [CHALLENGE_INVALID_PROOF] = {GW_REASON_INVALID_TOKEN, 0, "invalid_dpop_proof", true},
        [CHALLENGE_USE_NONCE] = {GW_REASON_INVALID_TOKEN, 0, "use_dpop_nonce", true},
    };
    struct gw_verdict v = gw_refuse(rows[error].reason);
    bool dpop = rows[error].dpop || (conf->bind & GW_BIND_DPOP) != 0;
    size_t room = sizeof words->challenge;

    v.status = rows[error].status;
    v.words = words;
    if (words == NULL)
        return v;
    *words = (struct gw_words){0};
    add(words->challenge, room, "%s realm=\"%s\"", dpop ? "DPoP" : "Bearer",
        conf->realm != NULL ? conf->realm : "");
    if (error != CHALLENGE_NONE)
        add(words->challenge, room, ", error=\"%s\"", rows[error].word);
    if (dpop)
        add(words->challenge, room, ", algs=\"ES256 EdDSA RS256 PS256\"");
    if (error != CHALLENGE_NONE && text != NULL && text[0] != '\0')
        add_quoted(words->challenge, room, "error_description", text);
    if (scope != NULL && scope[0] != '\0')
        add_quoted(words->challenge, room, "scope", scope);
    return v;
}
