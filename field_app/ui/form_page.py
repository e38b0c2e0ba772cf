# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Puts a form of the office on top of what is shown, with its signing page."""

from collections.abc import Callable

from field_app.presenters.form import FormPresenter
from field_app.presenters.ports import Worker
from field_app.ui.navigator import Navigator
from field_app.ui.places import PlaceScreen
from field_app.ui.screens.form import FormScreen
from field_app.ui.screens.signing import SigningScreen
from wire_contracts.forms.answer_sets import AnswerSet


def make_form_page(
    navigator: Navigator,
    presenter: FormPresenter,
    worker: Worker,
    finished: Callable[[AnswerSet], None] | None = None,
) -> PlaceScreen:
    """Return the page of a form; show it with `navigator.open_page`.

    `finished` is called with the sealed answers after the page has closed.
    """

    def sign(page: SigningScreen) -> None:
        page.closed = navigator.close_page
        navigator.open_page(page)

    def done(answers: AnswerSet) -> None:
        navigator.close_page()
        if finished is not None:
            finished(answers)

    page: PlaceScreen = FormScreen(
        presenter=presenter,
        closed=navigator.back,
        finished=done,
        opened=sign,
        worker=worker,
    )
    return page
