"""Every command of every program with --json: its output has the form that docs/schemas/commands.json names.

proc.command checks each such output of all end-to-end tests; here every command that can run beside the world is run once, and
the table itself is compared, so that a new command without a form, or one that nobody ran, is red.
"""

import json
import tarfile

import pytest

from harness import cage, proc
from harness.schema import TOP

TABLE = json.loads((TOP / "docs/schemas/commands.json").read_text())
# Not run here, and where they are: they would end the world, or need what only another test makes.
ELSEWHERE = {
    "sallyport": {"login", "logout", "connect", "notify", "proxy", "request", "bugreport"},  # test_cli, test_requests, test_desktop, test_doctor
    "sallyport-broker": {"bootstrap", "key rotate", "restore", "account add", "account disable"},  # test_admin; tests/build
    "sallyport-connector": {"enrol"},                                                              # tests/build
    "sallyport-relay": {"enrol", "drain"},                                                         # test_connector, below
    "sallyport-admin": {
        "login", "logout", "connector revoke", "relay revoke", "device approve", "device ask", "device block", "device revoke", "user reset-totp", "user recovery-codes",
        "user disable", "user enable", "user logout", "policy remove", "session show", "session kill",        # test_cuts, test_cli
        "draft show", "draft approve", "draft discard",                                                        # test_drafts
        "endpoint show", "endpoint expect", "endpoint unexpect", "endpoint retire", "endpoint limit", "endpoint split", "endpoint merge", "incident expect", "incident show",  # test_gateway*
        "gateway people", "gateway mode", "gateway upload", "gateway document", "gateway restore",             # test_gateway*
        "request show", "request approve", "request deny", "request end",                                      # test_requests
        "feed show", "feed add", "feed set", "feed secret", "feed test", "feed sync", "feed unjoined", "feed remove"},  # test_feeds
}
RAN = {name: set() for name in TABLE}


def printing(program):
    return {command for command, forms in TABLE[program].items() if forms is not None}


@pytest.fixture
def run(world, stations):
    def go(program, *words, codes=(0,)):
        node, user, env, folder, more = stations[program]
        done = proc.command(node, [world.bin / program, "--json", *words, *(() if words[:2] == ("floor", "check") else more)], user=user, env=env,
                            cwd=str(folder))
        assert done.code in codes, done
        assert done.out.strip(), done
        RAN[program].add(" ".join(words[:2]) if " ".join(words[:2]) in TABLE[program] else words[0])
        return [json.loads(line) for line in done.out.splitlines()][0]
    return go


def test_the_persons_commands(run, anna):
    for words in (["status"], ["apps"], ["up", "wiki"], ["sessions"], ["down", "wiki"], ["why", "wiki"], ["key"], ["doctor"], ["config", "ssh"],
                  ["config", "ssh", "--undo"], ["get"], ["set", "notify=on"], ["set", "notify="], ["pause"], ["pause", "--off"]):
        run("sallyport", *words)
    run("sallyport", "posture", codes=(0, 7))


def test_the_edges_commands(run, world):
    run("sallyport-connector", "doctor", codes=(0, 1))
    report = cage.WORK / "c1" / "json.tar.gz"
    floor = next(line.split()[1] for line in (cage.WORK / "etc" / "c1.yaml").read_text().splitlines() if line.startswith("floor:"))
    for words in (["status"], ["health"], ["floor", "show"], ["floor", "check", floor], ["key", "fingerprint"], ["bugreport", "--output", report]):
        run("sallyport-connector", *words)
    report.unlink()
    report = cage.WORK / "relay" / "json.tar.gz"
    for words in (["status"], ["health"], ["doctor"], ["key", "fingerprint"], ["bugreport", "--output", report]):
        run("sallyport-relay", *words)
    report.unlink()


def test_the_brokers_commands(run):
    copy = cage.WORK / "broker" / "json.db"
    for words in (["check"], ["health", "--verbose"], ["doctor"], ["key", "fingerprint"], ["key", "list"], ["account", "list"], ["migrate", "--dry-run"],
                  ["backup", "--file", copy], ["audit", "verify"], ["audit", "head"]):
        run("sallyport-broker", *words)
    copy.unlink()
    report = cage.WORK / "broker" / "json.tar.gz"
    run("sallyport-broker", "bugreport", "--output", report)
    with tarfile.open(report) as tar:
        texts = {m.name.rsplit("/")[-1]: tar.extractfile(m).read().decode() for m in tar.getmembers()}
    report.unlink()
    assert {"about.json", "doctor.json", "broker.yaml"} <= set(texts), texts.keys()
    assert not any(secret in "".join(texts.values()) for secret in ("PRIVATE KEY", "v4.", "$argon2"))


def test_the_administrators_commands(run, world, ada, anna):
    ada.login()  # what makes tokens wants a proof of the last minutes
    def admin(*words, **more):
        return run("sallyport-admin", *words, **more)

    for noun in ("provider", "user", "group", "device", "site", "connector", "relay", "app", "policy", "draft", "endpoint", "gateway", "session",
                 "incident", "request", "audit", "feed"):
        admin(noun, "list")
    for words in (["whoami"], ["overview"], ["health"], ["settings"], ["user", "show", "anna"], ["group", "show", "builtin/staff"],
                  ["site", "show", "office"], ["connector", "show", "c1"], ["enrolment", "list", "office"], ["app", "show", "wiki"],
                  ["app", "test", "wiki"], ["gateway", "hits"], ["gateway", "documents", "wiki"], ["policy", "history"], ["why", "anna", "wiki"],
                  ["policy", "simulate", "anna", "wiki"], ["audit", "verify"]):
        admin(*words)
    device = admin("device", "list")["items"][0]
    admin("device", "show", device["id"])
    record = admin("audit", "list", "--limit", "1")["items"][0]
    admin("audit", "show", str(record["shard"]), str(record["seq"]))
    document = admin("policy", "show")
    file = world.write(ada.home / "policy.yaml", document["text"], "ada")
    whole = world.write(ada.home / "code.yaml", "version: 1\nsites: [{name: office}]\n", "ada")
    for words in (["export"], ["diff", str(whole)], ["apply", str(whole), "--dry-run"], ["policy", "export"], ["policy", "diff", file]):
        admin(*words)
    for words in (["policy", "check", file], ["policy", "replay", file, "--days", "1"], ["policy", "apply", file]):
        admin(*words)
    admin("policy", "rollback", str(document["version"]), "--reason", "a test of its output")
    draft = admin("draft", "save", file)
    admin("draft", "show", draft["id"])
    admin("draft", "discard", draft["id"])
    admin("site", "add", "json")
    token = admin("connector", "token", "json", "--name", "j")
    assert token["enrolment"]
    waiting = admin("enrolment", "list", "json")["items"][0]
    admin("enrolment", "show", waiting["id"])
    admin("enrolment", "revoke", waiting["id"])
    admin("relay", "token", "--name", "j")
    admin("app", "add", "json", "--site", "json", "--host", "198.18.200.9", "--port", "81")
    admin("app", "set", "json", "--port", "82")
    admin("app", "remove", "json")
    admin("site", "remove", "json")


def test_a_failure_has_one_form_in_every_program(run):
    for program in TABLE:
        for words in (["nosuch"], [next(iter(TABLE[program])), "--nosuch"]):
            value = run(program, *words, codes=(2,))
            assert value["schema"] == "sallyport.error/v1" and value["exit"] == 2 and value["what"] and value["next"], value


@pytest.mark.parametrize("program", TABLE)
def test_no_command_is_left_out(program):
    if not RAN[program]:
        pytest.skip("the tests above were not run")
    assert printing(program) - RAN[program] - ELSEWHERE[program] - {"gateway check"} == set()
