#include "client/agent/agent.h"
#include "client/cmd/cmd.h"
#include "lib/base/log.h"
#include "lib/edge/about.h"
#include "lib/os/sandbox.h"

static int cmd_agent(const struct command_call *call)
{
    struct agent_options o = {.idle_exit = command_given(call, "idle-exit")};
    struct sp_why why = {0};

    /* The sign-in that it starts opens a browser, which may have a set-uid helper. */
    if (sandbox_serve(SANDBOX_MAY_EXEC | SANDBOX_MAY_GAIN) != SP_OK)
        return program_unsafe(call->program);
    int code = agent_run(&o, &why);
    if (code == EXIT_OK)
        return code;
    return command_fail(call, &(struct command_failure){.exit = (enum exit_code)code,
                                                        .code = "agent",
                                                        .what = "The agent can't start.",
                                                        .why = why.text});
}

static const struct command commands[] = {
    {"login",
     "[--broker URL] [--ca FILE] [--front l7] [--no-browser] [--extend] [--device-code]",
     "sign in and bind this device",
     "Opens your browser at the broker and waits for its answer on 127.0.0.1. Without a browser it "
     "prints the address; on a terminal the last page then shows a code to type here. With "
     "--device-code, where the broker allows it, a short code is entered in a browser on another "
     "device and nothing is typed here.",
     "4 5 6 8 10",
     {{"broker", "URL", "the broker's address, once; may carry its fingerprint after #"},
      {"ca", "FILE", "a private CA in PEM, kept in the agent's state"},
      {"front", "l7", "a proxy ends TLS before the broker"},
      {"no-browser", NULL, "print the address, start nothing"},
      {"extend", NULL, "sign in again before the login ends; exit 4 where nobody is signed in"},
      {"device-code", NULL, "enter a code on another device; only if the broker allows it"}},
     0,
     0,
     cmd_login},
    {"logout",
     "[--everywhere]",
     "end the login and its sessions",
     NULL,
     "4 8",
     {{"everywhere", NULL, "on all devices"}},
     0,
     0,
     cmd_logout},
    {"status",
     "[--watch] [--check live|ready]",
     "login, broker, device, posture, sessions, warnings",
     "With --watch again whenever something is different, until Ctrl-C; with --json one object a "
     "line. --check live is 0 when the agent has its broker; --check ready when nothing that this "
     "machine knows keeps apps closed: signed in (4), approved (5), not blocked (9), no signal of "
     "its posture fails (7).",
     "4 5 7 8 9",
     {{"watch", NULL, "again whenever something is different"},
      {"check", "live|ready", "print nothing; the exit code answers"}},
     0,
     0,
     cmd_status},
    {"apps",
     "[NAME]",
     "the apps that you may see, and where they are",
     NULL,
     "4 8",
     {{0}},
     0,
     1,
     cmd_apps},
    {"connect",
     "APP [--local ADDR:PORT] | --stdio APP [PORT]",
     "open an app on a local address",
     "Stays until Ctrl-C. With --stdio standard input and output are the app's connection: for "
     "ssh's ProxyCommand.",
     "4 5 6 7 8 9 10",
     {{"local", "ADDR:PORT", "this loopback address instead of the app's own"},
      {"stdio", NULL, "only bytes, on standard input and output"}},
     1,
     2,
     cmd_connect},
    {"up",
     "[APP...]",
     "open apps and leave them to the agent",
     "Without a name all that are open to you now. Goes on after one that is refused, and ends "
     "with "
     "the first refusal's code.",
     "4 5 6 7 8 9 10",
     {{0}},
     0,
     COMMAND_ARGS_MAX,
     cmd_up},
    {"down",
     "[APP...]",
     "close apps that up opened",
     "Without a name all of them.",
     "4 8",
     {{0}},
     0,
     COMMAND_ARGS_MAX,
     cmd_down},
    {"ssh",
     "[USER@]APP [-- SSH ARGS]",
     "ssh to an app",
     NULL,
     "4 5 6 7 8 9",
     {{0}},
     1,
     COMMAND_ARGS_MAX,
     cmd_ssh},
    {"proxy",
     "[--listen ADDR:PORT] [pac]",
     "a proxy (SOCKS5, HTTP CONNECT) for programs that know one",
     "Names are APP or APP.sallyport.internal. Only programs of your own uid are served. pac "
     "prints a proxy file for browsers.",
     "4 8",
     {{"listen", "ADDR:PORT", "a loopback address; 127.0.0.1:1080 where it is not given"}},
     0,
     1,
     cmd_proxy},
    {"db",
     "CLIENT APP [-- ARGS]",
     "a database's own client, at an app",
     "CLIENT is psql, mysql, mariadb, mongosh or redis-cli. It is started with the app's local "
     "address before your own arguments and with SALLYPORT_PROXIED_IP, _PORT and _ADDR in its "
     "environment; its exit code is the command's once it runs. Names, passwords and certificates "
     "of the database stay the client's own.",
     "4 5 6 7 8 9 10",
     {{0}},
     2,
     COMMAND_ARGS_MAX,
     cmd_db},
    {"config",
     "ssh | pac | kube APP [--undo]",
     "write what other programs need to find apps by name",
     "ssh: a ProxyCommand for APP.sallyport.internal. pac: the file by which a browser sends apps' "
     "names to `sallyport proxy`. kube: a file with a context for kubectl, through the same proxy; "
     "your credentials there stay in ~/.kube/config.",
     "",
     {{"listen", "ADDR:PORT", "where the proxy listens; 127.0.0.1:1080 where it is not given"},
      {"user", "NAME", "kube: the user entry of ~/.kube/config; the app's name where not given"},
      {"undo", NULL, "remove it again"}},
     1,
     2,
     cmd_config},
    {"sessions",
     "[end ID | end --all]",
     "live sessions",
     NULL,
     "4 8 9",
     {{"all", NULL, "end all of them"}},
     0,
     2,
     cmd_sessions},
    {"set",
     "KEY=VALUE...",
     "decide something once for all commands",
     "Written to config.yaml in $XDG_CONFIG_HOME/sallyport (else ~/.config/sallyport). KEY= takes "
     "a "
     "key out again. broker: where login goes. ca_file: a private CA in PEM. front: direct, or l7 "
     "where a proxy ends TLS before the broker. browser: auto, or off so that login starts none. "
     "listen: where proxy listens. notify: on, or off so that the agent shows no desktop "
     "notifications. proxy: an HTTP proxy (http://HOST:PORT) on the way to the broker, before what "
     "https_proxy and no_proxy say; proxy_login: a file of mode 0600 that holds its USER:PASSWORD, "
     "so that no login has to stand in the environment. The agent reads these three when it "
     "starts. A flag goes before the environment "
     "(SALLYPORT_BROKER, SALLYPORT_CA_FILE and so on), that before this file, and that before "
     "/etc/sallyport/config.yaml.",
     "",
     {{0}},
     1,
     COMMAND_ARGS_MAX,
     cmd_set},
    {"get",
     "[KEY]",
     "what is set, and where",
     "Without a key all of them.",
     "",
     {{0}},
     0,
     1,
     cmd_get},
    {"why", "APP", "why an app is open or closed to you", NULL, "4 5 6 7 8", {{0}}, 1, 1, cmd_why},
    {"request",
     "[APP --reason TEXT [--for 4h] | --withdraw ID]",
     "ask for access to an app that is closed to you",
     "Without an app it lists yours. A request adds an allow rule for you, this app and a time, "
     "once "
     "someone answers it; it beats neither a deny rule nor a requirement, and where one of these "
     "stands in the way it says so at once.",
     "4 5 8",
     {{"reason", "TEXT", "for who answers"},
      {"for", "TIME", "how long; 4h where it is not given"},
      {"withdraw", "ID", "take one back that nobody answered"}},
     0,
     1,
     cmd_request},
    {"posture",
     "[--explain] [--send]",
     "what this machine says about itself",
     NULL,
     "4 7 8",
     {{"explain", NULL, "every field collected, why, who sees it"},
      {"send", NULL, "collect and report now"}},
     0,
     0,
     cmd_posture},
    {"doctor",
     "[--every TIME]",
     "check the way to the broker and the relay; changes nothing",
     "Each step by itself: agent, proxy, name, TCP, certificate, that a broker answers, captive "
     "portal, clock, websocket, login, relay, posture, that nobody else answers for apps' names, "
     "disk. A failed check says what to do.",
     "",
     {{"every", "TIME", "again after that time, until Ctrl-C"}},
     0,
     0,
     cmd_doctor},
    {"bugreport",
     "[--output FILE] [--anonymize]",
     "a file for whoever helps you: state, checks and log, without secrets",
     "Lists its contents first. Tokens, codes and passwords are left out; with --anonymize the "
     "names "
     "of people, machines and apps too. Nothing is sent anywhere.",
     "",
     {{"output", "FILE", "instead of sallyport-bugreport-TIME.tar.gz"},
      {"anonymize", NULL, "leave names out"}},
     0,
     0,
     cmd_bugreport},
    {"wait",
     "--app NAME [--timeout 30s]",
     "wait until an app may be opened",
     NULL,
     "4 5 6 7 8",
     {{"app", "NAME", "the app"}, {"timeout", "TIME", "30s where it is not given"}},
     0,
     0,
     cmd_wait},
    {"key",
     "[fingerprint]",
     "fingerprints of the device and the pinned broker",
     NULL,
     "",
     {{0}},
     0,
     1,
     cmd_key},
    {"pause",
     "[--off]",
     "close every app on this machine until you go on",
     NULL,
     "8",
     {{"off", NULL, "go on"}},
     0,
     0,
     cmd_pause},
    {"notify",
     "",
     "show a desktop notification, to see whether the agent's reach you",
     "The agent tells the desktop (org.freedesktop.Notifications): a session ends in 10 and in 2 "
     "minutes; the login in 15, with a button to sign in again before sessions are cut; an app "
     "asks for a code; a signal of this machine fails, and what to do about it; an administrator "
     "ended a session or closed this device out.",
     "8",
     {{0}},
     0,
     0,
     cmd_notify},
    {"tray",
     "",
     "an icon with state, apps, pause, sign-in and console in the desktop's tray",
     "A StatusNotifierItem; without a tray that shows those it ends with 1.",
     "",
     {{0}},
     0,
     0,
     cmd_tray},
    {"agent",
     "[--foreground]",
     "the daemon that holds login, posture and sessions",
     NULL,
     "",
     {{"foreground", NULL, "stay in the foreground; it always does"},
      {"idle-exit", NULL, "end when nobody is signed in and nobody asks"}},
     0,
     0,
     cmd_agent},
};

static const struct program program = {
    .name = "sallyport",
    .summary = "private applications without a VPN",
    .manual = "The agent holds your login; every command asks it and starts one where none runs.",
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
    .version = about_parts,
};

int main(int argc, char **argv)
{
    log_setup("sallyport", LOG_INFO);
    if (sandbox_early() != SP_OK)
        return program_unsafe(&program);
    return program_main(&program, argc, argv);
}
