"""served: what the vulnerable applications of this folder have in common: requests over HTTP/1.1 to handlers, JSON back.

Each trusts whoever can reach it. No flaw in them is an accident: each is named where it stands."""

import base64
import hashlib
import hmac
import http.client
import http.server
import json
import re
import socketserver
import urllib.parse


class Api(http.server.BaseHTTPRequestHandler):
    """`routes`: [(method, pattern of the path, handler)]; a handler gets this object, the query and the pattern's groups."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one segment
    routes = ()

    def log_message(self, *_):
        pass

    def answer(self, status, value, kind="application/json"):
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def text(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def body(self):
        """Of two members of one name the last counts, as with most readers of JSON."""
        text = self.text()
        return json.loads(text) if text else {}

    def pairs(self):
        """The members of the object in the body, each."""
        return json.loads(self.text(), object_pairs_hook=list)

    def fetch(self, url):
        """Whatever it is told."""
        where = urllib.parse.urlsplit(url)
        try:
            connection = http.client.HTTPConnection(where.hostname, where.port or 80, timeout=2)
            connection.request("GET", where.path or "/")
            return connection.getresponse().status
        except OSError as e:
            return str(e)

    def serve(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        for method, pattern, handler in self.routes:
            match = re.fullmatch(pattern, url.path)
            if match and method == self.command:
                return handler(self, query, *map(urllib.parse.unquote, match.groups()))
        return self.answer(404, {"error": "no such thing"})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def encode(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def sign(claims, key):
    """A JWT of the kind that these applications issue: HS256 with a word anybody guesses; without a key, alg none."""
    head = encode(json.dumps({"alg": "HS256" if key else "none", "typ": "JWT"}).encode()) + "." + encode(json.dumps(claims).encode())
    return head + "." + (encode(hmac.new(key.encode(), head.encode(), hashlib.sha256).digest()) if key else "")


def claims_of(api, key, none=False):
    """The claims of the request's bearer token, {} without a good one; `none`: takes unsigned ones, too."""
    token = (api.headers.get("Authorization") or "").removeprefix("Bearer ")
    head, _, rest = token.partition(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(rest.split(".")[0] + "=="))
        unsigned = none and json.loads(base64.urlsafe_b64decode(head + "==")).get("alg") == "none"
    except ValueError:
        return {}
    return claims if unsigned or token == sign(claims, key) else {}
