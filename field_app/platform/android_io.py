"""The ports of an Android tablet through plyer and pyjnius. Written from their sources, never run.

No Android SDK was at hand: every class here is untried on a device (docs/tablet.md, Android).
Each one answers "not available" when its library or the tablet's part is missing, so that the app
works on by hand.
"""

import importlib
import importlib.util
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from field_app.platform.ports import (
    Availability,
    Fix,
    Hardware,
    Sound,
    Stop,
    Tag,
    TagWay,
    Vault,
)

READY: Final = Availability(is_available=True)

_SCAN_REQUEST: Final = 0x4C41
"""Names our request among the answers of other apps; any number below 65,536."""

_LOCATION_MS: Final = 1000
_TONES: Final = {
    Sound.URGENT: ("TONE_CDMA_EMERGENCY_RINGBACK", 1500),
    Sound.DONE: ("TONE_PROP_BEEP", 150),
    Sound.WRONG: ("TONE_PROP_NACK", 400),
}
"""Names of android.media.ToneGenerator, and milliseconds."""


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _class(name: str) -> Any:  # noqa: ANN401 - a Java class has no Python type
    """Return a Java class; raise ImportError without pyjnius."""
    return importlib.import_module("jnius").autoclass(name)


def _activity() -> Any:  # noqa: ANN401 - a Java object has no Python type
    return _class("org.kivy.android.PythonActivity").mActivity


class AndroidCamera:
    """The tablet's own camera app, through plyer."""

    def __init__(self, folder: Path) -> None:
        """Keep pictures in `folder` until they have been read."""
        self._folder = folder

    def availability(self) -> Availability:
        """Return whether plyer is there."""
        if importlib.util.find_spec("plyer") is None:
            return Availability(is_available=False, reason=_("This machine has no camera."))
        return READY

    def take_photo(self, taken: Callable[[bytes | None], None]) -> None:
        """Open the camera app; the picture is handed over when the person comes back."""
        path = self._folder / "camera.jpg"

        def done(_name: str) -> bool:
            taken(path.read_bytes() if path.is_file() else None)
            path.unlink(missing_ok=True)
            return False

        importlib.import_module("plyer").camera.take_picture(str(path), done)


class AndroidTagReader:
    """NFC in the foreground: the id of any tag that is held near."""

    def availability(self) -> Availability:
        """Return whether the tablet has NFC and it is switched on."""
        adapter = self._adapter()
        if adapter is None or not adapter.isEnabled():
            reason = _("This machine cannot read tags; type the number.")
            return Availability(is_available=False, reason=reason)
        return READY

    @staticmethod
    def _adapter() -> Any:  # noqa: ANN401 - a Java object has no Python type
        return _class("android.nfc.NfcAdapter").getDefaultAdapter(_activity())

    def listen(self, found: Callable[[Tag], None]) -> Stop:
        """Hear tags while the app is in front (foreground dispatch)."""
        adapter, activity = self._adapter(), _activity()
        if adapter is None:
            return lambda: None
        bind = importlib.import_module("android.activity")
        intent_class = _class("android.content.Intent")
        pending_class = _class("android.app.PendingIntent")
        intent = intent_class(activity, activity.getClass())
        intent.addFlags(intent_class.FLAG_ACTIVITY_SINGLE_TOP)
        pending = pending_class.getActivity(activity, 0, intent, pending_class.FLAG_MUTABLE)

        def arrived(new_intent: Any) -> None:  # noqa: ANN401 - a Java object has no Python type
            tag = new_intent.getParcelableExtra("android.nfc.extra.TAG")
            if tag is not None:
                text = "".join(f"{byte & 0xFF:02x}" for byte in tag.getId())
                found(Tag(text=text, way=TagWay.NFC))

        bind.bind(on_new_intent=arrived)
        adapter.enableForegroundDispatch(activity, pending, None, None)

        def stop() -> None:
            adapter.disableForegroundDispatch(activity)
            bind.unbind(on_new_intent=arrived)

        return stop


class AndroidScanner:
    """A scanner app by the intent that ZXing defined and others answer, too."""

    def availability(self) -> Availability:
        """Return whether any app answers the intent."""
        intent = _class("android.content.Intent")("com.google.zxing.client.android.SCAN")
        if intent.resolveActivity(_activity().getPackageManager()) is None:
            reason = _("This machine cannot scan codes; type what is printed.")
            return Availability(is_available=False, reason=reason)
        return READY

    def scan(self, scanned: Callable[[Tag | None], None]) -> None:
        """Open the scanner app; what it read is handed over when the person comes back."""
        bind = importlib.import_module("android.activity")

        def arrived(request: int, _result: int, data: Any) -> None:  # noqa: ANN401 - Java object
            if request != _SCAN_REQUEST:
                return
            bind.unbind(on_activity_result=arrived)
            text = None if data is None else data.getStringExtra("SCAN_RESULT")
            scanned(Tag(text=str(text), way=TagWay.QR) if text else None)

        bind.bind(on_activity_result=arrived)
        intent = _class("android.content.Intent")("com.google.zxing.client.android.SCAN")
        intent.putExtra("SCAN_MODE", "QR_CODE_MODE")
        _activity().startActivityForResult(intent, _SCAN_REQUEST)


class AndroidLocator:
    """GPS through the location service; asked directly, for plyer hides whether it is mocked."""

    def __init__(self) -> None:
        """Begin without a position."""
        self._manager: Any = None
        self._listener: Any = None

    def availability(self) -> Availability:
        """Return whether GPS is switched on."""
        manager = self._service()
        if manager is None or not manager.isProviderEnabled("gps"):
            reason = _("This machine does not know its position.")
            return Availability(is_available=False, reason=reason)
        return READY

    def _service(self) -> Any:  # noqa: ANN401 - a Java object has no Python type
        if self._manager is None:
            self._manager = _activity().getSystemService("location")
        return self._manager

    def start(self) -> None:
        """Ask for a position every second."""
        manager = self._service()
        if manager is None or self._listener is not None:
            return
        self._listener = importlib.import_module("plyer").gps
        self._listener.configure(on_location=lambda **_named: None)
        self._listener.start(minTime=_LOCATION_MS, minDistance=0)

    def stop(self) -> None:
        """Let the receiver sleep."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None

    def fix(self) -> Fix | None:
        """Return the last position of the GPS, with whether another app made it up."""
        manager = self._service()
        place = None if manager is None else manager.getLastKnownLocation("gps")
        if place is None:
            return None
        clock = _class("android.os.SystemClock")
        age_ms = (clock.elapsedRealtimeNanos() - place.getElapsedRealtimeNanos()) // 1_000_000
        is_mock = place.isMock() if hasattr(place, "isMock") else place.isFromMockProvider()
        return Fix(
            latitude_deg=place.getLatitude(),
            longitude_deg=place.getLongitude(),
            accuracy_m=place.getAccuracy() if place.hasAccuracy() else float("inf"),
            is_mock=bool(is_mock),
            at_ms=_wall_ms() - age_ms,
        )


class AndroidVibrator:
    """The tablet's motor, through plyer."""

    def availability(self) -> Availability:
        """Return whether plyer finds a motor."""
        has_plyer = importlib.util.find_spec("plyer") is not None
        if not has_plyer or not importlib.import_module("plyer").vibrator.exists():
            return Availability(is_available=False, reason=_("This machine does not vibrate."))
        return READY

    def vibrate(self, pattern_ms: Sequence[int]) -> None:
        """Vibrate; the pattern of Android begins with a pause."""
        seconds = [0.0, *(each / 1000 for each in pattern_ms)]
        importlib.import_module("plyer").vibrator.pattern(seconds)


class AndroidSounder:
    """Tones of the telephone system, loud on the alarm stream."""

    def availability(self) -> Availability:
        """Return that there is a speaker: every tablet has one."""
        return READY

    def play(self, sound: Sound) -> None:
        """Play a tone once."""
        name, duration_ms = _TONES[sound]
        alarm_stream, loudest = 4, 100
        generators = _class("android.media.ToneGenerator")
        generators(alarm_stream, loudest).startTone(getattr(generators, name), duration_ms)


class AndroidDialler:
    """The tablet's own telephone: it shows the number, the person presses call."""

    def dial(self, number: str) -> None:
        """Show the number (Intent.ACTION_DIAL needs no permission)."""
        intent = _class("android.content.Intent")
        address = _class("android.net.Uri").fromParts("tel", number, None)
        _activity().startActivity(intent(intent.ACTION_DIAL, address))


def android_hardware(vault: Vault) -> Hardware:
    """Return the ports of an Android tablet."""
    folder = Path(str(_activity().getCacheDir().getAbsolutePath()))
    return Hardware(
        camera=AndroidCamera(folder),
        tag_reader=AndroidTagReader(),
        code_scanner=AndroidScanner(),
        locator=AndroidLocator(),
        vibrator=AndroidVibrator(),
        sounder=AndroidSounder(),
        vault=vault,
        dialler=AndroidDialler(),
    )


def _(msgid: str) -> str:
    """Mark a msgid for the catalogue; the words are looked up when they are shown."""
    return msgid
