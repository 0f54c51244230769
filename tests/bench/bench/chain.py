"""chain: what Sallyport is compared with, on the same machine in the same run.

`raw` is no program at all: the client speaks to the server. `plain` is three TCP forwarders one
behind the other, where agent, relay and connector would stand. `tls` is the same with a bare TLS 1.3
relay: three HAProxy in TCP mode, one thread each, where the middle one ends the TLS of the first and
begins one of its own to the last."""

from harness import cage, proc

from .installation import PORTS

NAMES = ("agent", "relay", "connector")


class Chain:
    """Three forwarders before each port of PORTS; the places are called like Sallyport's parts."""

    def __init__(self, node, forward, logs, base=20000):
        self.programs, self._entry = {}, {}
        for n, (app, port) in enumerate(PORTS.items()):
            hops = [f"127.0.0.1:{base + 10 * n + i}" for i in range(3)]
            targets = hops[1:] + [f"127.0.0.1:{port}"]
            self.programs[app] = [proc.Program(node, [forward, at, to], logs / f"forward-{app}-{name}.log")
                                  for name, at, to in zip(NAMES, hops, targets)]
            self._entry[app] = hops[0]

    def parts(self, app):
        return {name: program.pid for name, program in zip(NAMES, self.programs[app])}

    def entry(self, app):
        return self._entry[app]

    def stop(self):
        for programs in self.programs.values():
            for program in programs:
                program.stop()


HAPROXY = """\
global
  nbthread 1
  maxconn 600
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend in
  bind {at}
  default_backend out
backend out
  server next {to}
"""


class TlsChain(Chain):
    """The same places with one HAProxy each; both hops between them are TLS 1.3 with the world's certificate."""

    def __init__(self, node, tls, name, logs, base=21000):
        self.programs, self._entry = {}, {}
        folder = cage.WORK / "haproxy"
        folder.mkdir()
        pair = folder / "pair.pem"
        pair.write_text((tls / "cert.pem").read_text() + (tls / "key.pem").read_text())
        serve = f" ssl crt {pair} ssl-min-ver TLSv1.3"
        dial = f" ssl verify required ca-file {tls}/ca.pem sni str({name}) verifyhost {name} ssl-min-ver TLSv1.3"
        for n, (app, port) in enumerate(PORTS.items()):
            hops = [f"127.0.0.1:{base + 10 * n + i}" for i in range(3)]
            lines = [(hops[0], hops[1] + dial), (hops[1] + serve, hops[2] + dial), (hops[2] + serve, f"127.0.0.1:{port}")]
            self.programs[app] = []
            for place, (at, to) in zip(NAMES, lines):
                conf = folder / f"{app}-{place}.cfg"
                conf.write_text(HAPROXY.format(at=at, to=to))
                self.programs[app].append(proc.Program(node, ["haproxy", "-db", "-f", conf], logs / f"haproxy-{app}-{place}.log"))
            self._entry[app] = hops[0]
