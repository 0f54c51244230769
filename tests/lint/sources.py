"""What the lints read: our C files, and C text without comments and strings."""

import pathlib
import re

PRODUCT = ("lib", "relay", "broker", "connector", "client")
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files(*suffixes, roots=PRODUCT):
    """Every file of ours with one of the suffixes, sorted."""
    found = (f for r in roots for f in pathlib.Path(r).rglob("*") if f.suffix in suffixes)
    return sorted(f for f in found if "node_modules" not in f.parts)


def bare(text):
    """The text with comments and literals blanked, line numbers unchanged."""
    def blank(match):
        lines = "\n" * match[0].count("\n")
        return '""' + lines if match[0][0] == '"' else " " + lines
    return TOKEN.sub(blank, text)
