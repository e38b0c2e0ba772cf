"""Puts pinned chance and pinned clocks under the real code: a seed is one whole history."""

import os
import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from field_app import clock_io
from tests.sync_server.real_parts import HandClock


@dataclass(slots=True, kw_only=True)
class WallClock:
    """The wall clock of one tablet: off by `skew`, and set anew at any moment (trap T21)."""

    true: HandClock
    skew: timedelta = timedelta(0)

    def now_utc(self) -> datetime:
        return self.true.now_utc() + self.skew

    def wall_seconds(self, seconds: float) -> float:
        return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """From one start of a tablet to the next: its monotonic clock begins anew."""

    boot_id: str
    began_at_utc: datetime


@dataclass(slots=True)
class Machines:
    """The clocks that no code may be given: those of the tablet that works at this moment."""

    true: HandClock
    boot: Boot = field(init=False)

    def __post_init__(self) -> None:
        self.boot = Boot(boot_id="no tablet", began_at_utc=self.true.now_utc())

    def monotonic_ns(self) -> int:
        return (self.true.now_utc() - self.boot.began_at_utc) // timedelta(microseconds=1) * 1000

    def boot_id(self) -> str:
        return self.boot.boot_id


@contextmanager
def pinned(rng: random.Random, machines: Machines) -> Iterator[None]:
    """Let ids, epochs and monotonic clocks follow from the seed while the block runs."""

    def choice(symbols: str) -> str:
        return rng.choice(symbols)

    draws: dict[str, Callable[..., object]] = {
        "randbits": rng.getrandbits,
        "token_bytes": lambda count=32: rng.randbytes(count),
        "choice": choice,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "urandom", rng.randbytes)
        for name, draw in draws.items():
            patch.setattr(secrets, name, draw)
        time = SimpleNamespace(
            monotonic_ns=machines.monotonic_ns, monotonic=lambda: machines.monotonic_ns() / 1e9
        )
        patch.setattr(clock_io, "time", time)
        patch.setattr(clock_io, "read_boot_id", machines.boot_id)
        yield
