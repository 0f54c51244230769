/* Commands on the broker's own keys: list, fingerprint, rotate. Secrets are never shown. */

#include "broker/commands.h"
#include "broker/keyring.h"
#include "broker/offline.h"
#include "lib/term/out.h"

#include <stdio.h>
#include <time.h>

static int open_keys(const struct command_call *call, enum offline_need need, struct offline *o,
                     struct keyring *k)
{
    struct secret *master = NULL;
    struct sp_why why = {0};
    int code = offline_open(call, need, o);
    sp_error e;

    if (code != EXIT_OK)
        return code;
    if ((e = keyring_master(o->config.state, false, &master, &why)) == SP_OK)
        e = keyring_load(o->store, master, k);
    return e == SP_OK ? EXIT_OK : offline_fail(call, e, "The keys can't be read.", &why);
}

/* ---- list, fingerprint -------------------------------------------------------------------- */

struct day {
    char s[24];
};

static struct day day_of(sp_unix_ms at, const char *otherwise)
{
    struct day d;
    time_t t = (time_t)(at / 1000);
    struct tm tm;

    snprintf(d.s, sizeof d.s, "%s", otherwise);
    if (at != 0 && gmtime_r(&t, &tm) != NULL)
        strftime(d.s, sizeof d.s, "%Y-%m-%dT%H:%MZ", &tm);
    return d;
}

static const struct key_secret *key_of(const struct keyring *k, enum keyring_key which)
{
    return which == KEYRING_IDENTITY ? k->identity
           : which == KEYRING_GRANT  ? k->grant
           : which == KEYRING_RECORD ? k->record
                                     : NULL;
}

static void add_key(struct out_table *t, const struct keyring *k, enum keyring_key which)
{
    const struct key_secret *key = key_of(k, which);
    sp_unix_ms until = k->times.old_until[which];

    char since[96];

    (void)snprintf(since, sizeof since, "%s%s%s",
                   day_of(k->times.since[which], "the installation").s,
                   until > clock_unix() ? ", the one before until " : "",
                   until > clock_unix() ? day_of(until, "").s : "");
    struct key_kid kid = {""};
    struct key_fingerprint print = {""};
    if (key != NULL) {
        kid = key_kid(key_secret_public(key));
        print = key_fingerprint(key_secret_public(key));
    }
    out_table_row(t, (struct out_cell[]){{keyring_word(which), OUT_PLAIN},
                                         {key == NULL ? NULL : kid.s, OUT_PLAIN},
                                         {key == NULL ? NULL : print.s, OUT_PLAIN},
                                         {since, OUT_PLAIN}});
}

static int print_keys(const struct keyring *k)
{
    static const char *const heads[] = {"PURPOSE", "ID", "FINGERPRINT", "SINCE"};
    const struct out o = out_on(stdout);
    struct out_table *t = out_table_new(heads, 4);

    if (t == NULL)
        return EXIT_ERROR;
    for (enum keyring_key which = 0; which < KEYRING_KEYS; which++)
        add_key(t, k, which);
    sp_error e = out_table_print(t, &o);
    out_table_free(t);
    return e == SP_OK ? EXIT_OK : EXIT_ERROR;
}

static struct json *key_object(const struct keyring *k, enum keyring_key which)
{
    const struct key_secret *key = key_of(k, which);
    struct json *o = json_object();

    json_set_cstr(o, "purpose", keyring_word(which));
    json_set_cstr(o, "kid", key == NULL ? NULL : key_kid(key_secret_public(key)).s);
    json_set_cstr(o, "fingerprint", key == NULL ? NULL : key_fingerprint(key_secret_public(key)).s);
    json_set_int(o, "since", k->times.since[which]);
    json_set_int(o, "old_until",
                 k->times.old_until[which] > clock_unix() ? k->times.old_until[which] : 0);
    return o;
}

static int list(const struct command_call *call, const struct keyring *k)
{
    struct json *all, *o;

    if (!call->json)
        return print_keys(k);
    all = json_array();
    for (enum keyring_key which = 0; which < KEYRING_KEYS; which++)
        json_push(all, key_object(k, which));
    o = json_object();
    json_set(o, "keys", all);
    json_set_int(o, "epoch", k->times.epoch);
    return command_json("broker.keys", o);
}

static int fingerprint(const struct command_call *call, const struct keyring *k)
{
    const struct key_fingerprint f = key_fingerprint(key_secret_public(k->identity));
    struct json *o;

    if (!call->json) {
        puts(f.s);
        return EXIT_OK;
    }
    o = json_object();
    json_set_cstr(o, "fingerprint", f.s);
    return command_json("broker.key", o);
}

int cmd_key(const struct command_call *call)
{
    struct keyring k = {0};
    struct offline o;
    int code = open_keys(call, OFFLINE_READ, &o, &k);

    if (code == EXIT_OK)
        code =
            strcmp(call->command->name, "key list") == 0 ? list(call, &k) : fingerprint(call, &k);
    keyring_deinit(&k);
    offline_close(&o);
    return code;
}

/* ---- rotate ------------------------------------------------------------------------------- */

/* What follows from it, for whoever did it. */
static void tell(enum keyring_key which, bool compromised)
{
    static const char *const gentle[KEYRING_KEYS] = {
        [KEYRING_IDENTITY] =
            ("The old key signs along for 90 days: edges that connect in that time "
             "move their pin. Whoever does not is enrolled, or signs in, anew."),
        [KEYRING_GRANT] = "Grants of the old key are taken for 10 minutes more.",
        [KEYRING_RECORD] = "The broker signs all app records anew when it starts.",
        [KEYRING_COOKIE] = "Logins under way go on for 10 minutes.",
    };
    static const char *const at_once[KEYRING_KEYS] = {
        [KEYRING_IDENTITY] = "No edge knows the new key: connectors and relays are enrolled anew, "
                             "people sign in with the new fingerprint.",
        [KEYRING_GRANT] = "Grants of the old key are refused as soon as the broker has started.",
        [KEYRING_RECORD] = "App records of the old key are refused as soon as the broker has "
                           "started; it signs all of them anew.",
        [KEYRING_COOKIE] = "Logins that are under way begin again.",
    };

    fprintf(stderr, "%s\nStart the broker now.\n", (compromised ? at_once : gentle)[which]);
}

int cmd_key_rotate(const struct command_call *call)
{
    bool compromised = command_given(call, "compromised");
    enum keyring_key which = KEYRING_IDENTITY;
    struct keyring k = {0};
    struct offline o;
    struct sp_why why = {0};
    sp_error e = keyring_parse(view_str(call->args[0]), &which);
    int code;

    if (e != SP_OK) {
        sp_ignore(sp_why_say(&why, SP_ERR_INVALID, "%s is none of identity, grant, record, cookie",
                             call->args[0])); /* only the text */
        return offline_fail(call, SP_ERR_INVALID, "No key was rotated.", &why);
    }
    if ((code = open_keys(call, OFFLINE_WRITE, &o, &k)) == EXIT_OK &&
        (e = keyring_rotate(o.store, k.master, which, compromised)) != SP_OK)
        code = offline_fail(call, e, "No key was rotated.", NULL);
    if (code == EXIT_OK) {
        struct secret *master = k.master;
        k.master = NULL;
        keyring_deinit(&k);
        if ((e = keyring_load(o.store, master, &k)) != SP_OK)
            code = offline_fail(call, e, "The new key can't be read.", NULL);
    }
    if (code == EXIT_OK && (code = list(call, &k)) == EXIT_OK)
        tell(which, compromised);
    keyring_deinit(&k);
    offline_close(&o);
    return code;
}
