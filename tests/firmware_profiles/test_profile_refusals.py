"""A wrong profile is refused with a message that names file, field, problem and remedy."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_profiles.completeness import open_points, require_complete
from firmware_profiles.errors import ProfileError
from firmware_profiles.library_io import load_profile, load_profile_file
from tests.firmware_profiles.profile_text import FLOW, HEAD, TEXT, parsed, register, with_line


def status(register_name: str, keys: str) -> str:
    """Return one status row; `keys` holds the pattern."""
    row = f'\n[[status]]\nregister = "{register_name}"\nname = "a"\nevent = "tamper"\n'
    return f'{row}severity = "fault"\n{keys}\n'


WRONG = [
    (
        TEXT.replace("address = 10", "address = 70001"),
        (
            "meters/x.toml: register.flow.address: 70001..70002 is outside 0..65535; "
            "give the zero-based wire address: manual 40001 is 0, manual 30001 is 0"
        ),
    ),
    (
        TEXT.replace("address = 10", "address = 65535"),
        (
            "meters/x.toml: register.flow.address: 65535..65536 is outside 0..65535; "
            "give the zero-based wire address: manual 40001 is 0, manual 30001 is 0"
        ),
    ),
    (
        TEXT.replace("fast", "f" * 33),
        f"meters/x.toml: group.{'f' * 33}: has 33 characters; name it in 1 to 32",
    ),
    (
        TEXT.replace("address = 10", "address = -1"),
        (
            "meters/x.toml: register.flow.address: -1..0 is outside 0..65535; "
            "give the zero-based wire address: manual 40001 is 0, manual 30001 is 0"
        ),
    ),
    (
        TEXT.replace("address = 10", 'address = "40011"'),
        (
            "meters/x.toml: register.flow.address: is '40011', not a whole number; "
            "give the zero-based wire address: manual 40001 is 0, manual 30001 is 0"
        ),
    ),
    (
        TEXT.replace('type = "f32"', 'type = "float"'),
        (
            "meters/x.toml: register.flow.type: 'float' is unknown; use one of bit, u8, i8, u16, "
            "i16, u32, i32, u48, u64, i64, f32, f64, bitfield16, bitfield32, bcd16, bcd32, bcd48, "
            "bcd64, string, string_le, time6, intreal"
        ),
    ),
    (
        TEXT.replace("count = 2", "count = 1"),
        "meters/x.toml: register.flow.count: 1 does not fit f32, which takes 2; write count = 2",
    ),
    (
        TEXT.replace("fc = 3\naddress", "fc = 1\naddress"),
        "meters/x.toml: register.flow.fc: 1 with type f32; read bits by 1 or 2, words by 3 or 4",
    ),
    (
        with_line(TEXT, "scale = 0"),
        "meters/x.toml: register.flow.scale: is zero; give the factor from raw to the printed unit",
    ),
    (
        with_line(TEXT, 'scale = "0,1"'),
        (
            "meters/x.toml: register.flow.scale: is '0,1', not a number, or a decimal in quotes "
            'such as "0.001"; write a number, or a decimal in quotes such as "0.001"'
        ),
    ),
    (
        with_line(TEXT, 'sentinel = "open"'),
        (
            "meters/x.toml: register.flow.sentinel: 'open' is no raw value; "
            'write 0x7FFF, ">=18000", or a list of such'
        ),
    ),
    (
        with_line(TEXT, 'wire = "flow"'),
        (
            "meters/x.toml: register.flow.wire: 'flow' is no wire quantity; "
            "write false, or a name of wire_contracts"
        ),
    ),
    (
        with_line(TEXT, 'decimal_part = "nowhere"'),
        (
            "meters/x.toml: register.flow.decimal_part: 'nowhere' is no register of this file; "
            "name one, or add it"
        ),
    ),
    (
        with_line(TEXT, 'decimal_part = "flow"'),
        (
            "meters/x.toml: register.flow.decimal_part: 'flow' is the register itself; "
            "name another one"
        ),
    ),
    (
        with_line(TEXT, 'byte_in_word = "low"'),
        (
            "meters/x.toml: register.flow.byte_in_word: 'low' with f32; "
            'use "high" or "low", and type u8 or i8'
        ),
    ),
    (
        TEXT + FLOW,
        "meters/x.toml: register.flow.name: stands there twice; give every register its own name",
    ),
    (
        TEXT.replace('kind = "heat"', 'kind = "warm"'),
        (
            "meters/x.toml: profile.kind: 'warm' is unknown; "
            "use one of heat, steam, gas, water, controller"
        ),
    ),
    (
        TEXT.replace('id = "example_heat"', 'id = "Example Heat"'),
        "meters/x.toml: profile.id: 'Example Heat'; use 1 to 60 of a-z, 0-9 and the underscore",
    ),
    (
        TEXT.replace('fast = "15m"', 'fast = "15 min"'),
        (
            "meters/x.toml: group.fast: '15 min' is no interval; "
            'write it like "60s", "15m", "1h", "1d" or "daily 00:05"'
        ),
    ),
    (
        TEXT.replace("rev = 1", "rev = 0"),
        "meters/x.toml: profile.rev: 0 is outside 1..9999; correct the number",
    ),
    (
        TEXT.replace('"10" = "4120 0000"', '"10" = "4120 000"'),
        "meters/x.toml: test.ten.regs.10: '000' is no word; write four hexadecimal digits per word",
    ),
    (
        TEXT.replace("flow_m3h = 10", "flow_m3 = 10"),
        "meters/x.toml: test.ten.expect.flow_m3: is no register and no quantity; correct the name",
    ),
    (
        TEXT.replace('"computed"', '"guess"'),
        "meters/x.toml: test.ten.origin: 'guess' is unknown; use one of maker, dump, computed",
    ),
    (
        TEXT + '\n[guard]\nregister = "serial"\nequals = "serial"\n',
        "meters/x.toml: guard.register: 'serial' is no register of this file; name one",
    ),
    (
        TEXT + "\n[write]\nflow = { min = 0, max = 1 }\n",
        "meters/x.toml: write.flow: is read-only; leave it out of [write]",
    ),
    (
        TEXT + '\n[[status]]\nregister = "flow"\nname = "a"\nevent = "tamper"\nbit = 40\n'
        'severity = "fault"\n',
        "meters/x.toml: status.a.bit: 40 is outside 0..31; correct the number",
    ),
    (
        TEXT + '\n[[status]]\nregister = "flow"\nname = "a"\nevent = "tamper"\n'
        'severity = "fault"\n',
        "meters/x.toml: status.a.bit: is missing; say which bit, mask or value means this event",
    ),
    (
        TEXT.replace('transport = ["rtu"]', 'transport = ["rtu"]\nforbidden = [90]'),
        "meters/x.toml: link.forbidden: 90 is no range; write [[FIRST, LAST], ...]",
    ),
    (
        TEXT.replace("[profile]", "[profil]"),
        (
            "meters/x.toml: profil: is an unknown key; use one of addressing, base, decode, group, "
            "guard, identify, link, profile, quirk, register, source, status, test, validity, write"
        ),
    ),
    (
        TEXT.replace('"10" = "4120 0000"', '"10" = "0x1A 0000"'),
        (
            "meters/x.toml: test.ten.regs.10: '0x1A' is no word; "
            "write four hexadecimal digits per word"
        ),
    ),
    (
        TEXT.replace('"10" = "4120 0000"', '"65535" = "4120 0000"'),
        "meters/x.toml: test.ten.regs.65535: 65536 is outside 0..65535; correct the address",
    ),
    (
        TEXT.replace('"10" = "4120 0000"', '"ten" = "4120 0000"'),
        (
            "meters/x.toml: test.ten.regs.ten: is no address; "
            'write regs = { "0" = "0001 86A0" }, or "4:0" for function 4'
        ),
    ),
    (
        TEXT.replace("flow_m3h = 10", 'flow_m3h = "much"'),
        (
            "meters/x.toml: test.ten.expect.flow_m3h: is 'much', not a number; "
            'write a decimal such as "-12.5"'
        ),
    ),
    (
        TEXT + 'quality = { flow = "stale" }\n',
        ("meters/x.toml: test.ten.quality.flow: is no wire quantity; use a name of wire_contracts"),
    ),
    (
        TEXT + 'quality = { flow_m3h = "good" }\n',
        (
            "meters/x.toml: test.ten.quality.flow_m3h: good is no quality; "
            "use a code of wire_contracts.quality"
        ),
    ),
    (
        with_line(TEXT, 'split = "hi:a,lo:b"'),
        "meters/x.toml: register.flow.split: 'hi:a,lo:b'; write \"hi:NAME,lo:NAME\" on one u16",
    ),
    (
        with_line(TEXT, "preset = true"),
        (
            "meters/x.toml: register.flow.preset: True does not fit f32; "
            "write a raw value of the register"
        ),
    ),
    (
        with_line(TEXT, "preset = 1e39"),
        (
            "meters/x.toml: register.flow.preset: Decimal('1E+39') does not fit f32; "
            "write a raw value of the register"
        ),
    ),
    (
        with_line(TEXT, 'unit_from = "code"')
        + register("code", 20, 'count = 1\ntype = "u16"\ncodes = { m3 = "m3" }'),
        (
            "meters/x.toml: register.flow.unit_from: code 'm3' of code is no whole number; "
            "write codes as 0"
        ),
    ),
    (
        with_line(TEXT, 'decimals_from = "text"')
        + register("text", 20, 'count = 1\ntype = "string"'),
        (
            "meters/x.toml: register.flow.decimals_from: 'text' is no number; "
            "name a numeric register"
        ),
    ),
    (
        TEXT.replace('word_order = "big"', 'word_order = "low first"'),
        "meters/x.toml: decode.word_order: 'low first'; use big, little, probe or unknown",
    ),
    (
        TEXT.replace('transport = ["rtu"]', 'transport = ["smoke"]'),
        "meters/x.toml: link.transport: 'smoke' is unknown; use rtu, ascii or tcp",
    ),
    (
        TEXT + "\n[write]\nwater = { min = 0, max = 1 }\n",
        "meters/x.toml: write.water: is no register of this file; name one, or add it",
    ),
    (
        TEXT + status("coil:70000", "value = 1"),
        "meters/x.toml: status.a.register: 'coil:70000' is outside 0..65535; correct the number",
    ),
    (
        TEXT + status("nowhere", "bit = 1"),
        (
            "meters/x.toml: status.a.register: 'nowhere' is no register of this file; "
            "name one, or add it"
        ),
    ),
    (
        TEXT + status("flow", "value = 1.5"),
        "meters/x.toml: status.a.value: is Decimal('1.5'); write a whole number or text",
    ),
    (
        TEXT + status("flow", "bit = 1\nmask = 2"),
        "meters/x.toml: status.a.bit: stands beside mask or value; write bit alone, or mask",
    ),
    (
        TEXT + register("t", 20, 'count = 1\ntype = "string"') + status("t", "mask = 2"),
        "meters/x.toml: status.a.mask: on a register of type string; use value",
    ),
    (
        TEXT + status("flow", 'bit = 1\nbad = ["flow"]'),
        "meters/x.toml: status.a.bad: 'flow' is no wire quantity; use names of wire_contracts",
    ),
    (
        TEXT + '\n[quirk]\ntext = "x"\n',
        (
            "meters/x.toml: quirk: is {'text': 'x'}, not rows that begin with [[quirk]]; "
            "write rows that begin with [[quirk]]"
        ),
    ),
    (
        FLOW,
        "meters/x.toml: profile: is missing; begin the file with [profile] and an id",
    ),
    (
        TEXT.replace('name = "flow"', "name = 7"),
        "meters/x.toml: register.0.name: is 7, not text in quotes; write text in quotes",
    ),
    (
        TEXT.replace('transport = ["rtu"]', 'transport = "rtu"'),
        (
            "meters/x.toml: link.transport: is 'rtu', not a list in square brackets; "
            "write a list in square brackets"
        ),
    ),
    (
        with_line(TEXT, 'codes = "m3"'),
        "meters/x.toml: register.flow.codes: is 'm3', not a table, [codes]; write a table, [codes]",
    ),
    (
        with_line(TEXT, 'doubtful = "yes"'),
        "meters/x.toml: register.flow.doubtful: is 'yes', not true or false; write true or false",
    ),
    (
        TEXT.replace("count = 2", "count = true"),
        "meters/x.toml: register.flow.count: is True, not a whole number; write a whole number",
    ),
    (
        TEXT.replace("count = 2\n", ""),
        (
            "meters/x.toml: register.flow.count: is missing; "
            "add it; docs/profiles.md says what it means"
        ),
    ),
    (
        TEXT.replace('transport = ["rtu"]', "forbidden = [[9, 3]]"),
        "meters/x.toml: link.forbidden: [9, 3] is no range; write [[FIRST, LAST], ...]",
    ),
    (
        "quirk = [1]\n" + TEXT,
        (
            "meters/x.toml: quirk: is [1], not rows that begin with [[quirk]]; "
            "write rows that begin with [[quirk]]"
        ),
    ),
    (
        TEXT.replace("flow_m3h = 10", "flow_m3h = true"),
        (
            "meters/x.toml: test.ten.expect.flow_m3h: is True, not a number; "
            'write a decimal such as "-12.5"'
        ),
    ),
    (
        with_line(TEXT, "scale = nan"),
        (
            "meters/x.toml: register.flow.scale: is NaN, not a number, or a decimal in "
            'quotes such as "0.001"; write a number, or a decimal in quotes such as "0.001"'
        ),
    ),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=range(len(WRONG)))
def test_a_file_that_breaks_the_schema_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parsed(text)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "key", ["profile", "link", "decode", "source", "register", "status", "test", "base", "guard"]
)
def test_an_unknown_key_is_refused_in_every_table(key: str) -> None:
    rows = {
        "profile": TEXT.replace("rev = 1", "rev = 1\ncolour = 1"),
        "link": TEXT.replace("[link]", "[link]\ncolour = 1"),
        "decode": TEXT.replace("[decode]", "[decode]\ncolour = 1"),
        "register": with_line(TEXT, "colour = 1"),
        "status": TEXT + '\n[[status]]\nregister = "flow"\ncolour = 1\n',
        "test": TEXT.replace('origin = "computed"', 'origin = "computed"\ncolour = 1'),
        "source": TEXT + "\n[[source]]\ncolour = 1\n",
        "base": TEXT + "\n[base]\ncolour = 1\n",
        "guard": TEXT + "\n[guard]\ncolour = 1\n",
    }

    with pytest.raises(ProfileError, match=rf"^meters/x.toml: {key}\S*colour: is an unknown key"):
        parsed(rows[key])


UNFIT = [
    (
        TEXT.replace('access = "R"', 'access = "W"'),
        "register.flow.access: is write-only; set wire = false",
    ),
    (
        TEXT + register("notes", 200, 'count = 126\ntype = "string"\ngroup = "slow"'),
        (
            "register.notes.count: needs 126 words in one read, the meter gives 125; "
            "split it, or set wire = false"
        ),
    ),
    (
        TEXT.replace('unit = "m3/h"', 'unit = "by:99"').replace('quantity = "flow"\n', ""),
        "register.flow.unit: 'by:99' is unknown; name the unit register in unit_from",
    ),
    (
        with_line(TEXT, 'doc_address = "40010"') + "\n[addressing]\ndoc_base = 40001\n",
        (
            "register.flow.address: 40010 with doc_base 40001 is wire address 9, not 10; "
            "correct one of the three"
        ),
    ),
    (TEXT.replace("rev = 1\n", ""), "profile.rev: is missing: this is a draft; add rev = 1"),
    (
        TEXT.replace('unit = "m3/h"', 'unit = "m3/hour"'),
        (
            "register.flow.unit: unit 'm3/hour' is not in the table of units; "
            "add it to wire_contracts.quantities; state the unit, or set wire = false"
        ),
    ),
    (
        TEXT.replace('unit = "m3/h"', 'unit = "m3"'),
        (
            "register.flow.unit: unit 'm3' cannot be flow_m3h: it measures m3; "
            "state the unit, or set wire = false"
        ),
    ),
    (
        TEXT.replace('unit = "m3/h"', 'unit = "bar"').replace(
            'quantity = "flow"', 'quantity = "pressure"'
        ),
        (
            "register.flow.reference: bar without a reference; "
            'add reference = "absolute" or "gauge", or set wire = false'
        ),
    ),
    (
        TEXT.replace('quantity = "flow"', 'quantity = "flwo"'),
        "register.flow.quantity: 'flwo' is unknown; use a word of docs/profiles.md",
    ),
    (
        TEXT.replace('word_order = "big"', 'word_order = "unknown"'),
        (
            "decode: the byte order is one of ABCD, CDAB; "
            'state it, or add [[identify]] method = "word_order_probe" with min and max'
        ),
    ),
    (
        TEXT.replace('group = "fast"\n', ""),
        "register.flow.group: is missing; say in which group it is polled",
    ),
    (
        TEXT.replace('group = "fast"', 'group = "often"'),
        "register.flow.group: 'often' is not in [group]; add its interval to [group]",
    ),
    (HEAD + FLOW, "test: there is no golden vector; add a [[test]] with words and values"),
    (
        TEXT + FLOW.replace('"flow"\nfc', '"flow_b"\nfc').replace("= 10", "= 12"),
        "register.flow_b.wire: produces flow_m3h as flow does; set wire = false on one of the two",
    ),
    (
        with_line(TEXT, "doubtful = true"),
        "register.flow.doubtful: is doubtful, so it may not be sent; prove it, or set wire = false",
    ),
    (
        TEXT.replace("function_codes = [3, 6]", "function_codes = [4]"),
        "register.flow.fc: 3 is not in link.function_codes; correct one of the two",
    ),
    (
        TEXT.replace("[link]", "[link]\nforbidden = [[11, 20]]"),
        (
            "register.flow.address: 10..11 touches the forbidden 11..20; "
            "correct address or link.forbidden"
        ),
    ),
    (
        with_line(TEXT, 'decimal_part = "rest"')
        + register("rest", 200, 'count = 2\ntype = "f32"\nquantity = "flow_frac"'),
        (
            "register.flow.count: needs 192 words in one read, the meter gives 125; "
            "split it, or set wire = false"
        ),
    ),
    (
        with_line(TEXT, 'unit_from = "code"')
        + register("code", 20, 'count = 1\ntype = "u16"\nquantity = "config"'),
        'register.code.codes: \'code\' has no codes; add codes = { "0" = "m3" }',
    ),
    (
        with_line(TEXT, 'unit_from = "code"')
        + register("code", 20, 'count = 1\ntype = "u16"\ncodes = { "1" = "kWh" }'),
        "register.code.codes.1: unit 'kWh' cannot be flow_m3h: it measures kwh; correct the unit",
    ),
    (
        TEXT.replace('kind = "heat"', 'kind = "gas"').replace(
            'quantity = "flow"', 'quantity = "flow_converted"'
        ),
        (
            "base: base volumes without their base conditions; "
            "add [base] with pressure_bara, temperature_degc, source"
        ),
    ),
    (
        TEXT + '\n[[status]]\nregister = "flow"\nname = "a"\nevent = "leek"\nbit = 0\n'
        'severity = "fault"\n',
        "status.a.event: 'leek' is unknown; use an event of docs/profiles.md",
    ),
]


@pytest.mark.parametrize(("text", "message"), UNFIT, ids=range(len(UNFIT)))
def test_a_draft_loads_but_is_not_fit_for_a_gateway(text: str, message: str) -> None:
    draft = parsed(text)

    with pytest.raises(ProfileError) as caught:
        require_complete(draft)
    found = [f"{point.field}: {point.problem}; {point.remedy}" for point in open_points(draft)]

    assert message in found
    assert str(caught.value).startswith("meters/x.toml: ")


def test_the_example_is_complete() -> None:
    assert open_points(parsed()) == ()


def test_a_file_of_a_site_is_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "example_heat@1.toml"
    path.write_text(TEXT.replace("rev = 1\n", ""))

    assert load_profile_file(path, is_draft_allowed=True).reference == "example_heat@draft"
    with pytest.raises(ProfileError, match=r"profile.rev: is missing: this is a draft"):
        load_profile_file(path)
    with pytest.raises(ProfileError, match=r"profile.rev: is missing: this is a draft"):
        load_profile("example_heat@1", tmp_path)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"a = [", "file: "),
        (b"\xff\xfe", "file: "),
        (b"x = 1e999999999999999999999", "file: "),
        (b"#" * 1_000_001, "file: 1000001 bytes are over 1000000; give a profile file"),
    ],
)
def test_what_is_no_toml_is_refused(tmp_path: Path, data: bytes, problem: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(data)

    with pytest.raises(ProfileError) as caught:
        load_profile_file(path)

    assert str(caught.value).startswith(f"{path}: {problem}")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"

    with pytest.raises(ProfileError) as caught:
        load_profile_file(path)

    assert str(caught.value) == (
        f"{path}: file: No such file or directory; give the path of a profile file"
    )


@given(st.data())
def test_no_value_in_any_key_breaks_the_loader(data: st.DataObject) -> None:
    lines = [line for line in TEXT.splitlines() if " = " in line]
    key = data.draw(st.sampled_from([line.split(" = ")[0] for line in lines]))
    value = data.draw(st.sampled_from(["0", "-1", "1.5", "nan", '""', '"x"', "[]", "[1]", "{}"]))
    text = "\n".join(
        f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in TEXT.splitlines()
    )
    message = "meters/x.toml: fits"
    try:
        open_points(parsed(text))
    except ProfileError as error:
        message = str(error)

    assert message.startswith("meters/x.toml: ")
