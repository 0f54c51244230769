"""The validator as a program that answers line by line (schema_tool.c), and the published data it is tried on."""

import json
import os
import pathlib
import subprocess

import pytest

import packages

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SALLYPORT_BUILD", ROOT / "build-release"))


class Tool:
    def __init__(self):
        self._program = subprocess.Popen([BUILD / "tests/gateway/schema_tool"], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE)

    def ask(self, command):
        """One command, one answer. Bytes that are no line go as hex: see `text`."""
        self._program.stdin.write(command.encode() + b"\n")
        self._program.stdin.flush()
        answer = self._program.stdout.readline().decode()
        assert answer.endswith("\n"), f"the validator ended at: {command[:400]}"
        return answer[:-1]

    def ask_many(self, commands):
        """All at once, in pieces that fit into the pipes."""
        answers = []
        for i in range(0, len(commands), 64):
            piece = commands[i:i + 64]
            if sum(map(len, piece)) > 30000:
                answers += [self.ask(c) for c in piece]
                continue
            self._program.stdin.write("".join(c + "\n" for c in piece).encode())
            self._program.stdin.flush()
            answers += [self._program.stdout.readline().decode()[:-1] for _ in piece]
        return answers

    def compile(self, schema, options="remarks"):
        self.ask("O " + options)
        return self.ask("S " + json.dumps(schema))

    def close(self):
        self._program.stdin.close()
        assert self._program.wait(10) == 0


def text(data):
    return "=" + data.hex()


@pytest.fixture
def tool():
    t = Tool()
    yield t
    t.close()


@pytest.fixture(scope="session")
def package():
    """package("suite"): a folder."""
    return packages.folder
