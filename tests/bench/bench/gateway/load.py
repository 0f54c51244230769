"""load: wrk (as fast as it goes) and h2load (so many a second), as the person whose local addresses they use."""

import json
import pathlib

from harness import cage, proc

from . import shop

# What wrk sends, and its figures as one line of JSON.
SCRIPT = """\
wrk.method = "%(method)s"
wrk.body = %(body)s
%(fields)s
function done(summary, latency, requests)
  io.write(string.format('{"requests": %%d, "us": %%d, "failed": %%d, "refused": %%d, "p50_us": %%d, "p99_us": %%d, "bytes": %%d}\\n',
    summary.requests, summary.duration, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    summary.errors.status, latency:percentile(50), latency:percentile(99), summary.bytes))
end
"""


class Load:
    def __init__(self, world, user="anna"):
        self.world, self.user, self.env = world, user, world.anna.env
        self.folder = world.folder(cage.WORK / "bench" / "load", user)
        (self.folder / "body").write_text(shop.BODY)
        (self.folder / "body").chmod(0o644)

    def _command(self, arguments, seconds):
        done = proc.command(self.world.client, arguments, user=self.user, env=self.env, cwd=str(self.folder), seconds=seconds + 30)
        if done.code:
            raise proc.Failed(repr(done))
        return done.out

    def fastest(self, entry, method, seconds, connections=16):
        """As many requests as that many connections make, one after another each: the figures of SCRIPT. None may fail."""
        script = self.folder / f"{method}.lua"
        fields = "".join(f"wrk.headers[{json.dumps(n)}] = {json.dumps(v)}\n" for n, v in shop.fields(entry, method).items())
        script.write_text(SCRIPT % {"method": method, "body": json.dumps(shop.BODY) if method == "POST" else "nil", "fields": fields})
        script.chmod(0o644)
        path = shop.GET if method == "GET" else shop.POST
        out = self._command(["wrk", "-t", 1, "-c", connections, "-d", seconds, "-s", script, f"http://{entry}{path}"], seconds)
        said = json.loads(out.strip().splitlines()[-1])
        if said["failed"] or said["refused"] or not said["requests"]:
            raise proc.Failed(f"{method} over {entry}: {said}")
        return said

    def paced(self, entry, rate, seconds, method="GET", connections=16):
        """So many requests a second: [(status, microseconds)] of each, in the order of their ends."""
        log = pathlib.Path(self.folder) / "requests.log"
        log.unlink(missing_ok=True)
        fields = [x for n, v in shop.fields(entry, method).items() for x in ("-H", f"{n}: {v}")]
        what = ["-d", self.folder / "body", f"http://{entry}{shop.POST}"] if method == "POST" else [f"http://{entry}{shop.GET}"]
        self._command(["h2load", "--h1", "-t", 1, "-c", connections, "-D", seconds, f"--rps={rate / connections:.1f}", "-m", 1, *fields,
                       f"--log-file={log}", *what], seconds)
        rows = [line.split("\t") for line in log.read_text().splitlines()]
        if not rows:
            raise proc.Failed(f"h2load over {entry} has no answer")
        return [(int(status), int(us)) for _, status, us in rows]

    def bulk(self, entry, path, upload=None):
        """One large body: bytes a second."""
        how = ["-T", upload] if upload else []
        out = self._command(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_download} %{size_upload} %{time_total}", *how,
                             f"http://{entry}{path}"], 60)
        status, down, up, took = out.split()
        if status[0] != "2":
            raise proc.Failed(f"{path} over {entry}: {out}")
        return max(int(down), int(up)) / float(took)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
