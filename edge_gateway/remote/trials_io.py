"""Puts revisions on trial, confirms them, and goes back by itself from those that do not work."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import ConfigError
from edge_gateway.polling.link_crew_io import LinkCrew
from edge_gateway.remote import answers
from edge_gateway.remote.answers import Verdict
from edge_gateway.remote.revisions_io import InForce, Revisions
from edge_gateway.remote.standing import OWN_FILE, Standing, begin_trial, confirm, leave, roll_back
from edge_gateway.remote.trial import PERIODS, Judgement, judge, silent_links, trial_length
from wire_contracts.clock import Clock
from wire_contracts.codes import Code
from wire_contracts.gateway_commands import ApplyConfig, CommandOutcome, SignedText

REVISION_STORED = "gateway.revision_stored"
"""Named point: a revision is on disk and on trial, its links have not been started."""

REVISION_STARTED = "gateway.revision_started"
"""Named point: the links of a revision on trial have been started."""

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayParts:
    """What a revision changes, and whom to tell.

    Attributes:
        clock: The gateway's clock.
        is_time_known: Tells whether the clock's word is more than a guess.
        crew: The links that a revision exchanges.
        adopt: Gives queue and uplink the bounds and intervals of other settings.
        announce: Publishes an event, a kind and a text.
        reached: Told at named points.
    """

    clock: Clock
    is_time_known: Callable[[], bool]
    crew: LinkCrew
    adopt: Callable[[InForce], None]
    announce: Callable[[str, str], None]
    reached: Callable[[str], None]


class Trials:
    """The settings in force, and the revision on trial if there is one; used by one thread."""

    def __init__(
        self, revisions: Revisions, start: tuple[InForce, Standing], parts: GatewayParts
    ) -> None:
        """Take what the gateway has been started with; a trial under way begins anew."""
        self._revisions = revisions
        self.in_force, self.standing = start
        self._parts = parts
        self._since_s = self._allowed_s = 0.0
        self._was_sound = False
        if self.standing.trial is not None:
            self._watch()

    def apply(self, command_id: str, signed: SignedText, order: ApplyConfig) -> Verdict:
        """Keep a revision, exchange the links, and have it on trial from now on."""
        standing = self.standing
        if order.number <= standing.highest:
            text = (
                f"number: {order.number} is not above {standing.highest}, the highest taken here; "
                "push it again with a higher number"
            )
            return answers.refused(Code.REVISION_OLD, text)
        if standing.trial is not None:
            text = f"revision {standing.trial.number} is on trial; wait for its end"
            return answers.refused(Code.COMMAND_BUSY, text)
        try:
            ready = self._revisions.take(signed, order)
        except (ConfigError, OSError) as error:
            return answers.refused(Code.REVISION_SETTINGS, str(error))
        try:
            self._save(begin_trial(standing, order.number, command_id))
        except OSError as error:
            return answers.refused(Code.REVISION_SETTINGS, f"cannot be kept: {error}")
        self._parts.reached(REVISION_STORED)
        self._was_sound = any(link.has_sound_frame for link in self._parts.crew.figures())
        return self._start(ready)

    def judge(self) -> bool:
        """Confirm or roll back when it is time; return whether a trial has ended now."""
        trial = self.standing.trial
        if trial is None:
            return False
        figures = self._parts.crew.figures()
        passed_s = time.monotonic() - self._since_s
        allowed_s, was_sound = self._allowed_s, self._was_sound
        match judge(figures, passed_s=passed_s, allowed_s=allowed_s, was_sound=was_sound):
            case Judgement.WAIT:
                return False
            case Judgement.CONFIRM:
                silent = ", ".join(silent_links(figures))
                rest = f"; no good frame yet from {silent}" if silent else ""
                why = f"a good frame came after {passed_s:.0f} s{rest}"
                self._end(confirm(self.standing, why))
                self._parts.announce("config_confirmed", f"revision {trial.number}: {why}")
            case Judgement.ROLL_BACK:
                strange = any(link.last_good for link in figures)
                what = "only frames with strange or missing values" if strange else "no good frame"
                self._fall_back(f"{what} came within {allowed_s:.0f} s")
        return True

    def leave(self, number: int, by: str) -> Verdict:
        """Leave the revision in force by order."""
        why = f"left by order of {by}"
        after = leave(self.standing, number, why)
        if after is None:
            known = f"revision {self.standing.in_force} is in force; name that one"
            own = "the gateway's own file is in force; there is no revision to leave"
            text = f"number: {own if self.standing.in_force == OWN_FILE else known}"
            return answers.refused(Code.REVISION_UNKNOWN, text)
        try:
            self._save(after)
        except OSError as error:
            text = f"revision {number} stays in force, the disk takes nothing: {error}"
            return answers.failed(Code.OPERATION_FAILED, text)
        self._switch(self._revisions.settled(after))
        self._parts.announce("config_rolled_back", f"revision {number}: {why}")
        return answers.done(f"revision {self.in_force.number} is in force")

    def facts(self) -> Verdict:
        """Return which settings are in force, as an answer."""
        standing, ended = self.standing, self.standing.ended
        facts = {
            "revision": str(self.in_force.number),
            "state": "on trial" if standing.trial is not None else "settled",
            "sha256": self.in_force.fingerprint(),
            "highest": str(standing.highest),
            "confirmed": ", ".join(map(str, standing.confirmed)) or "none",
        }
        if ended is not None:
            how = "confirmed" if ended.is_confirmed else "rolled back"
            facts["last_trial"] = f"{ended.number} {how}: {ended.why}"[:500]
        return answers.done("settings in force", facts)

    def _start(self, ready: InForce) -> Verdict:
        try:
            self._switch(ready)
        except Exception as error:  # noqa: BLE001  # whatever a revision breaks, the old one works
            _LOG.exception("remote.revision_not_started", number=ready.number)
            why = f"its links cannot be started: {type(error).__name__}: {error}"
            self._fall_back(why)
            return answers.failed(Code.REVISION_ROLLED_BACK, f"revision {ready.number}: {why}")
        self._parts.reached(REVISION_STARTED)
        self._watch()
        text = f"revision {ready.number} is on trial for {self._allowed_s:.0f} s"
        self._parts.announce("config_on_trial", text)
        return Verdict(outcome=CommandOutcome.ACCEPTED, text=text)

    def _fall_back(self, why: str) -> None:
        """Go back to the settings before the trial, first on disk and then in fact."""
        number = self.standing.in_force
        self._end(roll_back(self.standing, why))
        self._switch(self._revisions.settled(self.standing))
        self._parts.announce("config_rolled_back", f"revision {number}: {why}")

    def _save(self, standing: Standing) -> None:
        self._revisions.store.save(standing)
        self.standing = standing
        self._revisions.store.forget_others(standing.kept())

    def _end(self, standing: Standing) -> None:
        """End a trial; where the disk takes nothing it ends all the same, until the next start."""
        try:
            self._save(standing)
        except OSError:
            _LOG.exception("remote.state_not_kept")
            self.standing = standing

    def _switch(self, ready: InForce) -> None:
        """Exchange the links; queue, epoch and uplink go on."""
        self._parts.crew.swap(ready.links, is_raw_kept=ready.config.is_raw_kept)
        self._parts.adopt(ready)
        self.in_force = ready
        _LOG.info("remote.settings_in_force", revision=ready.number, links=len(ready.links))

    def _watch(self) -> None:
        length = trial_length(self.in_force.links)
        period_s = self._parts.clock.wall_seconds(length.period.total_seconds())
        self._allowed_s = PERIODS * period_s + length.answer_s
        self._since_s = time.monotonic()
