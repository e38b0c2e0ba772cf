"""A person in the control room, as the server sees one: log-in, buttons, the live stream."""

import threading
import time
from types import TracebackType
from typing import Self

import requests

TIMEOUT_S = 15.0

PATIENCE_S, PRESS_AGAIN_S = 60.0, 0.5
"""Wall seconds: a killed server is up again in a few, on a busy machine in half a minute."""


class ControlRoomError(RuntimeError):
    """The server did not do what a button asks for; the text has its answer."""


class ControlRoom:
    """One logged-in person; a context manager."""

    def __init__(self, base_url: str) -> None:
        """Keep the address; nothing is asked yet."""
        self._base_url = base_url
        self._session = requests.Session()
        self._session.headers["Origin"] = base_url

    def __enter__(self) -> Self:
        """Return the person, not yet logged in."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Forget the session."""
        self._session.close()

    def log_in(self, login: str, password: str) -> None:
        """Log in as a person would, by the form."""
        self._post("/login", {"login": login, "password": password})
        if not self._session.cookies:
            raise ControlRoomError(f"{self._base_url}/login: gave no session to {login!r}")

    def dispatch(self, alert_id: str, crew_id: str) -> None:
        """Press the button that makes an order of an alert."""
        self._post(f"/alerts/{alert_id}/dispatch", {"crew": crew_id})

    def acknowledge(self, alert_id: str) -> None:
        """Press the button that says: I have seen it."""
        self._post(f"/alerts/{alert_id}/acknowledge", {})

    def act_on_order(self, order_id: str, event: str) -> None:
        """Press one of the office's buttons on an order."""
        self._post(f"/orders/{order_id}/act", {"event": event})

    def _post(self, path: str, form: dict[str, str]) -> None:
        """Press a button, and once more while the server is down, as a person would.

        Who presses again is told "that is done already" when the first press was heard after all.
        """
        answer, is_again = self._pressed(self._base_url + path, form)
        is_done = is_again and answer.status_code == requests.codes.conflict
        if answer.status_code >= requests.codes.bad_request and not is_done:
            raise ControlRoomError(f"{path}: {answer.status_code} {answer.text[:300]}")

    def _pressed(self, url: str, form: dict[str, str]) -> tuple[requests.Response, bool]:
        """Return the answer, and whether the button had to be pressed again."""
        until_s, is_again = time.monotonic() + PATIENCE_S, False
        while time.monotonic() < until_s:
            try:
                return self._session.post(url, data=form, timeout=TIMEOUT_S), is_again
            except requests.RequestException:
                is_again = True
                time.sleep(PRESS_AGAIN_S)
        raise ControlRoomError(f"{url}: no answer in {PATIENCE_S} s")

    def watch(self, stop: threading.Event) -> "LiveWatch":
        """Return a running watch over the live stream."""
        watch = LiveWatch(self._session, f"{self._base_url}/live", stop)
        watch.start()
        return watch


class LiveWatch:
    """Follows the page's server-sent events and notes when which topic was heard of."""

    def __init__(self, session: requests.Session, url: str, stop: threading.Event) -> None:
        """Prepare to listen; `start` begins."""
        self._session = session
        self._url = url
        self._stop = stop
        self._lock = threading.Lock()
        self._heard: list[tuple[float, str]] = []

    def start(self) -> None:
        """Listen in the background until told to stop."""
        threading.Thread(target=self._follow, name="live-watch", daemon=True).start()

    def first_after(self, topic: str, wall_s: float) -> float | None:
        """Return the first monotonic second at or after `wall_s` at which `topic` was heard."""
        with self._lock:
            return next((at for at, told in self._heard if told == topic and at >= wall_s), None)

    def _follow(self) -> None:
        last_id = ""
        while not self._stop.is_set():
            try:
                last_id = self._listen(last_id)
            except requests.RequestException:
                self._stop.wait(0.5)

    def _listen(self, last_id: str) -> str:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        with self._session.get(
            self._url, stream=True, timeout=TIMEOUT_S, headers=headers
        ) as answer:
            for raw in answer.iter_lines(chunk_size=1):
                line = raw.decode()
                if line.startswith("id:"):
                    last_id = line[3:].strip()
                if line.startswith("data:"):
                    with self._lock:
                        self._heard.append((time.monotonic(), line[5:].strip()))
                if self._stop.is_set():
                    break
        return last_id
