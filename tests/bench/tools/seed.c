/* seed STORE USERS DEVICES RECORDS DAYS: fills a stopped broker's store as years of use would.
 *
 * Writes through the store's own functions, so that every row is one that a broker could have
 * written and the audit chain is whole; some hundred rows share a commit. People, devices, groups,
 * logins, posture, requests, incidents and audit records name each other as real ones do; apps are
 * those that the store has. The records' times are spread evenly over the last DAYS. Prints one
 * JSON object with some of what was written, for who measures.
 */
#include "broker/audit/chain.h"
#include "lib/crypto/random.h"
#include "tests/bench/tools/wire.h"

enum { BATCH = 1000, BURST = 10, APPS_MAX = 64, GROUPS = 40, HOUR_MS = 3600 * 1000 };
#define DAY_MS (INT64_C(24) * HOUR_MS)

struct person {
    struct sp_id id;
    char name[ROW_NAME_MAX + 1];
};

struct seed {
    struct store *st;
    const struct store_services *s;
    struct person *people, *devices; /* owned; device i belongs to person i % users */
    size_t users, device_count, records;
    struct sp_id apps[APPS_MAX], connector;
    char app_names[APPS_MAX][ROW_NAME_MAX + 1];
    size_t app_count;
    sp_unix_ms now, began;
    size_t from, to; /* of the batch */
    size_t who;      /* of the burst of records */
    uint64_t random;
};

static void must(sp_error e, const char *what)
{
    if (e == SP_OK)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, sp_error_text(e));
    exit(1);
}

/* xorshift64: the same store each time. */
static uint64_t next(struct seed *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random;
}

static size_t below(struct seed *s, size_t n)
{
    return (size_t)(next(s) % n);
}

static struct sp_id fresh_id(struct seed *s)
{
    struct sp_id id;

    for (size_t i = 0; i < sizeof id.bytes; i += 8) {
        uint64_t r = next(s);
        memcpy(id.bytes + i, &r, 8);
    }
    return id;
}

static void in_batches(struct seed *s, size_t count, store_work *work, const char *what)
{
    for (s->from = 0; s->from < count; s->from = s->to) {
        s->to = s->from + BATCH < count ? s->from + BATCH : count;
        must(store_commit(s->st, work, s), what);
    }
}

/* ---- people ---- */

static const char *const first[] = {"anna", "boris", "chen",  "dilek", "emil", "farah",
                                    "gita", "hugo",  "irene", "jonas", "kofi", "lena"};
static const char *const last[] = {"abel",  "brandt", "costa", "diaz",   "engel", "fuchs",
                                   "grant", "holm",   "ito",   "jansen", "klein", "lopez"};

static sp_error write_groups(struct store_tx *tx, struct seed *s, struct sp_id user, size_t i)
{
    char names[3][32];
    const char *groups[] = {names[0], names[1], names[2]};

    (void)snprintf(names[0], sizeof names[0], "corp/staff");
    (void)snprintf(names[1], sizeof names[1], "corp/team-%02zu", i % GROUPS);
    (void)snprintf(names[2], sizeof names[2], "corp/site-%02zu", (i / GROUPS) % GROUPS);
    return s->s->registry->user_groups_set(tx, user, GROUPS_KNOWN, "", groups, i % 5 == 0 ? 3 : 2);
}

static sp_error write_people(struct store_tx *tx, void *arg)
{
    struct seed *s = arg;
    sp_error e = SP_OK;

    for (size_t i = s->from; i < s->to && e == SP_OK; i++) {
        struct user_row row = {.id = fresh_id(s),
                               .iss = "https://id.example.org",
                               .idp = "corp",
                               .state = i % 997 == 0 ? USER_LOCKED : USER_ACTIVE,
                               .groups = GROUPS_KNOWN,
                               .created = s->began,
                               .seen = s->now - (int64_t)below(s, 30 * 24) * HOUR_MS};
        const char *a = first[below(s, 12)], *b = last[below(s, 12)];
        (void)snprintf(row.sub, sizeof row.sub, "sub-%zu", i);
        (void)snprintf(row.name, sizeof row.name, "%s.%s%zu", a, b, i);
        (void)snprintf(row.display, sizeof row.display, "%s %s", a, b);
        (void)snprintf(row.email, sizeof row.email, "%s.%s%zu@example.org", a, b, i);
        (void)snprintf(s->people[i].name, sizeof s->people[i].name, "%s", row.name);
        s->people[i].id = row.id;
        if ((e = s->s->registry->user_put(tx, &row)) == SP_OK)
            e = write_groups(tx, s, row.id, i);
    }
    return e;
}

/* ---- devices ---- */

static sp_error write_posture(struct store_tx *tx, struct seed *s, struct sp_id device, size_t i)
{
    static const char *const signals[] = {"disk_encryption", "firewall", "screen_lock",
                                          "secure_boot", "os_updates"};
    char text[2048];
    size_t n = 0;
    sp_unix_ms at = s->now - (i % 4 == 0 ? 2 * DAY_MS : 60 * 1000);
    sp_unix_ms until = at + (i % 4 == 0 ? 900 * 1000 : 30 * DAY_MS); /* alive for a cached store */

    for (size_t k = 0; k < sizeof signals / sizeof *signals; k++)
        n += (size_t)snprintf(
            text + n, sizeof text - n,
            "%c{\"signal\":\"%s\",\"source\":\"agent\",\"kind\":1,\"pass\":%s,\"number\":0,"
            "\"text\":\"\",\"detail\":\"\",\"assurance\":2,\"observed_at\":%lld,\"expires_at\":%"
            "lld}",
            k == 0 ? '[' : ',', signals[k], (i + k) % 23 == 0 ? "false" : "true", (long long)at,
            (long long)until);
    text[n++] = ']';
    struct posture_row row = {
        .device = device, .verdicts = {(const uint8_t *)text, n}, .at = at, .until = until};
    return s->s->registry->posture_put(tx, &row);
}

static sp_error write_devices(struct store_tx *tx, void *arg)
{
    static const char *const systems[] = {"Debian 12", "Ubuntu 24.04", "Fedora 41", "macOS 15.1"};
    struct seed *s = arg;
    sp_error e = SP_OK;

    for (size_t i = s->from; i < s->to && e == SP_OK; i++) {
        struct device_row row = {.id = fresh_id(s),
                                 .user = s->people[i % s->users].id,
                                 .key = {.kind = KEY_ED25519},
                                 .software = "1.0.0",
                                 .state = i % 1999 == 0  ? ROW_DEVICE_PENDING
                                          : i % 499 == 0 ? ROW_DEVICE_BLOCKED
                                                         : ROW_DEVICE_APPROVED,
                                 .owner = ROW_OWNER_ORGANISATION,
                                 .hardware_key = i % 3 == 0,
                                 .created = s->began + (int64_t)i,
                                 .seen = s->now - (int64_t)below(s, 30 * 24) * HOUR_MS};
        random_bytes(row.key.bytes, 32);
        (void)snprintf(row.name, sizeof row.name, "laptop-%05zu-%s", i, first[below(s, 12)]);
        (void)snprintf(row.os, sizeof row.os, "%s", systems[i % 4]);
        (void)snprintf(row.serials, sizeof row.serials, "SN%08zu", i * 7919 % 100000000);
        (void)snprintf(s->devices[i].name, sizeof s->devices[i].name, "%s", row.name);
        s->devices[i].id = row.id;
        if ((e = s->s->registry->device_put(tx, &row)) == SP_OK)
            e = write_posture(tx, s, row.id, i);
    }
    return e;
}

/* ---- requests and incidents ---- */

static sp_error write_requests(struct store_tx *tx, void *arg)
{
    struct seed *s = arg;
    sp_error e = SP_OK;

    for (size_t i = s->from; i < s->to && e == SP_OK; i++) {
        bool waits = i % 200 == 0;
        struct access_row row = {.id = fresh_id(s),
                                 .user = s->people[below(s, s->users)].id,
                                 .device = s->devices[below(s, s->device_count)].id,
                                 .app = s->apps[below(s, s->app_count)],
                                 .reason = "month-end close",
                                 .denied = "no allow rule is true",
                                 .for_ms = 4 * HOUR_MS,
                                 .state = waits        ? ACCESS_WAITING
                                          : i % 3 == 0 ? ACCESS_REFUSED
                                                       : ACCESS_APPROVED,
                                 .created = waits ? s->now - (int64_t)below(s, 600) * 60000
                                                  : s->began + (int64_t)below(s, 1 << 30)};
        (void)snprintf(row.ref, sizeof row.ref, "R-Q%06zX", i);
        if (!waits) {
            row.decided = row.created + 60000;
            row.until = row.created + row.for_ms;
        }
        e = s->s->access->put(tx, &row);
    }
    return e;
}

static sp_error write_incidents(struct store_tx *tx, void *arg)
{
    static const char *const detectors[] = {"bola", "scan", "rate", "schema"};
    static const char body[] = "{\"score\":0.91,\"threshold\":0.8,\"evidence\":\"40 objects of 38 "
                               "owners in 60 s, baseline 2\",\"count\":40,\"mode\":\"observe\"}";
    struct seed *s = arg;
    sp_error e = SP_OK;

    for (size_t i = s->from; i < s->to && e == SP_OK; i++) {
        struct incident_row row = {.id = fresh_id(s),
                                   .app = s->apps[below(s, s->app_count)],
                                   .connector = s->connector,
                                   .user = s->people[below(s, s->users)].id,
                                   .first = s->began + (int64_t)below(s, 1 << 30),
                                   .body = view_str(body)};
        row.last = row.first + 1000;
        (void)snprintf(row.detector, sizeof row.detector, "%s", detectors[i % 4]);
        (void)snprintf(row.endpoint, sizeof row.endpoint, "GET /v1/orders/{id}/lines/%zu", i % 300);
        e = s->s->incidents->put(tx, &row);
    }
    return e;
}

/* ---- audit ---- */

/* A day's mix: sessions with their ends, sign-ins, posture, some denials, an administrator's act.
 */
static sp_error write_record(struct store_tx *tx, struct seed *s, size_t i)
{
    static const struct {
        size_t below; /* of 1000 */
        enum audit_event event;
        enum audit_result result;
        const char *text, *detail;
    } mix[] = {
        {280, AUDIT_SESSION_OPEN, AUDIT_OK, "allowed by team/members",
         "{\"result\":\"allow\",\"reason\":\"allowed\"}"},
        {530, AUDIT_SESSION_UP, AUDIT_OK, "", ""},
        {780, AUDIT_SESSION_CLOSE, AUDIT_OK, "closed by its user",
         "{\"up\":48211,\"down\":991200}"},
        {830, AUDIT_POSTURE_CHANGE, AUDIT_OK, "screen_lock: pass", ""},
        {890, AUDIT_LOGIN_OK, AUDIT_OK, "signed in with corp", ""},
        {950, AUDIT_MFA_OK, AUDIT_OK, "", ""},
        {975, AUDIT_SESSION_DENY, AUDIT_DENIED, "a requirement is not met: disk_encryption unknown",
         "{\"result\":\"deny\",\"reason\":\"requirement\"}"},
        {990, AUDIT_SESSION_DENY, AUDIT_DENIED, "no allow rule is true",
         "{\"result\":\"deny\",\"reason\":\"no_allow\"}"},
        {998, AUDIT_MFA_FAIL, AUDIT_DENIED, "wrong code", ""},
        {1000, AUDIT_SESSION_KILL, AUDIT_OK, "left the company", ""},
    };
    size_t dice = below(s, 1000), kind = 0, app = below(s, s->app_count);
    char request[24];

    if (i % BURST == 0) /* what one person does comes together */
        s->who = below(s, s->users);
    size_t who = s->who;

    while (dice >= mix[kind].below)
        kind++;
    bool session = mix[kind].event >= AUDIT_SESSION_OPEN && mix[kind].event <= AUDIT_SESSION_KILL;
    bool device = mix[kind].event == AUDIT_POSTURE_CHANGE;
    bool ends = mix[kind].event == AUDIT_SESSION_UP || mix[kind].event == AUDIT_SESSION_CLOSE;
    (void)snprintf(request, sizeof request, "R-%07zX", i);
    struct audit_record r = {.event = mix[kind].event,
                             .result = mix[kind].result,
                             .actor_kind = AUDIT_ACTOR_USER,
                             .actor = s->people[who].id,
                             .actor_name = s->people[who].name,
                             .address = ends ? NULL : "198.18.0.9",
                             .request = ends ? NULL : request,
                             .text = mix[kind].text,
                             .detail = view_str(mix[kind].detail)};
    if (session) {
        r.user = r.actor;
        r.app = r.object = s->apps[app];
        r.object_kind = "app";
        r.object_name = s->app_names[app];
    }
    if (device && s->device_count > who) {
        r.object = s->devices[who].id;
        r.object_kind = "device";
        r.object_name = s->devices[who].name;
    }
    return audit_append(tx, s->s, &r);
}

static sp_error write_records(struct store_tx *tx, void *arg)
{
    struct seed *s = arg;
    sp_error e = SP_OK;

    for (size_t i = s->from; i < s->to && e == SP_OK; i++)
        e = write_record(tx, s, i);
    return e;
}

static void write_audit(struct seed *s)
{
    for (s->from = 0; s->from < s->records; s->from = s->to) {
        s->to = s->from + BATCH < s->records ? s->from + BATCH : s->records;
        double share = (double)s->to / (double)s->records;
        clock_set_for_test(s->began + (int64_t)((double)(s->now - s->began) * share), -1);
        must(store_commit(s->st, write_records, s), "audit");
    }
    clock_set_for_test(-1, -1);
}

/* ---- the whole ---- */

static bool keep_app(void *arg, const struct app_row *row)
{
    struct seed *s = arg;

    s->apps[s->app_count] = row->id;
    memcpy(s->app_names[s->app_count++], row->name, sizeof row->name);
    return s->app_count < APPS_MAX;
}

static bool keep_connector(void *arg, const struct connector_row *row)
{
    ((struct seed *)arg)->connector = row->id;
    return false;
}

static void fill(struct seed *s)
{
    s->people = calloc(s->users, sizeof *s->people);
    s->devices = calloc(s->device_count, sizeof *s->devices);
    if (s->people == NULL || s->devices == NULL)
        die("memory");
    must(s->s->registry->app_list(s->st, keep_app, s), "apps");
    must(s->s->registry->connector_list(s->st, keep_connector, s), "connectors");
    if (s->app_count == 0) { /* a store that has none yet */
        s->apps[0] = fresh_id(s);
        (void)snprintf(s->app_names[0], sizeof s->app_names[0], "wiki");
        s->app_count = 1;
    }
    in_batches(s, s->users, write_people, "people");
    in_batches(s, s->device_count, write_devices, "devices");
    in_batches(s, s->users / 5, write_requests, "requests");
    in_batches(s, s->users / 2, write_incidents, "incidents");
    write_audit(s);
}

int main(int argc, char **argv)
{
    struct seed s = {.random = 0x9e3779b97f4a7c15, .now = clock_unix()};
    struct sp_why why = {0};

    if (argc != 6) {
        fputs("usage: seed STORE USERS DEVICES RECORDS DAYS\n", stderr);
        return 2;
    }
    s.users = (size_t)parse_count(argv[2]);
    s.device_count = (size_t)parse_count(argv[3]);
    s.records = (size_t)parse_count(argv[4]);
    s.began = s.now - (int64_t)parse_count(argv[5]) * DAY_MS;
    const struct store_config config = {.path = argv[1], .holder = {{7}}};
    if (store_open(&config, &why, &s.st) != SP_OK) {
        (void)fprintf(stderr, "%s: %s\n", argv[1], why.text);
        return 1;
    }
    s.s = store_services(s.st);
    fill(&s);
    size_t who = s.users / 2;
    printf("{\"user\": \"%s\", \"user_name\": \"%s\", \"device\": \"%s\", \"app\": \"%s\", "
           "\"app_name\": \"%s\"}\n",
           id_text(s.people[who].id).s, s.people[who].name, id_text(s.devices[who].id).s,
           id_text(s.apps[0]).s, s.app_names[0]);
    store_close(s.st);
    free(s.people);
    free(s.devices);
    return 0;
}
