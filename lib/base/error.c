#include "lib/base/error.h"

#define SP_ERRORS_TEXT(code, text) [code] = text,
#define SP_ERRORS_NAME(code, text) [code] = #code,

static const char *const texts[SP_ERROR_COUNT] = {SP_ERRORS(SP_ERRORS_TEXT)};
static const char *const names[SP_ERROR_COUNT] = {SP_ERRORS(SP_ERRORS_NAME)};

const char *sp_error_text(sp_error e)
{
    return e < SP_ERROR_COUNT ? texts[e] : "unknown error";
}

const char *sp_error_code(sp_error e)
{
    return e < SP_ERROR_COUNT ? names[e] : "SP_ERR_INTERNAL";
}
