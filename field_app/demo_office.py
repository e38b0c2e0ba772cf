"""The office of the demo without a server: it deals out `demo_town` and says yes to everything."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Final

from field_app.demo_town import CREW, CREW_NAME, PERSON, demo_rows
from field_app.store.identity_io import Identity, load_identity, save_identity
from wire_contracts.clock import Clock
from wire_contracts.enrolment import TabletPerson
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import OperationResult, Outcome, PushAnswer, WrittenPush
from wire_contracts.pulls import BucketPage, EntityRow, PullAnswer, hash_row

SERVER: Final = "demo:"
"""Where the demo's server would be; nothing is ever sent there."""

_EPOCH: Final = 1
_TOKEN: Final = "all"  # noqa: S105 - how far the tablet has read, no secret


class DemoOffice:
    """Answers like a server, out of this process; what is pushed stays on this tablet."""

    def __init__(self, clock: Clock) -> None:
        """Tell the time by `clock`."""
        self._clock = clock

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        """Return everything to a store that has nothing, nothing to any other."""
        del limit
        now_utc = self._clock.now_utc()
        rows = [
            EntityRow(
                entity=entity,
                entity_id=entity_id,
                seq=1,
                row_hash=hash_row(entity, entity_id, body),
                document=body,
            )
            for entity, entity_id, body in ([] if token else demo_rows(now_utc))
        ]
        page = BucketPage(bucket=f"crew:{CREW}", is_reset=True, rows=rows)
        return PullAnswer(
            server_epoch=_EPOCH,
            server_now_ms=ms_from_utc(now_utc),
            token=_TOKEN,
            has_more=False,
            buckets=() if token else (page,),
        )

    def push(self, push: WrittenPush) -> PushAnswer:
        """Return that everything was applied."""
        return PushAnswer(
            server_epoch=_EPOCH,
            server_now_ms=ms_from_utc(self._clock.now_utc()),
            results=[
                OperationResult(op_id=json.loads(body)["op_id"], outcome=Outcome.APPLIED)
                for body in push.bodies
            ],
        )


def prepare_demo(folder: Path, clock: Clock) -> None:
    """Make the folder a tablet of the demo, once; a tablet of a real crew is never touched.

    Raises:
        ValueError: The folder belongs to a tablet that was enrolled at a server.
    """
    known = load_identity(folder)
    if known is not None and known.server_url != SERVER:
        message = f"{folder}: belongs to a crew's tablet; give the demo a folder of its own"
        raise ValueError(message)
    if known is not None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    person = TabletPerson(account_id="demo", name=PERSON, role="crew", language="zh_CN")
    identity = Identity(
        server_url=SERVER,
        tablet_id="demo",
        token="none",  # noqa: S106 - there is no server that would ask for it
        expires_at_utc=clock.now_utc() + timedelta(days=3650),
        crew_id=CREW_NAME,
        people=(person,),
        actor=person.account_id,
    )
    save_identity(folder, identity)
