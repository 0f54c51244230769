#!/usr/bin/env python3
"""provider ADDRESS PORT FOLDER NAME: an identity provider that lies: at every field, order, length and time.

It is many providers at once: NAME:PORT/e00, /e01, ... each with a discovery document, keys, a token endpoint and userinfo. What each
of them lies about stands in FOLDER/lies.json, {"e00": {"token": "a name of its table below"}}, and is read at each request; what was
asked stands in FOLDER/asked.jsonl. It has no page: a code is the nonce that it shall put into the ID token, so the test can play the
person's browser itself. FOLDER also holds cert.pem, key.pem and, for PORT + 1, other.pem, other.key: a certificate of another name.

The tables are the lies: TRANSPORT (at any endpoint), DISCOVERY, KEYS, TOKENS, USERINFO, ID; ODD are claims that are strange, not false.
"""

import base64
import functools
import gzip
import hashlib
import hmac
import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

SECRET, CLIENT = "evil-secret-0123456789abcdef", "sallyport"
MIB = 1 << 20


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def number(n):
    return b64(n.to_bytes((n.bit_length() + 7) // 8, "big"))


# ---- signatures: RS256 by hand, so that each part of it can be wrong ----

@functools.cache
def rsa(which):
    """(n, e, d) of a key that openssl made; `which` tells keys apart."""
    bits = "1024" if which == "short" else "2048"
    pem = subprocess.run(["openssl", "genrsa", bits], capture_output=True, check=True).stdout
    text = subprocess.run(["openssl", "rsa", "-noout", "-text"], input=pem, capture_output=True, check=True).stdout.decode()
    part = lambda name: int(re.sub(r"[\s:]", "", re.search(rf"{name}:\s*((?:[0-9a-f]{{2}}:?\s*)+)", text)[1]), 16)
    return part("modulus"), 65537, part("privateExponent")


def jwk(which="true", **more):
    n, e, _ = rsa(which)
    return {"kty": "RSA", "kid": "k1", "use": "sig", "alg": "RS256", "n": number(n), "e": number(e), **more}


def rs256(text, which="true"):
    n, _, d = rsa(which)
    size = (n.bit_length() + 7) // 8
    info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(text.encode()).digest()
    padded = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    return pow(int.from_bytes(padded, "big"), d, n).to_bytes(size, "big")


def token(claims, header=None, signature=None, payload=None):
    """A compact JWS; `signature` takes the text that is signed, `payload` is the middle part where it is no JSON."""
    text = f"{b64({'alg': 'RS256', 'kid': 'k1', 'typ': 'JWT', **(header or {})})}.{payload if payload is not None else b64(claims)}"
    return f"{text}.{b64((signature or rs256)(text))}"


def hs256(key):
    return lambda text: hmac.new(key, text.encode(), hashlib.sha256).digest()


def public_pem():
    """What a verifier that confuses RS256 with HS256 would take for the secret."""
    n, e, _ = rsa("true")
    der = lambda tag, body: bytes([tag]) + (bytes([len(body)]) if len(body) < 128 else b"\x82" + struct.pack(">H", len(body))) + body
    integer = lambda x: der(2, x.to_bytes(x.bit_length() // 8 + 1, "big"))
    key = der(0x30, integer(n) + integer(e))
    info = der(0x30, der(0x30, bytes.fromhex("06092a864886f70d0101010500")) + der(3, b"\0" + key))
    return b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(info) + b"-----END PUBLIC KEY-----\n"


# ---- the truth ----

def metadata(me):
    return {"issuer": me.issuer, "authorization_endpoint": f"{me.issuer}/authorize", "token_endpoint": f"{me.issuer}/token",
            "jwks_uri": f"{me.issuer}/jwks", "userinfo_endpoint": f"{me.issuer}/userinfo", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"]}


def claims(me, **more):
    now = int(time.time())
    return {k: v for k, v in {"iss": me.issuer, "aud": CLIENT, "sub": "mallory", "nonce": me.nonce, "iat": now, "exp": now + 300,
                              "preferred_username": "mallory", "groups": ["staff"], **more}.items() if v is not ...}


def tokens(me, id_token=None, **more):
    said = {"access_token": "at-0123456789", "token_type": "Bearer", "id_token": id_token or token(claims(me)), **more}
    return {k: v for k, v in said.items() if v is not ...}


# ---- lies of the transport: what is sent instead of the answer ----

def raw(data):
    return lambda c, body: c.sendall(data)


def head(c, *lines, status="200 OK"):
    c.sendall("\r\n".join([f"HTTP/1.1 {status}", "Content-Type: application/json", *lines, "", ""]).encode())


def said(*lines, status="200 OK", body=None):
    """An answer with other lines; `body`: instead of the true one."""
    def lie(c, true):
        head(c, *lines, status=status)
        c.sendall(true if body is None else body)
    return lie


def plain(body, status="200 OK", kind="application/json"):
    return raw(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def cut(c, body):
    """TLS closed in the middle of a body, without its close_notify."""
    head(c, f"Content-Length: {len(body)}")
    c.sendall(body[:len(body) // 2])
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def endless(piece, *lines, before=b""):
    """The same for ever, until the other end has enough; at most 1 GiB."""
    def lie(c, body):
        if lines:
            head(c, *lines)
        c.sendall(before)
        for _ in range((1 << 30) // len(piece)):
            c.sendall(piece)
    return lie


def slowly(*pieces):
    """A byte of these a second, then nothing; until the other end has enough."""
    def lie(c, body):
        for byte in b"".join(pieces) + body:
            c.sendall(bytes([byte]))
            time.sleep(1)
    return lie


def silence(c, body):
    c.settimeout(60)
    try:
        while c.recv(4096):
            pass
    except OSError:
        pass


def moved(status, where):
    return lambda c, body: head(c, f"Location: {where}", "Content-Length: 0", status=status)


def objects(n):
    return b"{" + b",".join(b'"%d":{}' % i for i in range(n)) + b"}"


TRANSPORT = {
    "closed at once": raw(b""),
    "TLS closed mid-way": cut,
    "garbage": lambda c, body: c.sendall(os.urandom(8192)),
    "HTTP/0.9": lambda c, body: c.sendall(body),
    "HTTP/2": raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
    "another TLS record": raw(b"\x16\x03\x01\x02\x00" * 4000),
    "no status": raw(b"HTTP/1.1\r\n\r\n"),
    "status 99999": raw(b"HTTP/1.1 99999 x\r\nContent-Length: 2\r\n\r\n{}"),
    "a head without end": endless(b"X-A: " + b"a" * 8000 + b"\r\n", before=b"HTTP/1.1 200 OK\r\n"),
    "a line without end": endless(b"a" * 16384, before=b"HTTP/1.1 200 OK\r\nX-A: "),
    "100 for ever": endless(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "204": raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "404": plain(b"{}", "404 Not Found"),
    "500 with a page": plain(b"<h1>Oops</h1>" * 100, "500 Internal Server Error", "text/html"),
    "503": plain(b"{}", "503 Service Unavailable"),
    "a page": plain(b"<!doctype html><title>Sign in to the hotel</title>", kind="text/html"),
    "moved to itself": moved("302 Found", ""),
    "moved to another host": moved("302 Found", "https://127.0.0.1:7480/metrics"),
    "moved to plain HTTP": moved("307 Temporary Redirect", "http://127.0.0.1:7480/metrics"),
    "moved to a file": moved("301 Moved Permanently", "file:///etc/passwd"),
    "a length below zero": said("Content-Length: -1"),
    "a length of 2^63": said("Content-Length: 9223372036854775808", body=b"{}"),
    "two lengths": said("Content-Length: 5", "Content-Length: 5000"),
    "longer than it says": said("Content-Length: 4"),
    "shorter than it says": said("Content-Length: 100000"),
    "1 GiB with its length": endless(b" " * MIB, f"Content-Length: {1 << 30}"),
    "chunks for ever": endless(b"4000\r\n" + b" " * 0x4000 + b"\r\n", "Transfer-Encoding: chunked"),
    "a chunk of 2^64": said("Transfer-Encoding: chunked", body=b"10000000000000000\r\n{}"),
    "no chunk": said("Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n0\r\n\r\n"),
    "a bomb of gzip": lambda c, body: plain_gzip(c),
    "unknown coding": said("Content-Encoding: br", "Content-Length: 2", body=b"{}"),
    "no JSON": plain(b"{"),
    "empty": plain(b""),
    "null": plain(b"null"),
    "a list": plain(b"[]"),
    "a text": plain(b'"' + b"a" * 1000 + b'"'),
    "depth 100,000": plain(b"[" * 100_000 + b"]" * 100_000),
    "30,000 members": plain(objects(30_000)),
    "a number of 100,000 digits": plain(b'{"id_token":' + b"9" * 100_000 + b"}"),
    "bytes that are no UTF-8": plain(b'{"id_token":"\xff\xfe\xc0\x80"}'),
    "NUL": plain(b'{"id_token":"a\\u0000b","x":"\0"}'),
    "half a surrogate": plain(b'{"id_token":"\\ud800"}'),
    "more behind it": lambda c, body: plain(body + body)(c, body),
}
SLOW = {
    "silence": silence,
    "a byte a second": slowly(b"HTTP/1.1 200 OK\r\n"),
    "a slow body": lambda c, body: (head(c, f"Content-Length: {len(body)}"), slowly()(c, body)),
}


def plain_gzip(c):
    packed = gzip.compress(b" " * (64 * MIB))
    head(c, "Content-Encoding: gzip", f"Content-Length: {len(packed)}")
    c.sendall(packed)


# ---- lies in the documents ----

def but(**members):
    return lambda me: {k: v for k, v in {**metadata(me), **members}.items() if v is not ...}


DISCOVERY = {
    "issuer with a slash": lambda me: {**metadata(me), "issuer": me.issuer + "/"},
    "issuer in capitals": lambda me: {**metadata(me), "issuer": me.issuer.upper()},
    "issuer of a sibling": lambda me: {**metadata(me), "issuer": me.issuer[:-2] + "99"},
    "issuer with a port more": lambda me: {**metadata(me), "issuer": me.issuer.replace(":9", ":09")},
    "issuer and a NUL": lambda me: {**metadata(me), "issuer": me.issuer + "\0.example"},
    "issuer missing": but(issuer=...),
    "issuer a list": lambda me: {**metadata(me), "issuer": [me.issuer]},
    "token over plain HTTP": but(token_endpoint="http://evil.example.test/token"),
    "keys over plain HTTP": but(jwks_uri="http://evil.example.test/jwks"),
    "keys in a file": but(jwks_uri="file:///etc/passwd"),
    "keys as data": but(jwks_uri="data:application/json,{}"),
    "keys missing": but(jwks_uri=...),
    "a script to sign in": but(authorization_endpoint="javascript:alert(1)"),
    "sign in with a fragment": but(authorization_endpoint="https://evil.example.test/#a"),
    "sign in and a line more": but(authorization_endpoint="https://evil.example.test/\r\nSet-Cookie: a=b"),
    "sign in with a password": but(authorization_endpoint="https://a:b@evil.example.test/"),
    "an address of 2,000": but(token_endpoint="https://evil.example.test/" + "a" * 2000),
    "no address": but(token_endpoint="https://"),
    "a port of 70,000": but(token_endpoint="https://evil.example.test:70000/"),
    "an endpoint that is a number": but(token_endpoint=7),
    "userinfo over plain HTTP": but(userinfo_endpoint="http://evil.example.test/userinfo"),
    "no code flow": but(response_types_supported=["id_token"]),
}
# True documents that lead to a lie: the certificate of another name, or no TLS at all.
LEADING = {
    "a certificate of another name": lambda me: {**metadata(me), "token_endpoint": me.other("token")},
    "keys behind another name": lambda me: {**metadata(me), "jwks_uri": me.other("jwks")},
    "a port that nobody has": but(token_endpoint="https://evil.example.test:1/token"),
    "a port that is no TLS": but(token_endpoint="https://127.0.0.1:7480/token"),
}


def keys(*entries, **more):
    return lambda me: {"keys": [e() for e in entries], **more}


def key(which="true", **more):
    return lambda: {k: v for k, v in jwk(which, **more).items() if v is not ...}


KEYS = {
    "no keys": lambda me: {},
    "keys that are no list": lambda me: {"keys": jwk()},
    "an empty set": keys(),
    "101 keys": keys(*[key("other")] * 101, key()),
    "keys of no kind": lambda me: {"keys": [None, 1, "a", [], {}, {"kty": 1}, {"kty": "RSA"}, {"kty": "RSA", "n": 1, "e": []}]},
    "another key": keys(key("other")),
    "a key of another name": keys(key("other", kid="k2")),
    "e = 1": keys(key(e="AQ")),
    "e even": keys(key(e="AQAA")),
    "e of 400 bytes": keys(key(e=b64(b"\1" * 400))),
    "n = 0": keys(key(n="AA")),
    "n of 16,384 bits": keys(key(n=b64(b"\xc1" * 2048))),
    "n of 1,024 bits": keys(key("short")),
    "n that is no base64url": keys(key(n="!!!!")),
    "to encrypt": keys(key(use="enc")),
    "for another algorithm": keys(key(alg="PS256")),
    "a shared secret": keys(lambda: {"kty": "oct", "kid": "k1", "k": b64(SECRET.encode())}),
    "a point off the curve": keys(lambda: {"kty": "EC", "crv": "P-256", "kid": "k1", "x": b64(b"\1" * 32), "y": b64(b"\2" * 32)}),
    "an Ed25519 key of order 1": keys(lambda: {"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": b64(b"\1" + b"\0" * 31)}),
    "a name of 100,000": keys(key("other", kid="k" * 100_000)),
}

TOKENS = {
    "no ID token": lambda me: tokens(me, id_token=...) | {"id_token": None},
    "an error": lambda me: {"error": "invalid_grant", "error_description": "<script>alert(1)</script>\x1b[2J" * 50},
    "an ID token that is a number": lambda me: tokens(me) | {"id_token": 7},
    "an ID token in a list": lambda me: tokens(me) | {"id_token": [token(claims(me))]},
    "an ID token of 200,000": lambda me: tokens(me, token(claims(me, x="a" * 150_000))),
    "an encrypted one": lambda me: tokens(me, ".".join(["a" * 40] * 5)),
    "only dots": lambda me: tokens(me, ".." * 1000),
    "a nested one": lambda me: tokens(me, token(claims(me), {"cty": "JWT"}, payload=b64(token(claims(me)).encode()))),
}

USERINFO = {"another person": lambda me: {"sub": "root", "groups": ["admins"]}, "no person": lambda me: {"groups": ["admins"]},
            "a person that is a list": lambda me: {"sub": ["mallory"]}}


def idt(header=None, signature=None, **more):
    return lambda me: tokens(me, token(claims(me, **more), header, signature))


def idt_text(change):
    return lambda me: tokens(me, change(token(claims(me))))


def idt_payload(text):
    return lambda me: tokens(me, token(None, payload=b64(text(json.dumps(claims(me))).encode("utf-8", "surrogatepass"))))


def of_me(**makers):
    return lambda me: tokens(me, token(claims(me, **{k: make(me) for k, make in makers.items()})))


ID = {
    "alg none": lambda me: tokens(me, f"{b64({'alg': 'none'})}.{b64(claims(me))}."),
    "alg none with a signature": idt({"alg": "none"}), "alg nOnE": idt({"alg": "nOnE"}), "no alg": idt({"alg": None}),
    "alg a list": idt({"alg": ["RS256"]}), "alg in small letters": idt({"alg": "rs256"}), "alg RS512": idt({"alg": "RS512"}),
    "HS256 by the public key": idt({"alg": "HS256"}, lambda text: hs256(public_pem())(text)),
    "HS256 by the client's secret": idt({"alg": "HS256"}, hs256(SECRET.encode())),
    "HS256 by nothing": idt({"alg": "HS256"}, hs256(b"")),
    "ES256 in name": idt({"alg": "ES256"}, lambda text: b"\1" * 64), "EdDSA in name": idt({"alg": "EdDSA"}, lambda text: b"\0" * 64),
    "signed by another key": idt(signature=lambda text: rs256(text, "other")),
    "signed by a key that it brings": idt({"jwk": jwk("other")}, lambda text: rs256(text, "other")),
    "signed by a key that it names": idt({"jku": "https://evil.example.test:9443/e00/jwks"}, lambda text: rs256(text, "other")),
    "a name of a key that nobody has": idt({"kid": "nobody's"}), "a name of a key that is a number": idt({"kid": 7}),
    "a key by the path": idt({"kid": "../../../../dev/null"}, hs256(b"")),
    "crit": idt({"crit": ["exp"]}), "crit of nothing": idt({"crit": []}), "zip": idt({"zip": "DEF"}), "b64": idt({"b64": False, "crit": ["b64"]}),
    "typ at+jwt": idt({"typ": "at+jwt"}), "typ logout+jwt": idt({"typ": "logout+jwt"}), "typ secevent+jwt": idt({"typ": "secevent+jwt"}),
    "the signature missing": idt_text(lambda t: t.rpartition(".")[0] + "."), "the signature short": idt_text(lambda t: t[:-4]),
    "the signature zero": idt(signature=lambda text: b"\0" * 256), "the signature of 20,000": idt(signature=lambda text: b"\1" * 20_000),
    "four parts": idt_text(lambda t: t + ".a"), "padding": idt_text(lambda t: t + "=="), "a blank": idt_text(lambda t: t.replace(".", ". ", 1)),
    "a line before": idt_text(lambda t: "\n" + t), "claims changed": idt_text(lambda t: t.split(".")[0] + "." + b64({"iss": "x", "sub": "root"}) + "." + t.split(".")[2]),
    "iss of another": idt(iss="https://evil.example.test"), "iss with a slash": of_me(iss=lambda me: me.issuer + "/"),
    "iss in capitals": of_me(iss=lambda me: me.issuer.upper()), "iss missing": idt(iss=...), "iss a list": of_me(iss=lambda me: [me.issuer]),
    "iss of a sibling": of_me(iss=lambda me: me.issuer[:-2] + "01"),
    "aud of another": idt(aud="other"), "aud missing": idt(aud=...), "aud empty": idt(aud=[]), "aud an object": idt(aud={CLIENT: CLIENT}),
    "aud longer": idt(aud=CLIENT + "2"), "aud and another": idt(aud=[CLIENT, "other"]), "aud of 3,000": idt(aud=[CLIENT] + ["a"] * 3000),
    "azp of another": idt(azp="other"), "azp a number": idt(azp=7),
    "nonce of another": idt(nonce="A" * 43), "nonce missing": idt(nonce=...), "nonce empty": idt(nonce=""), "nonce a list": of_me(nonce=lambda me: [me.nonce]),
    "sub missing": idt(sub=...), "sub empty": idt(sub=""), "sub a number": idt(sub=1), "sub null": idt(sub=None), "sub of 256": idt(sub="s" * 256),
    "sub and a NUL": idt(sub="root\0x"), "sub that is no ASCII": idt(sub="röot"),
    **{f"{name} {what}": idt(**{name: value}) for name in ("exp", "iat") for what, value in (
        ("missing", ...), ("a text", "4102444800"), ("below zero", -1), ("2^63", 2**63), ("1e300", 1e300), ("true", True), ("a list", [1]))},
    "expired": idt(exp=1_700_000_000), "issued in an hour": of_me(iat=lambda me: int(time.time()) + 3600),
    "issued an hour ago": of_me(iat=lambda me: int(time.time()) - 3600), "not yet": of_me(nbf=lambda me: int(time.time()) + 3600),
    "nbf a text": idt(nbf="0"), "at_hash of another": idt(at_hash="A" * 22), "at_hash a number": idt(at_hash=7), "c_hash of another": idt(c_hash="A" * 22),
    "claims that are a list": idt_payload(lambda t: f"[{t}]"), "claims that are no JSON": idt_payload(lambda t: t[:-1]),
    "a claim twice": idt_payload(lambda t: t[:-1] + ',"sub":"root"}'), "a claim twice in other words": idt_payload(lambda t: t[:-1] + ',"s\\u0075b":"root"}'),
    "claims of depth 5,000": idt_payload(lambda t: t[:-1] + ',"x":' + "[" * 5000 + "]" * 5000 + "}"),
    "half a surrogate": idt_payload(lambda t: t[:-1] + ',"x":"\ud800"}'),
}

# Strange, not false: whoever comes in with them is a person of this provider in no group that anyone named.
ODD = {
    "groups of others": ["builtin/admins", "builtin/staff", "corp/admins", "admins"], "groups an object": {"admins": True}, "groups a number": 1,
    "groups null": None, "groups true": True, "groups in lists": [["builtin/admins"]], "1,500 groups": [f"g{i}" for i in range(1500)],
    "a group of 20,000": ["g" * 20_000], "groups with lines": ["a\r\nbuiltin/admins", "a\0builtin/admins", "../builtin/admins", "builtin/admins "],
    "groups in a text": "builtin/admins builtin/staff", "groups empty": [""] * 100,
}


# ---- the program ----

class Provider:
    """One of them, in one request."""

    def __init__(self, base, other, name, nonce):
        self.issuer, self.name, self.nonce, self._other = f"{base}/{name}", name, nonce, other

    def other(self, place):
        return f"{self._other}/{self.name}/{place}"

    def answer(self, place, lie):
        """The document of a place; `lie` names a row of its tables."""
        tables = {"discovery": {**DISCOVERY, **LEADING}, "jwks": KEYS, "token": {**TOKENS, **ID}, "userinfo": USERINFO}
        truth = {"discovery": metadata, "jwks": keys(key()), "token": tokens, "userinfo": lambda me: {"sub": "mallory"}}
        if place == "token" and lie in ODD:
            return tokens(self, token(claims(self, groups=ODD[lie])))
        return tables[place].get(lie, truth[place])(self)


def read_request(c):
    data = b""
    while b"\r\n\r\n" not in data:
        part = c.recv(8192)
        if not part:
            raise ConnectionError
        data += part
    top, _, body = data.partition(b"\r\n\r\n")
    size = re.search(rb"(?i)content-length: *(\d+)", top)
    while size and len(body) < int(size[1]):
        body += c.recv(8192)
    return top.split()[1].decode(), urllib.parse.parse_qs(body.decode())


def serve(c, folder, base, other):
    path, form = read_request(c)
    _, name, place = path.split("/", 2)
    place = "discovery" if place == ".well-known/openid-configuration" else place
    lie = json.loads((folder / "lies.json").read_text()).get(name, {}).get(place)
    with open(folder / "asked.jsonl", "a", encoding="utf-8") as log:
        log.write(json.dumps({"who": name, "at": place, "lie": lie}) + "\n")
    me = Provider(base, other, name, form.get("code", [""])[0])
    body = json.dumps(me.answer(place, lie)).encode()
    if lie in SLOW or lie in TRANSPORT:
        {**SLOW, **TRANSPORT}[lie](c, body)
    else:
        plain(body)(c, body)


def one(s, tls, *more):
    s.settimeout(60)
    try:
        with tls.wrap_socket(s, server_side=True) as c:
            serve(c, *more)
    except OSError:
        pass  # who has enough of it closes
    finally:
        s.close()


def listen(address, port, cert, key_file, *more):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key_file)
    with socket.create_server((address, port), backlog=64) as server:
        while True:
            threading.Thread(target=one, args=(server.accept()[0], tls, *more), daemon=True).start()


def main(address, port, folder, name):
    folder, port = pathlib.Path(folder), int(port)
    more = folder, f"https://{name}:{port}", f"https://{name}:{port + 1}"
    for which in ("true", "other", "short"):
        rsa(which)
    threading.Thread(target=listen, args=(address, port + 1, folder / "other.pem", folder / "other.key", *more), daemon=True).start()
    listen(address, port, folder / "cert.pem", folder / "key.pem", *more)


if __name__ == "__main__":
    main(*sys.argv[1:])
