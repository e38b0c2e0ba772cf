"""The ports of a machine: a desktop's stand-ins work, what is missing says so."""

import io
import wave
from collections.abc import Sequence
from pathlib import Path

import pytest
import segno
from PIL import Image

from field_app.photos.pictures_io import read_code
from field_app.photos.strokes import HEIGHT, WIDTH, is_signature, png_of, smoothed
from field_app.platform.desktop import desktop_hardware
from field_app.platform.desktop_io import (
    TONES,
    DesktopCamera,
    DesktopScanner,
    DesktopSounder,
    wav_of,
)
from field_app.platform.hardware_io import Desk, TrackError, open_hardware, read_track
from field_app.platform.no_vault import NoVault
from field_app.platform.ports import Sound, Tag, TagWay
from field_app.platform.replay import ReplayedStep
from tests.sync_server.real_parts import HandClock

TRACK = "after_s,latitude_deg,longitude_deg,accuracy_m\n0,36.6,117.1,5\n10,36.7,117.2,8\n"


def desk(path: Path | None = None, track: str = "") -> Desk:
    steps: Sequence[ReplayedStep] = ()
    if track:
        assert path is not None
        path.write_text(track)
        steps = read_track(path)
    return Desk(ask_file=lambda chosen: chosen(path), read_code=read_code, track=steps)


def test_a_machine_without_anything_says_so_and_never_pretends() -> None:
    hardware = desktop_hardware(NoVault())
    photos: list[bytes | None] = []
    tags: list[Tag | None] = []
    hardware.camera.take_photo(photos.append)
    hardware.code_scanner.scan(tags.append)
    hardware.locator.start()
    hardware.tag_reader.listen(tags.append)()
    hardware.vibrator.vibrate([200])
    hardware.sounder.play(Sound.URGENT)

    assert (photos, tags, hardware.locator.fix()) == ([None], [None], None)
    ports = (
        hardware.camera,
        hardware.tag_reader,
        hardware.code_scanner,
        hardware.locator,
        hardware.vibrator,
        hardware.sounder,
    )
    assert all(
        not port.availability().is_available and port.availability().reason for port in ports
    )


def test_a_file_stands_in_for_the_camera(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"jpeg")
    taken: list[bytes | None] = []

    DesktopCamera(lambda chosen: chosen(path)).take_photo(taken.append)
    DesktopCamera(lambda chosen: chosen(None)).take_photo(taken.append)
    DesktopCamera(lambda chosen: chosen(tmp_path / "gone.jpg")).take_photo(taken.append)

    assert taken == [b"jpeg", None, None]


def test_a_code_is_read_out_of_its_picture_and_out_of_a_text(tmp_path: Path) -> None:
    picture, text = tmp_path / "code.png", tmp_path / "code.lamp"
    segno.make("lamplighter://enrol?x=1").save(str(picture), scale=5)
    text.write_text("lamplighter://enrol?x=2\n")
    plain = tmp_path / "plain.png"
    Image.new("RGB", (80, 80), "white").save(plain)
    read: list[Tag | None] = []

    for path in (picture, text, plain, None):
        DesktopScanner(lambda chosen, path=path: chosen(path), read_code).scan(read.append)  # type: ignore[misc]  # bound now

    assert read == [
        Tag(text="lamplighter://enrol?x=1", way=TagWay.QR),
        Tag(text="lamplighter://enrol?x=2", way=TagWay.QR),
        None,
        None,
    ]
    assert read_code(b"no picture") == ""


def test_a_track_is_replayed_by_the_clock_and_says_that_it_is_made_up(tmp_path: Path) -> None:
    clock = HandClock()
    locator = open_hardware(NoVault(), clock, desk(tmp_path / "t.csv", TRACK)).locator
    assert locator.fix() is None
    locator.start()
    first = locator.fix()
    clock.advance(seconds=11)
    second = locator.fix()

    assert first is not None
    assert second is not None
    assert (first.latitude_deg, second.latitude_deg) == (36.6, 36.7)
    assert first.is_mock
    assert second.is_mock


@pytest.mark.parametrize("text", ["a,b\n1,2\n", TRACK + "20,north,1,1\n"])
def test_a_track_that_cannot_be_read_names_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)

    with pytest.raises(TrackError, match=r"line \d: is not after_s"):
        read_track(path)
    with pytest.raises(TrackError, match="give the right path"):
        read_track(tmp_path / "gone.csv")


def test_without_a_track_a_desk_does_not_know_where_it_is() -> None:
    hardware = open_hardware(NoVault(), HandClock(), desk())

    assert not hardware.locator.availability().is_available
    assert hardware.camera.availability().is_available


def test_a_sound_is_a_wave_that_begins_and_ends_softly() -> None:
    with wave.open(io.BytesIO(wav_of(TONES[Sound.URGENT]))) as file:
        samples = memoryview(file.readframes(file.getnframes())).cast("h")
        seconds = file.getnframes() / file.getframerate()

    assert 0.8 < seconds < 1.0
    assert max(samples) > 15_000
    assert abs(samples[0]) < 100
    DesktopSounder().play(Sound.DONE)


def test_a_signature_is_a_small_picture_of_what_was_written() -> None:
    strokes = [[(0.1 + 0.02 * n, 0.5 + (0.2 if n % 2 else -0.2)) for n in range(30)]]
    content = png_of(strokes)

    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (WIDTH, HEIGHT)
        dark = image.convert("L").histogram()[0]
    assert 4_000 < dark < 120_000
    assert len(content) < 20_000
    assert is_signature(strokes)
    assert not is_signature([[(0.5, 0.5), (0.51, 0.5)]])
    assert not is_signature([])


def test_a_smoothed_line_keeps_its_ends_and_passes_its_points() -> None:
    line = [(0.0, 0.0), (0.5, 0.4), (1.0, 0.0)]
    curve = smoothed(line)

    assert (curve[0], curve[-1]) == (line[0], line[-1])
    assert line[1] in curve
    assert smoothed(line[:2]) == line[:2]
