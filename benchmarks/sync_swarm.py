"""The 500 tablets of the sync benchmark as one process: all pull at once, each on its connection.

Run as `python -m benchmarks.sync_swarm URL FILE`; FILE holds [[bearer token, pull token], ...].
Prints one JSON line: [seconds, status, rows] of each tablet. A tablet is done when the server says
that there is no more; its store is not part of this measurement.
"""

import asyncio
import gzip
import json
import sys
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

import orjson

from wire_contracts.fields import FieldReader
from wire_contracts.pulls import parse_pull
from wire_contracts.sync import PROTOCOL, PROTOCOL_HEADER, PULL_PATH

_OK = 200


async def _tablet(port: int, bearer: str, token: str, start: asyncio.Event) -> list[float]:
    await start.wait()
    started_s = time.perf_counter()
    rows, status, has_more = 0, _OK, True
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while has_more and status == _OK:
        writer.write(
            f"GET {PULL_PATH}?token={quote(token)} HTTP/1.1\r\nHost: bench\r\n"
            f"Authorization: Bearer {bearer}\r\n{PROTOCOL_HEADER}: {PROTOCOL}\r\n"
            "Accept-Encoding: gzip\r\n\r\n".encode()
        )
        status, body = await _answer(reader)
        if status == _OK:
            pulled = parse_pull(FieldReader(place="pull", values=orjson.loads(body)), token)
            rows += sum(len(page.rows) for page in pulled.buckets)
            token, has_more = pulled.token, pulled.has_more
    writer.close()
    return [time.perf_counter() - started_s, status, rows]


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(fields["content-length"]))
    if fields.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return int(head[0].split()[1]), body


async def _morning(port: int, tablets: list[tuple[str, str]]) -> list[list[float]]:
    start = asyncio.Event()
    tasks = [asyncio.create_task(_tablet(port, bearer, token, start)) for bearer, token in tablets]
    await asyncio.sleep(0)
    start.set()
    return list(await asyncio.gather(*tasks))


def main() -> None:
    """Pull and print."""
    port = urlsplit(sys.argv[1]).port or 0
    tablets = json.loads(Path(sys.argv[2]).read_text())
    print(json.dumps(asyncio.run(_morning(port, tablets))))


if __name__ == "__main__":
    main()
