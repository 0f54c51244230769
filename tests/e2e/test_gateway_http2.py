"""HTTP/2 and gRPC through the gateway, end to end.

    client: curl, python-h2, raw frames, grpcio ── agent ══ relay ══ connector (gateway) ── recorder (HTTP/1), grpcapp (HTTP/2)

python-h2, hyperframe and grpcio are other implementations than the connector's nghttp2.
"""

import contextlib
import hashlib
import json
import os
import socket
import sys
import tempfile
import threading
import time

import grpc
import h2.config
import h2.connection
import h2.events
import hpack
import pytest
from hyperframe.frame import ContinuationFrame, DataFrame, Frame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame

from harness import apps, proc
from harness.wire import dial

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GATEWAY = "http2: on\nmethods: [GET, HEAD, POST, PUT]\nlimits: {body: 256MiB, header_time: 2s}\nupstream: {connections: 100}\n"


def visible(person, name):
    proc.until(f"{person.name} sees {name}", 20, lambda: name in {a["name"] for a in person.json("apps")["apps"]})


@pytest.fixture(scope="module")
def recorder(world):
    app = world.apps["recorder"]
    world.wait_app(app)
    return app


@pytest.fixture(scope="module")
def base(world, anna, recorder):
    world.console.add_app("api2", world.site, world.private, recorder.port, "http", gateway=GATEWAY)
    visible(anna, "api2")
    return "http://{}:{}".format(*anna.address_of("api2"))


class Client:
    """One connection of python-h2; collects what each stream gets."""

    def __init__(self, world, person, app="api2", **options):
        self.sock = dial(world, person, app)
        self.sock.settimeout(20)
        self.authority = "{}:{}".format(*person.address_of(app))
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8", **options))
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 24)
        self.heads, self.bodies, self.ended, self.resets, self.goaway = {}, {}, set(), {}, None
        self.flush()

    def ask(self, method="GET", path="/echo", fields=(), end=True, authority=None):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [(":method", method), (":scheme", "http"), (":authority", authority or self.authority), (":path", path),
                                      *fields], end_stream=end)
        self.flush()
        return stream

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def turn(self):
        data = self.sock.recv(262144)
        if not data:
            raise EOFError
        for event in self.h2.receive_data(data):
            stream = getattr(event, "stream_id", None)
            if isinstance(event, h2.events.ResponseReceived):
                self.heads[stream] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.bodies.setdefault(stream, bytearray()).extend(event.data)
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(stream)
            elif isinstance(event, h2.events.StreamReset):
                self.resets[stream] = event.error_code
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.goaway = event.error_code
        self.flush()

    def until(self, condition):
        while not condition():
            self.turn()

    def answer(self, stream):
        self.until(lambda: stream in self.ended or stream in self.resets)
        return int(self.heads[stream][":status"]), bytes(self.bodies.get(stream, b""))

    def send_body(self, stream, size, block=bytes(1 << 16)):
        while size > 0:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, size, len(block))
            if room <= 0:
                self.turn()
                continue
            self.h2.send_data(stream, block[:room], end_stream=size == room)
            self.flush()
            size -= room

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


# ---- clients ----

def test_curl_speaks_HTTP2_to_an_application_of_HTTP1(anna, base, recorder):
    done = anna.shell("curl", "-sS", "-i", "--max-time", "20", "--http2-prior-knowledge", "-H", "Sallyport-User: root", f"{base}/echo?a=1")
    head, _, body = done.out.replace("\r\n", "\n").partition("\n\n")
    assert head.startswith("HTTP/2 200"), done
    assert "\nsallyport-decision: " in head
    seen = json.loads(body)
    assert (seen["method"], seen["target"], seen["version"]) == ("GET", "/echo?a=1", "HTTP/1.1")
    assert seen["fields"]["sallyport-user"] == "anna"


def test_a_client_of_HTTP1_is_served_beside_it_and_an_upgrade_to_h2c_is_not_made(anna, base):
    done = anna.shell("curl", "-sS", "-i", "--max-time", "20", "--http2", f"{base}/echo")  # asks for Upgrade: h2c
    assert done.out.startswith("HTTP/1.1 200"), done
    assert "http2-settings" not in done.out.lower()


def test_a_refusal_has_its_status_and_reaches_nobody(anna, base, recorder):
    before = len(recorder.seen())
    done = anna.shell("curl", "-sS", "-i", "--max-time", "20", "--http2-prior-knowledge", "-X", "DELETE", f"{base}/echo")
    assert done.out.startswith("HTTP/2 405") and "urn:sallyport:problem:method" in done.out, done
    assert len(recorder.seen()) == before


def test_a_hundred_streams_at_once_and_a_slow_one_among_them(world, anna, base):
    with Client(world, anna) as c:
        c.until(lambda: c.h2.remote_settings.max_concurrent_streams == 100)
        slow = c.ask(path="/slow?2")
        began = time.monotonic()
        quick = [c.ask(path=f"/echo?{i}") for i in range(99)]
        for i, stream in enumerate(quick):
            status, body = c.answer(stream)
            assert status == 200 and json.loads(body)["target"] == f"/echo?{i}"
        assert slow not in c.ended and time.monotonic() - began < 2
        assert c.answer(slow)[0] == 200


@pytest.mark.parametrize("size", [200 << 20])
def test_GW_71_a_large_upload_and_download_and_little_waits_in_the_connector(world, anna, base, recorder, size):
    whole = hashlib.sha256(bytes(size)).hexdigest()

    def rss():
        return int(next(line.split()[1] for line in open(f"/proc/{world.connectors[0].process.pid}/status") if line.startswith("VmRSS")))

    def both_ways(c):
        stream = c.ask("PUT", "/echo", end=False)
        c.send_body(stream, size)
        status, body = c.answer(stream)
        seen = json.loads(body)
        assert status == 200 and seen["length"] == size and seen["sha256"] == whole
        stream = c.ask(path=f"/big?{size}")
        got = hashlib.sha256()
        while stream not in c.ended:
            c.turn()
            got.update(c.bodies.pop(stream, b""))
        assert got.hexdigest() == whole

    with Client(world, anna) as c:
        both_ways(c)  # AddressSanitizer keeps the last 256 MiB that were freed: its quarantine is full after this
        before = rss()
        both_ways(c)
        assert rss() - before < (size >> 10) // 4  # KiB: not the body; the sanitizer's own memory moves by 20 MiB. tests/bench has the bytes


def test_GW_70_events_arrive_one_by_one(world, anna, base):
    with Client(world, anna) as c:
        stream = c.ask(path="/sse")
        for i in range(5):
            c.until(lambda: f"data: {i} ".encode() in c.bodies.get(stream, b""))
            assert f"data: {i + 3} ".encode() not in c.bodies[stream]


# ---- hostile clients ----

class Raw:
    """Frames made by hand: nothing that python-h2 would refuse to send is refused here."""

    def __init__(self, world, person):
        self.sock = dial(world, person, "api2")
        self.sock.settimeout(20)
        self.authority = "{}:{}".format(*person.address_of("api2"))
        self.encoder, self.held, self.frames = hpack.Encoder(), b"", []
        self.sock.sendall(PREFACE + SettingsFrame(0).serialize())

    def send(self, *frames):
        with contextlib.suppress(ConnectionError):
            self.sock.sendall(b"".join(f.serialize() for f in frames))

    def block(self, *fields, path="/echo", method="GET"):
        return self.encoder.encode([(":method", method), (":scheme", "http"), (":authority", self.authority), (":path", path), *fields])

    def headers(self, stream, *fields, end=True, **line):
        f = HeadersFrame(stream, data=self.block(*fields, **line))
        f.flags.add("END_HEADERS")
        if end:
            f.flags.add("END_STREAM")
        return f

    def read(self, until):
        """Frames until one that is wanted, or the end."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            while data := self.sock.recv(65536):
                self.held += data
                while len(self.held) >= 9:
                    frame, length = Frame.parse_frame_header(memoryview(self.held[:9]))
                    if len(self.held) < 9 + length:
                        break
                    frame.parse_body(memoryview(self.held[9:9 + length]))
                    self.held = self.held[9 + length:]
                    self.frames.append(frame)
                    if until(frame):
                        return frame
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


SMUGGLED = {
    "connection": [("connection", "close")], "transfer-encoding": [("transfer-encoding", "chunked")], "te": [("te", "gzip")],
    "upgrade": [("upgrade", "h2c")], "upper case": [("X-Upper", "1")], "line end in a value": [("x", "a\r\nx-injected: 1")],
    "line end in a name": [("x\r\ny", "1")], "NUL": [("x", "a\0b")], "colon in a name": [("x:y", "1")], "blank around": [("x", " a ")],
    "another host": [("host", "other")], "length without body": [("content-length", "7")], "two lengths": [("content-length", "0"), ("content-length", "5")],
    "late pseudo": [("x", "1"), (":path", "/other")], "unknown pseudo": [(":protocol", "websocket")],
}


@pytest.mark.parametrize("case", SMUGGLED)
def test_SMG_27_what_could_smuggle_behind_a_downgrade_reaches_nobody(world, anna, base, recorder, case):
    before = len(recorder.seen())
    with Raw(world, anna) as c:
        fields = SMUGGLED[case]
        c.send(c.headers(1, *fields, path="/smuggled", method="POST"), c.headers(3, path="/after"))
        c.read(lambda f: isinstance(f, DataFrame) and f.stream_id == 3 and "END_STREAM" in f.flags)
    seen = recorder.seen()[before:]
    assert [s["target"] for s in seen if s["target"] != "/after"] == []
    assert not any("injected" in s["raw"] for s in seen)


def test_SMG_27_a_body_of_another_length_than_promised_never_becomes_a_request(world, anna, base, recorder):
    before = len(recorder.seen())
    with Raw(world, anna) as c:
        short, long = DataFrame(1, data=b"abc"), DataFrame(3, data=b"abcGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
        short.flags.add("END_STREAM")
        long.flags.add("END_STREAM")
        c.send(c.headers(1, ("content-length", "9"), method="POST", end=False), short)
        c.send(c.headers(3, ("content-length", "3"), method="POST", end=False), long)
        c.send(c.headers(5, path="/after"))
        assert c.read(lambda f: isinstance(f, DataFrame) and f.stream_id == 5 and "END_STREAM" in f.flags)
    assert [s["target"] for s in recorder.seen()[before:]] == ["/after"]


def rapid_reset(c):
    for i in range(4000):
        c.send(c.headers(2 * i + 1), RstStreamFrame(2 * i + 1, error_code=8))


def continuations(c):
    f = HeadersFrame(1, data=c.block())
    c.send(f, *[ContinuationFrame(1, data=b"") for _ in range(4000)])


def large_block(c):
    f = HeadersFrame(1, data=c.block())
    more = [ContinuationFrame(1, data=c.encoder.encode([(f"x-{i}-{k}", "y" * 900) for k in range(15)])) for i in range(40)]
    c.send(f, *more)


def hpack_bomb(c):
    big = ("x-bomb", "y" * 3900)
    c.send(c.headers(1, big))
    f = HeadersFrame(3, data=c.block(*[big] * 4000))
    f.flags.add("END_HEADERS")
    c.send(f)


def pings(c):
    for _ in range(40):
        c.send(*[PingFrame(0, opaque_data=b"12345678") for _ in range(500)])


def settings(c):
    for _ in range(40):
        c.send(*[SettingsFrame(0, settings={4: 65535}) for _ in range(500)])


def empty_data(c):
    c.send(c.headers(1, method="POST", end=False))
    for _ in range(40):
        c.send(*[DataFrame(1, data=b"") for _ in range(500)])


def window_overflow(c):
    c.send(*[WindowUpdateFrame(0, window_increment=2**31 - 1) for _ in range(2)])


def interleaved(c):
    c.send(HeadersFrame(1, data=c.block()), PingFrame(0, opaque_data=b"12345678"))


FLOODS = [rapid_reset, continuations, large_block, hpack_bomb, pings, settings, empty_data, window_overflow, interleaved]


@pytest.mark.parametrize("flood", FLOODS, ids=lambda f: f.__name__)
def test_floods_end_their_connection_and_nobody_elses(world, anna, base, flood):
    with Client(world, anna) as honest, Raw(world, anna) as c:
        assert honest.answer(honest.ask())[0] == 200
        reader = threading.Thread(target=c.read, args=(lambda f: type(f).__name__ == "GoAwayFrame",))
        reader.start()
        flood(c)
        reader.join(20)
        gone = [f for f in c.frames if type(f).__name__ == "GoAwayFrame"]
        assert gone and gone[-1].error_code != 0, [type(f).__name__ for f in c.frames[-5:]]
        assert honest.answer(honest.ask())[0] == 200


def test_a_header_block_without_end_is_408_and_the_connection_ends(world, anna, base):
    with Raw(world, anna) as c:
        c.send(HeadersFrame(1, data=c.block()))
        began = time.monotonic()
        assert c.read(lambda f: type(f).__name__ == "GoAwayFrame")
        assert time.monotonic() - began < 10


def test_a_client_that_does_not_read_holds_up_only_its_own_stream(world, anna, base):
    with Client(world, anna) as c:
        stuck = c.ask(path="/big?50000000")
        c.until(lambda: len(c.bodies.get(stuck, b"")) > 1000)
        held = c.h2.acknowledge_received_data
        c.h2.acknowledge_received_data = lambda n, stream: held(n, stream) if stream != stuck else None
        for _ in range(5):
            assert c.answer(c.ask())[0] == 200
        assert len(c.bodies[stuck]) < 1 << 20


# ---- gRPC ----

class GrpcApp(apps.App):
    port = 7103

    def start(self):
        self.program = proc.Program(self.node, [sys.executable, "-u", apps.HERE / "grpcapp.py", self.address, str(self.port)], self.folder / "grpc.log")
        return self


RULES = """\
http2: on
grpc: on
upstream: {http2: on}
limits: {body: 64KiB, inspect: 16KiB}
operations: [{match: "POST /pkg.Echo/Sum", groups: [builtin/admins]}]
rate: [{name: fails, match: "POST /pkg.Echo/Fail", key: [user], rate: 1/h, burst: 1}]
"""


@contextlib.contextmanager
def bridge(world, person, app):
    """A unix socket of this test's process that leads to the app's local address of that person."""
    folder = tempfile.mkdtemp()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{folder}/s")
    listener.listen()

    def pump(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
        for s in (a, b):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = dial(world, person, app)
                far.settimeout(None)
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"unix:{folder}/s"
    finally:
        listener.close()
        os.unlink(f"{folder}/s")
        os.rmdir(folder)


@pytest.fixture(scope="module")
def calls(world, anna):
    app = world.start_app(GrpcApp)
    world.wait_app(app)
    world.console.add_app("calls", world.site, world.private, app.port, "http", gateway=RULES)
    visible(anna, "calls")
    with bridge(world, anna, "calls") as target, grpc.insecure_channel(target, [("grpc.default_authority", "calls.internal")]) as channel:
        grpc.channel_ready_future(channel).result(20)
        yield channel
    app.stop()


def unary(channel, name):
    return channel.unary_unary(f"/pkg.Echo/{name}")


def refused(call):
    with pytest.raises(grpc.RpcError) as e:
        call()
    return e.value


def test_GW_73_a_unary_call_with_identity_and_trailers(calls):
    answer, call = unary(calls, "Say").with_call(b"hello", timeout=20)
    assert answer == b"hello" and call.code() == grpc.StatusCode.OK
    trailers = dict(call.trailing_metadata())
    assert trailers["x-spent"] == "1" and "sallyport-user" not in trailers
    assert unary(calls, "Who")(b"", timeout=20, metadata=[("sallyport-user", "root")]) == b"anna"


def test_GW_73_streams_of_the_server_are_not_held_back(calls):
    at = []
    for message in calls.unary_stream("/pkg.Echo/Count")(b"20", timeout=20):
        assert message == str(len(at)).encode()
        at.append(time.monotonic())
    assert len(at) == 20 and at[-1] - at[0] > 0.3


def test_GW_73_a_chat_answers_each_message_before_the_next(calls):
    turn, said = threading.Semaphore(1), []

    def messages():
        for i in range(50):
            assert turn.acquire(timeout=10)
            yield str(i).encode() * 100

    for answer in calls.stream_stream("/pkg.Echo/Chat")(messages(), timeout=20):
        said.append(answer)
        turn.release()
    assert said == [str(i).encode() * 100 for i in range(50)]


def test_GW_73_refusals_are_codes_of_gRPC(calls):
    e = refused(lambda: calls.stream_unary("/pkg.Echo/Sum")(iter([b"a"]), timeout=20))
    assert e.code() == grpc.StatusCode.PERMISSION_DENIED and e.details()
    assert dict(e.trailing_metadata() or ()).get("sallyport-decision") or dict(e.initial_metadata() or ()).get("sallyport-decision")
    assert refused(lambda: unary(calls, "Say")(bytes(100000), timeout=20)).code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refused(lambda: unary(calls, "Fail")(b"", timeout=20)).code() == grpc.StatusCode.NOT_FOUND  # the application's own
    assert refused(lambda: unary(calls, "Fail")(b"", timeout=20)).code() == grpc.StatusCode.RESOURCE_EXHAUSTED  # the rate


def test_GW_73_a_deadline_and_a_cancelled_call_end_at_the_application(calls):
    before = int(unary(calls, "Ended")(b"", timeout=20))
    e = refused(lambda: list(calls.unary_stream("/pkg.Echo/Wait")(b"", timeout=0.5)))
    assert e.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    call = calls.unary_stream("/pkg.Echo/Wait")(b"", timeout=60)
    time.sleep(0.5)
    call.cancel()
    proc.until("both calls ended there", 10, lambda: int(unary(calls, "Ended")(b"", timeout=20)) == before + 2)


def test_GW_73_an_ended_session_is_UNAUTHENTICATED_or_gone(world, anna, calls):
    assert unary(calls, "Say")(b"x", timeout=20) == b"x"
    stream = calls.unary_stream("/pkg.Echo/Wait")(b"", timeout=60)
    time.sleep(0.5)
    found = [s for s in world.console.call("GET", "/sessions")["items"] if s["app"]["name"] == "calls"]
    world.console.call("POST", f"/sessions/{found[0]['id']}/kill", {"reason": "test of calls"})
    assert refused(lambda: list(stream)).code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE)


# ---- owner rules that ask first, of an application that speaks HTTP/2 ----

OWNED = """\
methods: [GET, PUT]
upstream: {http2: on}
owner:
  - {match: "PUT /of/{id}", from: {preflight: "GET /of/{id}", pointer: /owner}, equals: "${user.name}", mode: block}
"""
NGINX2 = """
daemon off; master_process off; pid %(folder)s/pid; error_log %(folder)s/error.log crit;
events { worker_connections 64; }
http {
  log_format raw '$request $connection';
  access_log %(log)s raw;
  client_body_temp_path %(folder)s/a; proxy_temp_path %(folder)s/b; fastcgi_temp_path %(folder)s/c; uwsgi_temp_path %(folder)s/d; scgi_temp_path %(folder)s/e;
  server { listen %(address)s:%(port)d http2; default_type application/json;
    location = /of/mine { return 200 '{"owner": "anna"}'; }
    location = /of/theirs { return 200 '{"owner": "carl"}'; }
    location = /of/nobody { return 200 '{}'; }
    location / { return 404 '{}'; } }
}
"""


class Nginx2(apps.App):
    """nginx in the clear with prior knowledge of HTTP/2; `lines()`: what it read, and over which connection."""

    port = 7107

    def start(self):
        self.log = self.folder / "access.log"
        conf = self.folder / "conf"
        conf.write_text(NGINX2 % {"folder": self.folder, "address": self.address, "port": self.port, "log": self.log})
        self.program = proc.Program(self.node, ["nginx", "-p", self.folder, "-c", conf, "-e", self.folder / "error.log"], self.folder / "out.log",
                                    env={"PATH": os.environ["PATH"] + ":/usr/sbin"})
        return self

    def lines(self):
        return self.log.read_text().splitlines()


@pytest.fixture(scope="module")
def owned(world, anna):
    app = world.start_app(Nginx2)
    world.wait_app(app)
    world.console.add_app("owned2", world.site, world.private, app.port, "http", gateway=OWNED)
    visible(anna, "owned2")
    yield app
    app.stop()


def test_GW_50_a_preflight_over_http2_asks_first_and_over_the_same_connection(world, anna, owned):
    base = "http://{}:{}".format(*anna.address_of("owned2"))

    def put(name):
        done = anna.shell("curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", "-X", "PUT", "-d", "x", f"{base}/of/{name}")
        body, _, code = done.out.rpartition("\n")
        return int(code), body

    assert put("mine")[0] == 200
    for name, status, reason in (("theirs", 403, "owner"), ("nobody", 403, "owner"), ("gone", 404, "preflight")):
        code, body = put(name)
        assert (code, json.loads(body)["type"]) == (status, f"urn:sallyport:problem:{reason}"), (name, body)
        assert "carl" not in body
    read = proc.until("nginx has written down what it read", 10, lambda: owned.lines()[4:] and owned.lines())
    assert [line.rpartition(" ")[0] for line in read] == [
        "GET /of/mine HTTP/2.0", "PUT /of/mine HTTP/2.0", "GET /of/theirs HTTP/2.0", "GET /of/nobody HTTP/2.0", "GET /of/gone HTTP/2.0"]
    assert len({line.rpartition(" ")[2] for line in read}) == 1, read
