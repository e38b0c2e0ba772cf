"""A serial port as a byte port; the only importer of pyserial.

pyserial opens and sets the port and keeps other processes out; bytes then go straight through the
file descriptor, because its own reads wait for a count or a pause and not for what is there.
"""

import errno
import os
import select
import termios

import serial  # type: ignore[import-untyped]  # pyserial ships no types

from edge_gateway.links.answers import NO_SERIAL_PORT
from edge_gateway.links.link_url import SerialLine

WRITE_WITHIN_S = 5.0
"""Wall seconds after which an adapter that takes no bytes is given up. Judgement."""

_MOST_BYTES = 4096


class SerialPort:
    """An open serial port; works on anything with the manners of a terminal."""

    def __init__(self, line: SerialLine) -> None:
        """Open and set the port, for this process alone.

        Raises:
            OSError: It is not there, in use, not ours to open, or refuses the settings.
        """
        try:
            self._serial = serial.Serial(
                port=line.device,
                baudrate=line.baud,
                bytesize=line.databits,
                parity=line.parity.value,
                stopbits=line.stopbits,
                timeout=0,
                exclusive=True,
            )
        except (termios.error, ValueError, OSError) as error:
            if _is_something_else(line.device):
                message = f"{line.device} {NO_SERIAL_PORT}"
                raise OSError(message) from error
            if isinstance(error, OSError):
                raise
            message = f"{line.device} refuses {line.baud} {line.parity} {line.stopbits}: {error}"
            raise OSError(message) from error
        self._descriptor: int = self._serial.fileno()
        self._readable = select.poll()
        self._readable.register(self._descriptor, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(self._descriptor, select.POLLOUT)

    def write(self, data: bytes) -> None:
        """Hand every byte to the port; raise OSError when it is gone or takes none."""
        rest = memoryview(data)
        while rest:
            if not self._writable.poll(WRITE_WITHIN_S * 1000):
                message = "the port takes no more bytes"
                raise OSError(errno.EIO, message)
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                continue

    def read(self, timeout_s: float) -> bytes:
        """Return what is there, at the latest after `timeout_s`; empty when nothing came.

        Raises:
            OSError: The port is gone.
        """
        if not self._readable.poll(max(timeout_s, 0.0) * 1000):
            return b""
        try:
            data = os.read(self._descriptor, _MOST_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            message = "the port has vanished"
            raise OSError(errno.EIO, message)
        return data

    def close(self) -> None:
        """Close the port; never raises."""
        try:
            self._serial.close()
        except (OSError, termios.error):
            return


def _is_something_else(device: str) -> bool:
    """Return whether a path is there and can be opened, but is no terminal line."""
    try:
        descriptor = os.open(device, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return not os.isatty(descriptor)
    finally:
        os.close(descriptor)
