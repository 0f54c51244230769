#include "client/cmd/cmd.h"
#include "client/cmd/talk.h"
#include "client/login/bind.h"
#include "client/login/browser.h"
#include "client/login/loopback.h"
#include "lib/crypto/secret.h"
#include "lib/os/file.h"
#include "lib/qr/qr.h"
#include "lib/term/ask.h"
#include "lib/term/out.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct login {
    const struct command_call *call;
    struct ipc_client *events; /* owned */
    struct loopback *loopback; /* owned; NULL: the code is typed */
    struct bind bind;
    struct settings settings;
    struct json *opened; /* owned: url, code, until */
    pid_t opener;
    char code[LOOPBACK_CODE_MAX + 1];
    bool approved; /* the agent said so */
};

static int fail(struct login *l, enum exit_code exit, const char *what, const char *why)
{
    return command_fail(
        l->call,
        &(struct command_failure){
            .exit = exit, .code = "login", .what = what, .why = why, .next = "sallyport login"});
}

/* No browser is to be started. */
static bool silent(const struct login *l)
{
    return command_given(l->call, "no-browser") ||
           strcmp(settings_value(&l->settings, SETTING_BROWSER), "off") == 0;
}

/* RFC 8628: the code is entered in a browser elsewhere, and nothing comes back by hand. */
static bool waits(const struct command_call *call)
{
    return command_given(call, "device-code");
}

/* `--no-browser` on a terminal: the last page shows a code for typing here. */
static bool types_code(const struct login *l)
{
    bool browser = !silent(l) && browser_advise(browser_getenv, geteuid()) == BROWSER_TRY;

    return !browser && isatty(STDERR_FILENO) && isatty(STDIN_FILENO);
}

/* The flag, else what is set; NULL: neither, and the agent's own holds. */
static const char *said(const struct login *l, const char *flag, enum setting key)
{
    const char *value = command_value(l->call, flag);

    if (value == NULL && settings_value(&l->settings, key)[0] != '\0')
        value = settings_value(&l->settings, key);
    return value;
}

static int begin(struct login *l)
{
    const char *broker = said(l, "broker", SETTING_BROKER), *ca = said(l, "ca", SETTING_CA_FILE);
    const char *front = command_value(l->call, "front");
    bool l7 = front != NULL || strcmp(settings_value(&l->settings, SETTING_FRONT), "l7") == 0;
    struct json *q = talk_request("login.begin");
    struct sp_why why = {0};
    struct buf pem;
    int code;

    buf_init(&pem, 128 * 1024);
    if (ca != NULL && file_read(ca, 128 * 1024, &pem, &why) != SP_OK) {
        json_free(q);
        buf_deinit(&pem);
        return fail(l, EXIT_USAGE, "The CA file can't be read.", why.text);
    }
    if (front != NULL && strcmp(front, "l7") != 0) {
        json_free(q);
        buf_deinit(&pem);
        return fail(l, EXIT_USAGE, "--front takes l7 only.", NULL);
    }
    if (broker != NULL)
        json_set_cstr(q, "broker", broker);
    json_set_str(q, "ca", buf_view(&pem));
    json_set_bool(q, "l7", l7);
    json_set_cstr(q, "challenge", l->bind.challenge);
    json_set_cstr(q, "state", l->bind.state);
    json_set_bool(q, "device_code", waits(l->call));
    if (l->loopback != NULL)
        json_set_cstr(q, "redirect", loopback_url(l->loopback));
    buf_deinit(&pem);
    if ((code = talk_open(l->call, q, &l->events)) == EXIT_OK)
        code = talk_read(l->call, l->events, TALK_WAIT_MS, &l->opened);
    return code;
}

/* At once, before anything is started (C-037). */
static void show_address(struct login *l)
{
    const char *url = talk_text(l->opened, "url");
    struct out err = out_on(stderr);
    struct buf qr;

    struct out whole = {.file = stderr}; /* an address is never broken into lines */
    int64_t left = talk_int(l->opened, "until") - clock_unix();

    out_line(&whole, "To sign in, open  %s%s", url, waits(l->call) ? "  on another device" : "");
    out_line(&err, "%s this code there: %s%s%s%s", waits(l->call) ? "Enter" : "Compare",
             talk_text(l->opened, "code"), left > 0 ? " · waiting, " : "",
             left > 0 ? out_age(left).s : "", left > 0 ? " left" : "");
    fflush(stderr);
    if (err.width == 0)
        return;
    buf_init(&qr, 64 * 1024);
    if (qr_terminal(view_str(url), err.width, err.colour, &qr) == SP_OK)
        out_raw(&err, buf_view(&qr));
    buf_deinit(&qr);
}

static void open_browser(struct login *l)
{
    enum browser_advice advice = browser_advise(browser_getenv, geteuid());

    if (silent(l) || l->loopback == NULL)
        return;
    if (advice == BROWSER_ROOT)
        fputs("No browser is started as root: open the address yourself.\n", stderr);
    else if (advice == BROWSER_NONE ||
             browser_open(talk_text(l->opened, "url"), &l->opener) != SP_OK)
        fputs("No browser was found: open the address yourself.\n", stderr);
    else
        fputs("Opened in your browser.\n", stderr);
}

/* One line of the agent. EXIT_OK: go on. */
static int on_event(struct login *l)
{
    struct out err = out_on(stderr);
    struct json *line = NULL;
    int code = talk_read(l->call, l->events, 0, &line);

    if (code == EXIT_OK && strcmp(talk_text(line, "event"), "login") == 0) {
        const char *state = talk_text(line, "state");

        if (talk_text(line, "text")[0] != '\0')
            out_line(&err, "%s", talk_text(line, "text"));
        l->approved = strcmp(state, "approved") == 0;
        if (strcmp(state, "refused") == 0)
            code = fail(l, EXIT_DENIED, "The sign-in was refused.", NULL);
        if (strcmp(state, "expired") == 0)
            code = fail(l, EXIT_LOGIN, "The sign-in took too long.", NULL);
    }
    json_free(line);
    return code;
}

static int wait_redirect(struct login *l)
{
    sp_boot_ms silent = clock_boot() + LOOPBACK_SILENT_MS;
    struct loopback_hit hit;

    for (;;) {
        struct pollfd fds[LOOPBACK_AT_ONCE + 2];
        size_t n = loopback_watch(l->loopback, fds);
        int code;

        fds[n] = (struct pollfd){.fd = ipc_client_fd(l->events), .events = POLLIN};
        if (!ipc_client_ready(l->events))
            poll(fds, (nfds_t)n + 1, 500);
        if (ipc_client_ready(l->events) || fds[n].revents != 0) {
            if ((code = on_event(l)) != EXIT_OK)
                return code;
            silent = clock_boot() + LOOPBACK_SILENT_MS; /* the login is alive */
        }
        if (browser_failed(&l->opener))
            fputs("The browser could not be opened: open the address yourself, or run sallyport "
                  "login --no-browser.\n",
                  stderr);
        if (loopback_turn(l->loopback, &hit) == SP_OK) {
            if (hit.error[0] != '\0')
                return fail(l, EXIT_DENIED, "The sign-in was refused.", hit.error);
            snprintf(l->code, sizeof l->code, "%s", hit.code);
            return EXIT_OK;
        }
        if (clock_boot() >= silent)
            return fail(l, EXIT_LOGIN, "Nobody signed in within 3 minutes.", NULL);
    }
}

/* Asks until somebody answered; an event of the agent asks at once. */
static int wait_answer(struct login *l)
{
    int64_t interval = talk_int(l->opened, "interval_ms");
    const char *secret = talk_text(l->opened, "poll");

    if (secret[0] == '\0')
        return fail(l, EXIT_DENIED, "This broker knows no device codes.", NULL);
    snprintf(l->code, sizeof l->code, "%s", secret);
    for (;;) {
        struct pollfd fd = {.fd = ipc_client_fd(l->events), .events = POLLIN};
        sp_boot_ms until = clock_boot() + interval;
        struct json *q, *a = NULL;
        bool told = false;
        int code;

        while (!told && clock_boot() < until) {
            if (!ipc_client_ready(l->events) && poll(&fd, 1, (int)(until - clock_boot())) <= 0)
                continue;
            if ((code = on_event(l)) != EXIT_OK)
                return code;
            told = l->approved;
        }
        if (told)
            return EXIT_OK;
        q = talk_request("login.poll");
        json_set_cstr(q, "code", secret);
        if (talk_try(q, &a) == EXIT_OK) {
            const char *state = talk_text(a, "state");

            interval = talk_int(a, "interval_ms") > 0 ? talk_int(a, "interval_ms") : interval;
            code = strcmp(state, "approved") == 0  ? EXIT_OK
                   : strcmp(state, "refused") == 0 ? EXIT_DENIED
                   : strcmp(state, "expired") == 0 ? EXIT_LOGIN
                                                   : -1;
            json_free(a);
            if (code == EXIT_OK)
                return code;
            if (code > 0)
                return fail(l, (enum exit_code)code,
                            code == EXIT_DENIED ? "The sign-in was refused."
                                                : "Nobody entered the code in time.",
                            NULL);
        } /* else the agent finds its broker again, and the code is good for ten minutes */
        if (clock_unix() > talk_int(l->opened, "until"))
            return fail(l, EXIT_LOGIN, "Nobody entered the code in time.", NULL);
    }
}

static int read_code(struct login *l)
{
    struct buf text;
    sp_error e;

    buf_init(&text, LOOPBACK_CODE_MAX);
    e = ask_line("Code from the last page: ", &text);
    snprintf(l->code, sizeof l->code, "%s", e == SP_OK ? buf_cstr(&text) : "");
    buf_wipe(&text);
    if (e == SP_ERR_CANCELLED)
        return EXIT_INTERRUPTED;
    return e == SP_OK && l->code[0] != '\0' ? EXIT_OK
                                            : fail(l, EXIT_LOGIN, "No code was typed.", NULL);
}

static int finish(struct login *l)
{
    struct json *q = talk_request("login.finish"), *a = NULL;
    struct out out = out_on(stdout);
    int64_t left;
    int code;

    json_set_cstr(q, "code", l->code);
    json_set_cstr(q, "verifier", l->bind.verifier);
    if ((code = talk_ask(l->call, q, &a)) != EXIT_OK)
        return code;
    if (l->call->json)
        return talk_json("login", a);
    left = talk_int(a, "until") - clock_unix();
    out_line(&out, "Signed in as %s (OpenID Connect%s) until %s (%s)", talk_text(a, "user"),
             strcmp(talk_text(a, "mfa_kind"), "otp") == 0 ? " + TOTP" : "",
             talk_time(talk_int(a, "until")).s, out_age(left).s);
    out_line(&out, "Device %s (%s, key in a file)   fingerprint  %s", talk_text(a, "device"),
             talk_text(a, "device_state"), talk_text(a, "fingerprint"));
    out_line(&out, "Broker %s   fingerprint  %s", talk_text(a, "broker"), talk_text(a, "pin"));
    out_line(&out, "Next: sallyport apps");
    json_free(a);
    return EXIT_OK;
}

/* `--extend`: there is a login, and it is at the broker where the new one will be. */
static int check_extends(struct login *l)
{
    struct json *a = NULL;
    int code;

    if (!command_given(l->call, "extend"))
        return EXIT_OK;
    if (command_value(l->call, "broker") != NULL || command_value(l->call, "ca") != NULL ||
        command_value(l->call, "front") != NULL)
        return fail(l, EXIT_USAGE, "--extend stays at the broker of the login.", NULL);
    if ((code = talk_ask(l->call, talk_request("status"), &a)) != EXIT_OK)
        return code;
    if (talk_text(json_get(a, "login"), "user")[0] == '\0')
        code =
            fail(l, EXIT_LOGIN, "Nobody is signed in here, so there is nothing to extend.", NULL);
    json_free(a);
    return code;
}

int cmd_login(const struct command_call *call)
{
    struct login l = {.call = call};
    int code = talk_settings(call, &l.settings);

    if (code == EXIT_OK)
        code = check_extends(&l);
    bind_new(&l.bind);
    if (code == EXIT_OK && !waits(call) && !types_code(&l) &&
        loopback_new(l.bind.path, l.bind.state, &l.loopback) != SP_OK)
        code = fail(&l, EXIT_ERROR, "127.0.0.1 can't be listened on.", NULL);
    if (code == EXIT_OK && (code = begin(&l)) == EXIT_OK) {
        show_address(&l);
        open_browser(&l);
        code = waits(call)          ? wait_answer(&l)
               : l.loopback != NULL ? wait_redirect(&l)
                                    : read_code(&l);
    }
    if (code == EXIT_OK)
        code = finish(&l);
    loopback_free(l.loopback);
    ipc_client_free(l.events);
    json_free(l.opened);
    bind_wipe(&l.bind);
    secret_wipe(l.code, sizeof l.code);
    return code;
}

int cmd_logout(const struct command_call *call)
{
    struct json *q = talk_request("logout"), *a = NULL;
    struct out out = out_on(stdout);
    int code;

    json_set_bool(q, "everywhere", command_given(call, "everywhere"));
    if ((code = talk_ask(call, q, &a)) != EXIT_OK)
        return code;
    if (call->json)
        return talk_json("logout", a);
    out_line(&out, "Signed out; %lld sessions ended.", (long long)talk_int(a, "sessions"));
    json_free(a);
    return EXIT_OK;
}
