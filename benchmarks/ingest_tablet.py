"""The tablet of the ingest benchmark as a process: pulls 500 rows again and again over HTTP.

Run as `python -m benchmarks.ingest_tablet PORT TOKEN COUNT`. Prints one JSON line: the time of
each pull in ms. COUNT 0: until standard input closes.
"""

import http.client
import json
import select
import sys
import time

from wire_contracts.payloads import read_json
from wire_contracts.pulls import MAX_ROWS, parse_pull
from wire_contracts.sync import PROTOCOL, PROTOCOL_HEADER, PULL_PATH

_PAUSE_S = 0.005
_WARM_UP = 10


class Tablet:
    """One kept connection to the server's pages."""

    def __init__(self, port: int, token: str) -> None:
        """Prepare; the first pull connects."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}", PROTOCOL_HEADER: str(PROTOCOL)}

    def pull(self) -> bytes:
        """Return the answer to a first pull of as many rows as a page may have."""
        self._connection.request("GET", f"{PULL_PATH}?limit={MAX_ROWS}", headers=self._headers)
        with self._connection.getresponse() as answer:
            body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            message = f"pull: status {answer.status}: {body[:200]!r}; see the server's log"
            raise RuntimeError(message)
        return body

    def times_ms(self, count: int) -> list[float]:
        """Return how long each pull took, after some that warm the server up."""
        for _ in range(_WARM_UP):
            self.pull()
        body = self.pull()
        rows = sum(len(page.rows) for page in parse_pull(read_json("pull", body)).buckets)
        if rows != MAX_ROWS:
            message = f"pull: {rows} rows, not {MAX_ROWS}; the town's tablet is broken"
            raise RuntimeError(message)
        print("ready", flush=True)
        times: list[float] = []
        while len(times) < count or (count == 0 and not _is_told_to_end()):
            started_s = time.perf_counter()
            self.pull()
            times.append(round((time.perf_counter() - started_s) * 1000, 3))
            time.sleep(_PAUSE_S)
        self._connection.close()
        return times


def _is_told_to_end() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def main() -> None:
    """Pull and print the times."""
    print(json.dumps(Tablet(int(sys.argv[1]), sys.argv[2]).times_ms(int(sys.argv[3]))))


if __name__ == "__main__":
    main()
