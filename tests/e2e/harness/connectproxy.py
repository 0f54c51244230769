"""connectproxy: an HTTP proxy that knows CONNECT only, as companies put one before their private networks.

    python3 connectproxy.py ADDRESS PORT [USER:PASSWORD]

One line on stdout a request: "CONNECT host:port 200", or the status that refused it. With a login it asks for
Basic credentials (407) and closes, as many proxies do; it never sees into what it carries.
"""

import asyncio
import base64
import sys


async def pipe(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except (ConnectionError, OSError):
        writer.close()


def wrong(head, login):
    """The status that this request gets, or 200."""
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if not first.startswith("CONNECT ") or not first.endswith(" HTTP/1.1"):
        return 405
    scheme, _, word = fields.get("proxy-authorization", "").partition(" ")  # schemes know no case: RFC 9110 11.1
    if login is not None and (scheme.lower(), word) != ("basic", base64.b64encode(login.encode()).decode()):
        return 407
    return 200


async def serve(reader, writer, login):
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        target = head.split(b" ")[1].decode()
        status = wrong(head[:-4], login)
        if status == 200:
            host, _, port = target.rpartition(":")
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, IndexError, ValueError):
        target, status = "?", 502
    print(f"CONNECT {target} {status}", flush=True)
    if status != 200:
        ask = 'Proxy-Authenticate: Basic realm="proxy"\r\n' if status == 407 else ""
        writer.write(f"HTTP/1.1 {status} No\r\n{ask}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        return
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))
    far_writer.close()
    writer.close()


async def main(address, port, login=None):
    server = await asyncio.start_server(lambda r, w: serve(r, w, login), address, int(port))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
