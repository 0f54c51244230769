/*
 * The evaluation mode: a broker and its relay in a folder of their own, which goes with them.
 *
 * It is the ordinary broker: the folder holds an ordinary configuration, a certificate of a CA
 * whose key was forgotten, and an account of the built-in provider whose password is shown once.
 */

#include "broker/commands.h"

#include "broker/idp/accounts.h"
#include "broker/offline.h"
#include "broker/run.h"
#include "lib/base/encode.h"
#include "lib/base/log.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secret.h"
#include "lib/os/child.h"
#include "lib/os/file.h"
#include "lib/os/sandbox.h"
#include "lib/os/sock.h"
#include "lib/tls/authority.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NAME_ROOM = 256, PATH_ROOM = 512, DAYS = 7, RELAY_END_MS = 10 * 1000, PASSWORD_BYTES = 10 };

struct dev {
    const struct command_call *call;
    char folder[PATH_ROOM - 64]; /* absolute */
    bool keep, made_account, failed;
    char host[NAME_ROOM]; /* of the public address */
    struct broker_config config;
    struct child *relay; /* owned */
    pid_t relay_pid;     /* 0: none */
    sp_boot_ms begun;
    struct sp_why why;
};

/* ---- the folder ------------------------------------------------------------------------------ */

static sp_error make_folder(struct dev *d)
{
    const char *kept = command_value(d->call, "keep");
    char *whole;
    sp_error e;

    d->keep = kept != NULL;
    if (kept == NULL) {
        snprintf(d->folder, sizeof d->folder, "/tmp/sallyport-dev.XXXXXX");
        return mkdtemp(d->folder) != NULL
                   ? SP_OK
                   : sp_why_say(&d->why, SP_ERR_IO, "no folder can be made in /tmp");
    }
    if ((e = file_make_dir(kept, &d->why)) != SP_OK)
        return e;
    if ((whole = realpath(kept, NULL)) == NULL)
        return sp_why_say(&d->why, SP_ERR_IO, "%s can't be found", kept);
    int n = snprintf(d->folder, sizeof d->folder, "%s", whole);
    free(whole);
    return n > 0 && (size_t)n < 80 /* the front socket's path has a short limit */
               ? SP_OK
               : sp_why_say(&d->why, SP_ERR_LIMIT, "%s: the path is too long", kept);
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s;
    (void)kind;
    (void)at;
    return remove(path);
}

/* Ours alone: made by mkdtemp, never a folder that somebody named. */
static void remove_folder(const struct dev *d)
{
    if (d->keep || d->folder[0] == '\0')
        return;
    if (nftw(d->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        fprintf(stderr, "%s could not be removed whole: %s\n", d->folder, strerror(errno));
}

static sp_error write_in(struct dev *d, const char *name, const struct buf *content, mode_t mode)
{
    struct buf path;
    sp_error e = buf_error(content);

    buf_init(&path, PATH_ROOM);
    const char *at = file_path(&path, d->folder, name);
    if (e == SP_OK)
        e = at == NULL ? SP_ERR_LIMIT : file_write(at, buf_view(content), mode, &d->why);
    buf_deinit(&path);
    return e;
}

/* ---- what an installer would write ----------------------------------------------------------- */

static sp_error make_certificate(struct dev *d)
{
    char hostname[NAME_ROOM] = "";
    struct authority_spec spec = {.organisation = "Sallyport evaluation", .days = DAYS};
    struct buf ca, chain, key;
    size_t n = 0;
    sp_error e;

    spec.names[n++] = "localhost";
    spec.names[n++] = "127.0.0.1";
    spec.names[n++] = "::1";
    if (strcmp(d->host, "localhost") != 0 && strcmp(d->host, "127.0.0.1") != 0)
        spec.names[n++] = d->host;
    if (gethostname(hostname, sizeof hostname - 1) == 0 && hostname[0] != '\0' &&
        strcmp(hostname, d->host) != 0 && strcmp(hostname, "localhost") != 0)
        spec.names[n++] = hostname;
    buf_init(&ca, AUTHORITY_PEM_MAX);
    buf_init(&chain, AUTHORITY_PEM_MAX);
    buf_init(&key, AUTHORITY_PEM_MAX);
    if ((e = authority_make(&spec, &ca, &chain, &key)) == SP_OK &&
        (e = write_in(d, "ca.pem", &ca, 0644)) == SP_OK &&
        (e = write_in(d, "cert.pem", &chain, 0644)) == SP_OK)
        e = write_in(d, "key.pem", &key, 0600);
    buf_deinit(&ca);
    buf_deinit(&chain);
    buf_wipe(&key);
    return e;
}

/* "ADDRESS:PORT" of --listen; an address that means all of them is reached by this host's name. */
static sp_error choose_address(struct dev *d, const char *listen, struct address *at)
{
    if (address_parse(view_str(listen), at) != SP_OK || address_port(at) == 0)
        return sp_why_say(&d->why, SP_ERR_INVALID, "--listen %s is no address and port", listen);
    if (strncmp(listen, "0.0.0.0:", 8) == 0 || strncmp(listen, "[::]:", 5) == 0) {
        if (gethostname(d->host, sizeof d->host - 1) != 0)
            return sp_why_say(&d->why, SP_ERR_IO, "this host has no name");
    } else {
        snprintf(d->host, sizeof d->host, "%s", address_host_text(at).s);
    }
    return SP_OK;
}

static sp_error write_config(struct dev *d, const char *listen, unsigned port)
{
    bool v6 = strchr(d->host, ':') != NULL;
    struct buf text;
    sp_error e;

    buf_init(&text, 4096);
    buf_addf(&text,
             "# made by sallyport-broker dev: for evaluation only\n"
             "organisation: Sallyport evaluation\n"
             "public_url: https://%s%s%s:%u\n"
             "listen: [\"%s\"]\n"
             "certificate: %s/cert.pem\nkey: %s/key.pem\nca_file: %s/ca.pem\n"
             "state: %s/broker\nfront_socket: %s/front.sock\n"
             "admin_group: builtin/admins\napprove_devices: true\nidp: {enabled: true}\n",
             v6 ? "[" : "", d->host, v6 ? "]" : "", port, listen, d->folder, d->folder, d->folder,
             d->folder, d->folder);
    e = write_in(d, "broker.yaml", &text, 0600);
    buf_reset(&text);
    buf_addf(&text, "state: %s/relay\nfront_socket: %s/front.sock\naddresses: [\"%s%s%s:%u\"]\n",
             d->folder, d->folder, v6 ? "[" : "", d->host, v6 ? "]" : "", port);
    if (e == SP_OK)
        e = write_in(d, "relay.yaml", &text, 0600);
    buf_deinit(&text);
    return e;
}

static sp_error prepare(struct dev *d)
{
    const char *listen = command_value(d->call, "listen");
    char path[PATH_ROOM];
    struct address at;
    sp_error e;

    if (listen == NULL)
        listen = "127.0.0.1:8443";
    if ((e = choose_address(d, listen, &at)) != SP_OK || (e = make_folder(d)) != SP_OK ||
        (e = make_certificate(d)) != SP_OK ||
        (e = write_config(d, listen, address_port(&at))) != SP_OK)
        return e;
    snprintf(path, sizeof path, "%s/broker.yaml", d->folder);
    if ((e = broker_config_load(path, &d->config, &d->why)) != SP_OK)
        return e;
    /* No operations endpoint: its port is another broker's, perhaps a real one's. */
    free(d->config.operations);
    d->config.operations = NULL;
    return SP_OK;
}

/* ---- the relay ------------------------------------------------------------------------------- */

static void on_relay_end(void *arg, int status, int signo)
{
    struct dev *d = arg;

    fprintf(stderr, "The relay ended (status %d, signal %d), so the broker ends too.\n", status,
            signo);
    child_free(d->relay);
    d->relay = NULL;
    d->relay_pid = 0;
    d->failed = true;
    kill(getpid(), SIGTERM); /* the same way as Ctrl-C */
}

/* Beside this program, as installed; in the folder of its room, as built; else where PATH says. */
static bool find_relay(char out[PATH_ROOM])
{
    static const char *const places[] = {"/sallyport-relay", "/../relay/sallyport-relay"};
    char self[PATH_ROOM - 64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (n <= 0)
        return false;
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
        snprintf(out, PATH_ROOM, "%s%s", self, places[p]);
        if (access(out, X_OK) == 0)
            return true;
    }
    return false;
}

static sp_error start_relay(struct dev *d, struct broker *b)
{
    char program[PATH_ROOM], config[PATH_ROOM];
    bool found = find_relay(program);
    const char *argv[] = {"sallyport-relay", "run", "--config", config, NULL};
    const struct child_spec spec = {.path = found ? program : "sallyport-relay",
                                    .argv = argv,
                                    .search = !found,
                                    .die_with_parent = true};

    snprintf(config, sizeof config, "%s/relay.yaml", d->folder);
    sp_error e = child_start(broker_loop(b), &spec, on_relay_end, d, &d->relay);
    if (e != SP_OK)
        return sp_why_say(&d->why, e, "sallyport-relay can't be started: %s", sp_error_text(e));
    d->relay_pid = child_pid(d->relay);
    return SP_OK;
}

/* After the broker: nothing of ours is left when the command ends. */
static void end_relay(struct dev *d)
{
    sp_boot_ms until = clock_boot() + RELAY_END_MS;
    const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};

    if (d->relay_pid == 0)
        return;
    while (waitpid(d->relay_pid, NULL, WNOHANG) == 0) {
        if (clock_boot() >= until)
            kill(d->relay_pid, SIGKILL);
        nanosleep(&nap, NULL);
    }
}

/* ---- what is printed ------------------------------------------------------------------------- */

/* Sixteen letters and digits in groups of four: 80 bits, made to be typed once. */
static void make_password(struct buf *out)
{
    uint8_t bytes[PASSWORD_BYTES];
    struct buf plain;

    random_bytes(bytes, sizeof bytes);
    buf_init(&plain, 64);
    encode_base32((struct view){bytes, sizeof bytes}, &plain);
    for (size_t i = 0; i < plain.len; i++) {
        if (i > 0 && i % 4 == 0)
            buf_add_byte(out, '-');
        buf_add_byte(out, plain.at[i]);
    }
    buf_wipe(&plain);
    secret_wipe(bytes, sizeof bytes);
}

static sp_error add_account(struct dev *d, struct broker *b, struct buf *password)
{
    static const char *const groups[] = {"admins", "staff"};
    struct account_change c = {.groups = groups, .group_count = 2, .set_groups = true};
    struct sp_id id;
    sp_error e;

    make_password(password);
    if ((e = buf_error(password)) != SP_OK)
        return e;
    c.password = buf_view(password);
    e = accounts_add(broker_accounts(b), "alice", &c, &d->why, &id);
    d->made_account = e == SP_OK;
    return e == SP_ERR_EXISTS ? SP_OK : e; /* of an earlier run in the same --keep folder */
}

static void print(const struct dev *d, const struct broker *b, const struct buf *password)
{
    const char *origin = broker_origin(b);

    printf("==> sallyport-broker dev: EVALUATION ONLY, built-in identity provider enabled\n");
    if (d->made_account)
        printf("    Console     %s      user alice, password (shown once) %.*s\n", origin,
               VIEW_ARG(buf_view(password)));
    else
        printf("    Console     %s      user alice, with the password of the first start\n",
               origin);
    printf("    TOTP        the first sign-in shows a QR code for your authenticator app\n"
           "    CA          %s/ca.pem\n"
           "    State       %s, %s. Undo: Ctrl-C\n"
           "    Next        sallyport login --broker %s --ca %s/ca.pem\n"
           "==> ready in %.1f s; log follows\n",
           d->folder, d->folder, d->keep ? "kept at exit" : "removed at exit", origin, d->folder,
           (double)(clock_boot() - d->begun) / 1000);
    fflush(stdout);
}

/* ---- the run --------------------------------------------------------------------------------- */

static void on_ready(void *arg, struct broker *b)
{
    struct dev *d = arg;
    struct buf password;
    sp_error e;

    buf_init(&password, 64);
    if ((e = add_account(d, b, &password)) == SP_OK && (e = start_relay(d, b)) == SP_OK) {
        print(d, b, &password);
    } else {
        d->failed = true;
        fprintf(stderr, "%s\n", d->why.text[0] != '\0' ? d->why.text : sp_error_text(e));
        broker_stop(b);
    }
    buf_wipe(&password);
}

static void on_end(void *arg)
{
    struct dev *d = arg;

    if (d->relay == NULL)
        return;
    child_signal(d->relay, SIGTERM);
    child_free(d->relay);
    d->relay = NULL;
}

int cmd_dev(const struct command_call *call)
{
    struct dev d = {.call = call, .begun = clock_boot()};
    const struct run_hooks hooks = {
        .evaluation = true, .ready = on_ready, .end = on_end, .arg = &d};
    struct sp_why unfiltered = {0};
    int code = EXIT_OK;
    sp_error e;

    if (sandbox_serve(SANDBOX_MAY_EXEC) != SP_OK)
        return program_unsafe(call->program);
    if (sandbox_syscalls(SANDBOX_MAY_EXEC, &unfiltered) != SP_OK)
        fprintf(stderr, "%s\n", unfiltered.text);
    if ((e = prepare(&d)) != SP_OK || (e = broker_run(&d.config, &hooks, &d.why)) != SP_OK)
        code = offline_fail(call, e, "The evaluation did not start.", &d.why);
    else if (d.failed)
        code = EXIT_ERROR;
    end_relay(&d);
    broker_config_free(&d.config);
    remove_folder(&d);
    return code;
}
