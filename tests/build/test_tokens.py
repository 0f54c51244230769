"""What the tree itself shows about tokens: who holds which kind of key."""

import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
# ---- JWT-2: a shared secret stays with the one who made it ----

# Who uses a symmetric key, and why nobody else needs to hold it.
SYMMETRIC = {
    "broker/feeds/account.c": "secrets of vendors' accounts at rest",
    "broker/identity/logins_cookie.c": "cookies of a login under way: read by the broker that sealed them",
    "broker/identity/logins_waits.c": "slots of a table in memory",
    "broker/identity/mfa.c": "seeds at rest, the form of an enrolment",
    "broker/idp/ticket.c": "codes and access tokens of the built-in provider: read by itself",
    "broker/idp/accounts.c": "slots of a table in memory",
    "broker/keyring.c": "the sealed keys of the store, when the master key changes",
    "broker/session/open.c": "a pairwise id: written, never verified",
    "broker/store/sealed.c": "keys at rest",
    "connector/gateway/dpop.c": "nonces that the connector asks to get back",
    "connector/gateway/siblings.c": "what connectors of one site tell each other of objects: they are one party, with a key brought by hand",
}
USES = re.compile(r"\b(paseto_seal|paseto_open|aead_seal|aead_open|hash_keyed|hmac\w*)\(")


def test_JWT_2_what_one_party_makes_for_another_is_signed_with_a_key_of_its_own():
    """Grants, statements, reports, proofs, assertions: public keys alone verify them. A new use of a symmetric key has to be
    written down here with its reason; HS256 is no algorithm that any reader knows."""
    using = {str(p.relative_to(TOP)) for room in ("broker", "relay", "connector", "client", "lib") for p in (TOP / room).rglob("*.c")
             if "lib/crypto" not in str(p) and USES.search(p.read_text())}
    assert using == set(SYMMETRIC)
    for path in (TOP / "lib" / "crypto").glob("j*.[ch]"):
        assert not re.search(r'"HS\d|HMAC', path.read_text()), path
    for room in ("trust", "proto", "channel", "tunnel"):
        for path in (TOP / "lib" / room).glob("*.c"):
            assert "v4.local" not in path.read_text(), path
