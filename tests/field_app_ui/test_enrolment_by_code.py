"""The first start by scanning: nothing is typed; and the strip of the demo on every screen."""

from pathlib import Path

from field_app.platform.ports import Tag, TagWay
from field_app.ui.file_picker import FilePicker, listed
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import Hands
from wire_contracts.enrolment import Invitation, invitation_text

INVITATION = Invitation(server_url="http://127.0.0.1:9", code="7KQ2-M4XP")


def test_a_scanned_code_connects_without_typing(crew: Field) -> None:
    (crew.folder / "identity.json").unlink()
    hands = Hands()
    hands.scanner.code = invitation_text(INVITATION)
    crew.hardware = hands.hardware()
    ui = crew.switch_on()
    ui.tap_hint("scan-code")
    ui.settle()

    view = ui.get("EnrolScreen").view
    assert (view.server_url, view.code) == (INVITATION.server_url, INVITATION.code)
    no_contact = crew.says("No contact: {reason}.", reason=crew.says("no network"))
    assert view.message == no_contact, "it asked at once; nobody listens here"


def test_another_code_is_told_apart(crew: Field) -> None:
    (crew.folder / "identity.json").unlink()
    hands = Hands()
    hands.scanner.code = Tag(text="04a2b3", way=TagWay.QR).text
    crew.hardware = hands.hardware()
    ui = crew.switch_on()
    ui.tap_hint("scan-code")
    ui.settle()

    assert ui.get("EnrolScreen").view.message == crew.says(
        "This is not a code of the control room."
    )


def test_a_machine_without_a_scanner_asks_for_typing_only(crew: Field) -> None:
    (crew.folder / "identity.json").unlink()
    ui = crew.switch_on()

    assert ui.all(hint="scan-code", anywhere=True) == []


def test_a_file_is_picked_through_its_folders(crew: Field, tmp_path: Path) -> None:
    ui = crew.switch_on()
    inner = tmp_path / "pictures"
    inner.mkdir(exist_ok=True)
    (inner / "code.png").write_bytes(b"x")
    (inner / "notes.doc").write_bytes(b"x")
    picked: list[Path | None] = []
    picker = FilePicker(chosen=picked.append)
    picker.look_into(tmp_path)
    picker.open(animation=False)
    ui.settle()
    assert inner in listed(tmp_path)
    picker.tapped(inner)
    ui.settle()
    ui.tap(ui.get("Choice", key=str(inner / "code.png"), anywhere=True))
    ui.settle()

    assert picked == [inner / "code.png"]
    assert listed(tmp_path / "gone") == []
