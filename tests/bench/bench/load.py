"""load: iperf3 and the load programs, as the person whose local addresses they use."""

import json
import time

from harness import proc

from .installation import PORTS


class Load:
    def __init__(self, node, programs, user, env):
        self.node, self.programs, self.user, self.env = node, programs, user, env

    def run(self, name, *arguments, seconds=90, user="person"):
        """One of the programs of tools/, to its end: its JSON object. user=None: as root."""
        done = proc.command(self.node, [self.programs / name, *arguments], user=user and self.user, env=self.env, seconds=seconds)
        if done.code:
            raise proc.Failed(repr(done))
        return json.loads(done.out)

    def iperf(self, entry, streams, seconds, reverse=False, rate=0):
        """Bytes a second that arrived, and how many bytes that were (the first second included); at most `rate` a second, 0: any."""
        address, port = entry.rsplit(":", 1)
        command = ["iperf3", "-c", address, "-p", port, "-P", streams, "-t", seconds, "-J", *(["-R"] if reverse else []),
                   *(["-b", int(rate * 8)] if rate else [])]
        for _ in range(5):
            # its server closes its listening socket for a moment between two tests
            proc.until("iperf3 listens", 10, lambda: proc.command(self.node, ["ss", "-Hltn", f"sport = :{PORTS['bulk']}"]).out)
            done = proc.command(self.node, command, user=self.user, env=self.env, seconds=seconds + 60)
            said = json.loads(done.out or "{}")
            if "busy" not in said.get("error", ""):
                break
            time.sleep(0.5)  # its server has not yet seen the end of the test before
        if done.code or "error" in said:
            raise proc.Failed(f"iperf3 over {entry}: {said.get('error')} {done.err}")
        end = said["end"]["sum_received"]
        return end["bytes"] / end["seconds"], end["bytes"]
