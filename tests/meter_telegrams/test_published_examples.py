"""The examples that the standards' own documents print decode to what stands beside them."""

import pytest

from meter_telegrams.errors import RefusedTelegramError
from meter_telegrams.mbus.telegram import decode_mbus
from meter_telegrams.records.telegram import Telegram
from meter_telegrams.telegram_json import shown
from meter_telegrams.telegram_meaning import meaning_of
from meter_telegrams.wmbus.telegram import decode_wmbus
from wire_contracts.quantities import Quantity

# M-Bus documentation 4.8, section 6.3: variable data structure with three records
VARIABLE = "681F1F680802727856341224400107550000000313153100DA023B13018B60043718021816"
# M-Bus documentation 4.8, section 6.2: fixed data structure, a water meter with a stored value
FIXED = "6813136808057378563412 0A00E97E0100000035010000 3C16"
# OMS specification volume 2, annex N: the gas meter with security profile A (mode 5)
GAS_MODE_5 = (
    "2E4493157856341233037A2A0020255923C95AAA26D1B2E7493B013EC4A6F6D3529B520EDFF0EA6DEFC99D6D69EBF3"
)
KEY_MODE_5 = bytes.fromhex("0102030405060708090A0B0C0D0E0F11")
# the same with security profile B (mode 7, authentication layer)
GAS_MODE_7 = (
    "434493157856341233038C2075900F002C25B30A000021924D4F2FB66E017A75002007109058475F4BC91DF878B80A"
    "1B0F98B629024AAC727942BFC549233C0140829B93"
)
KEY_MODE_7 = bytes(range(16))


def octets(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


def told(telegram: Telegram) -> list[tuple[int, int, int, object, str]]:
    return [
        (each.storage, each.tariff, each.subunit, shown(each.value), each.unit)
        for each in telegram.records
    ]


def test_the_variable_structure_of_the_documentation() -> None:
    telegram = decode_mbus(octets(VARIABLE))

    assert telegram.address is not None
    assert telegram.address.manufacturer == "PAD"
    assert told(telegram) == [
        (0, 0, 0, 12.565, "m3"),
        (5, 0, 0, 0.113, "m3/h"),
        (0, 2, 1, 218370, "Wh"),
    ]


def test_the_fixed_structure_of_the_documentation() -> None:
    telegram = decode_mbus(octets(FIXED))

    assert telegram.medium == "water"
    assert told(telegram) == [(0, 0, 0, 0.001, "m3"), (1, 0, 0, 0.135, "m3")]


@pytest.mark.parametrize(
    ("telegram", "key", "note"),
    [
        (GAS_MODE_5, KEY_MODE_5, "decrypted with mode 5"),
        (GAS_MODE_7, KEY_MODE_7, "authentication right"),
    ],
)
def test_the_gas_meter_of_oms_in_both_security_profiles(
    telegram: str, key: bytes, note: str
) -> None:
    found = decode_wmbus(octets(telegram), key=key)

    assert found.address is not None
    assert found.address.identification == "12345678"
    assert note in found.notes
    assert [each[3] for each in told(found)] == [28504.27, "2008-05-31T23:50:00", 0]
    assert meaning_of(found).values == {Quantity.VOLUME_ACTUAL_M3: 28504.27}
    with pytest.raises(RefusedTelegramError):
        decode_wmbus(octets(telegram), key=key[::-1])
