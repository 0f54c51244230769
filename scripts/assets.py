#!/usr/bin/env python3
"""Makes the C table of static files that sallyport-broker serves.

usage: assets.py OUT.c [/path/in/url=FILE ...] [--dist DIR]

Each file stands in the table plain and as gzip, with an ETag from its content. Files of --dist come
with their own paths; those whose name holds a content hash may be kept by browsers for ever.
The output depends on the input alone: no time, no order of the file system.
"""
import gzip
import hashlib
import pathlib
import re
import sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".yaml": "application/yaml"}
HASHED = re.compile(r"-[0-9a-f]{16}\.(js|css)$")


def array(name, data):
    lines = (", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24))
    return "static const uint8_t %s[] = {\n    %s,\n};\n" % (name, ",\n    ".join(lines))


def collect(arguments):
    files, i = {}, 0
    while i < len(arguments):
        if arguments[i] == "--dist":
            root, i = pathlib.Path(arguments[i + 1]), i + 2
            for path in sorted(root.rglob("*")):
                if path.is_file():
                    files["/" + path.relative_to(root).as_posix()] = path.read_bytes()
        else:
            url, _, names = arguments[i].partition("=")
            files[url] = b"".join(pathlib.Path(n).read_bytes() for n in names.split("+"))
            i += 1
    return files


def main():
    out, files = sys.argv[1], collect(sys.argv[2:])
    text = ["/* Made by scripts/assets.py. Do not edit. */\n#include \"broker/api/assets.h\"\n\n"]
    rows = []
    for n, (url, data) in enumerate(sorted(files.items())):
        packed = gzip.compress(data, 9, mtime=0)
        etag = hashlib.sha256(data).hexdigest()[:32]
        text += [array("plain_%d" % n, data), array("gzip_%d" % n, packed)]
        rows.append('    {"%s", "%s", "\\"%s\\"", {plain_%d, sizeof plain_%d}, '
                    '{gzip_%d, sizeof gzip_%d}, %s},\n'
                    % (url, TYPES[pathlib.PurePosixPath(url).suffix], etag, n, n, n, n,
                       "true" if HASHED.search(url) else "false"))
    text += ["\n/* By path. */\nconst struct asset asset_table[] = {\n", *rows, "};\n",
             "const size_t asset_count = sizeof asset_table / sizeof *asset_table;\n"]
    pathlib.Path(out).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(out).write_text("".join(text))


main()
