"""The file that a new profile begins as: it can be read, and `check` says what to fill in."""

_TEMPLATE = """# A new profile. Fill in what stands as "?", delete what is not there, and run
#     firmware-profiles check @ID@@1.toml
# until it says "0 to do". docs/add-a-meter.md goes through it step by step.

[profile]
id = "@ID@"                   # a-z, 0-9 and _; the file is called @ID@@1.toml
# rev = 1                     # when the file is ready: the first revision that a gateway may use
manufacturer = "?"
model = "?"
kind = "@KIND@"               # heat, gas, water, steam
variant = "?"                 # what selects this table: firmware, module, switch on the device
confidence = "medium"         # high: proved against a meter's display

[link]
transport = ["rtu"]           # rtu, ascii, tcp
function_codes = [3]          # 3 holding registers, 4 input registers, 1 coils, 2 discrete inputs
max_registers = 60            # most words in one read, if the manual says so
# forbidden = [[90, 99]]      # addresses that must not even be read

[addressing]
doc_base = 40001              # what the manual calls the first register: 0, 1, 30001 or 40001

[decode]
byte_order = "big"            # big/big = ABCD, big/little = CDAB (very common),
word_order = "big"            # little/little = DCBA, little/big = BADC, "probe" = find out

[group]
fast = "15m"                  # how often; each register that is polled names its group
slow = "1h"

[[source]]
where = "?"                   # title, number and page of the manual
kind = "doc"

# How to recognise the meter, so that another one is never read by this table:
# [[identify]]
# method = "registers"
# fc = 3
# address = 500               # of a model or type number
# count = 1
# type = "u16"
# equals = 50

[[register]]
name = "total"
fc = 3
address = 0                   # zero-based, on the wire: the number in the manual minus doc_base
doc_address = "40001"         # as printed; check holds the two against each other
count = 2                     # words
type = "u32"                  # u16 i16 u32 i32 u64 f32 f64 bcd32 bcd48 string bitfield16 ...
scale = "1"                   # printed value = raw x scale
unit = "?"                    # as printed: kWh, MWh, GJ, m3, L, m3/h, kW, degC, bar(a), bar(g) ...
quantity = "?"                # energy_heat, volume, flow, power, temp_supply ...: docs/profiles.md
group = "slow"
# sentinel = [0xFFFFFFFF]     # raw values that mean "no value"
# max_rate = "2"              # most change in an hour, in the printed unit
# may_fall = true             # a total that goes back lawfully

# [[register]]
# name = "errors"
# fc = 3
# address = 60
# count = 1
# type = "bitfield16"
# quantity = "status"

# [[status]]
# register = "errors"
# bit = 0
# name = "as in the manual"
# event = "flow_sensor_no_signal"    # the list is in docs/profiles.md
# severity = "fault"                 # info, warning, alarm, fault

# [[test]]                    # words read from the meter, and what its display showed then
# name = "display on 3 May"
# origin = "dump"             # dump: a real meter, maker: an example of the manual, computed
# fc = 3
# regs = { "0" = "0001 86A0" }
# expect = { total = "100000" }
"""


def skeleton(profile_id: str, kind: str) -> str:
    """Return the commented file of a new profile of some kind, with `?` where facts are missing."""
    return _TEMPLATE.replace("@ID@", profile_id).replace("@KIND@", kind)
