"""FUZ_22, SMG_26: what our reader of HTTP/1 takes, nginx and HAProxy read alike: generated and mutated connections.

    the same bytes ── read_tool (http1, strict, target)
                   ├─ nginx ───┐
                   └─ haproxy ─┴─ echo.py, which tells what reached it

What we refuse is nobody's matter. Of each request that we take, a second reader may refuse it (it is stricter
there: counted, with the reason where we know it), but never read another method, target, field or body; and
it must not see one more request in bytes that we have read to their end. nginx is told to pass on odd names
(it would drop them).
$SALLYPORT_SECOND_READERS is the number of connections (1,500 when not set)."""

import collections
import concurrent.futures
import os
import shutil
import socket
import subprocess
import sys
import time

import pytest

import requests_made
from conftest import BUILD, ROOT
from readers import judge, ours, seen_in

COUNT = int(os.environ.get("SALLYPORT_SECOND_READERS", 1500))
SEED = int(os.environ.get("SALLYPORT_SECOND_SEED", 20261125))
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; underscores_in_headers on; ignore_invalid_headers off; client_max_body_size 0; merge_slashes off; large_client_header_buffers 4 16k;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  client_header_timeout 2s; client_body_timeout 2s; keepalive_timeout 2s;
  server {{ listen 127.0.0.1:{port} backlog=511;
    location / {{ proxy_pass http://127.0.0.1:{echo}; proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_set_header Connection "";
                 proxy_ignore_client_abort on; proxy_buffer_size 64k; proxy_buffers 4 64k; }} }}
}}
"""
HAPROXY = """
global
  maxconn 1000
defaults
  mode http
  timeout connect 2s
  timeout client 2s
  timeout server 5s
  timeout http-request 2s
frontend in
  bind 127.0.0.1:{port}
  default_backend out
backend out
  server echo 127.0.0.1:{echo}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def answers(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing answers at {port}")


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    """{name: port}."""
    folder = tmp_path_factory.mktemp("readers")
    ports = {name: free_port() for name in ("echo", "nginx", "haproxy")}
    for name, text in (("nginx", NGINX), ("haproxy", HAPROXY)):
        (folder / f"{name}.conf").write_text(text.format(folder=folder, port=ports[name], echo=ports["echo"]))
    find = lambda name: shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    here = ROOT / "tests/gateway"
    programs = [subprocess.Popen([sys.executable, here / "echo.py", "127.0.0.1", str(ports["echo"])]),
                subprocess.Popen([find("nginx"), "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]),
                subprocess.Popen([find("haproxy"), "-db", "-f", folder / "haproxy.conf"])]
    for port in ports.values():
        answers(port)
    yield {name: ports[name] for name in ("nginx", "haproxy")}
    for program in programs:
        program.terminate()
        program.wait(10)


def asked(port, data):
    """What comes back for these bytes, and what reached the application: [status or request]."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), 10) as c:
        try:
            c.sendall(data)
            c.shutdown(socket.SHUT_WR)
            while piece := c.recv(65536):
                got += piece
        except ConnectionError:
            pass
    return seen_in(got)


def test_FUZ_22_SMG_26_what_we_take_nginx_and_haproxy_read_alike(readers):
    connections = [requests_made.make(SEED + i) for i in range(COUNT)]
    verdicts = ours(BUILD, connections)
    assert ours(BUILD, connections[:300], slowly=True) == verdicts[:300]
    work = [(name, i) for name in readers for i in range(COUNT) if verdicts[i]["requests"]]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        seen = dict(zip(work, pool.map(lambda w: asked(readers[w[0]], connections[w[1]]), work)))
    tally, wrong = collections.Counter(), []
    for (name, i), got in seen.items():
        try:
            tally[name, judge(connections[i], verdicts[i], got)] += 1
        except AssertionError as e:
            wrong.append(f"{name}, seed {SEED + i}: {str(e)[:700]}\n    {connections[i]!r}")
    print(f"{COUNT} connections: {dict(tally)}")
    assert not wrong, f"{len(wrong)} are read in two ways\n" + "\n".join(wrong[:12])
    taken = sum(v["end"] != "refused" and bool(v["requests"]) for v in verdicts)
    assert taken > COUNT / 4, f"only {taken} of {COUNT} connections were taken: the generator makes nonsense"
    for name in readers:
        assert tally[name, "alike"] > 0.6 * sum(n for (who, _), n in tally.items() if who == name), tally
