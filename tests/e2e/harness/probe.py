"""probe: an evil client. It has a person's device key and speaks the wire itself, so that it can do
what the agent never does: show a grant twice, late, changed, or at the wrong place.

Python's ssl has no exporter, to which a channel's proof is bound; hence libssl by ctypes.
"""

import base64
import ctypes
import ctypes.util
import json
import os
import socket
import struct
import time

from . import proc

_ssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
_crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
for _library, _names in ((_ssl, ("TLS_client_method", "SSL_CTX_new", "SSL_new")),
                         (_crypto, ("EVP_PKEY_new_raw_private_key", "EVP_MD_CTX_new"))):
    for _name in _names:
        getattr(_library, _name).restype = ctypes.c_void_p
_ED25519 = 1087  # NID_ED25519
_VERIFY_PEER, _SET_HOST_NAME = 1, 55
BINDING = b"EXPORTER-Channel-Binding"


def text64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def pae(*parts):
    """PASETO's pre-authentication encoding."""
    return struct.pack("<Q", len(parts)) + b"".join(struct.pack("<Q", len(p)) + p for p in parts)


class Tls:
    """One TLS 1.3 connection by libssl; `ca` None takes any certificate (a relay's is pinned by its key)."""

    def __init__(self, address, name, ca=None, alpn=None, room=None):
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if room:  # bytes of a small window, for who does not read
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.socket.settimeout(10)
        self.socket.connect(tuple(address))
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 15, 0))
        context = ctypes.c_void_p(_ssl.SSL_CTX_new(ctypes.c_void_p(_ssl.TLS_client_method())))
        if ca is not None:
            if _ssl.SSL_CTX_load_verify_locations(context, str(ca).encode(), None) != 1:
                raise OSError(f"cannot read {ca}")
            _ssl.SSL_CTX_set_verify(context, _VERIFY_PEER, None)
        self._ssl = ctypes.c_void_p(_ssl.SSL_new(context))
        if ca is not None:
            _ssl.SSL_set1_host(self._ssl, name.encode())
        _ssl.SSL_ctrl(self._ssl, _SET_HOST_NAME, ctypes.c_long(0), name.encode())
        if alpn:
            _ssl.SSL_set_alpn_protos(self._ssl, bytes([len(alpn)]) + alpn, len(alpn) + 1)
        _ssl.SSL_set_fd(self._ssl, self.socket.fileno())
        if _ssl.SSL_connect(self._ssl) != 1:
            raise ConnectionError(f"no TLS with {name}")

    def export(self, label, size=32):
        out = ctypes.create_string_buffer(size)
        if _ssl.SSL_export_keying_material(self._ssl, out, ctypes.c_size_t(size), label, ctypes.c_size_t(len(label)), None,
                                           ctypes.c_size_t(0), 0) != 1:
            raise ConnectionError("no exporter")
        return out.raw

    def send(self, data):
        if _ssl.SSL_write(self._ssl, data, len(data)) != len(data):
            raise ConnectionError("write failed")

    def receive(self, size=16384):
        """At least one byte, b"" at the end."""
        room = ctypes.create_string_buffer(size)
        n = _ssl.SSL_read(self._ssl, room, size)
        return room.raw[:n] if n > 0 else b""

    def exactly(self, size):
        data = b""
        while len(data) < size:
            part = self.receive(size - len(data))
            if not part:
                raise ConnectionError("the peer closed")
            data += part
        return data

    def head(self):
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += self.exactly(1)
        return data.decode()

    def close(self):
        self.socket.close()


class Key:
    """An Ed25519 key pair from its seed."""

    def __init__(self, seed=None):
        seed = seed or os.urandom(32)
        self._key = ctypes.c_void_p(_crypto.EVP_PKEY_new_raw_private_key(_ED25519, None, seed, ctypes.c_size_t(32)))
        public, size = ctypes.create_string_buffer(32), ctypes.c_size_t(32)
        _crypto.EVP_PKEY_get_raw_public_key(self._key, public, ctypes.byref(size))
        self.text = "ed25519:" + text64(public.raw)

    def sign(self, data):
        context, out, size = ctypes.c_void_p(_crypto.EVP_MD_CTX_new()), ctypes.create_string_buffer(64), ctypes.c_size_t(64)
        if (_crypto.EVP_DigestSignInit(context, None, None, None, self._key) != 1 or
                _crypto.EVP_DigestSign(context, out, ctypes.byref(size), data, ctypes.c_size_t(len(data))) != 1):
            raise ValueError("cannot sign")
        return out.raw


class Channel:
    """A control channel with the broker, proved by a key. `kind` and `claim` are what it says of itself: the id that it
    claims stands beside the proof and is not signed."""

    def __init__(self, address, name, ca, device, kind="device", claim=None):
        self.tls, self._sent = Tls(address, name, ca), 0
        nonce = os.urandom(32)
        self.tls.send(f"GET /control HTTP/1.1\r\nHost: {name}:{address[1]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
                      f"Sec-WebSocket-Protocol: sallyport-control.1\r\nSallyport-Nonce: {text64(nonce)}\r\n\r\n".encode())
        answer = self.tls.head()
        if " 101 " not in answer.splitlines()[0]:
            raise ConnectionError(answer)
        hello, tunnel = self.read(), Key()
        theirs, binding = bytes64(hello["nonce"]), self.tls.export(BINDING)
        said = [tunnel.text.encode()] if kind == "device" else []
        proof = pae(b"sallyport/proof/1", kind.encode(), nonce, theirs, binding, hello["id"].encode(), *said)
        more = {"tunnel_key": tunnel.text, "tunnel_sig": text64(device.sign(pae(b"sallyport/tunnel-key/1", *said)))} if said else {}
        if claim:
            more["id"] = claim
        self._write({"t": "prove", "v": 1, "kind": kind, "key": device.text, **more,
                     "nonce": hello["nonce"], "software": "probe 1", "sig": text64(device.sign(proof))})
        self.welcome = self.read()

    def _write(self, message):
        self._sent += 1
        data, mask = json.dumps({**message, "i": self._sent}).encode(), os.urandom(4)
        size = bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack(">BH", 254, len(data))
        self.tls.send(b"\x81" + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def read(self):
        """The next message of text; ConnectionError with the close code at the end."""
        message = b""
        while True:
            first, size = self.tls.exactly(2)
            if size == 126:
                size, = struct.unpack(">H", self.tls.exactly(2))
            elif size == 127:
                size, = struct.unpack(">Q", self.tls.exactly(8))
            data = self.tls.exactly(size)
            if first & 15 == 8:
                raise ConnectionError(f"closed {int.from_bytes(data[:2], 'big')} {data[2:].decode()}")
            if first & 15 in (0, 1):
                message += data
                if first & 128:
                    return json.loads(message)

    def call(self, kind, **members):
        self._write({"t": kind, **members})
        wanted = self._sent
        while True:
            answer = self.read()
            if answer.get("re") == wanted:
                return answer

    def gather(self, calls):
        """Sends them all, and the answers that came before the last one's; None for those that have none."""
        numbers = []
        for kind, members in calls:
            self._write({"t": kind, **members})
            numbers.append(self._sent)
        answers = {}
        while numbers[-1] not in answers:
            message = self.read()
            answers[message.get("re")] = message
        return [answers.get(n) for n in numbers]

    def close(self):
        self.tls.close()


class Grant:
    """A grant as the broker minted it, and where it may be shown."""

    def __init__(self, answer):
        self.text, self.addresses, self.session = answer["grant"], answer["addresses"], answer["session"]
        self.claims = json.loads(bytes64(self.text.split(".")[2])[:-64])

    def changed(self, **claims):
        """The same signature over other claims."""
        version, purpose, payload, *rest = self.text.split(".")
        raw = bytes64(payload)
        new = json.dumps({**self.claims, **claims}, separators=(",", ":")).encode()
        return ".".join([version, purpose, text64(new + raw[-64:]), *rest])

    def wait_expired(self):
        """Sleeps until nobody may take it any more."""
        until = self.claims["open_until"]
        until = until / 1000 if isinstance(until, int) else None
        assert until is not None, self.claims
        time.sleep(max(0.0, until - time.time()) + 0.5)


def take_grant(world, user, app):
    """A grant that the broker gave to this person's device, and that nobody has shown yet. The agent rests
    meanwhile: a device has one channel."""
    word, kind, seed = (user.home / ".local/state/sallyport/device.key").read_text().split()
    assert (word, kind) == ("sallyport-secret-key-1", "ed25519")

    def ask():
        channel = Channel((world.public, world.port), world.name, world.ca, Key(bytes64(seed)))
        try:
            return channel.call("session.open", app=app)
        finally:
            channel.close()
    user.agent.stop()
    try:
        answer = world.client.run(ask)
    finally:
        user.restart_agent()
    if answer.get("decision") != "allow":
        raise proc.Failed(f"no grant: {answer}")
    return Grant(answer)


def present(world, grant):
    """Shows a grant (or its changed text) to the relay: (status, Sallyport-Code)."""
    return present_often(world, grant, 1)[0]


def present_often(world, grant, times):
    """On connections of their own, none of which is closed before the last has its answer."""
    text = grant.text if isinstance(grant, Grant) else grant
    open_ones = []

    def show():
        try:
            return [ask() for _ in range(times)]
        finally:
            for tls in open_ones:
                tls.close()

    def ask():
        tls = Tls((world.public, world.port), world.name, alpn=b"sallyport-tunnel/1")
        open_ones.append(tls)
        tls.send(f"GET /tunnel HTTP/1.1\r\nHost: {world.name}:{world.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
                 f"Sallyport-Grant: {text}\r\n\r\n".encode())
        lines = tls.head().splitlines()
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        return int(lines[0].split()[1]), fields.get("sallyport-code")

    return world.client.run(show)
