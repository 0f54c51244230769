"""inside: what a liar says under the inner TLS, where HTTP/2 is spoken (DATAPATH: lib/tunnel/streams), as bytes for tests/evil/agent.c.

No library makes them, since none would. Header fields are literals without an index, so both ends' tables stay as they are.
`lies(app)` are false: the session ends. `refused(app)` are streams that are not to be had. `floods(app)` are much of what is allowed."""

import struct

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITISED = 1, 1, 4, 8, 32
OURS = 101  # no stream of the honest part has such a number


def frame(kind, stream=0, body=b"", flags=0, size=None):
    return struct.pack(">I", len(body) if size is None else size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def text(s):
    data = s if isinstance(s, bytes) else s.encode()
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, out = len(data) - 127, b"\x7f"
    while rest > 127:
        out, rest = out + bytes([rest & 127 | 128]), rest >> 7
    return out + bytes([rest]) + data


def fields(*pairs):
    return b"".join(b"\0" + text(k) + text(v) for k, v in pairs)


def ask(stream, authority, *more, method="CONNECT", flags=END_HEADERS):
    return frame(HEADERS, stream, fields((":method", method), (":authority", authority), *more), flags)


def reset(stream, code=8):
    return frame(RST, stream, struct.pack(">I", code))


def window(stream, more):
    return frame(WINDOW, stream, struct.pack(">I", more))


def settings(*pairs):
    return frame(SETTINGS, 0, b"".join(struct.pack(">HI", k, v) for k, v in pairs))


def lies(app):
    to = f"{app}:0"
    opened = ask(OURS, to)
    return {
        "data on no stream": frame(DATA, 0, b"x"),
        "data on a stream that never was": frame(DATA, OURS, b"x"),
        "data behind its end": opened + frame(DATA, OURS, b"x", END_STREAM) + frame(DATA, OURS, b"x"),
        "padding longer than its frame": opened + frame(DATA, OURS, b"\xffx", PADDED),
        "a frame of 16 MiB": frame(DATA, OURS, b"", size=0xffffff) + b"x" * 65536,
        "a frame cut short, then more": frame(PING, 0, b"1234", size=8) + frame(PING, 0, b"12345678", ACK),
        "an even stream": ask(OURS + 1, to),
        "a stream of itself": frame(HEADERS, OURS, struct.pack(">IB", OURS, 1) + fields((":method", "CONNECT"), (":authority", to)),
                                    END_HEADERS | PRIORITISED),
        "a stream twice": opened + opened,
        "header bytes that are none": frame(HEADERS, OURS, b"\xff" * 100, END_HEADERS),
        "a table of 2^31": frame(HEADERS, OURS, b"\x3f\xe1\xff\xff\xff\x07" + fields((":method", "CONNECT"), (":authority", to)), END_HEADERS),
        "an index of nothing": frame(HEADERS, OURS, b"\xff\xff\xff\x7f", END_HEADERS),
        "a header cut by another frame": ask(OURS, to, flags=0) + frame(PING, 0, b"12345678"),
        "the rest of no header": frame(CONTINUATION, OURS, b"", END_HEADERS),
        "a window of 0": window(0, 0),
        "a window over 2^31": window(0, 0x7fffffff) + window(0, 0x7fffffff),
        "a window of a stream that never was": window(OURS, 1),
        "a window of 3 bytes": frame(WINDOW, 0, b"\0\0\1"),
        "settings that are half": frame(SETTINGS, 0, b"\0" * 5),
        "settings on a stream": frame(SETTINGS, OURS, b""),
        "settings said twice as taken": frame(SETTINGS, 0, b"\0" * 6, ACK),
        "a first window of 2^31": settings((4, 0x80000000)),
        "frames of 1 byte": settings((5, 1)),
        "push allowed, twice": settings((2, 7)),
        "a push": frame(PUSH, OURS, struct.pack(">I", 2) + fields((":method", "GET")), END_HEADERS),
        "a ping of 7 bytes": frame(PING, 0, b"1234567"),
        "a ping on a stream": frame(PING, OURS, b"12345678"),
        "a reset of nothing": reset(0),
        "a reset of a stream that never was": reset(OURS),
        "a reset of 3 bytes": opened + frame(RST, OURS, b"\0\0\1"),
        "a goodbye of 3 bytes": frame(GOAWAY, 0, b"\0\0\1"),
        "the greeting again": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP/1": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 10,
        "nothing that is anything": bytes(range(256)) * 64,
        "fields without an end": ask(OURS, to, flags=0) + frame(CONTINUATION, OURS, fields(("a", "b" * 4000)) * 4) * 400,
        "empty pieces of fields": ask(OURS, to, flags=0) + frame(CONTINUATION, OURS) * 100_000,
    }


def refused(app):
    """Each is one stream that is not to be had; the session may live."""
    to, other = f"{app}:0", f"{app[:-1]}{'B' if app[-1] != 'B' else 'A'}:0"
    big = fields((":method", "CONNECT"), (":authority", to), ("a", "b" * 60_000))
    return {
        "a number below the last": ask(OURS + 2, f"{app}:9") + ask(OURS, to),
        "another app": ask(OURS, other), "a host": ask(OURS, "127.0.0.1:22"), "a port that the app has not": ask(OURS, f"{app}:9"),
        "a port of 2^32": ask(OURS, f"{app}:4294967296"), "a port below 0": ask(OURS, f"{app}:-1"), "no port": ask(OURS, app),
        "a name and a NUL": ask(OURS, to + "\0"), "GET": ask(OURS, to, (":path", "/"), (":scheme", "https"), method="GET"),
        "no app": frame(HEADERS, OURS, fields((":method", "CONNECT")), END_HEADERS),
        "two apps": ask(OURS, to, (":authority", other)), "a path": ask(OURS, to, (":path", "/")),
        "a field of 60,000": frame(HEADERS, OURS, big[:16384]) + b"".join(
            frame(CONTINUATION, OURS, big[at:at + 16384], END_HEADERS if at + 16384 >= len(big) else 0) for at in range(16384, len(big), 16384)),
        "a name in capitals": ask(OURS, to, ("Host", "x")),
    }


def floods(app):
    to = f"{app}:0"
    return {
        "10,000 streams": b"".join(ask(OURS + 2 * i, to) for i in range(10_000)),
        "10,000 streams that are reset at once": b"".join(ask(OURS + 2 * i, to) + reset(OURS + 2 * i) for i in range(10_000)),
        "32 MiB on one stream": ask(OURS, to) + frame(DATA, OURS, b"x" * 16384) * 2000,
        "8 MB on 250 streams": b"".join(ask(OURS + 2 * i, to) + frame(DATA, OURS + 2 * i, b"x" * 16000) * 2 for i in range(250)),
        "a million pings": frame(PING, 0, b"12345678") * 1_000_000,
        "100,000 settings": settings((4, 65535)) * 100_000,
        "a million windows": window(0, 1) * 1_000_000,
        "a million priorities": frame(PRIORITY, OURS, struct.pack(">IB", 0, 1)) * 1_000_000,
        "a million frames of no kind": frame(0x77, 0, b"x") * 1_000_000,
        "a million empty pieces": ask(OURS, to) + frame(DATA, OURS) * 1_000_000,
        "a goodbye and on": frame(GOAWAY, 0, b"\0" * 8) + b"".join(ask(OURS + 2 * i, to) for i in range(300)),
    }


def heard(data):
    """The frames that the other end answered, as (kind, stream, flags, body)."""
    found, at = [], 0
    while at + 9 <= len(data):
        size = int.from_bytes(data[at:at + 3], "big")
        found.append((data[at + 3], int.from_bytes(data[at + 5:at + 9], "big") & 0x7fffffff, data[at + 4], data[at + 9:at + 9 + size]))
        at += 9 + size
    return found
