/*
 * desk: the broker's own operations that work at most once, on a real store, without its network:
 * what the kill rounds of tests/faults drive and kill.
 *
 *   desk STORE UNIX-MS     the clock stands at UNIX-MS: codes of the second factor follow it
 *
 * One order a line on standard input, "NUMBER WORD ARGUMENTS…"; one answer a line, "NUMBER ANSWER",
 * in the order in which they are ready: "won", "lost", "ok …", or "error CODE". What was not
 * answered is unknown. Four threads work. The first line is "ready FAULT SEQ": how the audit chain
 * and the pages stood at the start.
 */
#include "broker/identity/logins_internal.h"
#include "broker/registry/access.h"
#include "broker/registry/policies.h"
#include "broker/registry/sites.h"
#include "lib/base/encode.h"
#include "lib/base/num.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/random.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORKERS = 4, WORDS_MAX = 6, LINE_MAX_BYTES = 1024 };

static struct {
    struct store *st;
    const struct store_services *s;
    struct registry *registry;
    struct secret *master, *cookie;
    struct mfa *mfa;
    struct oidc *oidc;
    struct signin *signin;
    struct logins *logins;
    pthread_mutex_t in;
} desk = {.in = PTHREAD_MUTEX_INITIALIZER};

static const struct audit_record nobody = {.actor_kind = AUDIT_ACTOR_USER,
                                           .address = "198.51.100.7"};

struct order {
    char line[LINE_MAX_BYTES];
    char *words[WORDS_MAX]; /* number, word, arguments; "" where there is none */
    struct buf out;
};

static void say_error(struct order *o, sp_error e)
{
    buf_addf(&o->out, "error %s", sp_error_code(e));
}

/* A refusal is the answer of whoever comes second. */
static void say(struct order *o, sp_error e, sp_error second)
{
    if (e == SP_OK)
        buf_add_str(&o->out, "won");
    else if (e == second)
        buf_add_str(&o->out, "lost");
    else
        say_error(o, e);
}

static struct sp_id id_of(const char *text)
{
    struct sp_id id = {{0}};

    sp_ignore(id_parse(view_str(text), &id)); /* the zero id names nothing */
    return id;
}

static struct key_public key_of(const char *hex)
{
    struct key_public k = {.kind = KEY_ED25519};

    sp_ignore(decode_hex_exact(view_str(hex), k.bytes, 32)); /* a key that nobody has */
    return k;
}

/* ---- the second factor: "person" makes one, "factor USER TYPED" uses a code -------------- */

static void do_person(struct order *o)
{
    struct sp_id user = random_id();
    struct mfa_enrolment e;
    struct mfa_recovery codes;
    struct mfa_answer answer;
    char code[10];

    mfa_enrolment_new(user, &e);
    sp_error err =
        totp_hotp((struct view){e.secret, sizeof e.secret},
                  (uint64_t)(clock_unix() / (TOTP_STEP_S * 1000)), TOTP_SHA1, TOTP_DIGITS, code);
    if (err == SP_OK)
        err = mfa_enrol(desk.mfa,
                        &(struct mfa_confirmation){.enrolment = &e, .typed = view_str(code)},
                        &nobody, &answer, &codes);
    if (err != SP_OK) {
        say_error(o, err);
        return;
    }
    buf_addf(&o->out, "ok %s ", id_text(user).s);
    encode_hex((struct view){e.secret, sizeof e.secret}, &o->out);
    for (size_t i = 0; i < 2; i++)
        buf_addf(&o->out, " %s", codes.codes[i]);
}

static void do_factor(struct order *o)
{
    struct mfa_answer answer;

    say(o, mfa_verify(desk.mfa, id_of(o->words[2]), view_str(o->words[3]), &nobody, &answer),
        SP_ERR_DENIED);
}

/* ---- enrolment: "token", "enrol TOKEN" --------------------------------------------------- */

static void do_token(struct order *o)
{
    uint8_t secret[SITES_TOKEN_BYTES];
    const struct token_ask ask = {.life_ms = SITES_TOKEN_LIFE_MS_MAX, .note = "t"};
    struct enrol_row row;
    sp_error e = sites_token_new(desk.registry, &ask, &nobody, secret, &row);

    if (e != SP_OK) {
        say_error(o, e);
        return;
    }
    buf_add_str(&o->out, "ok ");
    encode_hex((struct view){secret, sizeof secret}, &o->out);
}

static void do_enrol(struct order *o)
{
    uint8_t secret[SITES_TOKEN_BYTES] = {0}, spki[ROW_HASH_BYTES];
    struct newcomer who = {
        .key = {.kind = KEY_ED25519}, .name = "relay", .address = "198.51.100.7"};
    struct relay_row row;

    sp_ignore(decode_hex_exact(view_str(o->words[2]), secret, sizeof secret)); /* no such token */
    random_bytes(who.key.bytes, 32);
    random_bytes(spki, sizeof spki);
    say(o, relays_enrol(desk.registry, secret, &who, spki, "relay.test:443", &row), SP_ERR_DENIED);
}

/* ---- logins: "state ID"; "approve USER" gives a code, "finish CODE KEY" binds the device --- */

static void do_state(struct order *o)
{
    say(o, login_spend(desk.logins, "state", view_str(o->words[2])), SP_ERR_REPLAY);
}

static const char verifier[] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

static void do_approve(struct order *o)
{
    struct login login = {.id = random_id(),
                          .step = LOGIN_APPROVE,
                          .device = true,
                          .started = clock_unix(),
                          .user = id_of(o->words[2]),
                          .auth_at = clock_unix(),
                          .key = {.kind = KEY_ED25519}};
    struct hash h = hash_sha256(view_str(verifier));
    struct request req = {.peer = "198.51.100.7", .ref = "R-1"};
    struct response res;
    struct buf text;

    random_bytes(login.key.bytes, 32);
    buf_init(&text, 256);
    encode_base64url(hash_view(&h), &text);
    (void)snprintf(login.challenge, sizeof login.challenge, "%.*s", (int)text.len,
                   (const char *)text.at);
    (void)snprintf(login.name, sizeof login.name, "desk");
    buf_reset(&text);
    response_init(&res);
    sp_error e = logins_approve(desk.logins, &login, &req, &res, &text);
    if (e == SP_OK) {
        buf_addf(&o->out, "ok %.*s ", (int)text.len, (const char *)text.at);
        encode_hex((struct view){login.key.bytes, 32}, &o->out);
    } else {
        say_error(o, e);
    }
    response_deinit(&res);
    buf_deinit(&text);
}

static void do_finish(struct order *o)
{
    struct key_public key = key_of(o->words[3]);
    struct login_device device = {
        .key = &key, .name = "desk", .os = "", .serials = "", .software = "", .address = ""};
    struct login_done done;
    struct sp_why why;

    say(o,
        logins_finish(desk.logins, &device, view_str(o->words[2]), view_str(verifier), &why, &done),
        SP_ERR_DENIED);
}

/* ---- devices: "device USER" makes one, "admit KEY USER" asks for it, "revoke ID" ends it --- */

static sp_error admit(struct sp_id user, const struct key_public *key, struct device_row *out)
{
    struct device_claim claim = {.key = *key,
                                 .name = "laptop",
                                 .os = "",
                                 .serials = "",
                                 .software = "",
                                 .user = user,
                                 .approve = true};

    return devices_admit(desk.registry, &claim, &nobody, out);
}

static void do_device(struct order *o)
{
    struct key_public key = {.kind = KEY_ED25519};
    struct device_row row;

    random_bytes(key.bytes, 32);
    sp_error e = admit(id_of(o->words[2]), &key, &row);
    if (e != SP_OK) {
        say_error(o, e);
        return;
    }
    buf_addf(&o->out, "ok %s ", id_text(row.id).s);
    encode_hex((struct view){key.bytes, 32}, &o->out);
}

static void do_admit(struct order *o)
{
    struct key_public key = key_of(o->words[2]);
    struct device_row row;

    say(o, admit(id_of(o->words[3]), &key, &row), SP_ERR_DENIED);
}

static void do_revoke(struct order *o)
{
    struct device_row row;

    say(o, devices_set_state(desk.registry, id_of(o->words[2]), ROW_DEVICE_LOST, &nobody, &row),
        SP_ERR_CONFLICT);
}

/* ---- requests: "ask" files one, "answer ID yes|no" ------------------------------------------ */

static void do_ask(struct order *o)
{
    struct access_row row = {.user = random_id(), .app = random_id(), .for_ms = 3600 * 1000};
    sp_error e;

    (void)snprintf(row.ref, sizeof row.ref, "R-1");
    if ((e = access_ask(desk.registry, &row, "wiki", &nobody)) != SP_OK)
        say_error(o, e);
    else
        buf_addf(&o->out, "ok %s", id_text(row.id).s);
}

static void do_answer(struct order *o)
{
    bool yes = strcmp(o->words[3], "yes") == 0;
    struct access_answer a = {.state = yes ? ACCESS_APPROVED : ACCESS_REFUSED,
                              .until = yes ? clock_unix() + 3600 * 1000 : 0,
                              .by = random_id(),
                              .text = ""};
    struct access_row row;
    sp_error e = desk.s->access->get(desk.st, id_of(o->words[2]), &row);

    if (e == SP_OK)
        e = access_answer(desk.registry, &row, &a, "wiki", &nobody);
    say(o, e, SP_ERR_CONFLICT);
}

/* ---- policies: "policy EXPECT NOTE"; the log: "note TEXT" ----------------------------------- */

static void do_policy(struct order *o)
{
    struct policy_change change = {.text = view_str("version: 1\n"), .note = o->words[3]};
    uint64_t ver = 0;

    /* 0: the first one */
    sp_ignore(num_uint(view_str(o->words[2]), INT64_MAX, &change.expect_ver));
    say(o, policies_put(desk.registry, &change, &nobody, &ver), SP_ERR_CONFLICT);
}

static void do_note(struct order *o)
{
    struct audit_record r = nobody;

    r.event = AUDIT_POLICY_UPDATE;
    r.text = o->words[2];
    say(o, audit_now(desk.st, &r), SP_ERR_REPLAY);
}

static const struct {
    const char *word;
    void (*run)(struct order *o);
} orders[] = {
    {"person", do_person}, {"factor", do_factor},   {"token", do_token},   {"enrol", do_enrol},
    {"state", do_state},   {"approve", do_approve}, {"finish", do_finish}, {"device", do_device},
    {"admit", do_admit},   {"revoke", do_revoke},   {"ask", do_ask},       {"answer", do_answer},
    {"policy", do_policy}, {"note", do_note},
};

static void serve(struct order *o)
{
    char *save = NULL, *word = strtok_r(o->line, " \n", &save);

    for (size_t i = 0; i < WORDS_MAX; i++, word = strtok_r(NULL, " \n", &save))
        o->words[i] = word != NULL ? word : (char[]){""};
    buf_reset(&o->out);
    buf_addf(&o->out, "%s ", o->words[0]);
    size_t before = o->out.len;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (strcmp(orders[i].word, o->words[1]) == 0)
            orders[i].run(o);
    if (o->out.len == before)
        buf_add_str(&o->out, "error no such order");
    buf_add_byte(&o->out, '\n');
    if (write(STDOUT_FILENO, o->out.at, o->out.len) != (ssize_t)o->out.len)
        _exit(1);
}

static void *work(void *arg)
{
    struct order *o = arg;
    bool more = true;

    buf_init(&o->out, 2048);
    while (more) {
        pthread_mutex_lock(&desk.in);
        more = fgets(o->line, sizeof o->line, stdin) != NULL;
        pthread_mutex_unlock(&desk.in);
        if (more)
            serve(o);
    }
    buf_deinit(&o->out);
    return NULL;
}

/* ---- life ----------------------------------------------------------------------------------- */

static sp_error secret_of(uint8_t fill, struct secret **out)
{
    uint8_t bytes[32];

    memset(bytes, fill, sizeof bytes); /* the same after each restart */
    return secret_new((struct view){bytes, sizeof bytes}, out);
}

struct person {
    struct user_row row;
};

/* Whoever logs in: one user with a fixed id, made at the first start. */
static sp_error put_person(struct store_tx *tx, void *arg)
{
    struct person *p = arg;

    p->row.created = p->row.seen = tx_now(tx);
    p->row.ver = 0;
    sp_error e = desk.s->registry->user_put(tx, &p->row);
    return e == SP_ERR_EXISTS || e == SP_ERR_CONFLICT ? SP_OK : e;
}

static sp_error open_desk(const char *path)
{
    struct store_config config = {.path = path, .audit_shard = 1, .holder = {{7}}};
    struct person p = {.row = {.id = {{9}}, .state = USER_ACTIVE}};
    struct oidc_options none = {.origin = "https://access.example.test"};
    struct sp_why why = {0};
    sp_error e;

    (void)snprintf(p.row.iss, sizeof p.row.iss, "https://idp.test");
    (void)snprintf(p.row.sub, sizeof p.row.sub, "anna");
    (void)snprintf(p.row.name, sizeof p.row.name, "anna");
    if ((e = store_open(&config, &why, &desk.st)) != SP_OK) {
        fprintf(stderr, "desk: %s %s\n", sp_error_code(e), why.text);
        return e;
    }
    desk.s = store_services(desk.st);
    if ((e = store_commit(desk.st, put_person, &p)) != SP_OK ||
        (e = registry_new(desk.st, &desk.registry)) != SP_OK ||
        (e = secret_of(1, &desk.master)) != SP_OK || (e = secret_of(2, &desk.cookie)) != SP_OK ||
        (e = mfa_new(desk.st, desk.master, &desk.mfa)) != SP_OK ||
        (e = oidc_new(&none, &why, &desk.oidc)) != SP_OK ||
        (e = signin_new(desk.st, 12 * 3600 * 1000, 0, &desk.signin)) != SP_OK)
        return e;
    struct logins_options o = {.store = desk.st,
                               .registry = desk.registry,
                               .oidc = desk.oidc,
                               .mfa = desk.mfa,
                               .signin = desk.signin,
                               .cookie_key = desk.cookie,
                               .origin = "https://access.example.test",
                               .session_ms = 12 * 3600 * 1000,
                               .approve_devices = true};
    return logins_new(&o, &desk.logins);
}

int main(int argc, char **argv)
{
    static struct order at[WORKERS];
    pthread_t threads[WORKERS];
    struct audit_verdict verdict;
    struct sp_why why = {0};
    int64_t now = 0;

    if (argc != 3 || num_int(view_str(argv[2]), 1, INT64_MAX, &now) != SP_OK)
        return 2;
    clock_set_for_test(now, -1);
    sp_error e = open_desk(argv[1]);
    if (e == SP_OK && (e = store_check(desk.st, &why)) == SP_OK)
        e = audit_verify(desk.st, 0, NULL, 0, &verdict);
    if (e != SP_OK) {
        fprintf(stderr, "desk: %s %s\n", sp_error_code(e), why.text);
        return 1;
    }
    printf("ready %d %llu\n", (int)verdict.fault, (unsigned long long)verdict.checked);
    fflush(stdout);
    for (size_t i = 0; i < WORKERS; i++)
        if (pthread_create(&threads[i], NULL, work, &at[i]) != 0)
            return 1;
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    logins_free(desk.logins);
    signin_free(desk.signin);
    oidc_free(desk.oidc);
    mfa_free(desk.mfa);
    secret_free(desk.master);
    secret_free(desk.cookie);
    registry_free(desk.registry);
    store_close(desk.st);
    return 0;
}
