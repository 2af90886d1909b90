"""Reading a file of waivers: what is right, and what is said of each mistake."""

import datetime
import os
import sys
import time
from pathlib import Path
from typing import Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.errors import UsageError
from pykd_dumpfilt.rules import Waiver, load_waivers

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "waivers.example.toml"

GOOD = """\
[[waiver]]
rule = "DF-TRIP-001"
filter = "myfilt"
reason = "ticket 4711"
owner = "Kim Lee"
expires = 2027-01-31
"""
SECOND = GOOD.replace("DF-TRIP-001", "DF-CALL-001")


def load(folder: Path, text: str) -> Tuple[Waiver, ...]:
    path = folder / "waivers.toml"
    path.write_bytes(text.encode())
    return load_waivers(path)


def problem(folder: Path, text: str) -> str:
    """What is said of a bad file, from its name on."""
    with pytest.raises(UsageError) as raised:
        load(folder, text)
    message = str(raised.value)
    assert message.startswith(str(folder))
    return message[len(str(folder)) + 1 :]


def test_the_sample_of_the_documentation() -> None:
    assert load_waivers(EXAMPLE) == (
        Waiver(
            rule="DF-TRIP-001",
            filter="forgets_last_sector",
            reason="The last sector of a transfer is not decrypted: ticket 4711, mended in 2.1",
            owner="Kim Lee",
            expires=datetime.date(2027, 1, 31),
            platform=None,
            callback="Dump_Read",
            line=3,
        ),
        Waiver(
            rule="DF-WRITE-006",
            filter="forgets_last_sector",
            reason=(
                "The hidden volume lies elsewhere on the disk, so Dump_Write moves the offset on purpose. "
                "Only Windows 10 2004 was tested."
            ),
            owner="Storage team",
            expires=datetime.date(2026, 6, 30),
            platform="19041",
            callback=None,
            line=11,
        ),
    )


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n", "waiver = []\n"])
def test_a_file_may_hold_no_waiver(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text) == ()


def test_several_callbacks_as_a_finding_shows_them(tmp_path: Path) -> None:
    (waiver,) = load(tmp_path, GOOD + 'callback = "Dump_Start or Dump_Finish"\n')
    assert waiver.callback == "Dump_Start or Dump_Finish"


def test_line_ends_and_byte_order_mark_of_windows(tmp_path: Path) -> None:
    waivers = load(tmp_path, "\ufeff" + (GOOD + "\n" + SECOND).replace("\n", "\r\n"))
    assert [waiver.line for waiver in waivers] == [1, 8]
    text = ("\ufeff" + GOOD + SECOND.replace("owner", "owned")).replace("\n", "\r\n")
    assert problem(tmp_path, text).startswith("waivers.toml, line 11, key 'owned': ")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # Not TOML.
        ('"myfilt"', '"myfilt', "line 3, key 'filter': Illegal character '\\n'"),
        ('"myfilt"', "myfilt", "line 3, key 'filter': Invalid value"),
        ("2027-01-31", "2027-02-31", "line 6, key 'expires': Invalid date or datetime"),
        ("[[waiver]]", "[[waiver]", "line 1: Expected ']]' at the end of an array declaration"),
        ("expires = 2027-01-31\n", "expires = ", "line 6, key 'expires': Invalid value"),
        ("filter", 'rule = "x"\nfilter', "line 3, key 'rule': Cannot overwrite a value"),
        # Not closed: told where it begins.
        ('"ticket 4711"', '"""ticket 4711', "line 4, key 'reason': Unterminated string"),
        # Not what a waiver has.
        ("owner", "owned", "line 5, key 'owned': is not known: do you mean owner?"),
        ("owner", "Owner", "line 5, key 'Owner': is not known: do you mean owner?"),
        ("owner", "xyzzy", "line 5, key 'xyzzy': is not known"),
        ("owner", '"own\\u001ber"', "line 5, key 'own\\x1ber': is not known: do you mean owner?"),
        ('owner = "Kim Lee"\n', "", "line 1, key 'owner': is missing"),
        ('"Kim Lee"', "7", "line 5, key 'owner': must be text in quotes, as in owner = \"...\""),
        ('"Kim Lee"', '["Kim"]', "line 5, key 'owner': must be text in quotes, as in owner = \"...\""),
        ('"ticket 4711"', '" \\t\\n"', "line 4, key 'reason': is empty"),
        ("ticket 4711", "x" * 1001, "line 4, key 'reason': is longer than 1000 characters"),
        (
            "DF-TRIP-001",
            "DF-TRIP-01",
            "line 2, key 'rule': there is no rule 'DF-TRIP-01': do you mean DF-TRIP-001? "
            "(dumpfilt rules lists them)",
        ),
        (
            "DF-TRIP-001",
            "df-trip-001",
            "line 2, key 'rule': there is no rule 'df-trip-001': do you mean DF-TRIP-001? "
            "(dumpfilt rules lists them)",
        ),
        (
            "DF-TRIP-001",
            "banana",
            "line 2, key 'rule': there is no rule 'banana' (dumpfilt rules lists them)",
        ),
        (
            "myfilt",
            "myfilt.SYS",
            "line 3, key 'filter': 'myfilt.SYS' is a file or a copy; give the plain name, such as "
            '"myfilter"',
        ),
        (
            "myfilt",
            "dump_myfilt",
            "line 3, key 'filter': 'dump_myfilt' is a file or a copy; give the plain name, such as "
            '"myfilter"',
        ),
        (
            "2027-01-31",
            '"2027-01-31"',
            "line 6, key 'expires': must be a date without quotes and without a time, as in "
            "expires = 2027-01-31",
        ),
        (
            "2027-01-31",
            "2027-01-31T12:00:00Z",
            "line 6, key 'expires': must be a date without quotes and without a time, as in "
            "expires = 2027-01-31",
        ),
        (
            "filter",
            'callback = "Dump_Reed"\nfilter',
            "line 3, key 'callback': there is no callback 'Dump_Reed': do you mean Dump_Read? (known are "
            "DriverEntry, Dump_Start, Dump_Write, Dump_Read, Dump_Finish, Dump_Unload; join several by "
            '" or ")',
        ),
        (
            "[[waiver]]",
            "[waiver]",
            "line 1, key 'waiver': must be tables, each begun by [[waiver]] with two brackets",
        ),
        (
            "[[waiver]]",
            "[[waivers]]",
            "line 1, key 'waivers': is not known here; a waiver begins with [[waiver]]",
        ),
        (
            "[[waiver]]",
            "a.b = 1\n[[waiver]]",
            "line 1, key 'a': is not known here; a waiver begins with [[waiver]]",
        ),
        ("2027-01-31\n", "2027-01-31\n[waiver.more]\n", "line 7, key 'more': is not known"),
        (
            "2027-01-31\n",
            "2027-01-31\n[other]\nowner = 1\n",
            "line 7, key 'other': is not known here; a waiver",
        ),
    ],
)
def test_a_mistake_is_told_with_line_and_key(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert GOOD.count(old) >= 1
    text = GOOD.replace(old, new, 1)
    assert problem(tmp_path, text).startswith(f"waivers.toml, {expected}")
    # The same after other waivers, comments and a text that only looks like a table.
    before = '# owner = 1\n\n[[waiver]]  # first\nreason = """\n[[waiver]]\nowner = 2\n"""\n'
    before += SECOND[SECOND.index("rule") :].replace('reason = "ticket 4711"\n', "")
    if "[[waiver" in new or "[waiver]" in new or "[other]" in new:
        return
    place, rest = expected.split(":", 1)[0], expected.split(":", 1)[1]
    number = int(place.split(",")[0].split()[1]) + before.count("\n")
    moved = ", ".join([f"line {number}", *place.split(", ")[1:]])
    assert problem(tmp_path, before + text).startswith(f"waivers.toml, {moved}:{rest}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD.replace('"myfilt"', '["myfilt"'), "line 3, key 'filter': Unclosed array (noticed in line 4)"),
        # Tables in one line have no line of their own.
        ('waiver = [{rule = "DF-TRIP-001", owner = 7}]', "line 1, key 'filter': is missing"),
        ("# one\nwaiver = [\n  {},\n  {},\n]\n", "line 2, key 'rule': is missing"),
        ("waiver = 3", "line 1, key 'waiver': must be tables"),
        ("waiver = [3]", "line 1, key 'waiver': must be tables"),
        ('[["waiver"]]\n"rule" = 1\n', "line 1, key 'filter': is missing"),
        (GOOD.replace("owner =", '"owner" =').replace('"Kim Lee"', "1"), "line 5, key 'owner': must be text"),
        (GOOD.replace("owner =", "owner.name ="), "line 5, key 'owner': must be text"),
        (GOOD.replace("owner =", "'owner'.\"name\" ="), "line 5, key 'owner': must be text"),
        (GOOD + "\n[[waiver]]\n\n[[waiver.rule]]\n", "line 8, key 'filter': is missing"),
        (GOOD.replace('"myfilt"', "[\n1,\n# owner = 2\n2]"), "line 3, key 'filter': must be text"),
        (GOOD + "platform = '''\n\n'''\n", "line 7, key 'platform': is empty"),
    ],
)
def test_lines_in_other_spellings(tmp_path: Path, text: str, expected: str) -> None:
    assert problem(tmp_path, text).startswith(f"waivers.toml, {expected}")


def test_after_a_text_of_very_many_lines_no_line_is_told(tmp_path: Path) -> None:
    text = GOOD.replace('"ticket 4711"', '"""' + "\n" * 3000 + 'x"""')
    assert load(tmp_path, text)[0].reason == "x"
    # The table's line rather than a wrong one.
    assert problem(tmp_path, text.replace("owner", "owned")).startswith("waivers.toml, line 1, key 'owned'")
    assert problem(tmp_path, text + SECOND.replace("owner", "owned")).startswith("waivers.toml, key 'owned'")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", ""),
        ('filter = "MYFILT"', 'filter = "myfilt"'),
        ('platform = "X64"', 'platform = "x64"'),
        ('callback = "Dump_Start or Dump_Finish"', 'callback = "Dump_Finish or Dump_Start"'),
    ],
)
def test_two_waivers_for_the_same_findings(tmp_path: Path, first: str, second: str) -> None:
    both = []
    for line in (first, second):
        text = GOOD if "filter" not in line else GOOD.replace('filter = "myfilt"\n', "")
        both.append(text + line + "\n")
    place = both[0].count("\n") + 2
    assert problem(tmp_path, "".join(both)) == (
        f"waivers.toml, line {place}, key 'rule': a waiver in line 1 is for the same findings; "
        "keep one of them"
    )


@pytest.mark.parametrize("added", ['platform = "x64"', 'callback = "Dump_Read"', ""])
def test_waivers_that_differ_in_what_they_are_for(tmp_path: Path, added: str) -> None:
    other = GOOD if added else SECOND
    assert len(load(tmp_path, GOOD + other + added)) == 2


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*none\.toml: No such file"):
        load_waivers(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="it is not a file"):
        load_waivers(tmp_path)
    with pytest.raises(UsageError, match="cannot read"):
        load_waivers("a\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a named pipe in a folder is a thing of POSIX")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="it is not a file"):
        load_waivers(tmp_path / "pipe")


def test_what_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "waivers.toml"
    path.write_bytes(GOOD.encode() + b'platform = "gr\xfcn"\n')
    with pytest.raises(UsageError, match=r"waivers\.toml, line 7: is not UTF-8"):
        load_waivers(path)


def test_a_large_file(tmp_path: Path) -> None:
    assert problem(tmp_path, "#" * (256 * 1024 + 1)) == (
        "waivers.toml is larger than 256 KiB: that is no file of waivers"
    )
    assert load(tmp_path, "#" * (256 * 1024)) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Without a bound this takes all memory: the parser keeps every part of the path.
        ("a" + ".a" * 100_000 + " = 1", "waivers.toml, line 1: more than 64 dots"),
        ("# ok\n" + GOOD + "a" + ".a" * 65 + " = 1", "waivers.toml, line 8: more than 64 dots"),
        ("\nx = " + "[" * 20_000, "waivers.toml, line 2, key 'x': tables or arrays are nested too deeply"),
        ("x = " + "{x = " * 20_000, "waivers.toml, line 1, key 'x': tables or arrays are nested too deeply"),
        # As many lines as there is room for, and every one of them wrong.
        (GOOD + "x = [\n" * 40_000, "waivers.toml, line 7, key 'x': "),
    ],
    ids=["one long key", "a long key", "arrays", "tables", "open lines"],
)
def test_files_that_mean_harm(tmp_path: Path, text: str, expected: str) -> None:
    started = time.monotonic()
    assert problem(tmp_path, text).startswith(expected)
    assert time.monotonic() - started < 5


def test_a_number_of_very_many_digits(tmp_path: Path) -> None:
    assert problem(tmp_path, GOOD.replace('"Kim Lee"', "9" * 5000)).startswith(
        "waivers.toml, line 5, key 'owner': "
    )


def test_without_a_parser_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "tomllib" if sys.version_info >= (3, 11) else "tomli"
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=rf'{name} is missing; pip install "pykd-dumpfilt\[waivers\]"'):
        load(tmp_path, GOOD)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("waivers")


WORDS = "[[waiver]] [waiver] waiver expires = [ ] { } , . # \\ 1 inf 12:00 2027-01-31 x"
PIECES = st.sampled_from(
    [
        *GOOD.splitlines(),
        *WORDS.split(),
        *("\n", "\r", " ", "\0", "\x1b", "\ufeff", '"', "'", '"""', "'''"),
    ]
)


def read(path: Path, data: bytes) -> str:
    """What is said of a file of these bytes; nothing where it is right."""
    path.write_bytes(data)
    try:
        assert all(isinstance(waiver, Waiver) for waiver in load_waivers(path))
    except UsageError as error:
        return str(error)
    return ""


@settings(max_examples=200)
@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join), st.lists(PIECES).map("\n".join)))
def test_any_text_is_waivers_or_an_error_that_says_why(folder: Path, text: str) -> None:
    said = read(folder / "waivers.toml", text.encode("utf-8", "surrogatepass"))
    assert not said or "waivers.toml" in said


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_are_waivers_or_an_error(folder: Path, data: bytes) -> None:
    said = read(folder / "waivers.toml", GOOD.encode() + data)
    assert not said or "waivers.toml" in said
