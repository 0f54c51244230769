"""chain: what Sallyport is compared with, on the same machine in the same run.

`raw` is no program at all: the client speaks to the server. `plain` is three TCP forwarders one
behind the other, where agent, relay and connector would stand."""

from harness import proc

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
