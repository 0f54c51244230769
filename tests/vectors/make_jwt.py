#!/usr/bin/env python3
"""Makes tests/vectors/jwt.json: ID tokens signed by an implementation that is not ours
(python3-cryptography), good ones and forged ones, with the answer that jwt_verify owes each.
The keys are thrown away. Run by hand; the output is committed."""
import base64, hashlib, hmac, json, sys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

def b64(b):
    return base64.urlsafe_b64encode(b).rstrip(b"=").decode()

def num(n, size=None):
    return b64(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))

rsa1, rsa2 = (rsa.generate_private_key(65537, 2048) for _ in range(2))
small = rsa.generate_private_key(65537, 1024)
p256, ed = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()

def rsa_jwk(k, kid, **more):
    n = k.public_key().public_numbers()
    return {"kty": "RSA", "kid": kid, "use": "sig", "n": num(n.n), "e": num(n.e), **more}

point = p256.public_key().public_numbers()
jwks = {"keys": [
    rsa_jwk(rsa1, "rsa-1", alg="RS256"), rsa_jwk(rsa2, "rsa-2"), rsa_jwk(small, "small"),
    {"kty": "EC", "crv": "P-256", "kid": "ec-1", "use": "sig", "x": num(point.x, 32), "y": num(point.y, 32)},
    {"kty": "EC", "crv": "P-256", "kid": "off-curve", "x": num(point.x, 32), "y": num(point.y ^ 1, 32)},
    {"kty": "OKP", "crv": "Ed25519", "kid": "ed-1", "x": b64(ed.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw))},
    {"kty": "AKP", "kid": "pq-1", "alg": "ML-DSA-65", "use": "sig", "pub": "AAAA"},
    {"kty": "OKP", "crv": "Ed448", "kid": "ed448", "use": "sig", "alg": "EdDSA", "x": "AAAA"},
    {"kty": "EC", "crv": "secp256k1", "kid": "k1", "use": "sig", "x": "AAAA", "y": "AAAA"},
    rsa_jwk(rsa2, "encrypts", use="enc"),
    "not-an-object",
    {"kty": "RSA", "kid": "e-is-1", "n": num(rsa1.public_key().public_numbers().n), "e": "AQ"},
]}

def rs256(k, text):
    return k.sign(text, padding.PKCS1v15(), hashes.SHA256())

def ps256(k, text, salt=32):
    return k.sign(text, padding.PSS(padding.MGF1(hashes.SHA256()), salt), hashes.SHA256())

def es256_der(text):
    return p256.sign(text, ec.ECDSA(hashes.SHA256()))

def es256(text):
    r, s = utils.decode_dss_signature(es256_der(text))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")

claims = b'{"sub":"u-1","n":1}'
cases = []

def case(name, header, sign, expect, body=claims, alter=lambda t: t):
    head = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    text = b64(head) + "." + b64(body)
    token = alter(text + "." + b64(sign(text.encode())))
    cases.append({"name": name, "token": token, "expect": expect})

r1 = lambda t: rs256(rsa1, t)
case("RS256 with kid", {"alg": "RS256", "kid": "rsa-1", "typ": "JWT"}, r1, "ok")
case("typ absent", {"alg": "RS256", "kid": "rsa-1"}, r1, "ok")
case("typ in another case", {"alg": "RS256", "kid": "rsa-1", "typ": "jwt"}, r1, "ok")
case("RS256 without kid, several keys: the one that verifies", {"alg": "RS256"}, r1, "ok")
case("PS256", {"alg": "PS256", "kid": "rsa-2"}, lambda t: ps256(rsa2, t), "ok")
case("ES256", {"alg": "ES256", "kid": "ec-1"}, es256, "ok")
case("EdDSA", {"alg": "EdDSA", "kid": "ed-1"}, ed.sign, "ok")
case("unknown header members are ignored, jku and jwk among them",
     {"alg": "RS256", "kid": "rsa-1", "jku": "https://evil.example/jwks", "x5u": "https://evil.example/c",
      "jwk": rsa_jwk(rsa2, "rsa-1")}, r1, "ok")
case("jwk in the header is not a key", {"alg": "RS256", "kid": "rsa-1", "jwk": rsa_jwk(rsa2, "rsa-1")},
     lambda t: rs256(rsa2, t), "signature")
case("another key than kid says", {"alg": "RS256", "kid": "rsa-1"}, lambda t: rs256(rsa2, t), "signature")
case("PS256 with a key that is for RS256", {"alg": "PS256", "kid": "rsa-1"}, lambda t: ps256(rsa1, t), "unsupported")
case("PS256 with a short salt", {"alg": "PS256", "kid": "rsa-2"}, lambda t: ps256(rsa2, t, 16), "signature")
case("RS256 in a PS256 signature", {"alg": "RS256", "kid": "rsa-2"}, lambda t: ps256(rsa2, t), "signature")
case("ES256 in DER", {"alg": "ES256", "kid": "ec-1"}, es256_der, "signature")
case("ES256 with r and s of 0", {"alg": "ES256", "kid": "ec-1"}, lambda t: bytes(64), "signature")
case("ES256 header, RSA key", {"alg": "ES256", "kid": "rsa-2"}, es256, "unsupported")
case("RSA of 1024 bits", {"alg": "RS256", "kid": "small"}, lambda t: rs256(small, t), "unsupported")
case("exponent 1", {"alg": "RS256", "kid": "e-is-1"}, r1, "unsupported")
case("off-curve key", {"alg": "ES256", "kid": "off-curve"}, es256, "unsupported")
case("key of an unknown kind", {"alg": "RS256", "kid": "pq-1"}, r1, "unsupported")
case("key for encryption", {"alg": "RS256", "kid": "encrypts"}, lambda t: rs256(rsa2, t), "unsupported")
case("unknown kid", {"alg": "RS256", "kid": "rsa-9"}, r1, "not found")
for alg in ("none", "None", "nOnE", "", "RS512", "rs256"):
    case("alg " + alg, {"alg": alg, "kid": "rsa-1"}, r1, "unsupported")
case("alg none, empty signature", {"alg": "none"}, lambda t: b"", "malformed")
public = rsa1.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
for alg, h in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
    case("JWT-6 public key as %s secret" % alg, {"alg": alg, "kid": "rsa-1"},
         lambda t, h=h: hmac.new(public, t, h).digest(), "unsupported")
case("alg missing", {"kid": "rsa-1"}, r1, "unsupported")
case("alg is a list", {"alg": ["RS256"], "kid": "rsa-1"}, r1, "unsupported")
case("kid is a number", {"alg": "RS256", "kid": 1}, r1, "malformed")
case("crit", {"alg": "RS256", "kid": "rsa-1", "crit": ["exp"]}, r1, "malformed")
case("empty crit", {"alg": "RS256", "kid": "rsa-1", "crit": []}, r1, "malformed")
case("JWT-7 zip", {"alg": "RS256", "kid": "rsa-1", "zip": "DEF"}, r1, "malformed")
case("JWT-7 nested", {"alg": "RS256", "kid": "rsa-1", "cty": "JWT"}, r1, "malformed")
for typ in ("logout+jwt", "at+jwt", "secevent+jwt", "dpop+jwt"):
    case("IDT-16 typ " + typ, {"alg": "RS256", "kid": "rsa-1", "typ": typ}, r1, "invalid")
case("header with a member twice", b'{"alg":"RS256","alg":"none","kid":"rsa-1"}', r1, "malformed")
case("header is no object", b'["RS256"]', r1, "malformed")
case("claims with a member twice", {"alg": "RS256", "kid": "rsa-1"}, r1, "malformed", b'{"sub":"a","sub":"b"}')
case("claims are no object", {"alg": "RS256", "kid": "rsa-1"}, r1, "malformed", b'"sub"')
case("claims are no UTF-8", {"alg": "RS256", "kid": "rsa-1"}, r1, "malformed", b'{"sub":"\xff"}')
good = {"alg": "RS256", "kid": "rsa-1"}
case("padding", good, r1, "malformed", alter=lambda t: t + "=")
case("blank before", good, r1, "malformed", alter=lambda t: " " + t)
case("line feed behind", good, r1, "malformed", alter=lambda t: t + "\n")
case("a fourth part", good, r1, "malformed", alter=lambda t: t + ".AAAA")
case("two parts", good, r1, "malformed", alter=lambda t: t.rsplit(".", 1)[0])
case("empty claims", good, r1, "malformed", alter=lambda t: t.split(".")[0] + ".." + t.split(".")[2])
case("signature cut", good, r1, "signature", alter=lambda t: t[:-2])
case("signature of one byte more", good, lambda t: r1(t) + b"\0", "signature")
case("claims changed", good, r1, "signature", alter=lambda t: ".".join(
    [t.split(".")[0], b64(b'{"sub":"u-2","n":1}'), t.split(".")[2]]))
json.dump({"origin": "tests/vectors/make_jwt.py, python3-cryptography", "jwks": jwks, "cases": cases},
          sys.stdout, indent=1)
print()
