"""testssl.sh at the broker's port: protocols, ciphers, groups, certificate, headers and the holes that have names. Beside sslscan in group e2e."""

import json
import subprocess
import types

import pytest

from conftest import Broker

# What it finds and why it is none: of the certificate that this test made for two days by a CA of its own, which says nothing of
# revocation and stands in no DNS; of openssl here; and of the console's files, which are packed when they are built and hold no secret.
EXPECTED = {"cert_expirationStatus", "cert_notAfter", "cert_revocation", "DNS_CAArecord", "engine_problem", "BREACH"}


@pytest.fixture(scope="module")
def public(tls, tmp_path_factory):
    """A broker whose provider nobody asks."""
    broker = Broker(tmp_path_factory.mktemp("testssl"), tls)
    yield broker.start(types.SimpleNamespace(client_secret="never-asked-0123456789abcdef", issuer="https://localhost:1", client_id="sallyport"))
    broker.stop()


@pytest.fixture(scope="module")
def found(public, tls, tmp_path_factory):
    """Its findings, by id."""
    report = tmp_path_factory.mktemp("report") / "testssl.json"
    done = subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--openssl", "/usr/bin/openssl", "--add-ca", str(tls / "ca.pem"),
                           "--ip", "127.0.0.1", "-p", "-s", "-f", "-S", "-P", "-U", "-h", "--jsonfile", str(report), f"localhost:{public.port}"],
                          capture_output=True, text=True, timeout=600)
    assert report.exists(), done
    return {one["id"]: one for one in json.loads(report.read_text())}


def test_TLS_1_testssl_finds_1_3_alone_aead_and_forward_secrecy(found):
    say = lambda name: found[name]["finding"]
    assert [say(v) for v in ("SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2")] == ["not offered"] * 5
    assert say("TLS1_3").startswith("offered")
    assert set(say("PFS_ciphers").split()) == {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"}
    assert set(say("PFS_ECDHE_curves").split()) == {"X25519", "prime256v1"}
    assert "not vulnerable" in say("secure_client_renego") and "not vulnerable" in say("CRIME_TLS")


def test_TLS_1_testssl_finds_no_hole_that_has_a_name(found):
    assert {"heartbleed", "CCS", "ROBOT", "POODLE_SSL", "DROWN", "BEAST", "LUCKY13", "RC4"} <= set(found), "it did not look"
    bad = {name: one["finding"] for name, one in found.items() if one["severity"] not in ("OK", "INFO") and name not in EXPECTED}
    assert not bad, bad


def test_what_may_hold_a_secret_is_not_packed(public):
    """BREACH needs a secret beside a guess under one compression: pages and answers come as they are."""
    web = public.browser()
    for path in ("/login", "/api/v1/me", "/home"):
        page = web.request("GET", f"{public.url}{path}", headers={"Accept-Encoding": "gzip, br"})
        assert page.headers.get("Content-Encoding") is None, (path, page)
