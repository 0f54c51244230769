"""tokens: access tokens of an authorization server that is not ours: every signature is openssl's."""

import base64
import hashlib
import json
import subprocess
import time
import uuid


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


class Key:
    """An ES256 key, held and used by openssl: no code of ours signs here. `issuer` and `audience` go into its tokens."""

    def __init__(self, folder, kid, issuer, audience):
        self.kid, self.file, self.issuer, self.audience = kid, folder / f"{kid}.key", issuer, audience
        openssl = lambda *a: subprocess.run(["openssl", *map(str, a)], check=True, capture_output=True).stdout
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.file)
        point = openssl("ec", "-in", self.file, "-pubout", "-outform", "DER")[-64:]
        self.jwk = {"kty": "EC", "crv": "P-256", "x": b64(point[:32]), "y": b64(point[32:])}
        self.thumbprint = b64(hashlib.sha256(json.dumps({k: self.jwk[k] for k in ("crv", "kty", "x", "y")},
                                                        separators=(",", ":")).encode()).digest())

    def public(self):
        """As it stands in the issuer's key set."""
        return {**self.jwk, "kid": self.kid, "use": "sig", "alg": "ES256"}

    def sign(self, header, claims):
        text = f"{b64(header)}.{b64(claims)}"
        der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(self.file)], input=text.encode(), check=True,
                             capture_output=True).stdout
        numbers, at = b"", 2
        for _ in range(2):  # SEQUENCE { INTEGER r, INTEGER s }
            n = der[at + 1]
            numbers += der[at + 2:at + 2 + n].lstrip(b"\0").rjust(32, b"\0")
            at += 2 + n
        return f"{text}.{b64(numbers)}"

    def token(self, sub, typ="at+jwt", alg="ES256", kid=None, **claims):
        now = int(time.time())
        said = {"iss": self.issuer, "aud": self.audience, "sub": sub, "client_id": "cli", "iat": now, "exp": now + 300, **claims}
        return self.sign({"alg": alg, "typ": typ, "kid": kid or self.kid}, {k: v for k, v in said.items() if v is not None})

    def proof(self, url, token, method="GET", **more):
        """A DPoP proof (RFC 9449) of this key for that request."""
        said = {"jti": str(uuid.uuid4()), "htm": method, "htu": url, "iat": int(time.time()),
                "ath": b64(hashlib.sha256(token.encode()).digest()), **more}
        return self.sign({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}, said)
