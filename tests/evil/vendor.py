#!/usr/bin/env python3
"""vendor ADDRESS PORT FOLDER: CrowdStrike's and Microsoft's device APIs, as far as a feed asks them, over TLS; and their bad days.

What it says stands in FOLDER/says.json, read at each request; what it was asked in FOLDER/asked.jsonl:

    secret    the client's, that the token endpoint wants
    falcon    list of assessments, answered in pages of 2 ids
    intune    list of managed devices, answered in pages of 2
    mode      {"": how it answers}: the key is a part of the path ("token", "queries", "entities", "managedDevices", "" for all),
              the value a name of MODES below
FOLDER also holds cert.pem and key.pem.
"""

import http.server
import json
import pathlib
import ssl
import sys
import time
import urllib.parse

TOKEN = "vendor-token-abc.def"
MIB = 1 << 20


def status(code, **headers):
    return lambda h: h.say(json.dumps({"errors": [{"code": code, "message": "no"}]}).encode(), code,
                           {k.replace("_", "-"): v for k, v in headers.items()})


def hang(h):
    time.sleep(120)


def cut(h):
    h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"resources\": [")
    h.close_connection = True


MODES = {
    "401": status(401), "403": status(403), "404": status(404), "500": status(500), "503": status(503),
    "429": status(429, Retry_After="3600"), "429 soon": status(429, Retry_After="1"),
    "redirect": status(308, Location="https://elsewhere.example.test/"),
    "hang": hang,
    "cut": cut,
    "10 MiB": lambda h: h.say(b'{"resources":[],"value":[]' + b" " * (10 * MIB) + b"}"),
    "broken": lambda h: h.say(b'{"resources": [{"aid": "'),
    "html": lambda h: h.say(b"<html>maintenance</html>", kind="text/html"),
    "deep": lambda h: h.say(b'{"resources":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "no list": lambda h: h.say(b'{"resources": {}, "value": {}}'),
    "elsewhere": lambda h: h.say(json.dumps({"value": [], "@odata.nextLink": "https://elsewhere.example.test/next"}).encode()),
    "plain http": lambda h: h.say(json.dumps({"value": [], "@odata.nextLink": f"http://{h.headers['Host']}/next"}).encode()),
    "circle": lambda h: h.say(json.dumps({"value": [], "@odata.nextLink": f"https://{h.headers['Host']}{h.path}"}).encode()),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def say(self, body, code=200, headers=None, kind="application/json"):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer(self, form=None):
        says = json.loads((FOLDER / "says.json").read_text())
        with open(FOLDER / "asked.jsonl", "a", encoding="utf-8") as log:
            print(json.dumps({"path": self.path, "at": time.time(), "authorization": self.headers.get("Authorization") is not None}), file=log)
        for part, mode in says.get("mode", {}).items():
            if part in self.path:
                return MODES[mode](self)
        if form is not None:
            if form.get("client_secret") != [says["secret"]]:
                return status(401)(self)
            return self.say(json.dumps({"access_token": TOKEN, "token_type": "bearer", "expires_in": 1799}).encode(), 201)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return status(401)(self)
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        kind = {"/zero-trust-assessment/queries/assessments/v1": self.ids, "/zero-trust-assessment/entities/assessments/v1": self.details,
                "/v1.0/deviceManagement/managedDevices": self.managed}.get(url.path)
        return kind(says, query) if kind else status(404)(self)

    def ids(self, says, query):
        assert query["filter"] == ["score:>=0"] and query["sort"] == ["score|desc"], query
        at = int(query.get("after", ["0"])[0])
        page = says.get("falcon", [])[at:at + 2]
        more = str(at + 2) if at + 2 < len(says.get("falcon", [])) else ""
        self.say(json.dumps({"meta": {"pagination": {"after": more, "limit": 1000}},
                             "resources": [{"aid": d["aid"], "score": 1} for d in page]}).encode())

    def details(self, says, query):
        self.say(json.dumps({"resources": [d for d in says.get("falcon", []) if d["aid"] in query["ids"]]}).encode())

    def managed(self, says, query):
        assert "$select" in query or "$skiptoken" in query, query
        at = int(query.get("$skiptoken", ["0"])[0])
        answer = {"value": says.get("intune", [])[at:at + 2]}
        if at + 2 < len(says.get("intune", [])):
            answer["@odata.nextLink"] = f"https://{self.headers['Host']}/v1.0/deviceManagement/managedDevices?$skiptoken={at + 2}"
        self.say(json.dumps(answer).encode())

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer(urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    FOLDER = pathlib.Path(sys.argv[3])
    server = http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler)
    server.daemon_threads = True
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(FOLDER / "cert.pem", FOLDER / "key.pem")
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()
