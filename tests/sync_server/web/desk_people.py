"""People at the pages of the desk, over real HTTP."""

from collections.abc import Callable

from httpx import Client, Response

from tests.sync_server.web.desk_parts import PASSWORD, Served


class Desk:
    """A person at the pages."""

    def __init__(self, server: Served, login: str) -> None:
        self.client = Client(
            base_url=server.base_url,
            headers={"Origin": server.base_url, "Accept": "text/html"},
            timeout=30,
        )
        answer = self.client.post("/login", data={"login": login, "password": PASSWORD})
        assert answer.status_code == 303

    def take(self, line: str, **more: str) -> Response:
        return self.client.post("/intake", data={"line": line, **more})

    def look(self, line: str, **more: str) -> str:
        return self.client.get("/intake/look", params={"line": line, **more}).text

    def step(self, request_id: str, event: str, text: str = "", **more: str) -> Response:
        data = {"event": event, "text": text, **more}
        return self.client.post(f"/requests/{request_id}/step", data=data)


Enter = Callable[[str], Desk]
