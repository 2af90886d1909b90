"""Filters that harm their machine, or never come back: each ends in an outcome that says what happened, in
which call, and how many instructions of its budget that call had taken."""

import re
from pathlib import Path
from typing import Dict, NamedTuple, Tuple, Union

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Spent, Stopped, Target
from pykd_dumpfilt.recording import read_recording
from pykd_dumpfilt.trace import Limits, Summary, record

from .code import ALL_FIVE, SUCCESS
from .pe_writer import Driver, dump_filter

BUDGET = 3_000_000

Part = Union[str, Tuple[str, str]]
"""Code in hexadecimal; ("call", import); ("rcx", label or place) for lea rcx; ("back", "") for a jump to
behind the callback's first byte."""


class Hostile(NamedTuple):
    """What a callback does, and what is to be said: how it ended, how many instructions were taken (the
    caller's two are among them), and the verdict. Places in the filter are left out."""

    code: Tuple[Part, ...]
    said: str
    spent: str
    verdict: str = "fail"


def driver_of(callback: str, parts: Tuple[Part, ...]) -> Driver:
    """A filter whose ``callback`` is that code and which behaves elsewhere."""
    driver = dump_filter(
        {**{name: code for name, code in ALL_FIVE.items() if name != callback}, callback: ""}
    )
    begin = len(driver.text)
    for part in parts:
        if isinstance(part, str):
            driver.code(part)
        elif part[0] == "back":
            driver.code("E9" + (begin + 1 - len(driver.text) - 5).to_bytes(4, "little", signed=True).hex())
        elif part[0] == "call":
            driver.call(part[1])
        else:
            driver.use("488D0D", part[1])
    return driver


def run(driver: Driver, path: Path, kind: str = "hibernate", budget: int = BUDGET) -> Summary:
    scenario = Scenario(kind, calls=2, pages=1, budget=budget)
    debugger = EmulatorDebugger(Target(driver.image(), "probe", scenario))
    return record(debugger, "probe", path, limits=Limits(around=1))


def _forever(*parts: Part) -> Tuple[Part, ...]:
    return ("90", *parts, ("back", ""))


LOOP = "budget: one call of the filter took more than 3000000 instructions; RIP is F"
WORK = "budget: one call of the filter made the kernel work too much"
HALTED = "fault: the processor was halted (hlt) at F and nothing would wake it"
INVALID = "fault: invalid instruction at F"
PROTECTION = "fault: general protection fault at F"
ALLOCATE = ("call", "ExAllocatePoolWithTag")
RDX_2_63 = "48BA0000000000000080"
ALL = "3000000"

CASES: Dict[str, Hostile] = {
    # No end
    "loop": Hostile(("90EBFE",), LOOP, ALL),
    "loop at the first instruction": Hostile(("EBFE",), LOOP, ALL),
    "loop with pause": Hostile(("90F390EBFC",), LOOP, ALL),
    "recursion": Hostile(("90E8FBFFFFFF",), "fault: page fault at F: accessing STACK", "3037"),
    "recursion through its entry": Hostile(("E8FBFFFFFF",), LOOP, ALL),
    "stalls": Hostile(_forever("B9E8030000", ("call", "KeStallExecutionProcessor")), WORK, "6006"),
    "prints": Hostile(_forever(("rcx", "data+0"), ("call", "DbgPrint")), WORK, "354"),
    "a lock that it holds": Hostile(
        ("4889E1", ("call", "KeAcquireSpinLockAtDpcLevel")) * 2,
        "budget: nt!KeAcquireSpinLockAtDpcLevel, called from F, waits for a spin lock that is held: with one "
        "processor it would wait for ever",
        "5",
    ),
    # (hlt itself comes to no end, and is not counted)
    "halts": Hostile(("90F4" + SUCCESS,), HALTED, "3", "incomplete"),
    "halts at its first instruction": Hostile(("F4" + SUCCESS,), HALTED, "2", "incomplete"),
    "halts, with a prefix": Hostile(("9066F4" + SUCCESS,), HALTED, "3", "incomplete"),
    # Nowhere
    "calls 0": Hostile(("31C0FFD0",), "fault: page fault executing 0x0, called from F", "4"),
    "jumps to its stack": Hostile(("FFE4",), "fault: page fault executing STACK, called from crashdmp", "3"),
    "jumps to the MDL": Hostile(("41FFE0",), "fault: page fault executing POOL, called from crashdmp", "3"),
    "jumps past all addresses": Hostile(
        ("48B80000000000000080FFE0",), "fault: general protection fault at 0x8000000000000000", "4"
    ),
    "returns to garbage": Hostile(("4883C408C3",), "fault: general protection fault at GARBAGE", "4"),
    "has no stack": Hostile(("31E4C3",), "fault: page fault at F: accessing 0x0", "4"),
    "has a stack past all addresses": Hostile(("48BC0000000000000080C3",), PROTECTION, "4"),
    # Instructions that no filter has a use for
    "int 2eh": Hostile(("CD2E",), "fault: interrupt 0x2e at F", "3"),
    "int 29h": Hostile(("B902000000CD29",), "fault: fast fail 2 at F", "4"),
    "ud2": Hostile(("0F0B",), INVALID, "3"),
    "rsm": Hostile(("0FAA",), INVALID, "3"),
    "vmcall": Hostile(("0F01C1",), INVALID, "3"),
    "div by 0": Hostile(("31C931C0F7F1",), "fault: divide error at F", "5"),
    "a null code segment": Hostile(("48CF",), PROTECTION, "3"),
    "mov ds": Hostile(("B8FFFF00008ED8",), PROTECTION, "4"),
    "trap flag": Hostile(("68020100009D90" + SUCCESS,), "fault: debug exception at F", "5"),
    "other page tables": Hostile(("31C00F22D8" + SUCCESS,), "fault: page fault at F: accessing KERNEL", "4"),
    "no paging": Hostile(
        ("31C00F22C0" + SUCCESS,),
        "fault: access at F to a mapped page whose page frame is not memory",
        "4",
        "incomplete",
    ),
    # Absurd sizes
    "2**63 bytes of pool": Hostile(
        ("31C9" + RDX_2_63, ALLOCATE, "C60000"), "fault: page fault at F: accessing 0x0", "9"
    ),
    "all pool there is": Hostile(_forever("31C9BA00100000", ALLOCATE), WORK, "187"),
    "all pool there is, again and again": Hostile(
        _forever("31C9BA00000001", ALLOCATE, "4889C1", ("call", "ExFreePool")), WORK, "7"
    ),
    "sets 2**63 bytes": Hostile(
        ("4889E131D249B80000000000000080", ("call", "memset")),
        "fault: page fault in nt!memset, called from F, reading STACKEND",
        "7",
    ),
    "maps 2**63 bytes": Hostile(
        ("31C9" + RDX_2_63, ("call", "MmMapIoSpace")),
        "unknown import: nt!MmMapIoSpace was called from F: the emulated machine has no device memory",
        "6",
        "incomplete",
    ),
    "a deep frame": Hostile(
        ("48C7C0FFFFFFFF", ("call", "__chkstk")), "bugcheck: 0x0000007F (0x8, 0x0, 0x0, 0x0)", "5"
    ),
    # Not there
    "an unknown import": Hostile(
        (("call", "ZwCreateFile"),),
        "unknown import: nt!ZwCreateFile was called from F: the emulator does not have this kernel function",
        "4",
        "incomplete",
    ),
    # What is not its own
    "its own code": Hostile(("488D05F9FFFFFFC600CC",), "fault: page fault at F: accessing F", "4"),
    "the kernel's code": Hostile(
        (("rcx", "import:KeGetCurrentIrql"), "488B09C601CC"), "fault: page fault at F: accessing NT", "5"
    ),
    "all of the stack": Hostile(
        ("4889E7B900100000B0CCF3AA" + SUCCESS,), "fault: page fault at F: accessing STACKEND", "318"
    ),
    "frees what it was given": Hostile(
        (("call", "ExFreePool"),), "bugcheck: 0x000000C2 (0x7, 0x0, 0x0, POOL)", "4"
    ),
}


def _without_places(detail: str) -> str:
    for pattern, name in (
        (r"(dump|hiber)_probe\+0x[0-9a-f]+", "F"),
        (r"crashdmp\+0x[0-9a-f]+", "crashdmp"),
        (r"0xfffff80031[0-9a-f]{6}", "F"),
        (r"0xffffe40000016000", "STACKEND"),
        (r"0xffffe4[0-9a-f]{10}", "STACK"),
        (r"0xffffab[0-9a-f]{10}", "POOL"),
        (r"0xfffff80010[0-9a-f]{6}", "NT"),
        (r"0xfffff80020[0-9a-f]{6}", "KERNEL"),
        (r"0x[1-7][0-9a-f]{15}", "GARBAGE"),
    ):
        detail = re.sub(pattern, name, detail)
    return detail


@pytest.mark.parametrize("name", CASES)
def test_hostile_callbacks_end_in_a_named_outcome(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    summary = run(driver_of("Dump_Write", case.code), tmp_path / "run")
    said = f"{case.said}; in Dump_Write, the filter's call 3, after {case.spent} of 3000000 instructions"
    assert _without_places(summary.stop.detail) == said
    # The recording says it too, and is judged.
    with read_recording(summary.path) as recording:
        calls = list(recording.calls())
        assert recording.footer is not None
        assert recording.footer.reason == summary.stop.detail
        assert recording.complete
    assert calls[-1].unreturned == summary.stop.detail
    assert check(summary.path).verdict.value == case.verdict


@pytest.mark.parametrize(
    "callback", ["DriverEntry", "Dump_Start", "Dump_Write", "Dump_Read", "Dump_Finish", "Dump_Unload"]
)
def test_every_callback_has_the_budget(callback: str, tmp_path: Path) -> None:
    if callback == "DriverEntry":
        driver = dump_filter(ALL_FIVE, before="90EBFE")
    else:
        driver = driver_of(callback, ("90EBFE",))
    summary = run(driver, tmp_path / "run")
    number = {"DriverEntry": 1, "Dump_Start": 2, "Dump_Write": 3, "Dump_Finish": 5, "Dump_Read": 7}.get(
        callback, 10
    )
    assert _without_places(summary.stop.detail) == (
        f"{LOOP}; in {callback}, the filter's call {number}, after 3000000 of 3000000 instructions"
    )
    result = check(summary.path)
    assert result.verdict.value == "fail"
    assert result.calls == number
    last = [finding.rule for finding in result.result.findings if finding.call == number - 1]
    assert last == ["DF-CALL-006"]


def test_a_loop_through_the_first_instruction_is_one_call(tmp_path: Path) -> None:
    summary = run(driver_of("Dump_Write", ("EBFE",)), tmp_path / "run")
    assert summary.status.calls == {"DriverEntry": 1, "Dump_Start": 1, "Dump_Write": 1}
    assert summary.status.left_out == 0


def test_a_machine_that_was_tampered_with_does_not_say_how_many(tmp_path: Path) -> None:
    target = Target(
        driver_of("Dump_Write", ("900F0B",)).image(), "probe", Scenario("crash", calls=1, pages=1)
    )
    loaded = target.resume()
    address = target.modules()[-1].exports["Dump_Start"]
    target.write_virtual(address, bytes.fromhex("0F0B"))
    stopped = target.resume()
    assert isinstance(stopped, Stopped)
    assert (stopped.callback, stopped.call) == ("Dump_Start", 2)
    assert loaded != stopped
    assert target.spent() is None


def test_long_calls_are_counted_up_to_a_million(tmp_path: Path) -> None:
    # mov ecx, 600000; dec ecx; jnz; ud2
    target = Target(
        driver_of("Dump_Write", ("B9C0270900FFC975FC0F0B",)).image(),
        "probe",
        Scenario("crash", calls=1, pages=1),
    )
    while not isinstance(target.resume(), Stopped):
        pass
    assert target.spent() == Spent(1_000_000, exactly=False)
    assert str(target.spent()) == "more than 1000000"


def test_taking_the_page_tables_away_is_an_end_by_name(tmp_path: Path) -> None:
    target = Target(dump_filter(ALL_FIVE).image(), "probe", Scenario("hibernate", calls=2, pages=1))
    target.resume()
    root = target.get_register("cr3")
    # Whoever writes physical memory can point the tables to where there is none.
    for slot in range(256, 512):
        at = root + 8 * slot
        entry = int.from_bytes(target.read_physical(at, 8), "little")
        if entry & 1:
            target.write_physical(at, ((1 << 51) | 3).to_bytes(8, "little"))
    stopped = target.resume()
    while not isinstance(stopped, Stopped):
        stopped = target.resume()
    assert stopped.reason == "fault"
