"""requests_made: connections full of HTTP/1 requests, generated from what clients may write and then bent a little.

make(seed) gives the bytes of one connection; the same seed gives the same bytes. The grammar writes mostly
what is allowed, with the spellings that readers of HTTP have disagreed on; a mutation changes one or two
places, with the tokens that framing attacks are made of."""

import random

METHODS = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "FOO", "get"]
TARGETS = ["/", "/a", "/a/b?c=d", "/a%20b", "/%61", "/a?x=%2F&x=1", "/a?", "/a//b", "/a/./b", "/a/../b", "/%2e%2e/b", "/a%2fb", "/a;b=c", "/a?b#c",
           "http://h.example/a", "http://other.example/a", "*", "/~a", "/a?b=[c]", "/ü", "/a\\b", "/a%00", "/a%zz", "a", "/a?b c", "/" + "x" * 300]
FIELDS = ["X-A: 1", "X-A:1", "X-A: \t1 \t", "X-A:", "x_a: 1", "X-A: a\tb", "X-A: a, b", "Accept: */*", "Cookie: a=b; c=d", "Range: bytes=0-1",
          "Content-Type: text/plain", "Connection: keep-alive", "Connection: close", "Connection: X-A", "Connection: close, X-A", "Keep-Alive: 5", "TE: trailers",
          "Upgrade: h2c", "Trailer: X-T", "Expect: 100-continue", " X-A: folded", "X-A : 1", "X-A: caf\xe9", "X-A: \"q, r\"", "X-Forwarded-For: 10.0.0.1", "X-A: 1\x00", "X-@: 1",
          ": 1", "X-A", "X-A: 1\x0b"]
VERSIONS = ["HTTP/1.1"] * 60 + ["HTTP/1.0", "HTTP/1.2", "http/1.1", "HTTP/2.0", "HTTP/1.1 ", "HTTP/01.1"]
LENGTHS = ["Content-Length: {n}"] * 60 + ["Content-Length:{n}", "content-length: {n}", "Content-Length: 0{n}", "Content-Length: +{n}", "Content-Length: {n}, {n}",
                                          "Content-Length: {n}\r\nContent-Length: {n}", "Content-Length: {n}\r\nContent-Length: 0", "Content-Length: {n} ",
                                          "Content-Length: 0x{n}", "Content-Length : {n}", "Content-Length: {n}\r\nTransfer-Encoding: chunked", "Content-Length: -{n}"]
CODINGS = ["Transfer-Encoding: chunked"] * 60 + ["transfer-encoding:chunked", "Transfer-Encoding: CHUNKED", "Transfer-Encoding: chunked ", "Transfer-Encoding: gzip, chunked",
                                                 "Transfer-Encoding: ,chunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: xchunked",
                                                 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: identity", "Transfer-Encoding:\tchunked",
                                                 "Transfer-Encoding: chunked\r\nContent-Length: 3", "Transfer-Encoding : chunked", "Transfer-Encoding: chunked;q=1"]
SIZES = ["{n:x}"] * 40 + ["{n:X}", "0{n:x}", "0000{n:x}", "{n:x} ", " {n:x}", "{n:x};a=b", "{n:x};a=\"b;c\"", "{n:x} ;a", "0x{n:x}", "+{n:x}", "{n:x}\n", "{n:x};\x00"]
LAST = ["0\r\n\r\n"] * 16 + ["0\r\nX-T: 1\r\n\r\n", "00\r\n\r\n", "0\r\n", "0;a\r\n\r\n", "0\r\nContent-Length: 5\r\n\r\n", "0 \r\n\r\n"]
ENDS = ["\r\n"] * 40 + ["\n", "\r", "\r\r\n", "\r\n\r\n", "\r\n "]
TOKENS = [b"\r\n", b"\n", b"\r", b"\x00", b"\t", b" ", b",", b";", b":", b"0", b"chunked", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"%", b"/", b"..",
          b"\xff", b"\x7f", b"\x0b", b"\"", b"GET /smuggled HTTP/1.1\r\nHost: h.example\r\n\r\n", b"0\r\n\r\n", b"HTTP/1.1"]


def _body(r):
    return "".join(r.choice("abc\r\n0") for _ in range(r.choice([0, 1, 3, 5, 17])))


def _framed(r, lines):
    kind = r.random()
    if kind < 0.45:
        return ""
    if kind < 0.72:
        body = _body(r)
        lines.append(r.choice(LENGTHS).format(n=len(body)))
        return body
    lines.append(r.choice(CODINGS))
    out = ""
    for _ in range(r.choice([0, 1, 1, 2])):
        piece = _body(r) or "z"
        out += r.choice(SIZES).format(n=len(piece)) + "\r\n" + piece + "\r\n"
    return out + r.choice(LAST)


def _request(r):
    line = f"{r.choice(METHODS[:7] if r.random() < 0.95 else METHODS)} {r.choice(TARGETS[:7] if r.random() < 0.88 else TARGETS)} {r.choice(VERSIONS)}"
    lines = ["Host: h.example"] if r.random() < 0.95 else r.choice([[], ["Host: h.example", "Host: h.example"], ["Host: "], ["Host: h.example:80"], ["host:h.example"]])
    lines += [r.choice(FIELDS[:18] if r.random() < 0.93 else FIELDS) for _ in range(r.choice([0, 1, 1, 2, 4]))]
    body = _framed(r, lines)
    r.shuffle(lines)
    odd = r.random() < 0.06
    return "".join(text + (r.choice(ENDS) if odd else "\r\n") for text in [line, *lines]) + "\r\n" + body


def _bend(r, data):
    at = r.randrange(len(data) + 1)
    what = r.randrange(4)
    if what == 0:
        return data[:at] + r.choice(TOKENS) + data[at:]
    if what == 1:
        return data[:at] + data[at + r.choice([1, 1, 2, 8]):]
    if what == 2:
        return data[:at] + bytes([r.randrange(256)]) + data[at + 1:]
    lines = data.split(b"\r\n")
    i = r.randrange(len(lines))
    return b"\r\n".join(lines[:i] + [lines[i]] + lines[i:])


def make(seed):
    r = random.Random(seed)
    data = "".join(_request(r) for _ in range(r.choice([1, 1, 2, 3]))).encode("latin-1")
    for _ in range(r.choice([0, 0, 0, 0, 1, 1, 2])):
        data = _bend(r, data)
    return data
