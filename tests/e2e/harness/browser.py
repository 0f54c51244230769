"""browser: what a person's browser does at Sallyport's pages, over real sockets of a node.

Follows redirects, keeps cookies by host, sends Origin and Sec-Fetch-* as a browser would, fills
forms. TLS is verified against the system's CAs plus those given; there is no way around it.
"""

import base64
import hashlib
import hmac
import html.parser
import http.client
import json
import re
import ssl
import struct
import time
import urllib.parse


def totp(secret_base32, at=None, step=30, digits=6):
    """RFC 6238 with SHA-1: the code of a common authenticator app."""
    key = base64.b32decode(secret_base32.replace(" ", "").upper() + "=" * (-len(secret_base32.replace(" ", "")) % 8))
    mac = hmac.new(key, struct.pack(">Q", int((time.time() if at is None else at) // step)), hashlib.sha1).digest()
    start = mac[-1] & 15
    return str((struct.unpack(">I", mac[start:start + 4])[0] & 0x7FFFFFFF) % 10**digits).zfill(digits)


class Form:
    def __init__(self, attributes):
        self.action = attributes.get("action", "")
        self.method = attributes.get("method", "get").lower()
        self.fields, self.typed, self.buttons = {}, set(), []  # typed: what a person fills in

    def __repr__(self):
        return f"<{self.method} {self.action} {self.fields} {self.buttons}>"


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms, self.links, self.words, self._form, self._silent = [], [], [], None, 0

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form":
            self._form = Form(a)
            self.forms.append(self._form)
        elif tag in ("script", "style"):
            self._silent += 1
        elif tag == "a" and a.get("href"):
            self.links.append(a["href"])
        elif self._form is not None and tag in ("input", "button", "select", "textarea"):
            kind = a.get("type", "submit" if tag == "button" else "text")
            if kind in ("submit", "image"):
                self._form.buttons.append((a.get("name"), a.get("value") or ""))
            elif a.get("name") and not (kind in ("checkbox", "radio") and "checked" not in a):
                self._form.fields[a["name"]] = a.get("value") or ""
                if kind != "hidden":
                    self._form.typed.add(a["name"])

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag in ("script", "style"):
            self._silent -= 1

    def handle_data(self, data):
        if not self._silent and data.strip():
            self.words.append(data.strip())


class Page:
    def __init__(self, url, status, headers, body):
        self.url, self.status, self.headers, self.body = url, status, headers, body
        kind = (headers.get("Content-Type") or "").lower()
        self.html = body.decode("utf-8", "replace") if "html" in kind or "text" in kind else ""
        reader = _Reader()
        reader.feed(self.html)
        self.forms, self.links, self.text = reader.forms, reader.links, " ".join(reader.words)

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.url}\n{self.text or self.body[:400]}"


class Browser:
    """One person's browser on one node; `uid` owns its sockets."""

    def __init__(self, node, ca_files=(), timeout=20, uid=0):
        self.node, self.timeout, self.uid, self.page = node, timeout, uid, None
        self._cookies = {}  # (host, name) -> value
        self._tls = ssl.create_default_context()
        for ca in ca_files:
            self._tls.load_verify_locations(ca)

    # ---- one request ----

    def _exchange(self, method, url, body, headers):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(parts.hostname, parts.port or 443, timeout=self.timeout, context=self._tls)
        else:
            connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=self.timeout)
        try:
            target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
            connection.request(method, target, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def request(self, method, url, body=None, headers=None, origin=None, follow=True, navigate=True):
        """Sends one request and, when told to, follows where it leads; the last page."""
        for _ in range(20):
            parts = urllib.parse.urlsplit(url)
            own = f"{parts.scheme}://{parts.netloc}"
            cookies = "; ".join(f"{n}={v}" for (host, n), v in self._cookies.items() if host == parts.netloc)
            site = "none" if origin is None else "same-origin" if origin == own else "cross-site"
            send = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8" if navigate else "application/json",
                    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) SallyportTest/1", "Accept-Language": "en",
                    "Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate" if navigate else "cors",
                    "Sec-Fetch-Dest": "document" if navigate else "empty", **(headers or {})}
            if cookies:
                send["Cookie"] = cookies
            if origin and method != "GET":
                send["Origin"] = origin
            status, answer, content = self.node.run_as(self.uid, self._exchange, method, url, body, send)
            for line in answer.get_all("Set-Cookie") or []:
                self._keep(parts.netloc, line)
            if follow and status in (301, 302, 303, 307, 308) and answer.get("Location"):
                url = urllib.parse.urljoin(url, answer["Location"])
                if status in (301, 302, 303):
                    method, body = "GET", None
                    headers = {k: v for k, v in (headers or {}).items() if k.lower() not in ("content-type",)}
                continue
            self.page = Page(url, status, answer, content)
            return self.page
        raise AssertionError(f"more than 20 redirects, the last to {url}")

    def _keep(self, host, line):
        first, *attributes = [part.strip() for part in line.split(";")]
        name, _, value = first.partition("=")
        gone = any(re.fullmatch(r"(?i)max-age=(0|-\d+)", a) for a in attributes) or not value
        if gone:
            self._cookies.pop((host, name), None)
        else:
            self._cookies[(host, name)] = value

    def cookie(self, name):
        return next((v for (_, n), v in self._cookies.items() if n == name), None)

    # ---- what a person does ----

    def get(self, url, **more):
        return self.request("GET", url, **more)

    def submit(self, form, values=None, button=0):
        """Sends a form of the current page, with these values typed in."""
        fields = {**form.fields, **(values or {})}
        if form.buttons and form.buttons[button][0]:
            fields[form.buttons[button][0]] = form.buttons[button][1]
        here = urllib.parse.urlsplit(self.page.url)
        target = urllib.parse.urljoin(self.page.url, form.action or self.page.url)
        text = urllib.parse.urlencode(fields)
        if form.method == "get":
            return self.get(f"{target}?{text}")
        return self.request("POST", target, text.encode(), {"Content-Type": "application/x-www-form-urlencoded"},
                            origin=f"{here.scheme}://{here.netloc}")

    def api(self, base, method, path, value=None, headers=None):
        """One call of the REST API as the console makes it, proved by this browser's ticket."""
        send = {"Sallyport-Console": "1", **(headers or {})}
        if value is not None:
            send["Content-Type"] = "application/json"
        body = None if value is None else json.dumps(value).encode()
        return self.request(method, f"{base}{path}", body, send, origin=base, follow=False, navigate=False)


class Person:
    """Someone with a password and an authenticator app, who knows what to type where."""

    def __init__(self, name, password, secret=None):
        self.name, self.password, self.secret = name, password, secret
        self._last_code = None

    def code(self):
        """A code that was not used before: a second one in the same 30 s would be a replay."""
        while True:
            code = totp(self.secret)
            if code != self._last_code:
                self._last_code = code
                return code
            time.sleep(0.2)

    def walk(self, browser, url, done, pages=12):
        """From url through every page, until done(page); the last page. Reads the TOTP secret where
        it is shown for enrolment."""
        page = browser.get(url)
        seen = []
        for _ in range(pages):
            if done(page):
                return page
            seen.append(f"{page.status} {urllib.parse.urlsplit(page.url).path}")
            form = next((f for f in page.forms if f.method == "post"), None)
            if page.status >= 400 or (form is None and not page.links):
                break
            if form is not None:
                page = browser.submit(form, self._typed(page, form))
            else:  # a provider to choose, codes to keep: one button that is a link
                page = browser.get(urllib.parse.urljoin(page.url, page.links[0]))
        raise AssertionError(f"{self.name} cannot go on after {' > '.join(seen)}: {page}")

    def _typed(self, page, form):
        typed = {}
        for field in form.typed:
            low = field.lower()
            if low in ("username", "user", "login", "email"):
                typed[field] = self.name
            elif low == "password":
                typed[field] = self.password
            elif low in ("code", "totp", "otp"):
                shown = re.search(r"secret=([A-Z2-7]{16,})", page.html) or re.search(r"\b((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})\b", page.text)
                if shown:
                    self.secret = shown[1].replace(" ", "")
                typed[field] = self.code()
        return typed
