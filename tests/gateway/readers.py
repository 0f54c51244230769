"""What a reader of HTTP/1 has read, in one form: of read_tool (ours), and of echo.py behind another reader."""

import base64
import json
import re
import subprocess
import urllib.parse

# Between client and proxy, or written anew by every proxy.
OWN = {"host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "content-length", "upgrade", "expect", "proxy-connection",
       "http2-settings", "x-forwarded-for", "x-real-ip", "forwarded"}


def seen_in(got):
    """Of the bytes that came back: [status, or the request that reached the application]."""
    seen = []
    for status, head in re.findall(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n", got):
        told = re.search(rb"(?im)^X-Seen: (\S+)", head)
        if told:
            seen.append(json.loads(base64.b64decode(told[1])))
        elif status != b"100":
            seen.append(int(status))
    return seen


def ours(build, connections, slowly=False):
    """What read_tool says of each."""
    text = "".join(("." if slowly else "") + c.hex() + "\n" for c in connections)
    done = subprocess.run([build / "tests/gateway/read_tool"], input=text.encode(), capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def told(request):
    """A request of read_tool as `read` writes those of the echo."""
    plain = lambda h: bytes.fromhex(h).decode("latin-1")
    fields = [(plain(f["name"]), plain(f["value"])) for f in request["fields"]]
    return {"method": plain(request["method"]), "path": urllib.parse.unquote_to_bytes(bytes.fromhex(request["path"])),
            "query": bytes.fromhex(request["query"]), "fields": sorted(f for f in fields if f[0] not in OWN), "body": request["body"]}


def read(seen, dropped):
    """What the echo saw, in its one form. `dropped`: names in the request's Connection field."""
    target = seen["target"]
    if "://" in target[:8]:
        target = "/" + target.split("/", 3)[3] if target.count("/") > 2 else "/"
    path, _, query = target.partition("?")
    return {"method": seen["method"], "path": urllib.parse.unquote_to_bytes(path.encode("latin-1")), "query": query.encode("latin-1"),
            "fields": sorted((n, v) for n, v in seen["fields"] if n not in OWN and n not in dropped), "body": seen["body"]}


def named_in_connection(data):
    return {name.strip().lower().decode("latin-1") for line in re.findall(rb"(?im)^connection:(.*?)\r?$", data) for name in line.split(b",")}


def judge(data, said, seen):
    """"alike", or "stricter: …", or an AssertionError: the bytes mean something else to the second reader."""
    taken = [r for r in said["requests"] if r["whole"]]
    dropped = named_in_connection(data)
    for i, request in enumerate(taken):
        if i >= len(seen) or isinstance(seen[i], int):
            return f"stricter: {seen[i] if i < len(seen) else 'closed'}"
        mine = told(request)
        mine["fields"] = [f for f in mine["fields"] if f[0] not in dropped]
        theirs = read(seen[i], dropped)
        assert mine == theirs, f"request {i}: we read {mine}, it read {theirs}"
    more = [s for s in seen[len(taken):] if not isinstance(s, int)]
    if more and said["end"] == "closed":
        return "reads on where Connection says both close and keep-alive"  # we close: nobody reads what follows
    if said["end"] in ("idle", "cut"):
        assert not more, f"we read {len(taken)} requests to the end of the bytes, it read one more: {more[0]}"
    return "alike"
