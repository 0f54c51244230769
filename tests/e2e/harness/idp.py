#!/usr/bin/env python3
"""idp ADDRESS PORT FOLDER: an authorization server's public half: a key set and token introspection.

What it says lies in files that a test changes: jwks.json; introspect.json, from token to answer; mode, one of
ok, down (500), slow (no answer), html (the right JSON as text/html). Each question is one line of asked.jsonl."""

import http.server
import json
import pathlib
import sys
import time
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def say(self, body, status=200, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def note(self, **what):
        with open(FOLDER / "asked.jsonl", "a", encoding="utf-8") as log:
            print(json.dumps({"path": self.path, "authorization": self.headers.get("Authorization"), **what}), file=log)

    def mode(self):
        mode = (FOLDER / "mode").read_text().strip()
        if mode == "slow":
            time.sleep(30)
        return mode

    def do_GET(self):
        self.note()
        if self.mode() == "down":
            return self.say(b"{}", 500)
        return self.say((FOLDER / "jwks.json").read_bytes())

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token = form["token"][0]
        self.note(token=token)
        mode = self.mode()
        if mode == "down":
            return self.say(b"{}", 500)
        answer = json.loads((FOLDER / "introspect.json").read_text()).get(token, {"active": False})
        return self.say(json.dumps(answer).encode(), kind="text/html" if mode == "html" else "application/json")

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    FOLDER = pathlib.Path(sys.argv[3])
    http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
