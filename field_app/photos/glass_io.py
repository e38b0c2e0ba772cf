"""Owns a signature that is not finished: each stroke is encrypted on the disk until it is kept."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from field_app.photos.strokes import Point
from field_app.platform.ports import Bound, Vault, VaultLockedError, VaultTamperedError

_ENDING: Final = ".glass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Glass:
    """What stands on the glass of one record; without a key nothing is kept (RULINGS R23).

    A stroke is a list of points, 0..1 from the left and from the top.
    """

    folder: Path
    vault: Vault
    record: str

    def load(self) -> list[list[Point]]:
        """Return the strokes drawn so far, none when nothing was kept or nobody may read it."""
        try:
            plain = self.vault.decrypt(self._path.read_bytes(), self._bound)
        except (FileNotFoundError, VaultLockedError, VaultTamperedError):
            return []
        return [[(float(x), float(y)) for x, y in stroke] for stroke in json.loads(plain)]

    def keep(self, strokes: Sequence[Sequence[Point]]) -> None:
        """Keep the strokes; none takes away what was kept. A stop in between leaves the former."""
        with suppress(OSError):  # a full disk is told when the signature itself is kept
            self._keep(strokes)

    def _keep(self, strokes: Sequence[Sequence[Point]]) -> None:
        if not strokes:
            self._path.unlink(missing_ok=True)
            return
        kept = self.vault.encrypt(json.dumps(strokes).encode(), self._bound)
        if kept is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(kept)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self._path)

    @property
    def _path(self) -> Path:
        return self.folder / f"{sha256(self.record.encode()).hexdigest()}{_ENDING}"

    @property
    def _bound(self) -> Bound:
        return Bound(entity="glass", entity_id=self.record, column="strokes")


def forget_glasses(folder: Path) -> None:
    """Take every unfinished signature away: this tablet's people are gone."""
    for path in [*folder.glob(f"*{_ENDING}"), *folder.glob("*.new")]:
        path.unlink(missing_ok=True)
