"""Which process is killed when, as `WHO:AT`, and the driver that does it and starts it again."""

import re
import threading
import time
from dataclasses import dataclass

from demo.town_run_io import BROKER, SERVER, TownRun

GATEWAYS = "gateways"
WHO = (BROKER, SERVER, GATEWAYS)
POINTS = {
    "gateway.after_publish": GATEWAYS,
    "gateway.between_commits": GATEWAYS,
    "server.after_commit": SERVER,
}
"""Named points and the part that passes them (RULINGS R29)."""

DOWN_S = 1.0
"""Wall seconds a killed process stays dead: a quarter of an hour of the town."""

NAMED_POINT_WITHIN_S = 120.0
"""Wall seconds from a process's start to the point; a busy machine needs half a minute to import
the server alone."""

_MOMENT = re.compile(r"\d+(\.\d+)?")


class UnknownKill(ValueError):  # noqa: N818  # reads as what is wrong
    """A kill that cannot be understood; the text says what can."""


class KillDidNotHappen(RuntimeError):  # noqa: N818  # reads as what happened
    """A process did not end at the point at which it was to be killed; the text names both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill: at a wall second after the start, or when the process passes a named point."""

    who: str
    at_s: float = 0.0
    point: str = ""


def parse_kill(text: str) -> Kill:
    """Return the kill that `server:12.5` or `server:server.after_commit` means."""
    who, _, at = text.partition(":")
    if who in WHO and _MOMENT.fullmatch(at):
        return Kill(who=who, at_s=float(at))
    if POINTS.get(at) == who:
        return Kill(who=who, point=at)
    points = ", ".join(f"{part}:{point}" for point, part in POINTS.items())
    message = f"--kill: {text!r} is not known; use WHO:SECONDS of {', '.join(WHO)}, or {points}"
    raise UnknownKill(message)


class KillDriver:
    """Kills and restarts processes of a running town, in a thread of its own."""

    def __init__(self, run: TownRun, kills: list[Kill], began_wall_s: float) -> None:
        """Plan the kills; `start` begins."""
        self._run = run
        self._timed = sorted((kill for kill in kills if not kill.point), key=lambda one: one.at_s)
        self._pointed = [kill for kill in kills if kill.point]
        self._began_wall_s = began_wall_s
        self._over = threading.Event()
        self._missed: list[str] = []
        self._thread = threading.Thread(target=self._drive, name="kills")

    def start(self) -> None:
        """Begin to kill."""
        self._thread.start()

    def wait(self) -> None:
        """Wait until every kill has happened; raise KillDidNotHappen when one could not."""
        self._thread.join()
        if self._missed:
            raise KillDidNotHappen("; ".join(self._missed))

    def finish(self) -> None:
        """Stop killing; what is down is started again."""
        self._over.set()
        self._thread.join()

    def _drive(self) -> None:
        for kill in self._pointed:
            self._kill_at_point(kill)
        for kill in self._timed:
            wait_s = self._began_wall_s + kill.at_s - time.monotonic()
            if self._over.wait(max(0.0, wait_s)):
                return
            for name in self._names(kill):
                self._run.supervisor.kill(name)
                self._over.wait(DOWN_S)
                self._run.supervisor.restart(name)

    def _kill_at_point(self, kill: Kill) -> None:
        """Restart the process with the order to end itself at the point, then start it again."""
        for name in self._names(kill):
            arguments = self._run.supervisor.arguments_of(name)
            self._run.supervisor.kill(name)
            self._run.supervisor.restart(name, *arguments, "--kill-at", kill.point)
            if not self._run.supervisor.wait_for_end(name, NAMED_POINT_WITHIN_S):
                self._missed.append(f"{name} did not reach {kill.point}")
                self._run.supervisor.kill(name)
            self._over.wait(DOWN_S)
            self._run.supervisor.restart(name, *arguments)

    def _names(self, kill: Kill) -> list[str]:
        if kill.who != GATEWAYS:
            return [kill.who]
        return [self._run.gateway_process(group) for group in self._run.gateway_groups]
