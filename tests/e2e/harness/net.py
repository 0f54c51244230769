"""net: machines made of network namespaces, joined by veth pairs; addresses from 198.18.0.0/15."""

import concurrent.futures
import ctypes
import ipaddress
import os
import pathlib
import secrets
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def ip(*arguments):
    subprocess.run(["ip", *map(str, arguments)], check=True, capture_output=True, text=True)


def _as_uid(uid, function, *arguments):
    number = {"x86_64": 117, "aarch64": 147}[os.uname().machine]  # setresuid, raw: it changes this thread only
    if _libc.syscall(number, -1, uid, -1) != 0:
        raise OSError(ctypes.get_errno(), "setresuid")
    try:
        return function(*arguments)
    finally:
        _libc.syscall(number, -1, 0, -1)


class Node:
    """One machine. `host=True` is the namespace in which the harness itself runs."""

    def __init__(self, name, host=False):
        self.name, self.host = name, host
        if not host:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        self._inside = concurrent.futures.ThreadPoolExecutor(max_workers=64, initializer=self._move_thread)
        if not host:  # a new namespace may inherit the host's setting, and a machine that forwards is a hole
            self.run(pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text, "0")

    def _move_thread(self):
        if self.host:
            return
        fd = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            if _libc.setns(fd, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"cannot enter {self.name}")
        finally:
            os.close(fd)

    def start(self, function, *arguments):
        """Runs function on a thread whose sockets belong to this machine; a future."""
        return self._inside.submit(function, *arguments)

    def run(self, function, *arguments):
        return self.start(function, *arguments).result()

    def run_as(self, uid, function, *arguments):
        """Runs function on a thread of this machine whose sockets belong to that user."""
        return self.run(_as_uid, uid, function, *arguments)

    def command(self, arguments, user=None):
        """The command line that runs arguments on this machine, as that user of the cage."""
        prefix = [] if self.host else ["nsenter", f"--net=/run/netns/{self.name}"]
        if user is not None:
            prefix += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--inh-caps=-all"]
        return [*prefix, *map(str, arguments)]


class Addresses:
    """Hands out /30 networks of 198.18.0.0/15, beginning at a random place that the host does not use."""

    def __init__(self):
        used = subprocess.run(["ip", "-o", "addr"], capture_output=True, text=True).stdout
        field = ipaddress.ip_network("198.18.0.0/15")
        while True:
            start = field.network_address + 256 * secrets.randbelow(512)
            if f"{start}".rsplit(".", 1)[0] + "." not in used:
                break
        self._nets = ipaddress.ip_network(f"{start}/24").subnets(new_prefix=30)

    def pair(self):
        return [str(a) for a in next(self._nets).hosts()]


class Link:
    """A cable between two nodes; `a` and `b` are the addresses of its ends."""

    count = 0

    def __init__(self, addresses, left, right):
        self.a, self.b = addresses.pair()
        Link.count += 1
        names = [f"sp{os.getpid() % 10000}{secrets.token_hex(2)}{side}" for side in "ab"]
        command = ["link", "add", names[0]]
        command += [] if left.host else ["netns", left.name]
        command += ["type", "veth", "peer", "name", names[1]]
        command += [] if right.host else ["netns", right.name]
        ip(*command)
        for node, name, address in ((left, names[0], self.a), (right, names[1], self.b)):
            at = [] if node.host else ["-n", node.name]
            ip(*at, "addr", "add", f"{address}/30", "dev", name)
            ip(*at, "link", "set", name, "up")
        self._at = ([] if left.host else ["-n", left.name], names[0])

    def down(self):
        ip(*self._at[0], "link", "set", self._at[1], "down")

    def up(self):
        ip(*self._at[0], "link", "set", self._at[1], "up")


def route(node, to, via):
    ip(*([] if node.host else ["-n", node.name]), "route", "add", to, "via", via)
