"""Names a user types, places a user gives, and what becomes of both."""

import pytest

from pykd_dumpfilt.debugger import VirtualAddress
from pykd_dumpfilt.errors import UsageError
from pykd_dumpfilt.recording import ArmedCallback
from pykd_dumpfilt.trace import Location, copy_prefix, parse_callback_option, plain_name
from pykd_dumpfilt.trace.callbacks import CallbackPlan


@pytest.mark.parametrize(
    "typed", ["aes_xts", "aes_xts.sys", "dump_aes_xts", "hiber_aes_xts.SYS", " dump_aes_xts.sys "]
)
def test_every_way_to_name_a_driver_means_its_plain_name(typed: str) -> None:
    assert plain_name(typed) == "aes_xts"


@pytest.mark.parametrize("typed", ["", "dump_", ".sys", r"C:\drivers\aes_xts.sys", "./aes_xts.sys"])
def test_what_names_no_driver_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        plain_name(typed)


def test_copies_are_found_as_debuggers_spell_them() -> None:
    assert copy_prefix("dump_aes_xts", "aes_xts") == "dump_"
    assert copy_prefix("HIBER_AES_XTS", "aes_xts") == "hiber_"
    # Symbols cannot hold a hyphen, so debuggers show an underscore.
    assert copy_prefix("dump_my_filter", "my-filter") == "dump_"


def test_a_copy_is_found_where_the_debugger_believes_another_to_be_loaded() -> None:
    base = 0xFFFFF80035000000
    assert copy_prefix("hiber_aes_xts_fffff80035000000", "aes_xts", base) == "hiber_"
    assert copy_prefix("hiber_aes_xts_fffff80035000000", "aes_xts", base + 0x1000) is None
    assert copy_prefix("hiber_aes_xts_fffff80035000000", "aes_xts") is None


def test_the_plain_driver_is_no_copy() -> None:
    assert copy_prefix("aes_xts", "aes_xts") is None
    assert copy_prefix("dump_aes_xts2", "aes_xts") is None
    assert copy_prefix("xdump_aes_xts", "aes_xts") is None


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("read=0xfffff80012345678", ("Dump_Read", Location(address=0xFFFFF80012345678))),
        ("read=fffff800`12345678", ("Dump_Read", Location(address=0xFFFFF80012345678))),
        ("WRITE=fffff80012345678", ("Dump_Write", Location(address=0xFFFFF80012345678))),
        ("start=+0x1200", ("Dump_Start", Location(offset=0x1200))),
        ("Dump_Finish=MyFinish", ("Dump_Finish", Location(symbol="MyFinish"))),
        ("unload=dump_aes_xts!MyUnload", ("Dump_Unload", Location(symbol="MyUnload"))),
    ],
)
def test_callback_options(option: str, expected: object) -> None:
    assert parse_callback_option(option) == expected


@pytest.mark.parametrize("option", ["", "read", "read=", "=0x1000", "seek=0x1000"])
def test_callback_options_that_say_nothing_are_refused(option: str) -> None:
    with pytest.raises(UsageError, match="ROLE=WHERE"):
        parse_callback_option(option)


def test_the_table_beats_symbols_and_the_user_beats_both() -> None:
    plan = CallbackPlan()
    plan.learn("Dump_Read", VirtualAddress(0x1000), "symbol")
    plan.learn("Dump_Write", VirtualAddress(0x2000), "symbol")
    plan.learn("Dump_Start", VirtualAddress(0x3000), "address")
    plan.learn_table({"Dump_Read": 0x1100, "Dump_Write": 0, "Dump_Start": 0x3300, "Dump_Unload": 0})
    assert plan.armed() == (
        ArmedCallback(0x3000, ("Dump_Start",), ("address",)),
        ArmedCallback(0x1100, ("Dump_Read",), ("table",)),
    )
    assert plan.absent == ("Dump_Write", "Dump_Unload")


def test_equal_addresses_are_one_breakpoint_with_all_its_names() -> None:
    plan = CallbackPlan()
    plan.learn_table({"Dump_Start": 0x1000, "Dump_Finish": 0x1000, "Dump_Read": 0x1000, "Dump_Write": 0x2000})
    assert plan.armed() == (
        ArmedCallback(0x1000, ("Dump_Start", "Dump_Read", "Dump_Finish"), ("table", "table", "table")),
        ArmedCallback(0x2000, ("Dump_Write",), ("table",)),
    )
