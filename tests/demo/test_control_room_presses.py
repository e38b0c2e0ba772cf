"""A button of the control room while its server is down: pressed again, once in effect."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typing_extensions import override

from demo.control_room_io import ControlRoom, ControlRoomError


@contextmanager
def answering(*statuses: int) -> Generator[tuple[str, list[str]]]:
    """Yield the URL of a server that gives these answers, 0 for none at all, and what it heard."""
    left, heard = list(statuses), list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            heard.append(self.path)
            status = left.pop(0)
            if status == 0:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, *_words: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("second", [200, 409])
def test_a_button_whose_server_dies_is_pressed_again(second: int) -> None:
    with answering(0, second) as (url, heard), ControlRoom(url) as desk:
        desk.acknowledge("a-1")

    assert heard == ["/alerts/a-1/acknowledge"] * 2


def test_a_refusal_of_the_first_press_is_told() -> None:
    with (
        answering(409) as (url, heard),
        ControlRoom(url) as desk,
        pytest.raises(ControlRoomError, match="409"),
    ):
        desk.act_on_order("o-1", "verify")

    assert heard == ["/orders/o-1/act"]
