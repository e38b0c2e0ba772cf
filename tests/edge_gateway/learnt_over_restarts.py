"""What the next start of a gateway knows of its meters."""

from collections.abc import Mapping
from pathlib import Path

from edge_gateway.links.learnt import Learnt
from edge_gateway.polling.kept_learnt import MeterKey
from edge_gateway.polling.learnt_store import LEARNT_FILE, LearntStore

KEY = MeterKey("mbus://plant:1", "M-1", "5")


def restarted(learnt: Mapping[str, Learnt], folder: Path) -> Mapping[str, Learnt]:
    """What the next start of the gateway knows of the same meters."""
    keys = {serial: KEY._replace(serial=serial) for serial in learnt}
    before = LearntStore(folder / LEARNT_FILE)
    before.take({keys[name]: each for name, each in learnt.items()})
    before.keep()
    store = LearntStore(folder / LEARNT_FILE)
    known = {serial: store.of(key) for serial, key in keys.items()}
    return {serial: each for serial, each in known.items() if each is not None}
