"""The broker is told to stop at any moment, under clients that behave badly: it ends with 0, always.

SALLYPORT_ROUNDS starts and stops (8 unless given); with a sanitized build a fault ends it with another code.
"""

import os
import random
import signal
import socket
import ssl
import subprocess
import threading
import time

from test_dev import BROKER, Here, browser, dev, free_port  # noqa: F401 - dev is a fixture

ROUNDS = int(os.environ.get("SALLYPORT_ROUNDS", "8"))
RESET = b"\1\0\0\0\0\0\0\0"  # struct linger: on, 0 s


class Crowd:
    """Connections that stop half-way, in every state that the public port knows, and a page reader."""

    def __init__(self, port, ca):
        self.port, self.ca, self.over = port, ca, threading.Event()
        self.threads = [threading.Thread(target=self.until_over, args=(step,)) for step in (self.spoil, self.spoil, self.spoil, self.read)]
        for thread in self.threads:
            thread.start()

    def until_over(self, step):
        while not self.over.is_set():
            try:
                step()
            except (OSError, AssertionError):
                time.sleep(0.01)  # the broker is not there yet, or not any more

    def spoil(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as plain:
            one, kind = plain, random.randrange(5)
            if kind < 3:
                plain.sendall((b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\x16\x03\x01\x02")[kind])
            else:
                context = ssl.create_default_context(cafile=self.ca)
                context.set_alpn_protocols(["http/1.1"] if kind == 3 else ["sallyport-tunnel/1"])
                one = context.wrap_socket(plain, server_hostname="localhost")
                one.sendall(b"POST /login/code HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\nabc")
            time.sleep(random.random() * 0.2)
            if random.random() < 0.5:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            one.close()

    def read(self):
        page = browser.Browser(Here(), [self.ca], timeout=5).get(f"https://127.0.0.1:{self.port}/login?return_to=/")
        assert page.status == 200

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(10)


def test_a_stop_at_any_moment_under_broken_clients_ends_with_0(dev, tmp_path):  # noqa: F811
    one = dev("--keep", tmp_path / "state")
    assert one.stop() == 0
    config = tmp_path / "state" / "broker.yaml"
    text = config.read_text() + f"operations: 127.0.0.1:{free_port()}\n"
    config.write_text(text)
    for turn in range(ROUNDS):
        log = tmp_path / f"broker-{turn}.log"
        with log.open("w") as out:
            broker = subprocess.Popen([BROKER, "run", "--config", config], stdout=out, stderr=out)
        until = time.monotonic() + 20
        while "broker.ready" not in log.read_text() and time.monotonic() < until:
            assert broker.poll() is None, log.read_text()
            time.sleep(0.02)
        crowd = Crowd(one.port, tmp_path / "state" / "ca.pem")
        try:
            time.sleep(random.random())
            broker.send_signal(signal.SIGTERM)
            assert broker.wait(20) == 0, log.read_text()
        finally:
            crowd.end()
            if broker.poll() is None:
                broker.kill()
                broker.wait()
