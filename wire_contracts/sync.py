"""The sync conversation as one protocol: the server answers it, the tablet's client speaks it."""

from typing import Protocol

from wire_contracts.operations import PushAnswer, PushRequest
from wire_contracts.pulls import PullAnswer

PROTOCOL = 1
"""Version of the sync protocol; n-1 and n-2 stay accepted (invariant I15)."""

PULL_PATH = "/sync/v1/pull"
PUSH_PATH = "/sync/v1/push"

PROTOCOL_HEADER = "Lamp-Sync-Protocol"
"""Present in every answer of the server: what lacks it is a captive portal (trap T24)."""

CONTENT_TYPE = "application/json"


class SyncApi(Protocol):
    """What a tablet asks of the server; implemented by the server and by the HTTP client."""

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        """Return the changes after `token` (None: from nothing), at most about `limit` rows."""
        ...

    def push(self, request: PushRequest) -> PushAnswer:
        """Return one permanent outcome per operation."""
        ...
