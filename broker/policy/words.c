#include "broker/policy/decide.h"

/* Each enum's words in one table; an unknown number has no word of its own. */
#define WORDS(name, type, ...)                                                        \
    const char *name(type v)                                                          \
    {                                                                                 \
        static const char *const words[] = {__VA_ARGS__};                             \
        size_t i = (size_t)v;                                                         \
        return i < sizeof words / sizeof *words && words[i] != NULL ? words[i] : "?"; \
    }

const char *tri_word(enum tri t)
{
    return t == TRI_YES ? "true" : t == TRI_NO ? "false" : "unknown";
}

WORDS(condition_word, enum condition_kind, "none", "groups", "users", "mfa", "device", "posture",
      "score", "network", "country", "time", "app", "risk", "any", "not")
WORDS(effect_word, enum effect, "deny", "require", "allow")
WORDS(mfa_word, enum mfa_kind, "none", "any", "otp", "phishing_resistant")
WORDS(assurance_word, enum assurance, "none", "self", "signed", "attested", "vendor")
WORDS(device_state_word, enum device_state, "none", "pending", "approved", "blocked", "lost")
WORDS(device_owner_word, enum device_owner, "none", "user", "other", "organisation")
WORDS(device_key_word, enum device_key, "none", "software", "hardware")
WORDS(risk_word, enum risk_level, "none", "low", "medium", "high")
WORDS(verdict_word, enum verdict, "deny", "step_up", "allow")
WORDS(reason_word, enum reason, "error", "not_visible", "groups_unknown", "deny_rule",
      "requirement", "no_allow", "step_up", "none")
