"""docs/operations.md: its configuration and its blocks for backup, restore and upgrade, run as they stand.

At the page's own paths, in a mount and network namespace of their own over the machine's /etc, /var, /root and /run. The package's
users and folders are made by its own sysusers.d and tmpfiles.d; systemctl and apt-get are stood in for, since there is no systemd
here: what a package does at its upgrade is tests/packaging/run's to show."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import cage, world as worlds

PAGE = (worlds.TOP / "docs" / "operations.md").read_text()
BUILD = pathlib.Path(os.environ.get("SALLYPORT_BUILD", worlds.TOP / "build-release"))

FURNISH = r"""
set -eu
ip link set lo up
echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start   # the unit has CAP_NET_BIND_SERVICE
for place in etc var/lib var/backups root run; do
    mkdir -p "$WORK/over/$place" "$WORK/under/$place"
    mount -t overlay -o "lowerdir=/$place,upperdir=$WORK/over/$place,workdir=$WORK/under/$place" overlay "/$place"
done
for part in broker relay; do
    systemd-sysusers "$SYSTEMD/sallyport-$part.sysusers"
    grep '^d ' "$SYSTEMD/sallyport-$part.tmpfiles" | while read -r _ path mode user group _; do
        install -d -m "$mode" -o "$user" -g "$group" "$path"
    done
done
echo "127.0.0.1 access.example.org" >> /etc/hosts
mkdir -p /etc/sallyport
cp "$WORK"/config/* /etc/sallyport/
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /etc/sallyport/key.pem -out /etc/sallyport/cert.pem \
    -days 2 -subj /CN=access.example.org -addext subjectAltName=DNS:access.example.org 2>/dev/null
head -c 32 /dev/urandom | base64 > /etc/sallyport/corp.secret
cat /etc/sallyport/cert.pem >> /etc/ssl/certs/ca-certificates.crt   # a public authority's, in life
chown sallyport-broker /etc/sallyport/*.pem /etc/sallyport/corp.secret
chmod 600 /etc/sallyport/key.pem /etc/sallyport/corp.secret
"""

SYSTEMCTL = r"""#!/bin/bash
# systemctl start|stop UNIT...: by the unit's own ExecStart and User.
set -eu
gone() { ! grep '^State:' "/proc/$1/status" 2>/dev/null | grep -qv Z; } # the cage's first process may not have buried it
act=$1; shift
for unit; do
    file=$SYSTEMD/$unit.service pid=/run/$unit.pid
    if [ "$act" = stop ]; then
        [ ! -e "$pid" ] || { kill "$(cat "$pid")" 2>/dev/null || :; until gone "$(cat "$pid")"; do sleep 0.05; done; rm "$pid"; }
        continue
    fi
    user=$(sed -n 's/^User=//p' "$file")
    command=$(sed -n 's/^ExecStart=\/usr\/bin\///p' "$file")
    setsid setpriv --reuid="$user" --regid="$user" --init-groups $command > "$WORK/$unit.log" 2>&1 < /dev/null &
    echo $! > "$pid"
done
want='^ready'; [ $# -gt 1 ] || want='store: ok'
[ "$act" = stop ] || for _ in $(seq 150); do sallyport-broker health --verbose 2>&1 | grep -q "$want" && exit; sleep 0.1; done
"""

APT = r"""#!/bin/bash
# apt-get install PACKAGES: what their maintainer scripts do with the running services.
[ "$1" = install ] && [ $# -ge 3 ] && systemctl stop sallyport-relay sallyport-broker && systemctl start sallyport-broker sallyport-relay
"""


def blocks():
    part = PAGE[PAGE.index("### Step by step"):]
    found = dict(re.findall(r"^\*\*(Back up|Restore|Upgrade)\*\*.*?^```sh\n(.*?)^```", part, re.S | re.M))
    assert list(found) == ["Back up", "Restore", "Upgrade"]
    return found


def configuration(folder):
    """The page's own small broker.yaml and relay.yaml."""
    broker, relay = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.S | re.M)
    folder.mkdir()
    (folder / "broker.yaml").write_text(broker)
    (folder / "relay.yaml").write_text(relay)


@pytest.fixture(scope="module")
def said():
    if not shutil.which("systemd-sysusers"):
        pytest.skip("systemd-sysusers is not installed")
    work = cage.WORK / "operations"
    work.mkdir()
    work.chmod(0o755)
    configuration(work / "config")
    shims = work / "bin"
    shims.mkdir()
    for name, text in (("systemctl", SYSTEMCTL), ("apt-get", APT)):
        (shims / name).write_text(text)
        (shims / name).chmod(0o755)
    step = blocks()
    user = "runuser -u sallyport-broker -- sallyport-broker"
    script = "\n".join((
        FURNISH, "set -x; trap 'systemctl stop sallyport-relay sallyport-broker' EXIT",
        f"{user} check", "systemctl start sallyport-broker sallyport-relay",
        f"{user} bootstrap --token-out /var/lib/sallyport-broker/first.token",
        "cd /root; touch sallyport-broker_0.deb sallyport-relay_0.deb",
        "echo step: backup", step["Back up"], f"{user} key fingerprint > /root/fingerprint",
        "systemctl stop sallyport-relay sallyport-broker; rm -rf /var/lib/sallyport-broker/*; systemctl start sallyport-broker",
        "echo step: lost", f"{user} key fingerprint",
        "echo step: restore", step["Restore"], f"{user} key fingerprint | cmp - /root/fingerprint",
        "echo step: upgrade", step["Upgrade"], "ls -l /var/backups/sallyport", "cat /root/fingerprint", "echo step: done"))
    env = {**os.environ, "WORK": str(work), "SYSTEMD": str(worlds.TOP / "packaging" / "systemd"),
           "PATH": f"{shims}:{worlds.find_programs(BUILD)}:{os.environ['PATH']}"}
    for name in ("ASAN_OPTIONS", "LSAN_OPTIONS"):
        env[name] = os.environ.get(name, "") + ":detect_leaks=0"
    done = subprocess.run(["timeout", "-k", "1", "100", "unshare", "--mount", "--net", "bash", "-e", "-c", script], env=env, capture_output=True, text=True)
    logs = "".join(p.read_text(errors="replace")[-1500:] for p in work.glob("*.log"))
    assert done.returncode == 0 and done.stdout.rstrip().endswith("step: done"), f"{done.stdout}\n{done.stderr[-3000:]}\n{logs}"
    return dict(zip(("start", "backup", "lost", "restore", "upgrade", "done"), re.split(r"^step: \w+\n?", done.stdout, flags=re.M)))


def test_the_page_s_own_configuration_is_checked_and_served(said):
    assert said["start"].splitlines()[0] == "ok"


def test_a_backup_of_the_running_broker_says_what_is_in_it(said):
    assert re.search(r"^/var/backups/sallyport/store\.db: whole, schema \d+, ", said["backup"], re.M), said["backup"]


def test_a_restore_onto_an_empty_machine_brings_back_the_keys_and_a_whole_chain(said):
    old = re.search(r"^SP1:[0-9a-f-]+$", said["upgrade"], re.M)[0]
    assert old not in said["lost"], "without its store it is another broker"
    assert len(re.findall(r"store\.db: whole", said["restore"])) == 2, said["restore"]
    assert "[+] store: ok" in said["restore"] and said["restore"].rstrip().endswith("ready"), said["restore"]


def test_an_upgrade_is_backed_up_before_and_verified_after(said):
    assert "before-upgrade.db: whole" in said["upgrade"] and re.search(r"^sallyport-broker \d+\.\d+\.\d+", said["upgrade"], re.M), said["upgrade"]
    modes = re.findall(r"^(\S+) +1 sallyport-broker .* (\S+\.db)$", said["upgrade"], re.M)
    assert modes == [("-rw-------", "before-upgrade.db"), ("-rw-------", "store.db")], said["upgrade"]
