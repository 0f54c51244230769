"""speak: the control protocol as a liar speaks it: real TLS, real proofs, and any message, in any order and in any pieces.

Keys, TLS with its exporter and the proof's bytes are harness/probe.py's; nothing here is limited to what an honest edge would say.
"""

import base64
import json
import os
import pathlib
import re
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness import probe  # noqa: E402
from harness.probe import Key, bytes64, pae, text64  # noqa: E402,F401

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(data, opcode=TEXT, fin=True, mask=True, rsv=0, size=None):
    """One websocket frame; `size` is the head's own bytes for the length, where it lies about it."""
    n, bit = len(data), 0x80 if mask else 0
    if size is None:
        size = bytes([bit | n]) if n < 126 else bytes([bit | 126]) + struct.pack(">H", n) if n < 65536 else bytes([bit | 127]) + struct.pack(">Q", n)
    key = os.urandom(4)
    body = bytes(b ^ key[i % 4] for i, b in enumerate(data)) if mask else data
    return bytes([(0x80 if fin else 0) | rsv | opcode]) + size + (key if mask else b"") + body


class Closed(Exception):
    """How the server ended it: the websocket's close code, 0 for a connection that just ended."""

    def __init__(self, code, why=""):
        super().__init__(f"{code} {why}")
        self.code, self.why = code, why


class Wire:
    """A websocket to /control whose upgrade is done; `piece` bytes a TLS record where it is set."""

    def __init__(self, where, nonce=None, piece=None, fields=""):
        address, name, ca = where
        self.tls, self.piece, self.nonce = probe.Tls(address, name, ca), piece, nonce or os.urandom(32)
        self.raw(f"GET /control HTTP/1.1\r\nHost: {name}:{address[1]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
                 f"Sec-WebSocket-Protocol: sallyport-control.1\r\nSallyport-Nonce: {text64(self.nonce)}\r\n{fields}\r\n".encode())
        try:
            answer = self.tls.head().splitlines()[0]
        except ConnectionError:
            self.tls.close()
            raise Closed(0, "no upgrade") from None
        if " 101 " not in answer:
            self.tls.close()
            raise Closed(0, answer)
        self.hello = self.read()

    def raw(self, data):
        step = self.piece or len(data)
        try:
            for at in range(0, len(data), step):
                self.tls.send(data[at:at + step])
        except ConnectionError:
            pass  # what the server said of it is still to be read

    def say(self, message):
        self.raw(frame(message if isinstance(message, bytes) else json.dumps(message).encode()))

    def read(self):
        message = b""
        while True:
            try:
                first, size = self.tls.exactly(2)
                if size >= 126:
                    size, = struct.unpack(">H" if size == 126 else ">Q", self.tls.exactly(2 if size == 126 else 8))
                data = self.tls.exactly(size)
            except ConnectionError:
                raise Closed(0) from None
            if first & 15 == PING:  # who leaves two of them unanswered is lost, and ended without a code
                self.raw(frame(data, PONG))
            if first & 15 == CLOSE:
                raise Closed(int.from_bytes(data[:2], "big"), data[2:].decode(errors="replace"))
            if first & 15 in (0, TEXT):
                message += data
                if first & 128:
                    return json.loads(message)

    def ended(self):
        """Reads to the end: the close code."""
        try:
            while True:
                self.read()
        except Closed as closed:
            return closed.code

    def close(self):
        self.tls.close()

    def prove(self, kind, key, tunnel=None, signed_by=None, nonce=None, binding=None, **members):
        """The true prove of this connection, but for what the arguments say otherwise; a member None is left out."""
        parts = [b"sallyport/proof/1", kind.encode(), nonce or self.nonce, bytes64(self.hello["nonce"]),
                 binding or self.tls.export(probe.BINDING), self.hello["id"].encode()]
        said = {"t": "prove", "i": 1, "v": 1, "kind": kind, "key": key.text, "nonce": self.hello["nonce"], "software": "evil 1"}
        if kind == "device":
            tunnel = tunnel or Key()
            parts.append(tunnel.text.encode())
            said.update(tunnel_key=tunnel.text, tunnel_sig=text64(key.sign(pae(b"sallyport/tunnel-key/1", tunnel.text.encode()))))
        said["sig"] = text64((signed_by or key).sign(pae(*parts)))
        return {k: v for k, v in {**said, **members}.items() if v is not None}


class Channel(Wire):
    """An open channel of a key, known or not."""

    def __init__(self, where, kind, key, **more):
        super().__init__(where, **more)
        self.key, self.count, self.events = key, 1, []
        self.say(self.prove(kind, key))
        self.welcome = self.read()

    def send(self, type, **members):
        self.count += 1
        self.say({"t": type, "i": self.count, **members})
        return self.count

    def answer(self, number):
        while (m := self.read()).get("re") != number:
            self.events.append(m)
        return m

    def call(self, type, **members):
        return self.answer(self.send(type, **members))


def enrol(where, key, enrolment, name):
    """A connector that nobody knows the program of: its open channel, its id."""
    channel = Channel(where, "connector", key)
    said = channel.call("enrol", token=re.search(r"spe_[A-Za-z0-9_-]{43}", enrolment)[0], name=name)
    if "error" in said:
        raise Closed(0, str(said))
    return channel, said["id"]


def lies(members):
    """Each member of a message once missing, of each wrong type, empty, too long, negative and huge; then one too many."""
    wrong = [None, True, 0, -1, 2**63 - 1, 1e300, "", "A" * 5000, "é" * 40, [], {}, [[]], {"a": {"b": []}}, ["x"] * 300]
    for name, true in members.items():
        yield f"{name} missing", {k: v for k, v in members.items() if k != name}
        for value in wrong:
            if value != true:
                yield f"{name}: {str(value)[:12]!r}", {**members, name: value}
    yield "one too many", {**members, "evil": 1}
