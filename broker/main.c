#include "broker/commands.h"
#include "lib/base/log.h"
#include "lib/edge/about.h"
#include "lib/os/sandbox.h"

#include <sys/stat.h>

#define CONFIG                                                                     \
    {                                                                              \
        "config", "FILE", "configuration; /etc/sallyport/broker.yaml unless given" \
    }

static const struct command commands[] = {
    {.name = "run",
     .summary = "be the broker until told to stop",
     .exits = "10",
     .options = {CONFIG},
     .run = cmd_run},
    {.name = "check",
     .summary = "check the configuration",
     .exits = "",
     .options = {CONFIG},
     .run = cmd_check},
    {.name = "dev",
     .summary = "evaluation: a broker with its relay, an account and a CA, gone with Ctrl-C",
     .manual = "Starts an ordinary broker and relay in a folder of their own under /tmp, with a "
               "certificate of a CA made for it and one account of the built-in provider, whose "
               "password is shown once. Every page says that it is an evaluation. Not for "
               "production.",
     .exits = "",
     .options = {{"listen", "ADDR:PORT", "127.0.0.1:8443 unless given"},
                 {"keep", "DIR", "the folder; it stays at the end"}},
     .run = cmd_dev},
    {.name = "health",
     .summary = "ask the running broker whether it is ready",
     .manual = "Asks the operations endpoint of the configuration. Exit 0 means ready, 8 that a "
               "check fails or that nothing answers.",
     .exits = "8",
     .options = {CONFIG, {"verbose", NULL, "the checks that pass, too"}},
     .run = cmd_health},
    {.name = "doctor",
     .summary = "check files, disk, the way in and the running broker; changes nothing",
     .manual = "Each step by itself: configuration, store, room on its disk, the public name, TCP, "
               "the certificate as outsiders see it, the clock, and each check of the running "
               "broker. A failed check says what to do. 1 when one fails.",
     .exits = "",
     .options = {CONFIG},
     .run = cmd_doctor},
    {.name = "bugreport",
     .summary = "a file for whoever helps you: checks and configuration, without secrets",
     .manual = "Lists its contents first. Tokens, codes and passwords are left out; with "
               "--anonymize the names of people, machines and apps too. Nothing is sent anywhere.",
     .exits = "",
     .options = {CONFIG,
                 {"output", "FILE", "instead of sallyport-broker-bugreport.tar.gz"},
                 {"anonymize", NULL, "leave names out"}},
     .run = cmd_bugreport},
    {.name = "bootstrap",
     .summary = "make the first administrator's token: single use, one hour, the broker may run",
     .manual = "Prints the token, or writes it to a new file of mode 0600. `sallyport-admin login "
               "--token-file FILE` spends it, once, for an administrator's session that ends with "
               "the token's hour. There is one token or session at a time: a new token ends what "
               "was before it, and --end leaves none. That it was spent, that it was shown again, "
               "and all that is done with the session is in the audit.",
     .exits = "",
     .options = {CONFIG,
                 {"token-out", "FILE", "new file for the token; else it is printed"},
                 {"end", NULL, "end the token or the session that is there"}},
     .run = cmd_bootstrap},
    {.name = "key fingerprint",
     .summary = "the fingerprint of the identity key, for comparing",
     .exits = "10",
     .options = {CONFIG},
     .run = cmd_key},
    {.name = "key list",
     .summary = "the keys by purpose, since when; never secrets",
     .exits = "10",
     .options = {CONFIG},
     .run = cmd_key},
    {.name = "key rotate",
     .args = "identity|grant|record|cookie",
     .summary = "make a new key, with the broker stopped",
     .manual = "The key before it goes on for a while: identity signs along for 90 days, so that "
               "connectors, relays and agents that connect meanwhile move their pin; grant, record "
               "and cookie are taken for 10 minutes. Live sessions and their tunnels stay. With "
               "--compromised the old key is worth nothing from the broker's next start on; of the "
               "identity key that means to enrol every edge anew.",
     .exits = "10",
     .options = {CONFIG, {"compromised", NULL, "the old key ends at once"}},
     .args_min = 1,
     .args_max = 1,
     .run = cmd_key_rotate},
    {.name = "account add",
     .args = "NAME",
     .summary = "add an account of the built-in provider",
     .exits = "10",
     .options = {CONFIG,
                 {"password-file", "FILE", "file of mode 0600 that holds it; else it is asked for"},
                 {"groups", "LIST", "names with commas between"},
                 {"email", "ADDRESS", "for display"},
                 {"display", "NAME", "for display"}},
     .args_min = 1,
     .args_max = 1,
     .run = cmd_account_add},
    {.name = "account list",
     .summary = "the accounts of the built-in provider",
     .exits = "10",
     .options = {CONFIG},
     .run = cmd_account_list},
    {.name = "account disable",
     .args = "NAME",
     .summary = "close an account of the built-in provider",
     .exits = "10",
     .options = {CONFIG},
     .args_min = 1,
     .args_max = 1,
     .run = cmd_account_disable},
    {.name = "migrate",
     .summary = "bring the store to this program's schema",
     .manual = "Keeps a copy of the store as it was beside it, and says where. The broker does the "
               "same step at its start, without a copy.",
     .exits = "10",
     .options = {CONFIG, {"dry-run", NULL, "only say from which schema to which"}},
     .run = cmd_migrate},
    {.name = "backup",
     .summary = "copy the store, also while the broker runs",
     .exits = "10",
     .options = {CONFIG,
                 {"file", "FILE", "new file for the copy"},
                 {"dry-run", NULL, "check the store and the place, copy nothing"}},
     .run = cmd_backup},
    {.name = "restore",
     .summary = "put a backup in place of a stopped broker's store",
     .exits = "10",
     .options = {CONFIG,
                 {"file", "FILE", "the backup"},
                 {"dry-run", NULL, "check the backup and that no broker runs, change nothing"}},
     .run = cmd_restore},
    {.name = "audit verify",
     .summary = "check the audit chain, record by record",
     .exits = "10",
     .options = {CONFIG,
                 {"from", "SEQ", "begin with this record"},
                 {"head", "FILE",
                  "heads that `audit head` printed, kept elsewhere: the chain must "
                  "still hold them"}},
     .run = cmd_audit_verify},
    {.name = "audit head",
     .summary = "print where the audit chain ends, to be kept on another machine",
     .manual = "One line a shard: its number, the last record's, and the hash that stands for "
               "everything before it. Whoever can write the store could write a new chain; against "
               "a head that is kept elsewhere it does not hold (audit verify --head).",
     .exits = "10",
     .options = {CONFIG},
     .run = cmd_audit_head},
    {.name = "audit export",
     .summary = "write the audit records to standard output",
     .exits = "10",
     .manual = "In the order of the chain. In csv a cell that a spreadsheet would run as a formula "
               "begins with an apostrophe.",
     .options = {CONFIG,
                 {"format", "FORMAT", "ndjson (default), ocsf or csv"},
                 {"since", "TIME", "not before: 2026-11-25T04:05:06Z, or a duration back (7d)"},
                 {"until", "TIME", "before"}},
     .run = cmd_audit_export},
};

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "sallyport-broker",
        .summary = "decides who may open which application, and writes it down",
        .commands = commands,
        .count = sizeof commands / sizeof *commands,
        .version = about_parts,
    };

    umask(077);
    log_setup(program.name, LOG_INFO); /* `run` sets the configured level */
    if (sandbox_early() != SP_OK)
        return program_unsafe(&program);
    return program_main(&program, argc, argv);
}
