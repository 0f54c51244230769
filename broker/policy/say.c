#include "broker/policy/say.h"

#include "broker/policy/zone.h"
#include "lib/base/encode.h"

#include <arpa/inet.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

void say_age(int64_t ms, struct buf *out)
{
    if (ms < MINUTE)
        buf_addf(out, "%lld s", (long long)(ms < 0 ? 0 : ms / SECOND));
    else if (ms < 2 * HOUR)
        buf_addf(out, "%lld min", (long long)(ms / MINUTE));
    else if (ms < (int64_t)3 * DAY)
        buf_addf(out, "%lld h", (long long)(ms / HOUR));
    else
        buf_addf(out, "%lld d", (long long)(ms / DAY));
}

void say_long_age(int64_t ms, struct buf *out)
{
    static const struct {
        int64_t below, unit;
        const char *one, *many;
    } units[] = {{MINUTE, SECOND, "second", "seconds"},
                 {2 * HOUR, MINUTE, "minute", "minutes"},
                 {(int64_t)3 * DAY, HOUR, "hour", "hours"},
                 {INT64_MAX, DAY, "day", "days"}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (ms < units[i].below) {
            int64_t n = ms < 0 ? 0 : ms / units[i].unit;
            buf_addf(out, "%lld %s", (long long)n, n == 1 ? units[i].one : units[i].many);
            return;
        }
}

/* ---- signals ---- */

#define FALCON_REMEDY "Ask your service desk what CrowdStrike finds"
#define INTUNE_REMEDY "Ask your service desk what the device management finds"
static const struct known_signal {
    const char *name, *title, *fail, *pass, *remedy;
} known[] = {
    {"disk_encryption", "Disk encryption", "off", "on", "Turn encryption on"},
    {"home_encryption", "Encryption of the home folder", "off", "on", "Turn encryption on"},
    {"screen_lock", "Screen lock", "off", "on", "Turn the screen lock on"},
    {"firewall", "Firewall", "off", "on", "Turn the firewall on"},
    {"secure_boot", "Secure boot", "off", "on", "Turn secure boot on in the firmware"},
    {"security_updates", "Security updates", "pending", "installed", "Install the updates"},
    {"agent_version", "Agent version", "too old", "current", "Update the agent"},
    {"os_version", "Operating system version", "too old", "current", "Update the system"},
    {"falcon:os", "CrowdStrike score of the system", "fail", "pass", FALCON_REMEDY},
    {"falcon:overall", "CrowdStrike score", "fail", "pass", FALCON_REMEDY},
    {"falcon:sensor_config", "CrowdStrike score of the sensor", "fail", "pass", FALCON_REMEDY},
    {"falcon:sensor_file_status", "CrowdStrike sensor files", "fail", "pass", FALCON_REMEDY},
    {"falcon:version", "CrowdStrike assessment version", "fail", "pass", FALCON_REMEDY},
    {"intune:compliance", "Compliance with the device management", "fail", "pass",
     "Mend what the company portal lists"},
    {"intune:jailbroken", "Jailbreak check of the device management", "fail", "pass",
     INTUNE_REMEDY},
    {"intune:os_version", "System version at the device management", "too old", "current",
     "Update the system"},
    {"intune:owner", "Owner at the device management", "fail", "pass", INTUNE_REMEDY},
    {"intune:threat", "Threat state at the device management", "fail", "pass", INTUNE_REMEDY},
    {"kernel", "Kernel", "too old", "current", "Update the system and restart it"},
};

static const struct known_signal *find(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

static const char *const sources[][2] = {
    {"agent", "the agent"},
    {"intune", "the device management"},
    {"jamf", "the device management"},
    {"kandji", "the device management"},
    {"mdm", "the device management"},
    {"falcon", "CrowdStrike"},
    {"sentinelone", "SentinelOne"},
    {"admin", "an admin"},
};

const char *say_source(const char *source)
{
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (strcmp(sources[i][0], source) == 0)
            return sources[i][1];
    return source;
}

void say_signal(const char *name, struct buf *out)
{
    const struct known_signal *s = find(name);
    const char *colon = strchr(name, ':');
    char feed[64];

    if (s != NULL) {
        buf_add_str(out, s->title);
    } else if (colon != NULL && (size_t)(colon - name) < sizeof feed) {
        memcpy(feed, name, (size_t)(colon - name)); /* "falcon:overall" */
        feed[colon - name] = '\0';
        buf_addf(out, "%s score", say_source(feed));
    } else { /* "auto_login": a name that nobody listed above */
        for (size_t i = 0; name[i] != '\0'; i++) {
            bool first = i == 0 && name[i] >= 'a' && name[i] <= 'z';
            bool blank = name[i] == '_' || name[i] == '.';
            buf_add_byte(out, (uint8_t)(first ? name[i] - 'a' + 'A' : blank ? ' ' : name[i]));
        }
    }
}

const char *say_remedy(const char *signal)
{
    const struct known_signal *s = find(signal);
    return s == NULL ? "Ask your service desk what this device needs" : s->remedy;
}

static void say_number(double n, struct buf *out)
{
    if (n >= -1e15 && n <= 1e15 && n == (double)(int64_t)n)
        buf_addf(out, "%lld", (long long)n);
    else
        buf_addf(out, "%.6g", n);
}

void say_value(const char *signal, const struct fact_value *v, struct buf *out)
{
    const struct known_signal *s = find(signal);

    if (v == NULL || v->kind == VALUE_NONE)
        buf_add_str(out, "unknown");
    else if (v->kind == VALUE_PASS_FAIL)
        buf_add_str(out, v->pass ? (s == NULL ? "pass" : s->pass) : s == NULL ? "fail" : s->fail);
    else if (v->kind == VALUE_NUMBER)
        say_number(v->number, out);
    else
        encode_visible(view_str(v->text), out);
}

/* ---- times of the week ---- */

static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                   "Friday", "Saturday", "Sunday"};

/* First day of a run of three or more that has no hole; -1: they are listed one by one. */
static int run_of_days(uint8_t set, int *last)
{
    int count = __builtin_popcount(set);

    for (int first = 0; count >= 3 && first < 7; first++) {
        int n = 0;
        while (n < 7 && (set >> (first + n) % 7 & 1) != 0)
            n++;
        if (n == count && (set >> (first + 6) % 7 & 1) == 0) {
            *last = (first + n - 1) % 7;
            return first;
        }
    }
    return -1;
}

static void say_days(uint8_t set, struct buf *out)
{
    int last = 0, first = run_of_days(set, &last);
    int left = __builtin_popcount(set);

    if (set == ALL_DAYS) {
        buf_add_str(out, "every day");
    } else if (first >= 0) {
        buf_addf(out, "%s to %s", days[first], days[last]);
    } else {
        for (int d = 0; d < 7; d++)
            if ((set >> d & 1) != 0) {
                left--;
                buf_addf(out, "%s%s", days[d], left == 0 ? "" : left == 1 ? " and " : ", ");
            }
    }
}

void say_window(const struct time_window *w, struct buf *out)
{
    say_days(w->days, out);
    if (w->from_min != 0 || w->to_min != 24 * 60)
        buf_addf(out, ", %02d:%02d–%02d:%02d", w->from_min / 60, w->from_min % 60, w->to_min / 60,
                 w->to_min % 60);
    buf_addf(out, " (%s)", zone_name(w->zone));
}

/* ---- what is asked ---- */

static void say_list(const char *before, const struct text_list *l, struct buf *out)
{
    if (l->count > 0)
        buf_add_str(out, before);
    for (size_t i = 0; i < l->count; i++) {
        buf_add_str(out, i == 0 ? "" : ", ");
        encode_visible(view_str(l->at[i]), out);
    }
}

static void say_set(const char *before, unsigned set, const char *(*word)(unsigned),
                    struct buf *out)
{
    bool first = true;

    if (set == 0)
        return;
    buf_addf(out, "%s%s ", out->len == 0 ? "" : "; ", before);
    for (unsigned i = 1; i < 8; i++)
        if ((set >> i & 1) != 0) {
            buf_addf(out, "%s%s", first ? "" : " or ", word(i));
            first = false;
        }
}

static const char *state_of(unsigned i)
{
    return device_state_word((enum device_state)i);
}

static const char *owner_of(unsigned i)
{
    return device_owner_word((enum device_owner)i);
}

static const char *key_of(unsigned i)
{
    return device_key_word((enum device_key)i);
}

static void say_cidrs(const char *before, const struct cidr *at, size_t count, struct buf *out)
{
    char text[INET6_ADDRSTRLEN];
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    for (size_t i = 0; i < count; i++) {
        bool four = at[i].bits >= 96 && memcmp(at[i].bytes, mapped, sizeof mapped) == 0;
        const void *address = four ? at[i].bytes + 12 : at[i].bytes;
        if (inet_ntop(four ? AF_INET : AF_INET6, address, text, sizeof text) != NULL)
            buf_addf(out, "%s%s/%u", i == 0 ? before : ", ", text, at[i].bits - (four ? 96 : 0));
    }
}

static void say_age_limit(int64_t max_age_ms, struct buf *out)
{
    if (max_age_ms == 0)
        return;
    buf_add_str(out, ", not older than ");
    say_age(max_age_ms, out);
}

void say_asked_test(const struct signal_test *t, struct buf *out)
{
    static const char *const ops[] = {"is", "is", "is one of", "at least", "at most"};

    say_signal(t->signal, out);
    buf_addf(out, " %s ", ops[t->op]);
    for (size_t i = 0; i < t->count; i++) {
        buf_add_str(out, i == 0 ? "" : ", ");
        if (t->values[i].kind == VALUE_PASS_FAIL)
            buf_add_str(out, t->values[i].pass ? "pass" : "fail");
        else
            encode_visible(view_str(t->values[i].text), out);
    }
    say_age_limit(t->max_age_ms, out);
    if (t->assurance > ASSURANCE_SIGNED)
        buf_addf(out, ", at least %s", assurance_word(t->assurance));
}

static void say_mfa(const struct condition *c, struct buf *out)
{
    buf_addf(out, "second factor of kind %s or stronger", mfa_word(c->is.mfa.kind));
    say_age_limit(c->is.mfa.max_age_ms, out);
    say_list(", acr ", &c->is.mfa.acr, out);
    say_list(", amr ", &c->is.mfa.amr, out);
}

static void say_time(const struct condition *c, struct buf *out)
{
    if (c->is.time.has_window)
        say_window(&c->is.time, out);
    if (c->is.time.until != 0)
        buf_addf(out, "%suntil %s", c->is.time.has_window ? "; " : "",
                 clock_text(c->is.time.until).s);
}

static void say_risk(const struct condition *c, struct buf *out)
{
    buf_add_str(out, "risk");
    if (c->is.risk.at_least != RISK_NONE)
        buf_addf(out, " at least %s", risk_word(c->is.risk.at_least));
    if (c->is.risk.at_most != RISK_NONE)
        buf_addf(out, " at most %s", risk_word(c->is.risk.at_most));
}

static void say_asked_list(const struct condition_list *l, struct buf *out)
{
    for (size_t i = 0; i < l->count; i++) {
        buf_add_str(out, i == 0 ? "" : " and ");
        say_asked(&l->at[i], out);
    }
}

static void say_tests(const struct condition *c, struct buf *out)
{
    for (size_t i = 0; i < c->is.posture.count; i++) {
        buf_add_str(out, i == 0 ? "" : "; ");
        say_asked_test(&c->is.posture.at[i], out);
    }
}

static void say_device(const struct condition *c, struct buf *out)
{
    struct buf parts; /* say_set looks at what came before */

    buf_init(&parts, 512);
    say_set("state", c->is.device.states, state_of, &parts);
    say_set("owner", c->is.device.owners, owner_of, &parts);
    say_set("key", c->is.device.keys, key_of, &parts);
    buf_addf(out, "device %.*s", VIEW_ARG(buf_view(&parts)));
    buf_deinit(&parts);
}

static void say_any(const struct condition *c, struct buf *out)
{
    for (size_t i = 0; i < c->is.any.count; i++) {
        buf_add_str(out, i == 0 ? "either " : ", or ");
        say_asked_list(&c->is.any.at[i], out);
    }
}

void say_asked(const struct condition *c, struct buf *out)
{
    switch (c->kind) {
    case COND_GROUPS:
        say_list("in group ", &c->is.texts, out);
        break;
    case COND_USERS:
        say_list("user ", &c->is.texts, out);
        break;
    case COND_MFA:
        say_mfa(c, out);
        break;
    case COND_DEVICE:
        say_device(c, out);
        break;
    case COND_POSTURE:
        say_tests(c, out);
        break;
    case COND_SCORE:
        say_asked_test(&c->is.score, out);
        break;
    case COND_NETWORK:
        say_cidrs("network in ", c->is.network.in, c->is.network.in_count, out);
        say_cidrs(c->is.network.in_count > 0 ? "; not in " : "network not in ",
                  c->is.network.not_in, c->is.network.not_in_count, out);
        break;
    case COND_COUNTRY:
        say_list("country in ", &c->is.country.in, out);
        say_list(c->is.country.in.count > 0 ? "; not in " : "country not in ",
                 &c->is.country.not_in, out);
        break;
    case COND_TIME:
        say_time(c, out);
        break;
    case COND_APP:
        for (size_t i = 0; i < c->is.app.count; i++)
            buf_addf(out, "%s%s: %s", i == 0 ? "app labelled " : ", ", c->is.app.labels[i].key,
                     c->is.app.labels[i].value);
        break;
    case COND_RISK:
        say_risk(c, out);
        break;
    case COND_ANY:
        say_any(c, out);
        break;
    case COND_NOT:
        buf_add_str(out, "not (");
        say_asked_list(&c->is.not, out);
        buf_add_str(out, ")");
        break;
    case COND_NONE:
    case COND_KINDS:
        break;
    }
}
