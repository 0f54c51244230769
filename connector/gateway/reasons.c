#include "connector/gateway/verdict.h"

/* docs/gateway.md has the same table for readers; tests/unit holds the two together. */
const struct gw_reason_row gw_reasons[GW_REASONS] = {
    [GW_REASON_POLICY] = {"policy", 403, "The policy of this application does not allow this"},
    [GW_REASON_FRAMING] = {"framing", 400, "The request can be read in more than one way"},
    [GW_REASON_SESSION_ENDED] = {"session_ended", 401, "The session has ended; connect again"},
    [GW_REASON_STEP_UP] = {"step_up", 401, "A newer proof of the second factor is needed"},
    [GW_REASON_METHOD] = {"method", 405, "This method is not served here"},
    [GW_REASON_UNKNOWN_ENDPOINT] = {"unknown_endpoint", 404, "There is no such endpoint"},
    [GW_REASON_GONE] = {"gone", 410, "This endpoint has been retired"},
    [GW_REASON_RATE] = {"rate", 429, "Too many requests; wait and try again"},
    [GW_REASON_IN_FLIGHT] = {"in_flight", 429, "Too many requests at once; wait for some to end"},
    [GW_REASON_TOKEN_MISSING] = {"token_missing", 401, "An access token is needed"},
    [GW_REASON_INVALID_TOKEN] = {"invalid_token", 401, "The access token is not valid"},
    [GW_REASON_INVALID_REQUEST] = {"invalid_request", 400,
                                   "The access token is not where it belongs"},
    [GW_REASON_INSUFFICIENT_SCOPE] = {"insufficient_scope", 403,
                                      "The access token does not allow this"},
    [GW_REASON_TOKEN_SUBJECT] = {"token_subject", 403,
                                 "The access token belongs to somebody else than the session"},
    [GW_REASON_TOKEN_SOURCE_DOWN] = {"token_source_down", 503,
                                     "The access token can't be checked just now"},
    [GW_REASON_BODY_SIZE] = {"body_size", 413, "The body is larger than this application takes"},
    [GW_REASON_LENGTH_REQUIRED] = {"length_required", 411, "The body needs a Content-Length"},
    [GW_REASON_TARGET_SIZE] = {"target_size", 414, "The request line is too long"},
    [GW_REASON_MEDIA_TYPE] = {"media_type", 415, "This media type or coding is not taken here"},
    [GW_REASON_EXPECTATION] = {"expectation", 417, "Only 100-continue can be expected"},
    [GW_REASON_HEADER_SIZE] = {"header_size", 431, "The header fields are too many or too long"},
    [GW_REASON_SLOW] = {"slow", 408, "The request did not arrive in time"},
    [GW_REASON_SCHEMA] = {"schema", 400, "The request is not what the interface describes"},
    [GW_REASON_SCHEMA_COST] = {"schema_cost", 400, "The request is too complex to be checked"},
    [GW_REASON_DUPLICATE_PARAMETER] = {"duplicate_parameter", 400,
                                       "A parameter is there more than once"},
    [GW_REASON_INPUT] = {"input", 403, "A value of the request looks like an attack"},
    [GW_REASON_OWNER] = {"owner", 403, "This object belongs to somebody else"},
    [GW_REASON_PREFLIGHT] = {"preflight", 403,
                             "The application did not show this object to you first"},
    [GW_REASON_BOLA] = {"bola", 403, "Objects of others were asked for"},
    [GW_REASON_FUNCTION] = {"function", 403, "This function is not for your groups"},
    [GW_REASON_SCANNER] = {"scanner", 403, "This looks like a scan"},
    [GW_REASON_ENUMERATION] = {"enumeration", 429, "Too many different objects were asked for"},
    [GW_REASON_CREDENTIAL] = {"credential", 429, "Too many failed logins"},
    [GW_REASON_VOLUME] = {"volume", 429, "Too much data was read"},
    [GW_REASON_FLOW] = {"flow", 429, "The steps before this one are missing"},
    [GW_REASON_EXPOSURE] = {"exposure", 502, "The answer holds what must not leave"},
    [GW_REASON_UPSTREAM_TLS] = {"upstream_tls", 502, "The application could not prove who it is"},
    [GW_REASON_UPSTREAM_FRAMING] = {"upstream_framing", 502,
                                    "The answer of the application is not valid"},
    [GW_REASON_UPSTREAM_DOWN] = {"upstream_down", 502, "The application could not be reached"},
    [GW_REASON_UPSTREAM_TIMEOUT] = {"upstream_timeout", 504,
                                    "The application did not answer in time"},
    [GW_REASON_OVERLOAD] = {"overload", 503, "Too much is under way; try again later"},
};

/* Whose finding a refusal is; what is not here is an exact rule's, which `rule` names. */
static const char *const detectors[GW_REASONS] = {
    [GW_REASON_DUPLICATE_PARAMETER] = "pollution",
    [GW_REASON_INPUT] = "input",
    [GW_REASON_OWNER] = "owner",
    [GW_REASON_PREFLIGHT] = "owner",
    [GW_REASON_BOLA] = "bola",
    [GW_REASON_FUNCTION] = "function",
    [GW_REASON_SCANNER] = "scanner",
    [GW_REASON_ENUMERATION] = "enumeration",
    [GW_REASON_CREDENTIAL] = "credential",
    [GW_REASON_FLOW] = "flow",
    [GW_REASON_EXPOSURE] = "exposure",
};

const char *gw_detector(const struct gw_verdict *v)
{
    const char *detector = detectors[v->reason];

    if (v->reason == GW_REASON_VOLUME) /* of two detectors: its rule is the one's name */
        return v->rule;
    return detector != NULL ? detector : "";
}

const struct gw_words *gw_words(const struct gw_verdict *v)
{
    static const struct gw_words none;

    return v->words != NULL ? v->words : &none;
}

struct gw_words *gw_words_new(struct gw_verdict *v, struct arena *a)
{
    return v->words = arena_take(a, sizeof *v->words);
}

void gw_say_place(struct gw_verdict *v, struct arena *a, struct view pointer, const char *rule)
{
    struct gw_words *w = gw_words_new(v, a);

    if (w == NULL)
        return;
    w->detail_count = 1;
    view_copy(w->details[0].pointer, sizeof w->details[0].pointer, pointer);
    view_copy(w->details[0].rule, sizeof w->details[0].rule, view_str(rule));
}
