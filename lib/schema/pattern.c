#include "lib/schema/pattern.h"

#include "lib/schema/ecma.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "lib/base/banned.h"

enum { MATCH_HEAP_KIB = 1024, MATCH_DEPTH = 1000 };

struct pattern {
    pcre2_code *code; /* owned */
};

struct pattern_block {
    pcre2_match_context *limits; /* owned */
    pcre2_match_data *room;      /* owned */
};

static const uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY |
                                PCRE2_ALT_BSUX | PCRE2_MATCH_UNSET_BACKREF |
                                PCRE2_ALLOW_EMPTY_CLASS | PCRE2_NO_UTF_CHECK;

static pcre2_code *compile(struct view text, int *error)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    PCRE2_SIZE at;
    pcre2_code *code = NULL;

    *error = PCRE2_ERROR_NOMEMORY;
    if (context != NULL) {
        pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
        pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF); /* what '.' does not match */
        pcre2_set_max_pattern_length(context, PATTERN_BYTES_MAX * 8);
        pcre2_set_parens_nest_limit(context, 100);
        code = pcre2_compile(text.at, text.len, options, error, &at, context);
    }
    pcre2_compile_context_free(context);
    return code;
}

static enum pattern_error kind_of(int error)
{
    switch (error) {
    case PCRE2_ERROR_NOMEMORY:
    case PCRE2_ERROR_HEAP_FAILED:
        return PATTERN_NOMEM;
    case PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH:
    case PCRE2_ERROR_LOOKBEHIND_TOO_LONG:
    case PCRE2_ERROR_LOOKBEHIND_TOO_COMPLICATED:
    case PCRE2_ERROR_PATTERN_TOO_LARGE:
    case PCRE2_ERROR_PATTERN_STRING_TOO_LONG:
    case PCRE2_ERROR_PATTERN_TOO_COMPLICATED:
    case PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP:
    case PCRE2_ERROR_QUANTIFIER_TOO_BIG:
    case PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY:
    case PCRE2_ERROR_BACKSLASH_C_CALLER_DISABLED:
        return PATTERN_UNSUPPORTED;
    default:
        return PATTERN_INVALID;
    }
}

static const char *text_of(enum pattern_error e)
{
    static const char *const texts[] = {
        [PATTERN_OK] = "",
        [PATTERN_INVALID] = "this is no regular expression",
        [PATTERN_UNSUPPORTED] = "too large, or uses \\C or an unbounded lookbehind",
        [PATTERN_NOMEM] = "out of memory",
    };
    return texts[e];
}

enum pattern_error pattern_compile(struct view text, struct pattern **out, bool *portable,
                                   const char **what)
{
    struct buf translated;
    int error = 0;
    enum pattern_error e;

    buf_init(&translated, PATTERN_BYTES_MAX * 8);
    if (text.len > PATTERN_BYTES_MAX)
        e = PATTERN_UNSUPPORTED;
    else
        e = ecma_translate(text, &translated, portable);
    if (e == PATTERN_OK) {
        struct pattern *p = calloc(1, sizeof *p);
        struct view v = buf_view(&translated);
        if (v.at == NULL)
            v.at = (const uint8_t *)"";
        if (p != NULL && (p->code = compile(v, &error)) != NULL) {
            /* Refused where memory can't be both written and run; matching then interprets. */
            (void)pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE);
            *out = p;
        } else {
            e = p == NULL ? PATTERN_NOMEM : kind_of(error);
            free(p);
        }
    }
    buf_deinit(&translated);
    *what = text_of(e);
    return e;
}

void pattern_free(struct pattern *p)
{
    if (p == NULL)
        return;
    pcre2_code_free(p->code);
    free(p);
}

size_t pattern_bytes(const struct pattern *p)
{
    size_t code = 0, jit = 0;

    pcre2_pattern_info(p->code, PCRE2_INFO_SIZE, &code);
    pcre2_pattern_info(p->code, PCRE2_INFO_JITSIZE, &jit);
    return sizeof *p + code + jit;
}

struct pattern_block *pattern_block_new(void)
{
    struct pattern_block *b = calloc(1, sizeof *b);

    if (b == NULL)
        return NULL;
    b->limits = pcre2_match_context_create(NULL);
    b->room = pcre2_match_data_create(1, NULL);
    if (b->limits == NULL || b->room == NULL) {
        pattern_block_free(b);
        return NULL;
    }
    pcre2_set_match_limit(b->limits, PATTERN_MATCH_MAX);
    pcre2_set_depth_limit(b->limits, MATCH_DEPTH);
    pcre2_set_heap_limit(b->limits, MATCH_HEAP_KIB);
    return b;
}

void pattern_block_free(struct pattern_block *b)
{
    if (b == NULL)
        return;
    pcre2_match_context_free(b->limits);
    pcre2_match_data_free(b->room);
    free(b);
}

enum pattern_answer pattern_match(const struct pattern *p, struct pattern_block *b,
                                  struct view text)
{
    const uint8_t *at = text.at != NULL ? text.at : (const uint8_t *)"";
    int found = pcre2_match(p->code, at, text.len, 0, PCRE2_NO_UTF_CHECK, b->room, b->limits);

    if (found >= 0)
        return PATTERN_YES;
    return found == PCRE2_ERROR_NOMATCH ? PATTERN_NO : PATTERN_TOO_COSTLY;
}

bool pattern_is_valid(struct view text)
{
    struct buf translated;
    bool portable = false, valid = false;
    int error = 0;

    buf_init(&translated, PATTERN_BYTES_MAX * 8);
    if (text.len <= PATTERN_BYTES_MAX &&
        ecma_translate(text, &translated, &portable) == PATTERN_OK && portable) {
        struct view v = buf_view(&translated);
        pcre2_code *code = compile(v.at == NULL ? view_str("") : v, &error);
        valid = code != NULL;
        pcre2_code_free(code);
    }
    buf_deinit(&translated);
    return valid;
}
