"""load: iperf3 and the load programs, as the person whose local addresses they use."""

import json

from harness import proc


class Load:
    def __init__(self, node, programs, user, env):
        self.node, self.programs, self.user, self.env = node, programs, user, env

    def run(self, name, *arguments, seconds=90, user="person"):
        """One of the programs of tools/, to its end: its JSON object. user=None: as root."""
        done = proc.command(self.node, [self.programs / name, *arguments], user=user and self.user, env=self.env, seconds=seconds)
        if done.code:
            raise proc.Failed(repr(done))
        return json.loads(done.out)

    def iperf(self, entry, streams, seconds, reverse=False):
        """Bytes a second that arrived, and how many bytes that were (the first second included)."""
        address, port = entry.rsplit(":", 1)
        done = proc.command(self.node, ["iperf3", "-c", address, "-p", port, "-P", streams, "-t", seconds, "-J",
                                        *(["-R"] if reverse else [])], user=self.user, env=self.env, seconds=seconds + 60)
        if done.code:
            raise proc.Failed(repr(done))
        end = json.loads(done.out)["end"]["sum_received"]
        return end["bytes"] / end["seconds"], end["bytes"]
