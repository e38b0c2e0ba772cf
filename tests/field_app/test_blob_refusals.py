"""What refuses a photo for good, and what is asked again at the next contact."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from field_app.sync.blob_client_io import HttpBlobApi
from field_app.sync.reasons import Reason, SyncProblem
from field_app.sync.uploading import BlobRefused
from wire_contracts.blobs import BlobMime, BlobOffer, BlobRole
from wire_contracts.sync import PROTOCOL, PROTOCOL_HEADER

OFFER = BlobOffer(sha256="a" * 64, size_bytes=7, mime=BlobMime.JPEG, role=BlobRole.PHOTO)


@contextmanager
def refusing(status: int, body: bytes) -> Iterator[HttpBlobApi]:
    """Yield the way to a server that answers every offer so."""

    class Refuses(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that the library calls
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header(PROTOCOL_HEADER, str(PROTOCOL))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with closing(HttpBlobApi(f"http://127.0.0.1:{server.server_address[1]}", "t")) as api:
            yield api
        server.shutdown()


@pytest.mark.parametrize("body", [b"", b'{"code": "of_a_newer_server", "text": "x"}'])
@pytest.mark.parametrize("status", [404, 405, 408, 409, 425, 429, 451, 500, 503])
def test_a_refusal_that_says_nothing_of_the_photo_is_asked_again(status: int, body: bytes) -> None:
    with refusing(status, body) as api, pytest.raises(SyncProblem) as problem:
        api.offer(OFFER)

    assert problem.value.reason is Reason.SERVER


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_verdict_about_the_photo_sets_it_aside(status: int) -> None:
    with refusing(status, b"") as api, pytest.raises(BlobRefused):
        api.offer(OFFER)
