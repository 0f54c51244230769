/* grants FOLDER THREADS SECONDS: grants that a broker issues a second, and what a decision costs.
 *
 * Calls session_open() as the broker's workers do: facts from the store, decide() under a policy of
 * some size, placement, the audit record durable through the write lane, a signed grant. Around it
 * is the real store in FOLDER, on the file system that is measured; connector and relay are
 * attached edges that take no orders. Each session is dropped from the live set at once, without a
 * record. Prints one JSON object.
 */
#include "broker/posture/judge.h"
#include "broker/registry/apps.h"
#include "broker/registry/devices.h"
#include "broker/registry/policies.h"
#include "broker/registry/sites.h"
#include "broker/registry/users.h"
#include "broker/session/edges.h"
#include "broker/session/live_internal.h"
#include "broker/session/open.h"
#include "broker/session/rules.h"
#include "broker/store/changes.h"
#include "lib/crypto/random.h"
#include "tests/bench/tools/wire.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

enum { THREADS_MAX = 256, POLICIES = 40, TEXT_MAX = 32 * 1024, LOGIN_MS = 3600 * 1000 };

struct stage {
    struct store *store;
    struct registry *registry;
    struct rules *rules;
    struct judge *judge;
    struct edges *edges;
    struct live *live;
    struct sessions *sessions;
    struct changes *changes;
    struct key_secret *grant_key, *record_key;
    uint8_t pairwise[32];
    struct site_row site;
    struct connector_row connector;
    struct relay_row relay;
    _Atomic bool stop;
    _Atomic uint64_t done, failed;
};

struct person {
    struct stage *stage;
    struct device_row device;
    struct key_public tunnel_key;
};

static const struct audit_record by = {
    .actor_kind = AUDIT_ACTOR_ADMIN, .actor = {{9}}, .actor_name = "bench"};
static const struct edge_ops no_orders = {0};

static void must(sp_error e, const char *what)
{
    if (e == SP_OK)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, sp_error_text(e));
    exit(1);
}

static struct key_public public_key(void)
{
    struct key_secret *secret = NULL;
    struct key_public public;

    must(key_secret_new(KEY_ED25519, &secret), "key");
    public = *key_secret_public(secret);
    key_secret_free(secret);
    return public;
}

/* Everything written so far is in the snapshots. */
static void settle(struct stage *s)
{
    must(changes_wait(s->changes, 5000), "changes");
}

/* ---- what an administrator made ---- */

static void enrol_edges(struct stage *s)
{
    uint8_t secret[SITES_TOKEN_BYTES], spki[ROW_HASH_BYTES] = {1};
    struct newcomer connector = {.key = public_key(), .name = "c1", .address = "198.18.0.9"};
    struct newcomer relay = {.key = public_key(), .name = "r1", .address = ""};
    const struct token_ask for_relay = {.life_ms = 60000};
    struct token_ask for_connector = for_relay;
    struct enrol_row token;
    struct sp_why why = {0};

    must(sites_create(s->registry, view_str("bench"), &by, &why, &s->site), "site");
    settle(s);
    for_connector.site = s->site.id;
    must(sites_token_new(s->registry, &for_connector, &by, secret, &token), "token");
    must(connectors_enrol(s->registry, secret, &connector, "1", &s->connector), "connector");
    must(sites_token_new(s->registry, &for_relay, &by, secret, &token), "token");
    must(relays_enrol(s->registry, secret, &relay, spki, "relay.example.org:443", &s->relay),
         "relay");
}

/* Forty policies, one of which covers the app: as an organisation of some hundred people has them.
 */
static void write_policy(struct stage *s)
{
    char *text = malloc(TEXT_MAX);
    uint64_t ver;
    size_t n;

    if (text == NULL)
        die("malloc");
    n = (size_t)snprintf(text, TEXT_MAX,
                         "version: 1\nlimits: {session_max: 12h, idle: 30m}\npolicies:\n");
    for (int i = 0; i < POLICIES; i++)
        n += (size_t)snprintf(
            text + n, TEXT_MAX - n,
            "  - name: team-%d\n    apps: {labels: {tier: t%d}}\n    allow:\n"
            "      - {name: members, when: {groups: [corp/g%d], mfa: {max_age: 12h}}}\n",
            i, i, i);
    const struct policy_change change = {
        .text = view_str(text), .author = by.actor, .note = "bench"};
    must(policies_put(s->registry, &change, &by, &ver), "policy");
    free(text);
}

static void add_app(struct stage *s)
{
    struct json *labels = json_object();
    struct sp_why why = {0};
    struct app_row row;

    json_set_cstr(labels, "tier", "t7");
    const struct app_spec spec = {.name = view_str("wiki"),
                                  .host = view_str("198.18.0.1"),
                                  .type = APP_TCP,
                                  .port = 80,
                                  .site = s->site.id,
                                  .labels = labels};
    const struct app_change change = {.record_key = s->record_key, .by = &by};
    must(apps_put(s->registry, &spec, (struct sp_id){{0}}, &change, &why, &row), "app");
    json_free(labels);
}

/* ---- who asks ---- */

static sp_error put_login(struct store_tx *tx, void *arg)
{
    struct stage *s = ((void **)arg)[0];

    return store_services(s->store)->logins->device_put(tx, ((void **)arg)[1]);
}

static void add_person(struct stage *s, int number, struct person *out)
{
    static const char *const groups[] = {"corp/g1", "corp/g7", "corp/staff"};
    char sub[32];
    struct principal p = {.iss = "https://id.example.org",
                          .sub = sub,
                          .idp = "corp",
                          .plain_names = true,
                          .preferred = sub,
                          .groups_state = GROUPS_KNOWN,
                          .groups = groups,
                          .group_count = sizeof groups / sizeof *groups};
    struct user_row user;
    struct device_claim claim = {.key = public_key(),
                                 .name = "laptop",
                                 .os = "linux",
                                 .serials = "",
                                 .software = "1",
                                 .approve = true};

    (void)snprintf(sub, sizeof sub, "person-%d", number);
    must(users_admit(s->registry, &p, &by, &user), "user");
    claim.user = user.id;
    must(devices_admit(s->registry, &claim, &by, &out->device), "device");
    struct login_row login = {.device = out->device.id,
                              .user = user.id,
                              .auth_at = clock_unix(),
                              .mfa_at = clock_unix(),
                              .mfa_kind = ROW_MFA_OTP,
                              .created = clock_unix(),
                              .expires = clock_unix() + LOGIN_MS};
    void *both[] = {s, &login};
    must(store_commit(s->store, put_login, both), "login");
    out->tunnel_key = public_key();
    out->stage = s;
}

/* ---- the broker's parts ---- */

static void attach(struct stage *s)
{
    struct edge_info relay = {.kind = EDGE_RELAY,
                              .id = s->relay.id,
                              .boot = random_id(),
                              .key = s->relay.key,
                              .since = clock_unix()};
    struct edge_info connector = {.kind = EDGE_CONNECTOR,
                                  .id = s->connector.id,
                                  .site = s->site.id,
                                  .key = s->connector.key,
                                  .since = clock_unix()};
    uint64_t handle;

    must(edges_attach(s->edges, &relay, &no_orders, s, &handle), "relay");
    edges_ready(s->edges, handle);
    must(edges_attach(s->edges, &connector, &no_orders, s, &handle), "connector");
    edges_ready(s->edges, handle);
    edges_stand_at(s->edges, handle, &s->relay.id, 1);
}

static void start(struct stage *s)
{
    must(registry_new(s->store, &s->registry), "registry");
    must(rules_new(s->registry, &s->rules), "rules");
    must(judge_new(s->store, &s->judge), "judge");
    must(edges_new(&s->edges), "edges");
    must(live_new(&s->live), "live");
    const struct sessions_config config = {.registry = s->registry,
                                           .rules = s->rules,
                                           .judge = s->judge,
                                           .edges = s->edges,
                                           .live = s->live,
                                           .grant_key = s->grant_key,
                                           .pairwise_key = s->pairwise};
    must(sessions_new(&config, &s->sessions), "sessions");
    const struct changes_listener all[] = {registry_listener(s->registry), rules_listener(s->rules),
                                           sessions_listener(s->sessions)};
    must(changes_new(s->store, false, &s->changes), "changes");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        must(changes_listen(s->changes, &all[i]), "listener");
    must(changes_start(s->changes), "changes");
}

static void *ask(void *arg)
{
    struct person *p = arg;
    struct stage *s = p->stage;
    struct open_answer *answer = malloc(sizeof *answer);
    struct open_request q = {.device = p->device.id,
                             .tunnel_key = p->tunnel_key,
                             .app = view_str("wiki"),
                             .address = "198.18.0.2"};

    while (answer != NULL && !s->stop) {
        if (session_open(s->sessions, &q, answer) == SP_OK && answer->verdict == VERDICT_ALLOW &&
            answer->grant[0] != '\0') {
            s->done++;
            live_remove(s->live, answer->session, LIVE_EVENT_ENDED, "bench");
        } else {
            s->failed++;
        }
    }
    free(answer);
    return NULL;
}

static double cpu_seconds(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void measure(struct stage *s, struct person *people, int threads, unsigned seconds)
{
    pthread_t thread[THREADS_MAX];
    uint64_t done, t, decisions = 0;
    double cpu, wall;

    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, ask, &people[i]) != 0)
            die("thread");
    pause_ms(500);
    t = now_ns();
    done = s->done;
    cpu = cpu_seconds();
    pause_ms(seconds * 1000);
    done = s->done - done;
    cpu = cpu_seconds() - cpu;
    wall = (double)(now_ns() - t) / 1e9;
    s->stop = true;
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    struct sessions_stats stats = sessions_stats(s->sessions);
    for (size_t v = 0; v < sizeof stats.decisions / sizeof *stats.decisions; v++)
        for (size_t r = 0; r < sizeof stats.decisions[0] / sizeof stats.decisions[0][0]; r++)
            decisions += stats.decisions[v][r];
    printf("{\"grants_per_s\": %.0f, \"grants_per_cpu_s\": %.0f, \"cores\": %.2f, \"decide_us\": "
           "%.2f, "
           "\"failed\": %llu}\n",
           (double)done / wall, cpu > 0 ? (double)done / cpu : 0, cpu / wall,
           decisions > 0 ? (double)stats.decide_ns_sum / (double)decisions / 1000 : 0,
           (unsigned long long)s->failed);
}

int main(int argc, char **argv)
{
    static struct stage s;
    static struct person people[THREADS_MAX];
    char path[512];
    struct sp_why why = {0};
    int threads;

    if (argc != 4 || (threads = (int)parse_count(argv[2])) > THREADS_MAX) {
        fputs("usage: grants FOLDER THREADS SECONDS\n", stderr);
        return 2;
    }
    (void)snprintf(path, sizeof path, "%s/store.db", argv[1]);
    const struct store_config config = {.path = path, .audit_shard = 1, .holder = {{7}}};
    must(store_open(&config, &why, &s.store), "store");
    must(key_secret_new(KEY_ED25519, &s.grant_key), "key");
    must(key_secret_new(KEY_ED25519, &s.record_key), "key");
    start(&s);
    enrol_edges(&s);
    write_policy(&s);
    add_app(&s);
    for (int i = 0; i < threads; i++)
        add_person(&s, i, &people[i]);
    settle(&s);
    attach(&s);
    measure(&s, people, threads, (unsigned)parse_count(argv[3]));
    changes_free(s.changes);
    sessions_free(s.sessions);
    live_free(s.live);
    edges_free(s.edges);
    judge_free(s.judge);
    rules_free(s.rules);
    registry_free(s.registry);
    store_close(s.store);
    key_secret_free(s.grant_key);
    key_secret_free(s.record_key);
    return 0;
}
