"""EnrolPresenter: the first start, a server address and a one-time code."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from field_app.config import TabletConfig
from field_app.config_io import ConfigError, check_server_url
from field_app.platform.desktop import NoCodeScanner
from field_app.platform.ports import CodeScanner, Tag
from field_app.presenters.crew_line import crew_text
from field_app.presenters.ports import PresenterContext
from field_app.presenters.stage import Stage
from field_app.presenters.views import EnrolView, PersonView
from field_app.presenters.wording import no_room_text, reason_text
from field_app.sync.reasons import Reason, SyncProblem
from field_app.tablet import Tablet
from wire_contracts.enrolment import TabletPerson, parse_invitation


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """Who may work here, and whether a code must be given first."""

    people: tuple[TabletPerson, ...]
    must_enrol: bool
    is_withdrawn: bool
    waiting_count: int
    photo_count: int


class EnrolPresenter:
    """The enrolment of this tablet."""

    def __init__(
        self,
        tablet: Tablet,
        context: PresenterContext,
        config: TabletConfig,
        scanner: CodeScanner | None = None,
    ) -> None:
        """Enrol `tablet`; the server's address of `config` is filled in."""
        self._tablet = tablet
        self._scanner = scanner or NoCodeScanner()
        self._context = context
        self._device_name = config.device_name
        identity = tablet.identity
        blank = EnrolView(
            server_url=config.server_url if identity is None else identity.server_url,
            code="",
            can_enrol=False,
            is_busy=False,
            is_enrolled=not tablet.must_enrol(),
            crew_text=crew_text(identity),
            people=(),
            message="",
            can_scan=self._scanner.availability().is_available,
        )
        self._stage = Stage(context.worker, blank)

    @property
    def view(self) -> EnrolView:
        """Return the last view."""
        return self._stage.view

    def attach(self, show: Callable[[EnrolView], None]) -> None:
        """Show every view with `show`."""
        self._stage.attach(show)
        self.refresh()

    def detach(self) -> None:
        """Show nothing any more."""
        self._stage.detach()

    def refresh(self) -> None:
        """Read again who may work on this tablet."""
        self._stage.read(self._look, self._draw_people)

    def type_server(self, url: str) -> None:
        """Take the server's address as typed."""
        self._redraw(replace(self.view, server_url=url, message=""))

    def type_code(self, code: str) -> None:
        """Take the one-time code as typed."""
        self._redraw(replace(self.view, code=code, message=""))

    def scan(self) -> None:
        """Read the control room's code and connect at once: nothing is typed."""
        self._scanner.scan(lambda tag: self._context.worker.run(lambda: tag, self._scanned))

    def _scanned(self, tag: Tag | None) -> None:
        if tag is None:
            return
        invitation = parse_invitation(tag.text)
        if invitation is None:
            message = self._context.words("This is not a code of the control room.")
            self._redraw(replace(self.view, message=message))
            return
        view = replace(
            self.view, server_url=invitation.server_url, code=invitation.code, message=""
        )
        self._redraw(view)
        self.enrol()

    def enrol(self) -> None:
        """Ask the server for this tablet's token."""
        if not self.view.can_enrol or self.view.is_busy:
            return
        t = self._context.words
        try:
            url = check_server_url("tablet", self.view.server_url)
        except ConfigError:
            self._redraw(replace(self.view, message=t("This is not an address of a server.")))
            return
        code = self.view.code.strip()
        self._stage.draw(replace(self.view, is_busy=True, message=""))
        self._stage.act(
            lambda: self._ask(url, code), self._answered, self._say_no_room, self._not_asked
        )

    def choose_person(self, account_id: str) -> None:
        """Let one person of the crew work on this tablet from now on."""
        self._stage.act(lambda: self._choose(account_id), self._draw_people, self._say_no_room)

    def _choose(self, account_id: str) -> _Standing:
        self._tablet.choose_person(account_id)
        return self._look()

    def _look(self) -> _Standing:
        withdrawal = self._tablet.withdrawal()
        return _Standing(
            people=self._tablet.people(),
            must_enrol=self._tablet.must_enrol(),
            is_withdrawn=withdrawal.is_withdrawn,
            waiting_count=withdrawal.sealed_waiting + withdrawal.readable_waiting,
            photo_count=withdrawal.photos_waiting,
        )

    def _why(self, standing: _Standing) -> str:
        """Return why a tablet that was at work asks for a code again, empty for a new one."""
        t = self._context.words
        if not standing.must_enrol or self._tablet.identity is None:
            return ""
        if not standing.is_withdrawn:
            return t("Too many wrong PINs. Ask the office for a new one-time code.")
        if not standing.waiting_count and not standing.photo_count:
            return t(
                "The office has withdrawn this tablet. All that you entered has arrived there."
            )
        return t(
            "The office has withdrawn this tablet. Only here so far: {count} entries, {photos} "
            "photos. Leave it switched on, in a free network, until all have arrived."
        ).format(count=standing.waiting_count, photos=standing.photo_count)

    def _ask(self, url: str, code: str) -> str:
        """Return why it did not work, empty when it did."""
        t = self._context.words
        try:
            self._tablet.enrol(url, code, self._device_name)
        except SyncProblem as problem:
            if problem.reason is Reason.LOGIN:
                return t("The code is wrong, used or too old; ask the office for a new one.")
            why = reason_text(t, problem.reason)
            return t("No contact: {reason}.").format(reason=why)
        return ""

    def _not_asked(self) -> None:
        self._redraw(replace(self.view, is_busy=False))

    def _say_no_room(self) -> None:
        self._answered(no_room_text(self._context.words))

    def _answered(self, message: str) -> None:
        self._redraw(replace(self.view, is_busy=False, message=message))
        if not message:
            self.refresh()

    def _draw_people(self, standing: _Standing) -> None:
        identity = self._tablet.identity
        actor = "" if identity is None else identity.actor
        self._redraw(
            replace(
                self.view,
                is_enrolled=not standing.must_enrol,
                message=self._why(standing) or self.view.message,
                crew_text=crew_text(identity),
                people=tuple(
                    PersonView(
                        account_id=person.account_id,
                        name=person.name,
                        is_selected=person.account_id == actor,
                    )
                    for person in standing.people
                ),
            )
        )

    def _redraw(self, view: EnrolView) -> None:
        can_enrol = bool(view.server_url.strip() and view.code.strip()) and not view.is_busy
        self._stage.draw(replace(view, can_enrol=can_enrol))
