"""What is watched at a time, and by what."""

from typing import Dict, List, Sequence

import pytest

from pykd_dumpfilt.trace.placement import Hardware, Watched, in_debug_registers, without_resting

START, WRITE, READ, FINISH, UNLOAD = (
    f"Dump_{name}" for name in ("Start", "Write", "Read", "Finish", "Unload")
)


def copy(
    number: int, prefix: str, names: Sequence[str] = (START, WRITE, READ, FINISH, UNLOAD)
) -> List[Watched]:
    return [Watched(0x1000 * number + at, number, prefix, (name,)) for at, name in enumerate(names)]


def names(watched: Sequence[Watched]) -> List[str]:
    return [one.prefix + one.callbacks[0] for one in watched]


def chosen(watched: Sequence[Watched], places: Dict[int, bool]) -> List[str]:
    return names([one for one in watched if places[one.address]])


def test_outside_a_dump_everything_is_watched() -> None:
    both = copy(0, "dump_") + copy(1, "hiber_")
    assert without_resting(both, None) == both


def test_in_a_dump_unload_and_the_other_copy_rest() -> None:
    both = copy(0, "dump_") + copy(1, "hiber_")
    assert names(without_resting(both, 1)) == [
        "hiber_Dump_Start",
        "hiber_Dump_Write",
        "hiber_Dump_Read",
        "hiber_Dump_Finish",
    ]


def test_nothing_rests_where_the_end_of_a_dump_cannot_be_seen() -> None:
    both = copy(0, "dump_") + copy(1, "hiber_", (START, WRITE, READ, UNLOAD))
    assert without_resting(both, 1) == both


def test_an_address_that_serves_several_does_not_rest_while_one_of_them_is_called() -> None:
    folded = [Watched(1, 0, "dump_", (FINISH, UNLOAD)), Watched(2, 0, "dump_", (WRITE,))]
    assert without_resting(folded, 0) == folded


def test_debug_registers_go_to_the_hibernation_stack_first() -> None:
    both = copy(0, "dump_") + copy(1, "hiber_")
    assert chosen(both, in_debug_registers(both, Hardware.AUTO, 4)) == [
        "hiber_Dump_Start",
        "hiber_Dump_Write",
        "hiber_Dump_Read",
        "hiber_Dump_Finish",
    ]


def test_the_user_s_registers_are_left_alone() -> None:
    one = copy(0, "hiber_")
    assert chosen(one, in_debug_registers(one, Hardware.AUTO, 2)) == ["hiber_Dump_Write", "hiber_Dump_Read"]
    assert chosen(one, in_debug_registers(one, Hardware.AUTO, 0)) == []
    assert chosen(one, in_debug_registers(one, Hardware.AUTO, -1)) == []


@pytest.mark.parametrize(
    ("hardware", "expected"),
    [
        (Hardware.NEVER, []),
        (Hardware.AUTO, ["dump_Dump_Start", "dump_Dump_Write"]),
        (Hardware.ALWAYS, ["dump_Dump_Start", "dump_Dump_Write", "dump_Dump_Unload"]),
    ],
)
def test_ways_to_use_them(hardware: Hardware, expected: List[str]) -> None:
    one = copy(0, "dump_", (START, WRITE, UNLOAD))
    assert chosen(one, in_debug_registers(one, hardware, 4)) == expected
