"""A comparison as text."""

from typing import List

from hypothesis import given
from hypothesis import strategies as st

from pykd_dumpfilt.reports._comparison import Comparison, comparison_lines
from pykd_dumpfilt.reports._comparison.comparison import compare


def lines(left: bytes, right: bytes, start: int = 0, max_rows: int = 6) -> List[str]:
    return list(comparison_lines(compare("Bytes", ("before", left), ("after", right), start), max_rows))


def test_one_byte() -> None:
    left = bytes(range(0x30, 0x60))
    assert lines(left, left[:0x12] + b"\xff" + left[0x13:], 0x1000) == [
        "Bytes: 1 of 48 bytes differ",
        "  - before",
        "  + after",
        "  00001000    30 31 32 33 34 35 36 37  38 39 3a 3b 3c 3d 3e 3f  |0123456789:;<=>?|",
        "  00001010  - 40 41 42 43 44 45 46 47  48 49 4a 4b 4c 4d 4e 4f  |@ABCDEFGHIJKLMNO|",
        "            + 40 41 ff 43 44 45 46 47  48 49 4a 4b 4c 4d 4e 4f  |@A.CDEFGHIJKLMNO|",
        "                    ^^",
        "  00001020    50 51 52 53 54 55 56 57  58 59 5a 5b 5c 5d 5e 5f  |PQRSTUVWXYZ[\\]^_|",
    ]


def test_sides_of_unequal_length_and_a_start_inside_a_row() -> None:
    assert lines(b"abc", b"abX", 0x1_0000_000D) == [
        "Bytes: 1 of 3 bytes differ",
        "  - before",
        "  + after",
        "  100000000  - " + " " * 40 + "61 62 63  |             abc|",
        "             + " + " " * 40 + "61 62 58  |             abX|",
        "               " + " " * 40 + "      ^^",
    ]
    assert lines(b"a", b"ab")[3:] == [
        "  00000000  - 61" + " " * 48 + "|a               |",
        "            + 61 62" + " " * 45 + "|ab              |",
        "                 ^^",
    ]


def test_no_more_rows_than_wanted() -> None:
    left, right = bytes(0x1000), b"\x01" * 0x1000
    shown = lines(left, right, max_rows=2)
    assert shown[3:] == [
        "  00000000  - 00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|",
        "            + 01 01 01 01 01 01 01 01  01 01 01 01 01 01 01 01  |................|",
        "              ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^  ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^",
        "  00000010  - 00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|",
        "            + 01 01 01 01 01 01 01 01  01 01 01 01 01 01 01 01  |................|",
        "              ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^  ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^",
        "  ... 254 rows of 16 bytes, 254 of them with differences",
    ]


def test_what_is_missing_is_told() -> None:
    assert list(comparison_lines(Comparison("Bytes", "a", "b", missing="gone\x1b"))) == ["Bytes: gone\\x1b"]


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(0, 1 << 40), st.integers(1, 8))
def test_bounded_and_aligned(left: bytes, right: bytes, start: int, max_rows: int) -> None:
    shown = lines(left, right, start, max_rows)
    assert len(shown) <= 3 + 3 * max_rows + max_rows + 2
    assert all(line.isprintable() for line in shown)
    for above, marks in zip(shown, shown[1:]):
        if marks and set(marks) == {" ", "^"}:
            # A mark stands below a byte, never behind the bytes.
            assert len(marks) <= above.index("|")
