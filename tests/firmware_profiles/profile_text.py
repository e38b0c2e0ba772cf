"""A small profile file to change in tests: one line in, one message out."""

import tomllib
from decimal import Decimal

from firmware_profiles.parse_profile import parse_profile
from firmware_profiles.profile import Profile

HEAD = """
[profile]
id = "example_heat"
rev = 1
manufacturer = "Example"
model = "E-1"
kind = "heat"
confidence = "high"

[link]
transport = ["rtu"]
function_codes = [3, 6]

[decode]
byte_order = "big"
word_order = "big"

[group]
fast = "15m"
slow = "1h"
"""

FLOW = """
[[register]]
name = "flow"
fc = 3
address = 10
count = 2
type = "f32"
unit = "m3/h"
quantity = "flow"
access = "R"
group = "fast"
"""

VECTOR = """
[[test]]
name = "ten"
origin = "computed"
fc = 3
regs = { "10" = "4120 0000" }
expect = { flow_m3h = 10 }
"""

TEXT = HEAD + FLOW + VECTOR


def parsed(text: str = TEXT) -> Profile:
    """Return the profile of a file's text, as the loader reads it."""
    return parse_profile("meters/x.toml", tomllib.loads(text, parse_float=Decimal))


def with_line(text: str, line: str) -> str:
    """Return the text with one more line in its flow register."""
    return text.replace('group = "fast"\n', f'group = "fast"\n{line}\n', 1)


def register(name: str, address: int, keys: str) -> str:
    """Return one more register row; `keys` holds type, count and the rest."""
    return f'\n[[register]]\nname = "{name}"\nfc = 3\naddress = {address}\n{keys}\n'
