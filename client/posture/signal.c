#include "client/posture/signal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *signal_state_text(enum signal_state state)
{
    static const char *const texts[] = {[SEEN_UNKNOWN] = "unknown",
                                        [SEEN_FAIL] = "fail",
                                        [SEEN_PASS] = "pass",
                                        [SEEN_TEXT] = "value",
                                        [SEEN_NUMBER] = "value"};

    return texts[state];
}

static struct signal *find(struct signals *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->at[i].name, name) == 0)
            return &all->at[i];
    return NULL;
}

const struct signal *signals_find(const struct signals *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->at[i].name, name) == 0)
            return &all->at[i];
    return NULL;
}

/* Cut at a character's border; what a terminal or a log would act on becomes '?'. */
static void tidy(char *s)
{
    size_t len = strlen(s);

    while (len > 0 && ((unsigned char)s[len - 1] & 0xc0) == 0x80)
        len--;
    if (len > 0 && (unsigned char)s[len - 1] >= 0xc0) {
        /* A lead byte: keep the character only when all its bytes are there. */
        unsigned char lead = (unsigned char)s[len - 1];
        size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

        if (strlen(s + len - 1) != want)
            s[len - 1] = '\0';
    }
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
}

static struct signal *set(struct signals *all, const char *name, enum signal_state state,
                          const char *source)
{
    struct signal *s = find(all, name);

    if (s == NULL)
        return NULL;
    *s = (struct signal){.name = s->name, .state = state, .observed = s->observed};
    snprintf(s->source, sizeof s->source, "%s", source);
    return s;
}

#define SIGNAL_FORMAT(into, format)                     \
    do {                                                \
        va_list values_;                                \
        va_start(values_, format);                      \
        vsnprintf(into, sizeof(into), format, values_); \
        va_end(values_);                                \
        tidy(into);                                     \
    } while (0)

void signal_unknown(struct signals *all, const char *name, const char *source, const char *reason,
                    ...)
{
    struct signal *s = set(all, name, SEEN_UNKNOWN, source);

    if (s != NULL)
        SIGNAL_FORMAT(s->reason, reason);
}

void signal_verdict(struct signals *all, const char *name, bool pass, const char *source,
                    const char *reason, ...)
{
    struct signal *s = set(all, name, pass ? SEEN_PASS : SEEN_FAIL, source);

    if (s != NULL)
        SIGNAL_FORMAT(s->reason, reason);
}

void signal_text(struct signals *all, const char *name, const char *source, const char *text, ...)
{
    struct signal *s = set(all, name, SEEN_TEXT, source);

    if (s != NULL)
        SIGNAL_FORMAT(s->text, text);
}

void signal_number(struct signals *all, const char *name, const char *source, int64_t number)
{
    struct signal *s = set(all, name, SEEN_NUMBER, source);

    if (s != NULL)
        s->number = number;
}

void signal_seen(struct signals *all, const char *name, const char *text, ...)
{
    struct signal *s = find(all, name);

    if (s != NULL)
        SIGNAL_FORMAT(s->text, text);
}
