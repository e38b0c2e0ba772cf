"""The plain limit of the sync benchmark: HTTP and two SQLite files, and nothing that makes it safe.

Pages of 1,000 rows as JSON objects, gzip at level 1, WAL with `synchronous=FULL`, one commit per
page or push: no ledger, no merge, no scope, no hash, no list to keep. A push of 200 edits reads
each document, writes the edit into it under a new sequence, as others pull it, and marks it sent on
the tablet: one row written on either side, where ours writes one in each of four tables of the
server (order with its text, index, ledger, feed), and operation and list line on the tablet.

What a push of 1,000 edits of 10,000 orders costs, ms of processor time, the least of several runs
on a busy machine: plain 48 on the server and 11 on the tablet. Ours 110 and 68. Of the server's,
commits are 11, for it writes 1,540 pages where the plain one writes 1,060; reading the orders and
where they are seen 15, orders 7, index 5, ledger 8, reading the operations 10. The rest is judging
them, hashes, texts and rows. Both sides work at once, the server decides.

The text that tablets are shown stands in the order's own row and is not put together anew for a
pull: the index has its hash, and a newer server that wrote it otherwise would send another text
under the old hash, which every tablet refuses.

Run as `python -m benchmarks.sync_plain FILE` it is the server: it prints its port and serves until
standard input closes.
"""

import gzip
import json
import sqlite3
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests
from typing_extensions import override

PAGE_ROWS = 1000
EDITS_PER_PUSH = 200


def open_file(path: Path) -> sqlite3.Connection:
    """Return a connection that commits to disk, outside of any transaction."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000"):
        connection.execute(f"PRAGMA {pragma}").close()
    return connection


def make_server_file(path: Path, documents: Sequence[tuple[str, str]]) -> None:
    """Write the server's rows."""
    with closing(open_file(path)) as connection:
        connection.execute("CREATE TABLE row (id TEXT PRIMARY KEY, seq INTEGER, document TEXT)")
        connection.execute("CREATE INDEX row_by_seq ON row (seq)")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO row VALUES (?, ?, ?)",
            [(entity_id, seq, text) for seq, (entity_id, text) in enumerate(documents, start=1)],
        )
        connection.execute("COMMIT")


def make_tablet_file(path: Path) -> None:
    """Write an empty tablet."""
    with closing(open_file(path)) as connection:
        connection.execute("CREATE TABLE row (id TEXT PRIMARY KEY, seq INTEGER, document TEXT)")
        connection.execute("CREATE TABLE token (pos INTEGER)")
        connection.execute("CREATE TABLE edit (id TEXT PRIMARY KEY, note TEXT, is_sent INTEGER)")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO token VALUES (0)")
        connection.execute("COMMIT")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connection_to_file: sqlite3.Connection
    lock = threading.Lock()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer the next page after a position."""
        after = int(parse_qs(urlsplit(self.path).query)["after"][0])
        with self.lock:
            rows = self.connection_to_file.execute(
                "SELECT id, seq, document FROM row WHERE seq > ? ORDER BY seq LIMIT ?",
                (after, PAGE_ROWS),
            ).fetchall()
        objects = ",".join(
            f'{{"id":"{entity_id}","seq":{seq},"document":{text}}}' for entity_id, seq, text in rows
        )
        self._answer(f'{{"rows":[{objects}]}}'.encode())

    def do_POST(self) -> None:
        """Write edits into the documents that others pull, in one transaction."""
        body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            self.connection_to_file.execute("BEGIN IMMEDIATE")
            done = {"done": [self._edit(each) for each in json.loads(body)["edits"]]}
            self.connection_to_file.execute("COMMIT")
        self._answer(json.dumps(done, separators=(",", ":")).encode())

    def _edit(self, edit: dict[str, str]) -> list[str | int]:
        """Write one edit; return id and sequence."""
        file = self.connection_to_file
        (text,) = file.execute("SELECT document FROM row WHERE id = ?", (edit["id"],)).fetchone()
        document = json.loads(text)
        document["note"] = edit["note"]
        (seq,) = file.execute("SELECT max(seq) + 1 FROM row").fetchone()
        file.execute(
            "UPDATE row SET seq = ?, document = ? WHERE id = ?",
            (seq, json.dumps(document, ensure_ascii=False), edit["id"]),
        )
        return [edit["id"], seq]

    def _answer(self, body: bytes) -> None:
        packed = gzip.compress(body, 1)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed)


class PlainTablet:
    """The plain client over one file and one kept connection."""

    def __init__(self, path: Path, base_url: str) -> None:
        """Open the file; nothing is asked yet."""
        self._file = open_file(path)
        self._http = requests.Session()
        self._http.trust_env = False
        self._base_url = base_url

    def pull(self) -> int:
        """Take pages until there are no more; return how many rows came."""
        count = 0
        while True:
            (after,) = self._file.execute("SELECT pos FROM token").fetchone()
            answer = self._http.get(f"{self._base_url}/rows", params={"after": after}, timeout=60)
            rows = json.loads(answer.content)["rows"]
            if not rows:
                return count
            count += len(rows)
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany(
                "INSERT OR REPLACE INTO row VALUES (?, ?, ?)",
                [
                    (each["id"], each["seq"], json.dumps(each["document"], ensure_ascii=False))
                    for each in rows
                ],
            )
            self._file.execute("UPDATE token SET pos = ?", (rows[-1]["seq"],))
            self._file.execute("COMMIT")

    def edit(self, order_ids: Sequence[str]) -> None:
        """Edit each order; nothing is sent yet."""
        self._file.execute("BEGIN IMMEDIATE")
        self._file.executemany(
            "INSERT INTO edit VALUES (?, ?, 0)",
            [(order_id, f"looked at it {number}") for number, order_id in enumerate(order_ids)],
        )
        self._file.execute("COMMIT")

    def push(self) -> int:
        """Send the edits that wait; return how many went."""
        count = 0
        while True:
            edits = self._file.execute(
                "SELECT id, note FROM edit WHERE is_sent = 0 LIMIT ?", (EDITS_PER_PUSH,)
            ).fetchall()
            if not edits:
                return count
            count += len(edits)
            body = {"edits": [{"id": order_id, "note": note} for order_id, note in edits]}
            packed = gzip.compress(json.dumps(body, separators=(",", ":")).encode(), 1)
            answer = self._http.post(f"{self._base_url}/edits", data=packed, timeout=60)
            done = json.loads(answer.content)["done"]
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany(
                "UPDATE edit SET is_sent = 1 WHERE id = ?", [(order_id,) for order_id, _ in done]
            )
            self._file.execute("COMMIT")

    def close(self) -> None:
        """Close file and connection."""
        self._http.close()
        self._file.close()


def main() -> None:
    """Serve the file until standard input closes."""
    with closing(open_file(Path(sys.argv[1]))) as connection:
        _Handler.connection_to_file = connection
        with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()
            print(server.server_address[1], flush=True)
            sys.stdin.read()
            server.shutdown()


if __name__ == "__main__":
    main()
