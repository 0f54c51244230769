"""proc: real programs, started on a node as a user, with their output in a file each."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from harness import schema


class Failed(AssertionError):
    """A program did not do what the harness needs; the message carries its output."""


def until(what, seconds, check, *arguments):
    """Calls check until it gives something true, which is returned; Failed after `seconds`."""
    end = time.monotonic() + seconds
    last = None
    while True:
        try:
            result = check(*arguments)
            if result:
                return result
        except (OSError, AssertionError) as error:
            last = error
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what}" + (f" ({last})" if last else ""))
        time.sleep(0.05)


class Program:
    """One running program. Its stdout and stderr go to LOG, which `text()` reads."""

    def __init__(self, node, arguments, log, user=None, env=None, cwd="/", stdin=subprocess.DEVNULL, notify=False):
        self.node, self.arguments, self.user = node, [str(a) for a in arguments], user
        self.name, self.log = pathlib.Path(self.arguments[0]).name, pathlib.Path(log)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(env or {})}
        for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "ASAN_SYMBOLIZER_PATH", "LLVM_PROFILE_FILE"):
            if name in os.environ:
                self._env[name] = os.environ[name]
        # The programs forbid ptrace and dumps, so LeakSanitizer's tracer may fail at their end ("has
        # encountered a fatal error") and abort them. The unit tests look for leaks.
        self._env["ASAN_OPTIONS"] = self._env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        self._notify = None
        if notify:
            path = self.log.with_suffix(".notify")
            path.unlink(missing_ok=True)
            self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._notify.bind(str(path))
            path.chmod(0o666)
            self._env["NOTIFY_SOCKET"] = str(path)
        self._cwd, self._stdin = cwd, stdin
        self.process = None
        self.start()

    def start(self):
        self._forget_notices()
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(self.node.command(self.arguments, self.user), stdin=self._stdin, stdout=out,
                                            stderr=out, env=self._env, cwd=self._cwd, start_new_session=True)
        return self

    def _forget_notices(self):
        """What the run before has said and nobody read: its READY=1 is not that of the next one."""
        while self._notify is not None:
            try:
                self._notify.recv(4096, socket.MSG_DONTWAIT)
            except (BlockingIOError, TimeoutError):
                return

    @property
    def pid(self):
        """nsenter and setpriv exec: the process is the program itself."""
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def text(self):
        return self.log.read_text(errors="replace")

    def tail(self, lines=25):
        return "\n".join(self.text().splitlines()[-lines:])

    def wait_ready(self, seconds=20):
        """Until the program said READY=1 to the service manager."""
        self._notify.settimeout(0.1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if b"READY=1" in self._notify.recv(4096):
                    return self
            except TimeoutError:
                pass
            if not self.alive():
                raise Failed(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
        raise Failed(f"{self.name} was not ready within {seconds} s:\n{self.tail()}")

    def wait_text(self, pattern, seconds=20):
        def found():
            hit = re.search(pattern, self.text())
            if not hit and not self.alive():
                raise Failed(f"{self.name} ended with {self.process.returncode}, no {pattern!r}:\n{self.tail()}")
            return hit
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            hit = found()
            if hit:
                return hit
            time.sleep(0.05)
        raise Failed(f"{self.name} did not say {pattern!r} within {seconds} s:\n{self.tail()}")

    def wait_exit(self, seconds=20):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} still runs after {seconds} s:\n{self.tail()}") from None

    def signal(self, number):
        if self.alive():
            self.process.send_signal(number)

    def kill9(self):
        self.signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, seconds=10):
        """SIGTERM, and SIGKILL when that was not enough; the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill9()
            return self.process.returncode


class Done:
    """What a command left: exit code, standard output and error."""

    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    def __repr__(self):
        return f"{' '.join(self.arguments)} -> {self.code}\n{self.out}{self.err}"


def command(node, arguments, user=None, env=None, stdin=None, seconds=60, cwd="/", binary=False):
    """Runs a program to its end; never raises for an exit code."""
    full = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(env or {})}
    for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LLVM_PROFILE_FILE"):
        if name in os.environ:
            full[name] = os.environ[name]
    arguments = [str(a) for a in arguments]
    try:
        run = subprocess.run(node.command(arguments, user), input=stdin, capture_output=True, env=full, cwd=cwd,
                             timeout=seconds)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{' '.join(arguments)} ran longer than {seconds} s:\n"
                     f"{(late.stdout or b'').decode(errors='replace')}{(late.stderr or b'').decode(errors='replace')}") from None
    out = run.stdout if binary else run.stdout.decode(errors="replace")
    if "--json" in arguments and pathlib.Path(arguments[0]).name.startswith("sallyport"):
        schema.check_command(arguments, out if isinstance(out, str) else out.decode())
    return Done(arguments, run.returncode, out, run.stderr.decode(errors="replace"))
