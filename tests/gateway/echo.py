"""echo ADDRESS PORT: an upstream that tells in X-Seen what reached it: base64 of JSON, one request after another.

Reads by hand, so that what it says is what came."""

import asyncio
import base64
import json
import sys


async def body_of(reader, fields):
    codings = [v for n, v in fields if n == "transfer-encoding"]
    if codings:
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += await reader.readexactly(size)
            assert await reader.readexactly(2) == b"\r\n"
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
        return body
    return await reader.readexactly(sum(int(v) for n, v in fields if n == "content-length"))


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            line, *rest = head.decode("latin-1")[:-4].split("\r\n")
            method, _, target = line.rpartition(" ")[0].partition(" ")
            fields = [(n.lower(), v.strip(" \t")) for n, _, v in (r.partition(":") for r in rest)]
            seen = {"method": method, "target": target, "fields": fields, "body": (await body_of(reader, fields)).hex()}
            told = base64.b64encode(json.dumps(seen).encode()).decode()
            writer.write(f"HTTP/1.1 200 OK\r\nX-Seen: {told}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(address, port):
    server = await asyncio.start_server(serve, address, int(port), limit=1 << 20, backlog=512)
    async with server:
        await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
