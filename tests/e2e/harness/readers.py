"""readers: nginx and HAProxy as the application: what a request means to them, tests/gateway/echo.py tells behind them."""

import os
import pathlib
import sys

from . import apps, proc

ECHO = pathlib.Path(__file__).resolve().parents[2] / "gateway" / "echo.py"
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 256; }}
http {{
  log_format raw escape=json '{{"line": "$request", "status": $status}}';
  access_log {log} raw; underscores_in_headers on; ignore_invalid_headers off; client_max_body_size 0; merge_slashes off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen {address}:{port};
    location / {{ proxy_pass http://127.0.0.1:{echo}; proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_set_header Connection "";
                 proxy_buffer_size 64k; proxy_buffers 4 64k; }} }}
}}
"""
HAPROXY = """
global
  log stdout format raw daemon
defaults
  mode http
  log-format "line %rt %{{+Q}}r"
  timeout connect 2s
  timeout client 20s
  timeout server 20s
frontend in
  log global
  bind {address}:{port}
  default_backend out
backend out
  server echo 127.0.0.1:{echo}
"""


class Reader(apps.App):
    """`lines()`: what it has read, whatever became of it."""

    def start(self):
        self.log = self.folder / "access.log"
        self.conf = self.folder / "conf"
        self.conf.write_text(self.text.format(folder=self.folder, address=self.address, port=self.port, echo=self.echo, log=self.log))
        self.told = proc.Program(self.node, [sys.executable, ECHO, "127.0.0.1", str(self.echo)], self.folder / "echo.log")
        proc.until("the echo listens", 10, apps.answers, self.node, "127.0.0.1", self.echo)
        self.program = proc.Program(self.node, self.command(), self.folder / "out.log", env={"PATH": os.environ["PATH"] + ":/usr/sbin"})
        return self

    def stop(self):
        super().stop()
        self.told.stop()


class NginxReader(Reader):
    name, port, echo, text = "nginx-reads", 7105, 7205, NGINX

    def command(self):
        return ["nginx", "-p", self.folder, "-c", self.conf, "-e", self.folder / "error.log"]

    def lines(self):
        return self.log.read_text().splitlines()


class HaproxyReader(Reader):
    name, port, echo, text = "haproxy-reads", 7105, 7206, HAPROXY

    def command(self):
        return ["haproxy", "-db", "-f", self.conf]

    def lines(self):
        said = (self.folder / "out.log").read_text(errors="replace").splitlines()
        return list(dict.fromkeys(line for line in said if line.startswith("line ")))  # the same number: the same line said twice
