#!/usr/bin/env python3
"""Makes the certificates of this folder, for tests on loopback only. Needs python3-cryptography.

ca         the CA that tests trust          other-ca   one that they don't
good       localhost, 127.0.0.1, ::1        wrong-name  other.test, by ca
expired    as good, until 2021              future     as good, from 2090
untrusted  as good, by other-ca
"""
import datetime, ipaddress, pathlib
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

here = pathlib.Path(__file__).parent


def date(year):
    return datetime.datetime(year, 1, 1)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def write(stem, cert, key, chain=()):
    pem = serialization.Encoding.PEM
    (here / f"{stem}.pem").write_bytes(b"".join(c.public_bytes(pem) for c in (cert, *chain)))
    (here / f"{stem}.key").write_bytes(key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def ca(stem):
    key = ec.generate_private_key(ec.SECP256R1())
    cert = (x509.CertificateBuilder().subject_name(name(stem)).issuer_name(name(stem))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(date(2020)).not_valid_after(date(2120))
            .add_extension(x509.BasicConstraints(True, 0), True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256()))
    write(stem, cert, key)
    return cert, key


def leaf(stem, issuer, names, first=2020, last=2120):
    cert_ca, key_ca = issuer
    key = ec.generate_private_key(ec.SECP256R1())
    cert = (x509.CertificateBuilder().subject_name(name(stem)).issuer_name(cert_ca.subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(date(first)).not_valid_after(date(last))
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .add_extension(x509.SubjectAlternativeName(names), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key_ca.public_key()), False)
            .sign(key_ca, hashes.SHA256()))
    write(stem, cert, key)


local = [x509.DNSName("localhost"), x509.DNSName("127.0.0.1"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
         x509.IPAddress(ipaddress.ip_address("::1"))]
trusted, other = ca("ca"), ca("other-ca")
leaf("good", trusted, local)
leaf("wrong-name", trusted, [x509.DNSName("other.test")])
leaf("expired", trusted, local, last=2021)
leaf("future", trusted, local, first=2090)
leaf("untrusted", other, local)
