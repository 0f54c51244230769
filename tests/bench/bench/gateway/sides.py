"""sides: the application, and the contenders in front of it, all on one loopback and each in one process.

    origin      nginx that answers at once (1 KiB of JSON), from a file, or slowly
    nginx       nginx 1.22 or newer as a plain reverse proxy: keep-alive on both sides, no log
    modsec      the same with ModSecurity 3 and the OWASP Core Rule Set, as Debian ships them
    tcp         Sallyport, the origin as a `tcp` app: bytes, nobody reads them
    gateway     Sallyport, an `http` app: identity fields, policy, a limit, the inventory
    full        the same with a document held to requests and answers, and all detectors in monitor"""

import json
import os
import pathlib

from harness import cage, proc

from bench.installation import Installation

from . import shop

ORIGIN, NGINX, MODSEC = 7301, 7302, 7303
BIG = 64 << 20

ORIGIN_CONF = """
  server {
    listen 127.0.0.1:%(port)d reuseport; root %(folder)s; default_type application/json; client_max_body_size 0;
    location /v1/ { return 200 '%(answer)s'; }
    location /big { default_type application/octet-stream; }
    location /events { default_type text/event-stream; }
    location /up { dav_methods PUT; client_body_buffer_size 256k; }
  }
"""
PROXY_CONF = """
  upstream origin { server 127.0.0.1:%(origin)d; keepalive 64; }
  server {
    listen 127.0.0.1:%(port)d reuseport; client_max_body_size 0; %(more)s
    location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }
  }
"""
NGINX_CONF = """
%(modules)s
daemon off; master_process off; pid %(folder)s/pid; error_log %(folder)s/error.log;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on;
  client_body_temp_path %(folder)s/body; proxy_temp_path %(folder)s/proxy; fastcgi_temp_path %(folder)s/fastcgi;
  uwsgi_temp_path %(folder)s/uwsgi; scgi_temp_path %(folder)s/scgi;
%(server)s
}
"""
MODSEC_CONF = """\
Include /etc/nginx/modsecurity.conf
SecRuleEngine On
SecAuditEngine Off
Include /etc/modsecurity/crs/crs-setup.conf
Include /usr/share/modsecurity-crs/rules/*.conf
"""
MODULE = "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so"
DOCUMENT = "bench-shop.json"

# `gateway`: what is on in the first goal of the table. Nobody meets the limit: it is there to be checked.
GATE = """\
identity: {headers: on}
methods: [GET, POST, PUT]
operations:
  - {match: "/v1/**", groups: [builtin/staff]}
rate:
  - {name: per-user, key: [user], rate: 1000000/s, burst: 1000000}
limits: {body: 1GiB, streams_per_user: 1000}
"""
OFF = """\
detectors: {bola: "off", enumeration: "off", credential: "off", exfiltration: "off", exposure: "off", function: "off", flow: "off", pollution: "off",
            scanner: "off", inventory: on}
input_rules: {mode: "off", path_traversal: "off", header_injection: "off"}
"""
FULL = f"openapi: {{file: {DOCUMENT}, request: block, response: block}}\n"
ASSERTION = GATE.replace("{headers: on}", "{headers: on, assertion: on, audience: shop}") + OFF
LIMITED = "rate:\n  - {name: site, key: [app], rate: RATE/s, burst: 50}\nlimits: {streams_per_user: 1000}\n" + OFF


class Nginx:
    """One nginx in one process, so that its processor time is that of its pid."""

    def __init__(self, node, name, logs, server, modules=""):
        folder = cage.WORK / "bench" / name
        for part in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
            (folder / part).mkdir(parents=True)
        self.folder = folder
        self.conf = folder / "nginx.conf"
        self.conf.write_text(NGINX_CONF % {"folder": folder, "server": server % {"folder": folder}, "modules": modules})
        self.program = proc.Program(node, ["nginx", "-p", folder, "-c", self.conf, "-e", folder / "error.log"], logs / f"{name}.log",
                                    env={"PATH": os.environ["PATH"] + ":/usr/sbin"})

    @property
    def pid(self):
        return self.program.pid

    def stop(self):
        self.program.stop()


def origin(node, logs):
    return Nginx(node, "origin", logs, ORIGIN_CONF % {"port": ORIGIN, "folder": "%(folder)s", "answer": shop.answer()})


def plain(node, logs):
    return Nginx(node, "nginx", logs, PROXY_CONF % {"port": NGINX, "origin": ORIGIN, "more": ""})


def modsecurity(node, logs):
    if not pathlib.Path(MODULE).exists():
        raise proc.Failed("libnginx-mod-http-modsecurity is missing: run scripts/packages test")
    rules = cage.WORK / "bench" / "modsec.conf"
    rules.write_text(MODSEC_CONF)
    return Nginx(node, "modsec", logs, PROXY_CONF % {"port": MODSEC, "origin": ORIGIN,
                                                     "more": f"modsecurity on; modsecurity_rules_file {rules};"},
                 modules=f"load_module {MODULE};")


class Shop(Installation):
    """Sallyport with the origin as one app of each kind."""

    APPS = {"tcp": None, "gateway": GATE + OFF, "full": GATE + FULL, "assertion": ASSERTION}

    def __init__(self, build):
        super().__init__(build, ports=(ORIGIN,))

    def add_apps(self):
        for name, gateway in self.APPS.items():
            self.add_app(name, gateway)
        files = self.folder(cage.WORK / "c1" / "gateway", "connector")
        self.write(files / DOCUMENT, json.dumps(shop.DOCUMENT), "connector")

    def add_app(self, name, gateway):
        kind, more = ("tcp", {}) if gateway is None else ("http", {"gateway": gateway})
        self.records[name] = self.console.add_app(name, self.site, self.private, ORIGIN, kind, cut_through="auto", **more)

    def limited(self, rate):
        """An app of which so many requests a second may pass."""
        self.add_app("limited", LIMITED.replace("RATE", str(rate)))
        proc.until("anna may use it", 20, lambda: "limited" in {a["name"] for a in self.anna.json("apps")["apps"]})

    @property
    def connector(self):
        return self.connectors[0].pid
