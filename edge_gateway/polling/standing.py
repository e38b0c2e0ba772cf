"""How the meters of a link have answered lately: in good standing, never heard, or silent."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

SUSPECT_AFTER = 2
"""Misses in a row after which a meter that has answered before is suspect; gateway notes 5."""

LONGEST_DOUBLING = 30
_JITTER = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one meter has answered lately, in wall seconds of a monotonic clock.

    Attributes:
        misses: Jobs in a row without any answer.
        quiet_until_s: No request before this.
        has_answered: Whether it has ever answered since the link was started.
        silent_since_s: When the first of the misses began.
        missed_at_s: When the last of them ended.
        is_reported: Whether the server has been told that it is silent.
    """

    misses: int = 0
    quiet_until_s: float = 0.0
    has_answered: bool = False
    silent_since_s: float = 0.0
    missed_at_s: float = 0.0
    is_reported: bool = False

    @property
    def is_suspect(self) -> bool:
        """Whether the meter has stopped answering, or never began."""
        return self.misses >= (SUSPECT_AFTER if self.has_answered else 1)


class NewsKind(StrEnum):
    """What has changed on a link, as the event kinds of docs/gateway.md."""

    METER_SILENT = "meter_silent"
    METER_ANSWERS = "meter_answers"
    LINK_SILENT = "link_silent"
    LINK_ANSWERS = "link_answers"
    OVERRUN = "overrun"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A change that the server is told.

    Attributes:
        kind: What has changed.
        serial: The meter it is about; empty when it is about the link.
        text: Details; empty where the kind says all.
    """

    kind: NewsKind
    serial: str = ""
    text: str = ""


_FRESH = Standing()
_GOOD = Standing(has_answered=True)


class Roll:
    """The standings of all meters of a link; used by one thread.

    A meter is called silent only when another one has answered since it fell silent; when nobody
    answers it is the link that is at fault, and no meter is blamed before it is silent again.
    """

    def __init__(self, serials: Iterable[str], backoff_max_s: float) -> None:
        """Take the meters; nobody has been asked yet."""
        self._standings = dict.fromkeys(serials, _FRESH)
        self._backoff_max_s = backoff_max_s
        self._answered_s = float("-inf")
        self._silent: set[str] = set()
        self._heard_again_s = float("-inf")
        self.is_link_silent = False

    def of(self, serial: str) -> Standing:
        """Return how a meter has answered lately."""
        return self._standings.get(serial, _FRESH)

    def suspects(self) -> tuple[str, ...]:
        """Return the serials that do not answer, sorted."""
        return tuple(sorted(name for name in tuple(self._silent) if self.of(name).is_suspect))

    def is_anybody_well(self) -> bool:
        """Return whether some meter has answered the last time it was asked."""
        return any(
            standing.has_answered and not standing.misses for standing in self._standings.values()
        )

    def answered(self, serial: str, now_s: float) -> list[News]:
        """Take note of an answer and return what has changed."""
        self._answered_s = now_s
        if serial not in self._silent and not self.is_link_silent:
            if not self.of(serial).has_answered:
                self._standings[serial] = _GOOD
                return self._blame()
            return self._blame() if self._silent else []
        news = []
        before = self.of(serial)
        self._standings[serial] = _GOOD
        self._silent.discard(serial)
        if self.is_link_silent:
            self.is_link_silent = False
            self._heard_again_s = now_s
            self.forget_pauses()
            news.append(News(kind=NewsKind.LINK_ANSWERS))
        if before.is_reported:
            news.append(News(kind=NewsKind.METER_ANSWERS, serial=serial))
        return [*news, *self._blame()]

    def missed(self, serial: str, started_s: float, now_s: float) -> list[News]:
        """Take note of a job without answer and return what has changed."""
        before = self.of(serial)
        misses = before.misses + 1
        self._standings[serial] = replace(
            before,
            misses=misses,
            quiet_until_s=now_s + self._pause_s(serial, misses),
            silent_since_s=before.silent_since_s if before.misses else started_s,
            missed_at_s=now_s,
        )
        self._silent.add(serial)
        if self._is_nobody_left() and not self.is_link_silent:
            self.is_link_silent = True
            return [News(kind=NewsKind.LINK_SILENT), *self._blame()]
        return self._blame()

    def forget_pauses(self) -> None:
        """Let every silent meter be asked at once, as after a line was opened afresh."""
        standings: Mapping[str, Standing] = dict(self._standings)
        self._standings = {
            name: replace(standing, quiet_until_s=0.0) for name, standing in standings.items()
        }

    def _is_nobody_left(self) -> bool:
        return len(self._silent) == len(self._standings) > 1

    def _pause_s(self, serial: str, misses: int) -> float:
        """Return 1, 2, 4 ... seconds with 20 % spread, the same for the same meter and count."""
        pause_s = min(self._backoff_max_s, 2.0 ** min(misses - 1, LONGEST_DOUBLING))
        spread = zlib.crc32(f"{serial} {misses}".encode()) / 2**32
        return pause_s * (1 - _JITTER + 2 * _JITTER * spread)

    def _blame(self) -> list[News]:
        """Report the suspects that others have outlived; the only meter of a link is its own."""
        is_alone = len(self._standings) == 1
        news = []
        for serial in sorted(self._silent):
            standing = self._standings[serial]
            is_outlived = is_alone or (
                self._answered_s > standing.silent_since_s
                and standing.missed_at_s > self._heard_again_s
            )
            if standing.is_suspect and is_outlived and not standing.is_reported:
                self._standings[serial] = replace(standing, is_reported=True)
                news.append(News(kind=NewsKind.METER_SILENT, serial=serial))
        return news
