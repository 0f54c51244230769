#!/usr/bin/env python3
"""Makes the odd chains of this folder: what servers of the field send. Needs python3-cryptography.

chain-root      the root that tests trust; chain-old-root signed its key once and is not trusted
chain-plain     leaf, mid                          chain-cross    leaf, mid, root signed by the old root
chain-swapped   leaf, root by the old root, mid    chain-extra    leaf, mid, an expired stranger
chain-gap       leaf alone                         chain-late     leaf, a mid that has expired
chain-stranger  leaf, mid of an unknown root       chain-leaf-ca  leaf signed by a leaf, that leaf, mid
All are for localhost and 127.0.0.1.
"""
import datetime
import ipaddress
import pathlib
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

here = pathlib.Path(__file__).parent
PEM = serialization.Encoding.PEM
LOCAL = [x509.DNSName("localhost"), x509.DNSName("127.0.0.1"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Party:
    """A name with a key; `issue` makes it certificates of others."""

    def __init__(self, text):
        self.name, self.key = name(text), ec.generate_private_key(ec.SECP256R1())

    def issue(self, subject, authority, last=2120, names=None):
        made = (x509.CertificateBuilder().subject_name(subject.name).issuer_name(self.name).public_key(subject.key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(datetime.datetime(2020, 1, 1)).not_valid_after(datetime.datetime(last, 1, 1))
                .add_extension(x509.BasicConstraints(authority, None), True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(subject.key.public_key()), False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False))
        if authority:
            made = made.add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
        else:
            made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), False)
        return made.sign(self.key, hashes.SHA256())


def write(stem, key, *chain):
    (here / f"{stem}.pem").write_bytes(b"".join(c.public_bytes(PEM) for c in chain))
    if key is not None:
        (here / f"{stem}.key").write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8,
                                                             serialization.NoEncryption()))


root, old, stranger, mid, leaf = (Party(f"chain {n}") for n in ("root", "old root", "stranger", "mid", "leaf"))
own, crossed = root.issue(root, True), old.issue(root, True)
by_root = root.issue(mid, True)
end = mid.issue(leaf, False, names=LOCAL)
write("chain-root", None, own)
write("chain-plain", leaf.key, end, by_root)
write("chain-cross", leaf.key, end, by_root, crossed)
write("chain-swapped", leaf.key, end, crossed, by_root)
write("chain-extra", leaf.key, end, by_root, stranger.issue(Party("chain extra"), True, last=2021))
write("chain-gap", leaf.key, end)
write("chain-late", leaf.key, end, root.issue(mid, True, last=2021))
write("chain-stranger", leaf.key, end, stranger.issue(mid, True))
below = Party("chain below")
write("chain-leaf-ca", below.key, leaf.issue(below, False, names=LOCAL), end, by_root)
