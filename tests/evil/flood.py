#!/usr/bin/env python3
"""flood MODE ADDRESS PORT NAME CA [SEED ID COUNT]: hostile clients as a program of their own. Prints one JSON object.

  claims     the connector with this key and id claims COUNT sessions that nobody granted
  messages   a device that nobody knows sends COUNT calls as fast as they go, on one channel after another
  strangers  COUNT devices that nobody knows open a channel each and keep it
  halves     connections that stop half-way, a sixth of COUNT of each kind, held until the server ends them
"""

import json
import os
import re
import select
import socket
import sys
import time

import speak


def connect_all(make, count):
    """What opens, and how many were turned away."""
    held, refused = [], 0
    for _ in range(count):
        try:
            held.append(make())
        except (speak.Closed, OSError):
            refused += 1
    return held, refused


def claims(where, seed, edge, count):
    """Answers no order to cut what it claims: the broker ends its channel 5 s after the first (CUT_ANSWER_MS), and it comes again."""
    key, sent, closed = speak.Key(speak.bytes64(seed)), 0, 0
    channel = speak.Channel(where, "connector", key)
    device, now = speak.Key().text, int(time.time() * 1000)
    new = lambda: speak.text64(os.urandom(16))
    while sent < count:
        page = [{"session": new(), "app": new(), "connector": edge, "relay": new(), "device": device, "policy": 1, "deadline": now + 10**7,
                 "opened": now, "up": 1, "down": 1} for _ in range(min(150, count - sent))]
        try:
            channel.send("live.delta", opened=page, closed=[], bytes=[])
        except OSError:
            closed += 1
            channel = speak.Channel(where, "connector", key)
        sent += len(page)
        if sent % 3000 == 0:  # 64 messages may wait there; one more ends the channel
            try:
                channel.call("session.open", app="echo")
            except (speak.Closed, OSError):
                closed += 1
                channel = speak.Channel(where, "connector", key)
    answered = "error" in channel.call("session.open", app="echo")  # after all of it, in order
    return {"claimed": sent, "alive": answered, "closed": closed}


def messages(where, count):
    sent, closes = 0, {}
    while sent < count:
        channel = speak.Channel(where, "device", speak.Key())
        for _ in range(400):
            channel.send("app.list")
            sent += 1
        code = 0
        try:
            channel.tls.socket.settimeout(5)
            while channel.read():
                pass
        except speak.Closed as closed:
            code = closed.code
        channel.close()
        closes[code] = closes.get(code, 0) + 1
    return {"sent": sent, "closes": closes}


def strangers(where, count):
    held, refused = connect_all(lambda: speak.Channel(where, "device", speak.Key()), count)
    for channel in held:
        channel.close()
    return {"open": len(held), "refused": refused}


UNREAD_S = 26


def halves(where, count):
    address, name, ca = where
    hello = bytes.fromhex("160301010001")  # a record of 256 bytes, of which one comes

    def plain(data):
        s = socket.create_connection(address, 5)
        s.sendall(data)
        return s

    def shaken(data, room=None):
        tls = speak.probe.Tls(address, name, ca, room=room)
        tls.send(data)
        return tls.socket, tls

    host = f"HTTP/1.1\r\nHost: {name}".encode()
    page = shaken(b"GET /apps " + host + b"\r\nConnection: close\r\n\r\n")[1]
    script = re.search(rb'src="(/[^"]+\.js)"', b"".join(iter(page.receive, b"")))[1]  # the largest answer that anybody gets

    # those that say no whole hello come last: while they stand, this address gets no further ones
    makers = {"half a head": lambda: shaken(b"GET /control " + host),
              "half a body": lambda: shaken(b"POST /api/v1/session " + host + b"\r\nContent-Length: 9\r\n\r\n{"),
              "an answer not taken": lambda: shaken(b"GET " + script + b" " + host + b"\r\n\r\n", 4096),
              "no proof": lambda: (lambda w: (w.tls.socket, w))(speak.Wire(where)),
              "nothing": lambda: (plain(b""),), "half a hello": lambda: (plain(hello),)}
    began, waiting, cut = time.monotonic(), {}, {}
    for kind, make in makers.items():
        for kept in connect_all(make, count // len(makers))[0]:
            waiting[kept[0]] = kind, kept, time.monotonic()
            kept[0].setblocking(False)
    unread = [s for s, (kind, *_) in waiting.items() if kind == "an answer not taken"]
    while waiting and time.monotonic() - began < 45:
        late = time.monotonic() - began > UNREAD_S  # now it is read: what came before the cut, and the cut
        for s in select.select([s for s in waiting if late or s not in unread], [], [], 1)[0]:
            try:
                ended = not s.recv(65536)
            except BlockingIOError:
                continue
            except OSError:
                ended = True
            if ended:
                kind, _, at = waiting.pop(s)
                cut.setdefault(kind, []).append(round(time.monotonic() - at, 1))
                s.close()
    return {"cut": {k: [len(v), max(v)] for k, v in cut.items()}, "left": sorted(k for k, *_ in waiting.values())}


def main(mode, address, port, name, ca, seed="", edge="", count="100"):
    os.nice(19)  # an attacker has a machine of its own
    where, count = ((address, int(port)), name, ca), int(count)
    print(json.dumps(claims(where, seed, edge, count) if mode == "claims" else
                     {"messages": messages, "strangers": strangers, "halves": halves}[mode](where, count)))


if __name__ == "__main__":
    main(*sys.argv[1:])
