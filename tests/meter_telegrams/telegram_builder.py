"""Builds telegrams as meters do: wired frames, wireless telegrams with CRCs and AES."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from meter_telegrams.mbus.frames import long_frame
from meter_telegrams.records.media import manufacturer_code

HEAT, WATER, GAS = 0x04, 0x07, 0x03
FILLER = b"\x2f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A meter as it names itself."""

    identification: str = "12345678"
    manufacturer: str = "LMP"
    version: int = 1
    device_type: int = HEAT

    @property
    def manufacturer_bytes(self) -> bytes:
        return manufacturer_code(self.manufacturer).to_bytes(2, "little")

    @property
    def identification_bytes(self) -> bytes:
        return bytes.fromhex(self.identification)[::-1]

    @property
    def header_address(self) -> bytes:
        kind = bytes([self.version, self.device_type])
        return self.identification_bytes + self.manufacturer_bytes + kind

    @property
    def link_address(self) -> bytes:
        kind = bytes([self.version, self.device_type])
        return self.manufacturer_bytes + self.identification_bytes + kind


def bcd(number: int, size: int) -> bytes:
    return bytes.fromhex(f"{number:0{2 * size}d}")[::-1]


def long_header(
    device: Device, *, access: int = 1, status: int = 0, configuration: int = 0
) -> bytes:
    tail = bytes([access, status]) + configuration.to_bytes(2, "little")
    return device.header_address + tail


def answer(device: Device, records: bytes, *, primary: int = 1, status: int = 0) -> bytes:
    """Return a wired answer with a long header."""
    header = long_header(device, status=status)
    return long_frame(0x08, primary, 0x72, header + records)


def crc(data: bytes) -> int:
    """Return the CRC bit by bit, as EN 13757-4 writes it: another way than the product's."""
    value = 0
    for byte in data:
        for bit in range(7, -1, -1):
            is_set = (value >> 15) ^ (byte >> bit & 1)
            value = (value << 1) & 0xFFFF
            value ^= 0x3D65 if is_set else 0
    return value ^ 0xFFFF


def air(device: Device, body: bytes, *, control: int = 0x44) -> bytes:
    """Return a wireless telegram without CRCs; `body` begins with CI."""
    rest = bytes([control]) + device.link_address + body
    return bytes([len(rest)]) + rest


def with_crcs_a(plain: bytes) -> bytes:
    blocks = [plain[:10], *(plain[at : at + 16] for at in range(10, len(plain), 16))]
    return b"".join(block + crc(block).to_bytes(2, "big") for block in blocks)


def with_crcs_b(plain: bytes) -> bytes:
    count = 1 if len(plain) <= 126 else 2
    whole = bytes([plain[0] + 2 * count]) + plain[1:]
    blocks = [whole[:126], whole[126:]][:count]
    return b"".join(block + crc(block).to_bytes(2, "big") for block in blocks)


def padded(records: bytes) -> bytes:
    """Return records as mode 5 and 7 encrypt them: proof in front, fillers behind."""
    clear = FILLER * 2 + records
    return clear + FILLER * (-len(clear) % 16)


def cbc(clear: bytes, key: bytes, vector: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    return encryptor.update(clear) + encryptor.finalize()


def cmac(key: bytes, message: bytes) -> bytes:
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


def mode_5(device: Device, records: bytes, key: bytes, *, access: int = 0x2A) -> bytes:
    """Return CI 7A and what follows, encrypted as OMS volume 2 section 9.3 says."""
    clear = padded(records)
    configuration = 5 << 8 | (len(clear) // 16) << 4
    cipher = cbc(clear, key, device.link_address + bytes([access]) * 8)
    return bytes([0x7A, access, 0]) + configuration.to_bytes(2, "little") + cipher


def mode_7(
    device: Device,
    records: bytes,
    key: bytes,
    *,
    counter: int = 0x0807,
    is_long: bool = False,
) -> bytes:
    """Return CI 90 and what follows: authentication layer, then mode 7 with its own keys."""
    count = counter.to_bytes(4, "little")
    tail = count + device.identification_bytes + bytes([7]) * 7
    own, own_mac = cmac(key, b"\x00" + tail), cmac(key, b"\x01" + tail)
    clear = padded(records)
    configuration = 7 << 8 | (len(clear) // 16) << 4
    start = b"\x72" + device.header_address if is_long else b"\x7a"
    head = start + bytes([0x11, 0]) + configuration.to_bytes(2, "little") + b"\x10"
    message = head + cbc(clear, own, bytes(16))
    control = b"\x25"
    mac = cmac(own_mac, control + count + message)[:8]
    fields = b"\x00\x2c" + control + count + mac
    return b"\x90" + bytes([len(fields)]) + fields + message


def session(device: Device, rest: bytes, key: bytes | None, *, control: int = 0x20) -> bytes:
    """Return CI 8D and what follows; with a key encrypted in counter mode."""
    number = bytes.fromhex("01020330")
    body = crc(rest).to_bytes(2, "little") + rest
    if key is not None:
        block = device.link_address + bytes([control]) + number + bytes(3)
        encryptor = Cipher(algorithms.AES(key), modes.CTR(block)).encryptor()
        body = encryptor.update(body) + encryptor.finalize()
    return bytes([0x8D, control, 0x07]) + number + body
