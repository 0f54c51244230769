#!/usr/bin/env python3
"""recorder ADDRESS PORT LOG [CERT KEY CA]: an HTTP/1.1 application that writes down what reaches it.

It reads requests by hand, not with a library, so that what it saw is what came: one JSON line in LOG a
request, with the connection that brought it, the raw head and the length and hash of the body. What it
answers, its path says (see ANSWERS). With CERT, KEY it speaks TLS, and with CA it wants a client's
certificate, whose serial number it writes down. A path below /raw/ answers with bytes that no honest application sends."""

import base64
import hashlib
import itertools
import json
import socket
import ssl
import sys
import threading
import time

BIG = 1 << 20
RAW = {
    "cl-te": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two-cl": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "long-head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * BIG + b"\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "few-interim": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "no-content": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    "switch": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "short": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
    "surplus": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    "spoof": b"HTTP/1.1 200 OK\r\nSallyport-Decision: forged\r\nContent-Length: 2\r\n\r\nok",
    "nothing": b"",
}
connections = itertools.count(1)
lock = threading.Lock()


class Gone(Exception):
    pass


class Client:
    """One accepted connection: reads heads and bodies, whole or in pieces."""

    def __init__(self, sock, number):
        self.sock, self.number, self.held = sock, number, b""
        self.certificate = (sock.getpeercert() or {}).get("serialNumber") if isinstance(sock, ssl.SSLSocket) else None

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Gone
        self.held += data

    def head(self):
        while b"\r\n\r\n" not in self.held:
            self.more()
        head, _, self.held = self.held.partition(b"\r\n\r\n")
        return head

    def take(self, n):
        while n > 0:
            if not self.held:
                self.more()
            piece, self.held = self.held[:n], self.held[n:]
            n -= len(piece)
            yield piece

    def line(self):
        while b"\r\n" not in self.held:
            self.more()
        line, _, self.held = self.held.partition(b"\r\n")
        return line

    def chunks(self):
        while (size := int(self.line(), 16)) > 0:
            yield from self.take(size)
            assert self.line() == b""
        assert self.line() == b""

    def send(self, data):
        self.sock.sendall(data)


def answer(client, body, status=200, kind="application/json", **fields):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    client.send(f"HTTP/1.1 {status} Said\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{extra}\r\n".encode() + data)


def events(client, seen):
    client.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    for i in range(20):
        client.send(f"data: {i} {time.time_ns()}\n\n".encode())
        time.sleep(0.05)
    raise Gone


def big(client, seen):
    n = int(seen["target"].partition("?")[2] or BIG)
    client.send(f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {n}\r\n\r\n".encode())
    block = bytes(1 << 16)
    while n > 0:
        client.send(block[:n])
        n -= len(block)


def drip(client, seen):
    client.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        client.send(b"10\r\n" + b"0123456789abcdef" + b"\r\n")
        time.sleep(0.02)


def websocket(client, seen):
    key = seen["fields"]["sec-websocket-key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key).digest()).decode()
    client.send(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
    while True:  # every byte back as it came: frames are the two ends' matter
        data, client.held = client.held, b""
        if data:
            client.send(data)
        client.more()


def raw(client, seen):
    client.send(RAW[seen["path"].rpartition("/")[2]])
    if not seen["path"].endswith(("surplus", "spoof", "interim", "few-interim", "no-content")):
        raise Gone


def slow(client, seen):
    time.sleep(float(seen["target"].partition("?")[2] or 3))
    answer(client, {"slow": True})


def early(client, seen):
    answer(client, {"early": True}, 403, Connection="close")
    raise Gone


def login(client, seen):
    answer(client, {"error": "no"}, 401)


ANSWERS = {"/sse": events, "/big": big, "/drip": drip, "/ws": websocket, "/slow": slow, "/early": early, "/login": login}


def serve_one(client, log):
    head = client.head()
    lines = head.decode("latin-1").split("\r\n")
    method, target, version = lines[0].split(" ")
    fields = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    seen = {"connection": client.number, "method": method, "target": target, "path": target.partition("?")[0], "version": version,
            "fields": fields, "raw": head.decode("latin-1"), "at": time.time_ns()}
    if seen["path"] == "/early":
        return early(client, seen)
    digest, n = hashlib.sha256(), 0
    pieces = client.chunks() if "transfer-encoding" in fields else client.take(int(fields.get("content-length", 0)))
    kept = b""
    for piece in pieces:
        digest.update(piece)
        n += len(piece)
        kept = (kept + piece)[:4096]
    if client.certificate:
        seen["certificate"] = client.certificate
    seen.update(length=n, sha256=digest.hexdigest(), body=kept.decode("latin-1"))
    with lock:
        print(json.dumps(seen), file=log, flush=True)
    if seen["path"].startswith("/raw/"):
        raw(client, seen)
    elif seen["path"] in ANSWERS:
        ANSWERS[seen["path"]](client, seen)
    elif method == "HEAD":
        client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
    else:
        answer(client, {k: v for k, v in seen.items() if k != "raw"})


def serve(sock, tls, log):
    try:
        if tls is not None:
            sock = tls.wrap_socket(sock, server_side=True)
        client = Client(sock, next(connections))
        while True:
            serve_one(client, log)
    except (Gone, OSError, ssl.SSLError):
        pass
    finally:
        sock.close()


def main(address, port, path, cert=None, key=None, ca=None):
    log = open(path, "a", buffering=1)
    tls = None
    if cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert, key)
        if ca:
            tls.verify_mode = ssl.CERT_REQUIRED
            tls.load_verify_locations(ca)
    with socket.create_server((address, int(port)), backlog=128) as listener:
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(sock, tls, log), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
