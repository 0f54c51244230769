"""Our websocket before the Autobahn suite: its fuzzing client against the tunnel's server side, its fuzzing server against
the side that agent and connector are.

Left out, and why:
  6.*            whether text is valid UTF-8: a tunnel takes no text at all (close 1003, WS-07)
  12.*, 13.*     compression, which is never agreed (WS-13)
  9.*, in part   messages that are longer than a frame that we send (68 KiB; a longer frame than 256 KiB closes with 1009)
"""

import base64
import collections
import json
import os
import pathlib
import socket
import subprocess

import pytest

import providers
from conftest import BUILD

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "sallyport" / "autobahn-0.8.2"
CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "7.*", "9.1.1", "9.2.1", "9.7.*", "9.8.*", "10.*"]
LEAST = 110  # cases: fewer were run by mistake


@pytest.fixture(scope="module")
def wstest():
    done = subprocess.run([HERE / "autobahn" / "install", CACHE], env={**os.environ, "PYTHON": "python3"}, timeout=300)
    if done.returncode == 77:
        pytest.skip(f"Python 2.7 or the suite is not served here: {CACHE}/apt/log (the last report stands in docs/interop.md)")
    assert done.returncode == 0
    return CACHE / "wstest"


def judged(folder):
    report = json.loads((folder / "report" / "index.json").read_text())["sallyport"]
    good = {"OK", "INFORMATIONAL", "NON-STRICT"}
    bad = {case: (r["behavior"], r["behaviorClose"], r["remoteCloseCode"]) for case, r in report.items()
           if r["behavior"] not in good or r["behaviorClose"] not in good}
    print("Autobahn:", dict(collections.Counter(r["behavior"] for r in report.values())))
    assert len(report) >= LEAST, f"only {len(report)} cases"
    assert not bad, bad


def spec(folder, **more):
    path = folder / "spec.json"
    path.write_text(json.dumps({"outdir": str(folder / "report"), "options": {"failByDrop": False}, "cases": CASES,
                                "exclude-cases": [], "exclude-agent-cases": {}, **more}))
    return path


def listening(port):
    def tried():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    return tried


def test_WS_01_to_13_autobahns_client_against_our_server(wstest, tmp_path):
    from harness import proc
    port = providers.free_port()
    echo = subprocess.Popen([BUILD / "tests/interop/ws_echo", "serve", str(port)])
    try:
        proc.until("the echo listens", 10, listening(port))
        suite = subprocess.run([wstest, "-m", "fuzzingclient", "-s",
                                spec(tmp_path, servers=[{"agent": "sallyport", "url": f"ws://127.0.0.1:{port}"}])],
                               capture_output=True, text=True, timeout=170)
        assert suite.returncode == 0, suite.stderr
        assert echo.poll() is None, "the echo is alive after all of it"
    finally:
        echo.kill()
        echo.wait()
    judged(tmp_path)


def say(port, path):
    """One word with the suite's own endpoints, which speak plain websocket: its text, if it has one."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n".encode())
        stream = s.makefile("rb")
        while stream.readline() not in (b"\r\n", b""):
            pass
        head = stream.read(2)
        return stream.read(head[1] & 0x7F).decode(errors="replace") if len(head) == 2 and head[0] & 0x0F == 1 else ""


def test_WS_02_autobahns_server_against_our_client(wstest, tmp_path):
    from harness import proc
    port = providers.free_port()
    log = open(tmp_path / "suite.log", "w")
    suite = subprocess.Popen([wstest, "-m", "fuzzingserver", "-u", "0", "-s", spec(tmp_path, url=f"ws://127.0.0.1:{port}", webport=0)],
                             stdout=log, stderr=log)
    try:
        proc.until("the suite listens", 20, listening(port))
        count = int(say(port, "/getCaseCount"))
        for case in range(1, count + 1):
            subprocess.run([BUILD / "tests/interop/ws_echo", "ask", str(port), str(case)], check=True, timeout=60)
        say(port, "/updateReports?agent=sallyport")
        proc.until("the report is written", 10, (tmp_path / "report" / "index.json").exists)
    finally:
        suite.kill()
        suite.wait()
    judged(tmp_path)
