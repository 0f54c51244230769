"""The REST API before schemathesis: it reads the broker's own OpenAPI document and calls every operation with what the
document allows and with what it does not, in each class of auth.

What is judged: no answer is a server error; each has a documented status, type and shape; without a proof nothing but refusals.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.request
import ssl

import pytest

import providers
from conftest import BUILD

HERE = pathlib.Path(__file__).resolve().parent
# These end the judge's own proof, or what the broker runs on.
LEFT_OUT = "/api/v1/(bootstrap|live|me/sign-out|relays/)"
# Not positive_data_acceptance: an id or a cursor that the judge makes up names nothing. Not missing_required_header: it does
# not know 428 (RFC 6585).
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance")


JUDGE = pathlib.Path(sys.executable).parent / "schemathesis"


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """sallyport-broker dev: an ordinary broker and relay of its own, and the session of a bootstrap token."""
    folder = tmp_path_factory.mktemp("api")
    port = providers.free_port()
    log = open(folder / "log", "w")
    # it forbids ptrace, by which LeakSanitizer would look for leaks at its end
    env = {**os.environ, "PATH": f"{BUILD}/relay:{os.environ['PATH']}", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    program = subprocess.Popen([BUILD / "broker/sallyport-broker", "dev", "--listen", f"127.0.0.1:{port}", "--keep", folder / "state"],
                               stdout=log, stderr=log, env=env)
    try:
        began = time.monotonic()
        while "ready" not in (folder / "log").read_text():
            assert program.poll() is None and time.monotonic() < began + 30, (folder / "log").read_text()
            time.sleep(0.1)
        token = folder / "token"
        subprocess.run([BUILD / "broker/sallyport-broker", "bootstrap", "--config", folder / "state/broker.yaml", "--token-out", token],
                       check=True, capture_output=True)
        url, ca = f"https://127.0.0.1:{port}", folder / "state/ca.pem"
        context = ssl.create_default_context(cafile=ca)
        ask = urllib.request.Request(f"{url}/api/v1/bootstrap", json.dumps({"token": token.read_text().strip()}).encode(),
                                     {"Content-Type": "application/json"})
        session = json.load(urllib.request.urlopen(ask, context=context))["session"]
        (folder / "openapi.json").write_bytes(urllib.request.urlopen(f"{url}/api/openapi.json", context=context).read())
        yield folder / "openapi.json", url, ca, session
    finally:
        program.send_signal(signal.SIGINT)
        assert program.wait(20) == 0


def failures(text):
    """What went wrong, a screen at most: a line of the report may be a body of 64 KiB."""
    return "\n".join(line[:300] for line in text.split("= WARNINGS =")[0].splitlines() if line.strip())[-6000:]


def judged(api, proof, examples):
    document, url, ca, _ = api
    command = [JUDGE, "--config-file", HERE / "schemathesis.toml", "run", document, "--url", url, "--tls-verify", ca,
               "--phases", "coverage,fuzzing", "--checks", ",".join(CHECKS), "-n", str(examples),
               "--seed", "1", "--no-color", "--continue-on-failure", "--generation-database", "none", "--suppress-health-check", "all",
               "--exclude-path-regex", LEFT_OUT, "--request-timeout", "10"]
    done = subprocess.run([*map(str, command), *(["-H", f"Authorization: Bearer {proof}"] if proof else [])], capture_output=True, text=True,
                          timeout=170, cwd=document.parent)
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested and int(tested[1]) >= 70, done.stdout[-3000:] + done.stderr[-2000:]
    return done


def test_an_admins_calls_get_what_the_document_says(api):
    done = judged(api, api[3], 4)
    assert done.returncode == 0, failures(done.stdout)


@pytest.mark.parametrize("proof", ["", "sat_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"], ids=["nobody", "a ticket that is none"])
def test_without_a_proof_nothing_is_learnt_whatever_is_sent(api, proof):
    done = judged(api, proof, 1)
    assert done.returncode == 0, failures(done.stdout)
    answers = set(re.findall(r"\[(\d{3})\]", done.stdout))
    assert not answers & {"200", "201", "204"}, done.stdout[-3000:]
