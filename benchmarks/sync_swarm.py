"""The 500 tablets of the sync benchmark as one process: all pull at once, each on its connection.

Run as `python -m benchmarks.sync_swarm URL FILE`; FILE holds [[bearer token, pull token], ...].
Prints one JSON line: [seconds, status, rows] of each tablet. A tablet is done when the server says
that there is no more; its store is not part of this measurement, and what it was sent is checked
when all are done: 500 tablets do not share one processor.
"""

import asyncio
import gzip
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import orjson

from wire_contracts.fields import FieldReader
from wire_contracts.pulls import parse_pull
from wire_contracts.sync import PROTOCOL, PROTOCOL_HEADER, PULL_PATH

_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pulled:
    """How long a tablet took, and what it asked with and was sent."""

    seconds: float
    status: int
    pages: Sequence[tuple[str, bytes]]

    def row_count(self) -> int:
        """Return how many rows came; raise ContractError when a page cannot be read."""
        pages = (
            parse_pull(FieldReader(place="pull", values=orjson.loads(body)), token)
            for token, body in self.pages
        )
        return sum(len(bucket.rows) for page in pages for bucket in page.buckets)


async def _tablet(port: int, bearer: str, token: str, start: asyncio.Event) -> _Pulled:
    await start.wait()
    started_s = time.perf_counter()
    pages: list[tuple[str, bytes]] = []
    status, has_more = _OK, True
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while has_more and status == _OK:
        writer.write(
            f"GET {PULL_PATH}?token={quote(token)} HTTP/1.1\r\nHost: bench\r\n"
            f"Authorization: Bearer {bearer}\r\n{PROTOCOL_HEADER}: {PROTOCOL}\r\n"
            "Accept-Encoding: gzip\r\n\r\n".encode()
        )
        status, body = await _answer(reader)
        if status == _OK:
            pages.append((token, body))
            answer = orjson.loads(body)
            token, has_more = answer.get("token", token), answer.get("more", False)
    writer.close()
    return _Pulled(seconds=time.perf_counter() - started_s, status=status, pages=pages)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(fields["content-length"]))
    if fields.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return int(head[0].split()[1]), body


async def _morning(port: int, tablets: list[tuple[str, str]]) -> list[_Pulled]:
    start = asyncio.Event()
    tasks = [asyncio.create_task(_tablet(port, bearer, token, start)) for bearer, token in tablets]
    await asyncio.sleep(0)
    start.set()
    return list(await asyncio.gather(*tasks))


def main() -> None:
    """Pull and print."""
    port = urlsplit(sys.argv[1]).port or 0
    tablets = json.loads(Path(sys.argv[2]).read_text())
    pulled = asyncio.run(_morning(port, tablets))
    print(json.dumps([[each.seconds, each.status, each.row_count()] for each in pulled]))


if __name__ == "__main__":
    main()
