"""What somebody learns, and gets, who is outside: without a login, beside the machine, with a guess, with a scanner."""

import pathlib
import secrets
import select
import socket
import ssl
import struct
import subprocess
import time
import xml.etree.ElementTree

import pytest

from harness import net, probe, proc, world as worlds
from harness.wire import dial, read_all

# ---- TLS-1: what the public port speaks ----


def shake(world, least, most, ciphers=None, session=None):
    """One handshake with the public port: the connection's SSLSocket, closed, or the error."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(world.ca)
    context.minimum_version, context.maximum_version = least, most
    if ciphers:
        context.set_ciphers(ciphers)

    def run():
        with socket.create_connection((world.public, world.port), 10) as c, \
                context.wrap_socket(c, server_hostname=world.name, session=session) as tls:
            return tls.version(), tls.cipher(), tls.compression(), tls.selected_alpn_protocol()
    return world.client.run(run)


def test_TLS_1_the_public_port_speaks_1_3_with_aead_and_nothing_below(world):
    version, cipher, compression, _ = shake(world, ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)
    assert version == "TLSv1.3" and compression is None
    assert cipher[0] in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_1", "TLSv1"])
def test_TLS_1_older_versions_are_refused(world, version):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake(world, getattr(ssl.TLSVersion, version), getattr(ssl.TLSVersion, version), "ALL:@SECLEVEL=0")


def s_client(world, *arguments, stdin=b""):
    return proc.command(world.client, ["openssl", "s_client", "-connect", f"{world.public}:{world.port}", "-servername", world.name,
                                       "-CAfile", world.ca, *arguments], stdin=stdin)


def test_TLS_1_only_the_groups_that_we_name_are_taken(world):
    for group in ("X25519", "P-256"):
        assert "Verify return code: 0" in s_client(world, "-groups", group).out
    for group in ("P-384", "P-521", "X448", "ffdhe2048"):
        assert "Cipher is TLS_" not in s_client(world, "-groups", group).out, group


def test_TLS_1_TLS_6_no_early_data_and_a_resumed_connection_is_nobody_s_login(world, tmp_path):
    kept = tmp_path / "session.pem"
    ask = f"GET /api/v1/users HTTP/1.1\r\nHost: {world.name}:{world.port}\r\nConnection: close\r\n\r\n".encode()
    first = s_client(world, "-sess_out", kept, "-ign_eof", "-quiet", stdin=ask)
    assert " 401 " in first.out.splitlines()[0], first
    if kept.exists() and kept.stat().st_size:
        told = subprocess.run(["openssl", "sess_id", "-in", kept, "-noout", "-text"], capture_output=True, text=True).stdout
        assert "Max Early Data: 0" in told or "Max Early Data" not in told, told
        again = s_client(world, "-sess_in", kept, "-ign_eof", "-quiet", stdin=ask)
        assert " 401 " in again.out.splitlines()[0], again


def test_TLS_1_sslscan_finds_1_3_alone_and_aead(world):
    """A judge that no one here wrote; its report as XML."""
    done = proc.command(world.client, ["sslscan", "--xml=-", "--show-certificate", f"--sni-name={world.name}", f"{world.public}:{world.port}"])
    assert done.code == 0, done
    found = xml.etree.ElementTree.fromstring(done.out[done.out.index("<?xml"):]).find("ssltest")
    assert {(p.get("type"), p.get("version")) for p in found.findall("protocol") if p.get("enabled") == "1"} == {("tls", "1.3")}
    ciphers = {c.get("cipher") for c in found.findall("cipher")}
    assert ciphers and ciphers <= {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}, ciphers

    for wrong in ("renegotiation", "compression"):
        assert all(x.get("supported") == "0" for x in found.findall(wrong)), wrong
    assert all(h.get("vulnerable") == "0" for h in found.findall("heartbleed"))


# ---- ANC-2, ZT-1: guesses ----

def raw(world, text):
    """What a stranger gets for one request: status line, fields without what differs by nature, body."""
    context = ssl.create_default_context(cafile=world.ca)

    def run():
        with socket.create_connection((world.public, world.port), 10) as c, \
                context.wrap_socket(c, server_hostname=world.name) as tls:
            tls.settimeout(10)
            tls.sendall(text.encode())
            return read_all(tls)
    head, _, body = world.client.run(run).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = sorted(line for line in lines[1:] if not line.lower().startswith(("date:", "sallyport-request", "x-request")))
    return lines[0], fields, body


def test_ANC_2_without_a_login_what_exists_looks_like_what_does_not(world):
    app, user = world.records["echo"]["id"], world.console.call("GET", "/users")["items"][0]["id"]
    nothing = secrets.token_urlsafe(16)
    ask = lambda path: raw(world, f"GET {path} HTTP/1.1\r\nHost: {world.name}:{world.port}\r\nConnection: close\r\n\r\n")
    for there, absent in ((f"/api/v1/apps/{app}", f"/api/v1/apps/{nothing}"), (f"/api/v1/users/{user}", f"/api/v1/users/{nothing}"),
                          ("/denied?app=echo", "/denied?app=nosuchapp")):
        a, b = ask(there), ask(absent)
        drop = lambda answer: (answer[0], [f.replace(there.partition("=")[2] or "\0", "").replace(absent.partition("=")[2] or "\0", "")
                                           for f in answer[1]], len(answer[2]))
        assert drop(a) == drop(b), (a, b)
        assert not a[0].startswith("HTTP/1.1 200"), a
    assert not any(f.lower().startswith("server:") for f in ask("/")[1])


def test_ANC_2_a_tunnel_without_a_grant_is_told_nothing(world):
    """An invented grant, one for an app that exists, none at all: one answer, and no word of what is behind."""
    answers = {probe.present(world, text) for text in ("v4.public.AAAA", "v4.public." + secrets.token_urlsafe(200), "x", "")}
    assert answers <= {(400, None), (401, None)}, answers


def test_ZT_1_what_is_not_registered_cannot_be_reached_by_any_guess(world, anna):
    before = int(world.connector_node.run(lambda: read_all(socket.create_connection((world.private, 7008)))).split()[1])
    gone = world.console.add_app("for-a-moment", world.site, world.private, 7001)
    world.console.call("DELETE", f"/apps/{gone['id']}", headers={"If-Match": f'"{gone["version"]}"'})
    guesses = ["nosuchapp", f"{world.private}:7008", f"{world.private}", "localhost:7008", "127.0.0.1:7480", "for-a-moment", gone["id"],
               secrets.token_urlsafe(16), "A" * 22, "echo:7008", "../echo", "echo/7008"]
    told = set()
    for guess in guesses:
        done = anna.run("connect", "--stdio", "--", guess, stdin=b"x")
        assert done.code in (1, 2, 5) and done.out == "", (guess, done)
        told.add(done.code)
    assert 5 in told
    # and by one who speaks the protocol without an agent: the very same answer as for an app that she may not see
    word = (anna.home / ".local/state/sallyport/device.key").read_text().split()[2]

    def ask():
        channel = probe.Channel((world.public, world.port), world.name, world.ca, probe.Key(probe.bytes64(word)))
        try:
            return [channel.call("session.open", app=name) for name in ("nosuchapp", "payroll", gone["id"], f"{world.private}:7008")]
        finally:
            channel.close()
    anna.agent.stop()
    try:
        answers = world.client.run(ask)
    finally:
        anna.restart_agent()
    for answer in answers:
        assert "grant" not in answer and answer.get("decision") != "allow", answer
    plain = [{k: v for k, v in a.items() if k not in ("i", "re", "ref", "request", "session", "id", "time")} for a in answers[:3]]
    assert str(plain[0]).replace("nosuchapp", "") == str(plain[1]).replace("payroll", ""), plain
    after = int(world.connector_node.run(lambda: read_all(socket.create_connection((world.private, 7008)))).split()[1])
    assert after - before <= 1 + 1, "the connector dialled what nobody registered"  # this question itself; add_app checks nothing there


# ---- TM-23: a neighbour on the LAN ----

def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def syn(source, target, sport, dport):
    tcp = struct.pack(">HHIIBBHHH", sport, dport, 4711, 0, 5 << 4, 2, 64240, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack(">BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, socket.inet_aton(source), socket.inet_aton(target))
    return ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:] + tcp


class Neighbour:
    """A machine on the client's cable that writes frames as it likes: to addresses that no router would carry."""

    def __init__(self, world):
        self.node = net.Node("neighbour")
        self.link = net.Link(world._addresses, self.node, world.client)
        self.world = world
        interface = proc.command(world.client, ["ip", "-o", "addr", "show", "to", self.link.b]).out.split()[1]
        self.mac = proc.command(world.client, ["ip", "-o", "link", "show", interface]).out.split("link/ether ")[1].split()[0]
        mine = next(n for n in self.node.run(socket.if_nameindex) if n[1] != "lo")[1]
        own = proc.command(self.node, ["ip", "-o", "link", "show", mine]).out.split("link/ether ")[1].split()[0]
        net.ip("-n", world.client.name, "neigh", "replace", self.link.a, "lladdr", own, "dev", interface)  # nobody asks in 127's name
        # a client that was set up as badly as can be: loopback addresses are taken from the cable
        for name in ("all", interface):
            world.client.run(pathlib.Path(f"/proc/sys/net/ipv4/conf/{name}/route_localnet").write_text, "1")
            world.client.run(pathlib.Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter").write_text, "0")
            world.client.run(pathlib.Path(f"/proc/sys/net/ipv4/conf/{name}/accept_local").write_text, "1")

    def flags(self, target, port):
        """The TCP flags of the answer to one SYN; 0: none came within 2 s."""
        mine = next(n for n in self.node.run(socket.if_nameindex) if n[1] != "lo")[1]

        def run():
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as s:
                s.bind((mine, 0x0800))
                sport = 20000 + secrets.randbelow(20000)
                own = s.getsockname()[4]
                frame = bytes.fromhex(self.mac.replace(":", "")) + own + b"\x08\x00" + syn(self.link.a, target, sport, port)
                s.send(frame)
                end = time.monotonic() + 2
                while (left := end - time.monotonic()) > 0 and select.select([s], [], [], left)[0]:
                    packet = s.recv(2048)[14:]
                    at = (packet[0] & 15) * 4
                    if packet[9] == 6 and struct.unpack(">HH", packet[at:at + 4]) == (port, sport):
                        return packet[at + 13]
                return 0
        return self.node.run(run)


SYN_ACK, RST = 0x12, 0x04


def test_TM_23_a_neighbour_on_the_cable_reaches_no_local_address(world, anna):
    with dial(world, anna, "echo") as mine:
        mine.sendall(b"x")
        assert mine.recv(1) == b"x"
    address, port = anna.address_of("echo")
    neighbour = Neighbour(world)
    # such a listener as everybody writes is reached from the cable here, or the rest would prove nothing
    plain = world.client.run(socket.create_server, (address, 4242))
    try:
        assert neighbour.flags(address, 4242) == SYN_ACK
    finally:
        plain.close()
    assert neighbour.flags(address, port) & SYN_ACK != SYN_ACK

    def refused():
        try:
            socket.create_connection((neighbour.link.b, port), 3).close()
        except ConnectionRefusedError:
            return True
    assert neighbour.node.run(refused), "the app's port answers on the LAN address"
    with dial(world, anna, "echo") as mine:
        mine.sendall(b"y")
        assert mine.recv(1) == b"y"


# ---- LOAD-8: one person, many streams ----

POLICY_WITH_ADMINS = worlds.POLICY + "      - {name: admins, when: {groups: [builtin/admins], mfa: {max_age: 12h}}}\n"


def test_LOAD_8_one_person_s_streams_have_a_cap_and_others_do_not_feel_it(world, anna, ada):
    world.console.put_policy(POLICY_WITH_ADMINS)
    held, refused = [], 0
    try:
        with dial(world, ada, "echo") as other:
            other.settimeout(20)
            for _ in range(400):
                try:
                    c = dial(world, anna, "echo")
                    c.settimeout(10)
                    held.append(c)
                    c.sendall(b"x")
                    if c.recv(1) != b"x":
                        refused += 1
                except OSError:
                    refused += 1
            assert refused > 0 and 200 <= len(held) - refused <= 256, (len(held), refused)
            began = time.monotonic()
            other.sendall(b"still")
            assert other.recv(5, socket.MSG_WAITALL) == b"still"
            assert time.monotonic() - began < 2
    finally:
        for c in held:
            c.close()
        world.console.put_policy(worlds.POLICY)

    def again():
        with dial(world, anna, "echo") as c:
            c.settimeout(5)
            c.sendall(b"x")
            return c.recv(1) == b"x"
    proc.until("the streams are given back", 20, again)


# ---- INC-14: a key speaks for itself ----

def key_of(path):
    return probe.Key(probe.bytes64(path.read_text().split()[2]))


def device_of(world, name):
    user = next(u["id"] for u in world.console.call("GET", "/users")["items"] if u["name"] == name)
    return next(d["id"] for d in world.console.call("GET", "/devices")["items"] if user in str(d) or d.get("user") == name)


def closed_with(world, *arguments, **more):
    """The refusal of a channel, or the id that its welcome names."""
    def ask():
        try:
            channel = probe.Channel((world.public, world.port), world.name, world.ca, *arguments, **more)
        except ConnectionError as e:
            return str(e)
        channel.close()
        return channel.welcome.get("id")
    return world.client.run(ask)


def test_INC_14_a_key_that_claims_another_s_id_is_refused_and_recorded(world, anna, carl):
    """For each kind of peer: device, connector, relay; and with a kind that the key does not have."""
    mine, theirs = device_of(world, "anna"), device_of(world, "carl")
    key = key_of(anna.home / ".local/state/sallyport/device.key")
    connector = world.console.call("GET", "/connectors")["items"][0]["id"]
    relay = world.console.call("GET", "/relays")["items"][0]["id"]
    anna.agent.stop()
    try:
        assert closed_with(world, key, claim=mine) == mine
        assert closed_with(world, key) == mine
        for claim in (theirs, connector, relay):
            assert closed_with(world, key, claim=claim).startswith("closed 44"), claim
        stranger = probe.Key()  # a device that nobody knows may name an id that nobody has, and gets none
        assert closed_with(world, stranger, claim=theirs) is None
        # the kind is signed, and a device's key is no connector's or relay's: nothing of theirs comes with it
        for kind in ("connector", "relay"):
            told = closed_with(world, key, kind=kind, claim=connector if kind == "connector" else relay)
            assert told is None or told.startswith("closed"), (kind, told)
    finally:
        anna.restart_agent()
    records = [r for r in world.console.audit(action="proof.refuse") if r["result"] == "denied"]
    assert sum(mine in str(r) for r in records) >= 3, records


def test_INC_14_no_call_of_an_agent_reaches_what_is_another_s(world, anna, carl):
    """Every call that an agent has, with ids of somebody else wherever an id fits: the session of anna stands, and nothing of
    hers is told."""
    carried = dial(world, anna, "echo")
    carried.sendall(b"one")
    session = next(s for s in world.console.call("GET", "/sessions")["items"] if "anna" in str(s) and "echo" in str(s))
    mine = device_of(world, "anna")
    carl.agent.stop()
    key = key_of(carl.home / ".local/state/sallyport/device.key")
    id = session["id"]

    def ask(calls):
        """Each call's answer; None: there was none before that of a question at the end, to which everybody has an answer."""
        channel = probe.Channel((world.public, world.port), world.name, world.ca, key)
        try:
            return channel.gather([*calls, ("app.list", {})])[:-1]
        finally:
            channel.close()
    try:
        foreign = world.client.run(ask, [
            ("live.delta", {"closed": [{"session": id, "up": 0, "down": 0, "why": "x"}]}), ("live.list", {"sessions": [], "last": True}),
            ("audit", {"action": "incident", "session": id, "why": "x"}), ("api.keys", {}), ("api.report", {}), ("boot", {"boot": id}),
            ("stand.at", {"at": []})])
        own = world.client.run(ask, [
            ("session.end", {"session": id}), ("session.open", {"app": "echo", "session": id}), ("session.open", {"app": "echo", "device": mine}),
            ("why", {"app": "echo", "device": mine, "session": id}), ("login.end", {"device": mine})])
    finally:
        carl.agent.start().wait_ready()
        carl._addresses = {}
        carl.login()  # login.end was his own, whatever it named
    for answer in own:
        assert answer is None or "grant" not in answer and answer.get("decision") != "allow", answer
        assert "anna" not in str(answer) and mine not in str(answer), answer
    for answer in [own[0], *foreign]:
        assert answer is None or "error" in answer or "code" in answer, answer
    assert session["id"] in [s["id"] for s in world.console.call("GET", "/sessions")["items"]], "another's session was ended"
    carried.sendall(b"two")
    carried.shutdown(socket.SHUT_WR)
    assert read_all(carried).startswith(b"onetwo")
    carried.close()
