#include "connector/gateway/strict.h"

#include "lib/base/ascii.h"
#include "lib/base/num.h"

/* ---- the request line ---------------------------------------------------------------------- */

enum line_state {
    LINE_BEFORE = 0, /* the zero value: nothing was read */
    LINE_BEFORE_LF,
    LINE_FIRST, /* after one empty line (RFC 9112 section 2.2) */
    LINE_METHOD,
    LINE_TARGET_FIRST,
    LINE_TARGET,
    LINE_VERSION,
    LINE_LF,
    LINE_DONE,
    LINE_BAD,
    LINE_STATES
};

enum line_class {
    IS_OTHER = 0, /* controls, DEL, above 0x7e */
    IS_CR,
    IS_LF,
    IS_SPACE,
    IS_LETTER, /* also '-': M-SEARCH is refused later, by name */
    IS_VISIBLE,
    IS_NEVER, /* '#' and '\': in no request line */
    LINE_CLASSES
};

static const uint8_t class_of[256] = {
    ['\r'] = IS_CR,
    ['\n'] = IS_LF,
    [' '] = IS_SPACE,
    ['!' ... '"'] = IS_VISIBLE,
    ['#'] = IS_NEVER,
    ['$' ... ','] = IS_VISIBLE,
    ['-'] = IS_LETTER,
    ['.' ... '@'] = IS_VISIBLE,
    ['A' ... 'Z'] = IS_LETTER,
    ['['] = IS_VISIBLE,
    ['\\'] = IS_NEVER,
    [']' ... '~'] = IS_VISIBLE,
};

/* An empty cell is LINE_BEFORE, where nothing leads back to: it stands for LINE_BAD. */
static const uint8_t line_table[LINE_DONE][LINE_CLASSES] = {
    [LINE_BEFORE] = {[IS_CR] = LINE_BEFORE_LF, [IS_LETTER] = LINE_METHOD},
    [LINE_BEFORE_LF] = {[IS_LF] = LINE_FIRST},
    [LINE_FIRST] = {[IS_LETTER] = LINE_METHOD},
    [LINE_METHOD] = {[IS_LETTER] = LINE_METHOD, [IS_SPACE] = LINE_TARGET_FIRST},
    [LINE_TARGET_FIRST] = {[IS_LETTER] = LINE_TARGET, [IS_VISIBLE] = LINE_TARGET},
    [LINE_TARGET] =
        {[IS_LETTER] = LINE_TARGET, [IS_VISIBLE] = LINE_TARGET, [IS_SPACE] = LINE_VERSION},
    [LINE_VERSION] = {[IS_LETTER] = LINE_VERSION, [IS_VISIBLE] = LINE_VERSION, [IS_CR] = LINE_LF},
    [LINE_LF] = {[IS_LF] = LINE_DONE},
};

sp_error strict_line(struct strict_line *s, struct view in)
{
    uint8_t state = s->state;

    for (size_t i = 0; i < in.len && state < LINE_DONE; i++) {
        state = line_table[state][class_of[in.at[i]]];
        if (state == LINE_BEFORE)
            state = LINE_BAD;
    }
    s->state = state;
    return state == LINE_BAD ? SP_ERR_MALFORMED : SP_OK;
}

/* ---- chunks -------------------------------------------------------------------------------- */

enum chunk_state {
    CHUNK_SIZE = 0,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_FIRST,
    CHUNK_TRAILER,
    CHUNK_TRAILER_LF,
    CHUNK_LAST_LF,
    CHUNK_BAD
};

static int digit_of(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static enum chunk_state in_size(struct strict_chunk *s, uint8_t c)
{
    int digit = digit_of(c);

    if (digit >= 0 && s->digits < STRICT_CHUNK_DIGITS) {
        s->digits++;
        s->left = s->left << 4 | (uint64_t)digit;
        return CHUNK_SIZE;
    }
    if (s->digits == 0 || s->left > INT64_MAX)
        return CHUNK_BAD;
    return c == ';' ? CHUNK_EXTENSION : c == '\r' ? CHUNK_SIZE_LF : CHUNK_BAD;
}

static bool is_text(uint8_t c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* One byte outside of data. */
static enum chunk_state step_chunk(struct strict_chunk *s, uint8_t c)
{
    switch ((enum chunk_state)s->state) {
    case CHUNK_SIZE:
        return in_size(s, c);
    case CHUNK_EXTENSION:
        s->extensions++;
        return c == '\r' ? CHUNK_SIZE_LF : is_text(c) ? CHUNK_EXTENSION : CHUNK_BAD;
    case CHUNK_SIZE_LF:
        s->digits = 0;
        s->extensions = 0;
        return c != '\n' ? CHUNK_BAD : s->left == 0 ? CHUNK_TRAILER_FIRST : CHUNK_DATA;
    case CHUNK_DATA_CR:
        return c == '\r' ? CHUNK_DATA_LF : CHUNK_BAD;
    case CHUNK_DATA_LF:
        return c == '\n' ? CHUNK_SIZE : CHUNK_BAD;
    case CHUNK_TRAILER_FIRST:
    case CHUNK_TRAILER:
        if (c == '\r' && s->state == CHUNK_TRAILER_FIRST)
            return CHUNK_LAST_LF;
        s->trailers++;
        return c == '\r' ? CHUNK_TRAILER_LF : is_text(c) ? CHUNK_TRAILER : CHUNK_BAD;
    case CHUNK_TRAILER_LF:
        return c == '\n' ? CHUNK_TRAILER_FIRST : CHUNK_BAD;
    case CHUNK_LAST_LF:
        s->ended = c == '\n';
        return s->ended ? CHUNK_LAST_LF : CHUNK_BAD;
    case CHUNK_DATA:
    case CHUNK_BAD:
        break;
    }
    return CHUNK_BAD;
}

static struct view take_data(struct strict_chunk *s, struct view in)
{
    struct view data = view_slice(in, 0, s->left > in.len ? in.len : (size_t)s->left);

    s->left -= data.len;
    if (s->left == 0)
        s->state = CHUNK_DATA_CR;
    return data;
}

sp_error strict_chunk(struct strict_chunk *s, struct view in, size_t *used, struct view *data)
{
    size_t at = 0;

    *data = (struct view){0};
    while (at < in.len && !s->ended && s->state != CHUNK_DATA) {
        s->state = (uint8_t)step_chunk(s, in.at[at++]);
        if (s->state == CHUNK_BAD)
            return SP_ERR_MALFORMED;
        if (s->extensions > STRICT_CHUNK_EXTENSIONS || s->trailers > STRICT_TRAILERS)
            return SP_ERR_LIMIT;
    }
    if (at < in.len && s->state == CHUNK_DATA) {
        *data = take_data(s, view_slice(in, at, in.len));
        at += data->len;
    }
    *used = at;
    return SP_OK;
}

/* ---- what the fields say ------------------------------------------------------------------- */

sp_error strict_framing(const struct field_roles *roles, int minor, enum gw_body_kind *kind,
                        uint64_t *length)
{
    size_t codings = roles->count[FIELD_TRANSFER_ENCODING];
    size_t lengths = roles->count[FIELD_CONTENT_LENGTH];

    if (codings > 1 || lengths > 1 || codings + lengths > 1)
        return SP_ERR_MALFORMED;
    *kind = GW_BODY_NONE;
    *length = 0;
    if (codings == 1) {
        if (minor == 0 || !ascii_is(roles->value[FIELD_TRANSFER_ENCODING], "chunked"))
            return SP_ERR_MALFORMED;
        *kind = GW_BODY_CHUNKED;
    }
    if (lengths == 1) {
        if (num_uint(roles->value[FIELD_CONTENT_LENGTH], INT64_MAX, length) != SP_OK)
            return SP_ERR_MALFORMED;
        *kind = *length == 0 ? GW_BODY_NONE : GW_BODY_LENGTH;
    }
    return SP_OK;
}

static bool is_host_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_';
}

static bool is_port(struct view v)
{
    uint64_t port;

    return num_uint(v, UINT16_MAX, &port) == SP_OK && port > 0;
}

bool strict_host_form(struct view host)
{
    size_t at = 0;

    if (host.len > 260)
        return false;
    if (host.len > 0 && host.at[0] == '[') {
        for (at = 1; at < host.len &&
                     (digit_of(host.at[at]) >= 0 || host.at[at] == ':' || host.at[at] == '.');
             at++)
            ;
        if (at < 4 || at >= host.len || host.at[at] != ']')
            return false;
        at++;
    } else {
        while (at < host.len && is_host_byte(host.at[at]))
            at++;
        if (at == 0)
            return false;
    }
    return at == host.len || (host.at[at] == ':' && is_port(view_slice(host, at + 1, host.len)));
}

sp_error strict_host(const struct field_roles *roles, struct view *host)
{
    if (roles->count[FIELD_HOST] != 1 || !strict_host_form(roles->value[FIELD_HOST]))
        return SP_ERR_MALFORMED;
    *host = roles->value[FIELD_HOST];
    return SP_OK;
}
