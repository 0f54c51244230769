"""cage: the harness runs in kernel namespaces of its own, so that nothing of it can be left behind.

The program is started again below unshare(1): a process namespace whose first process is killed
with its parent (also by kill -9) and takes every descendant along; a mount namespace, in which the
work folder is a tmpfs, /run/netns is private and /etc/passwd has the people of the tests; and,
where asked for, a network namespace. When the last process is gone the kernel frees all of it.
"""

import os
import pathlib
import subprocess
import sys

WORK = pathlib.Path("/mnt")  # a tmpfs in our mount namespace; on the host it is what it was
MARK = "SALLYPORT_CAGE"

# The people of the tests: a uid for each program and person, so that rights are really separate.
PEOPLE = {"broker": 20010, "relay": 20011, "connector": 20012, "anna": 20001, "carl": 20002, "dev": 20003, "ada": 20004}


def inside():
    return os.environ.get(MARK) == "yes"


def why_not():
    """One sentence for a machine where no cage can be made; empty when it can."""
    if os.geteuid() != 0:
        return "network namespaces need root: run it as root or with sudo"
    probe = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], capture_output=True, text=True)
    return f"this kernel or container allows no namespaces ({probe.stderr.strip()})" if probe.returncode else ""


def enter(network):
    """Starts this program again inside and does not return, unless it is inside already.

    network: True gives a network of its own (only loopback) to the harness itself."""
    if inside():
        _furnish()
        if network:
            _forget_packages()
        return
    reason = why_not()
    if reason:
        raise SystemExit(f"{pathlib.Path(sys.argv[0]).name}: {reason}")
    os.environ[MARK] = "yes"
    command = ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
    os.execvp("unshare", [*command, *(["--net"] if network else []), *sys.orig_argv])


def _mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def _overlay(path, text):
    copy = WORK / "etc" / pathlib.Path(path).name
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(text)
    _mount("--bind", str(copy), path)


def add_host(address, name):
    """A name that everybody in the cage resolves to `address`."""
    _overlay("/etc/hosts", pathlib.Path("/etc/hosts").read_text() + f"{address} {name}\n")


def _forget_packages():
    """No package list was ever fetched here: to simulate an upgrade is seconds of a core for each agent."""
    if pathlib.Path("/var/lib/apt/lists").is_dir():
        _mount("-t", "tmpfs", "-o", "mode=755", "sallyport", "/var/lib/apt/lists")


def _furnish():
    _mount("-t", "tmpfs", "-o", "mode=755,size=6g", "sallyport", str(WORK))
    os.makedirs("/run/netns", exist_ok=True)
    _mount("-t", "tmpfs", "sallyport", "/run/netns")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=False)
    # Not among the machine's users, and gone with the mount namespace.
    home = WORK / "home"
    home.mkdir()
    users = groups = ""
    for name, uid in PEOPLE.items():
        (home / name).mkdir(mode=0o700)
        os.chown(home / name, uid, uid)
        users += f"{name}:x:{uid}:{uid}::{home / name}:/bin/sh\n"
        groups += f"{name}:x:{uid}:\n"
    _overlay("/etc/passwd", pathlib.Path("/etc/passwd").read_text() + users)
    _overlay("/etc/group", pathlib.Path("/etc/group").read_text() + groups)
