"""Owns something begun that outlives the app: one small file, encrypted, whole or none."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from field_app.platform.ports import Bound, Vault, VaultLockedError, VaultTamperedError

_ENDING: Final = ".glass"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedScrap:
    """What was begun about one thing; without a key nothing is kept (RULINGS R23)."""

    folder: Path
    vault: Vault
    bound: Bound

    def load(self) -> dict[str, object] | None:
        """Return what was kept; None where nothing was, or while nobody may read it."""
        try:
            kept = json.loads(self.vault.decrypt(self._path.read_bytes(), self.bound))
        except (FileNotFoundError, VaultLockedError, VaultTamperedError):
            return None
        return kept if isinstance(kept, dict) else {}

    def keep(self, told: Mapping[str, object]) -> None:
        """Keep it instead of what was kept; a stop in between leaves the former.

        A full disk keeps nothing and is told when the thing itself is kept.
        """
        with suppress(OSError):
            self._keep(told)

    def forget(self) -> None:
        """Take away what was kept."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _keep(self, told: Mapping[str, object]) -> None:
        kept = self.vault.encrypt(json.dumps(told).encode(), self.bound)
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
        name = sha256(self.bound.entity_id.encode()).hexdigest()
        return self.folder / f"{name}{_ENDING}"


def forget_scraps(folder: Path) -> None:
    """Take away all that was begun: this tablet's people are gone."""
    for path in [*folder.glob(f"*{_ENDING}"), *folder.glob("*.new")]:
        path.unlink(missing_ok=True)
