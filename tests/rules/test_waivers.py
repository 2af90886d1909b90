"""Waivers at work: what they cover, what they do to outcomes and verdicts, and what they never hide."""

import datetime
from dataclasses import replace
from typing import List, Optional, Sequence, Tuple, Type

import pytest

from pykd_dumpfilt.recording import Buffer, Header
from pykd_dumpfilt.rules import Judge, Result, Rule, Waiver, Waivers
from pykd_dumpfilt.rules.round_trip import RoundTrip
from pykd_dumpfilt.rules.write import WriteKeepsOffset
from pykd_dumpfilt.structures import Machine

from .examples import Script, pattern, rule_result, side

TODAY = datetime.date(2026, 12, 1)
TARGET = "Windows 10 Kernel Version 19041 MP (1 procs) Free x64"
HEADER = Header(
    "myfilt",
    "x64",
    "2026-11-23T14:41:05Z",
    "pykd-dumpfilt 0.1.0",
    {"engine": "pykd", "version": "0.3.4.15", "target": TARGET},
)
PENDING = 0x103
"""No callback may return it: DF-CALL-001."""


def waiver(
    rule: str = "DF-CALL-001",
    callback: Optional[str] = None,
    expires: datetime.date = datetime.date(2027, 1, 31),
    filter: str = "myfilt",
    platform: Optional[str] = None,
    owner: str = "Kim Lee",
) -> Waiver:
    return Waiver(rule, filter, "ticket 4711", owner, expires, platform, callback, 1)


def judge(
    script: Script,
    *waivers: Waiver,
    rules: Optional[Sequence[Type[Rule]]] = None,
    header: Header = HEADER,
) -> Result:
    engine = Judge(script.memory.store, Machine.X64, rules, Waivers(waivers, header, TODAY))
    for record in script.records:
        engine.feed(record)
    return engine.finish()


def round_trip() -> Script:
    script = Script()
    script.write(0x1000, pattern(4096))
    script.read(0x1000, pattern(4096))
    return script


def two_pending() -> Script:
    """Dump_Start and Dump_Finish return STATUS_PENDING, once each; all else is right."""
    script = Script()
    script.plain("Dump_Start", status=PENDING)
    script.write(0x1000, pattern(4096))
    script.read(0x1000, pattern(4096))
    script.plain("Dump_Finish", status=PENDING)
    return script


def outcome(result: Result, rule: str = "DF-CALL-001") -> Tuple[str, int, int]:
    one = rule_result(result, rule)
    return one.outcome.value, one.found, one.waived


@pytest.mark.parametrize(
    ("filter", "platform", "concerned"),
    [
        ("myfilt", None, True),
        ("MyFilt", None, True),
        ("myfilt2", None, False),
        ("myfil", None, False),
        ("myfilt", "x64", True),
        ("myfilt", "X64", True),
        ("myfilt", "arm64", False),
        ("myfilt", "x86", False),
        ("myfilt", "19041", True),
        ("myfilt", "windows 10", True),
        ("myfilt", "(1 procs)", True),
        # Words, not any piece of them.
        ("myfilt", "1904", False),
        ("myfilt", "Windows 1", False),
        ("myfilt", "x6", False),
        ("myfilt", ".*", False),
        ("myfilt", "x64 Windows", False),
        ("myfilt", "22621", False),
    ],
)
def test_filter_and_platform(filter: str, platform: Optional[str], concerned: bool) -> None:
    assert waiver(filter=filter, platform=platform).concerns(HEADER) is concerned


@pytest.mark.parametrize(
    ("callback", "found_at", "covered"),
    [
        (None, "Dump_Read", True),
        (None, "Dump_Start or Dump_Finish", True),
        ("Dump_Read", "Dump_Read", True),
        ("Dump_Read", "Dump_Write", False),
        # It may have been the other.
        ("Dump_Start", "Dump_Start or Dump_Finish", False),
        ("Dump_Start or Dump_Finish", "Dump_Start or Dump_Finish", True),
        ("Dump_Finish or Dump_Start", "Dump_Start or Dump_Finish", True),
        ("Dump_Start or Dump_Finish", "Dump_Finish", True),
        ("Dump_Start or Dump_Finish", "Dump_Start or Dump_Finish or Dump_Unload", False),
    ],
)
def test_callback(callback: Optional[str], found_at: str, covered: bool) -> None:
    assert waiver(callback=callback).covers("DF-CALL-001", found_at) is covered
    assert waiver(callback=callback).covers("DF-CALL-002", found_at) is False


def test_the_last_day_still_holds() -> None:
    assert waiver(expires=TODAY).expired(TODAY) is False
    assert waiver(expires=datetime.date(2026, 11, 30)).expired(TODAY) is True


def test_without_waivers_nothing_is_different() -> None:
    result = judge(two_pending())
    assert (result.verdict.value, result.waived) == ("fail", 0)
    assert outcome(result) == ("fail", 2, 0)
    assert result.reasons == ("DF-CALL-001: 2 findings",)


def test_a_pass_with_waived_findings_says_so() -> None:
    result = judge(two_pending(), waiver())
    assert (result.verdict.value, result.waived) == ("pass", 2)
    assert outcome(result) == ("waived", 2, 2)
    sentence = "2 findings waived until 2027-01-31 (owner: Kim Lee; reason: ticket 4711)"
    assert result.reasons == (f"DF-CALL-001: {sentence}",)
    assert rule_result(result, "DF-CALL-001").reasons == (sentence,)
    assert [finding.waiver for finding in result.findings] == [waiver(), waiver()]


def test_a_waiver_for_one_callback_leaves_the_other_a_failure() -> None:
    result = judge(two_pending(), waiver(callback="Dump_Finish"))
    assert (result.verdict.value, result.waived) == ("fail", 1)
    assert outcome(result) == ("fail", 2, 1)
    assert result.reasons == (
        "DF-CALL-001: 1 finding",
        "DF-CALL-001: 1 finding waived until 2027-01-31 (owner: Kim Lee; reason: ticket 4711)",
    )
    assert [(finding.callback, finding.waiver is not None) for finding in result.findings] == [
        ("Dump_Start", False),
        ("Dump_Finish", True),
    ]


def test_two_waivers_share_the_findings() -> None:
    result = judge(
        two_pending(),
        waiver(callback="Dump_Start"),
        waiver(callback="Dump_Finish", expires=datetime.date(2026, 12, 31), owner="Jo"),
    )
    assert (result.verdict.value, outcome(result)) == ("pass", ("waived", 2, 2))
    assert result.reasons == (
        "DF-CALL-001: 1 finding waived until 2027-01-31 (owner: Kim Lee; reason: ticket 4711)",
        "DF-CALL-001: 1 finding waived until 2026-12-31 (owner: Jo; reason: ticket 4711)",
    )


def test_of_two_that_accept_a_finding_the_last_to_expire_is_named() -> None:
    late = waiver(expires=datetime.date(2028, 1, 1))
    result = judge(two_pending(), waiver(callback="Dump_Start"), late)
    assert [finding.waiver for finding in result.findings] == [late, late]


def test_an_expired_waiver_accepts_nothing_and_is_named() -> None:
    old = waiver(expires=datetime.date(2026, 11, 30))
    result = judge(two_pending(), old)
    assert (result.verdict.value, result.waived) == ("fail", 0)
    assert outcome(result) == ("fail", 2, 0)
    assert result.reasons == (
        "DF-CALL-001: 2 findings",
        "DF-CALL-001: 2 findings no longer waived: the waiver expired on 2026-11-30 (owner: Kim Lee; reason: "
        "ticket 4711)",
    )
    assert [(one.waiver, one.expired_waiver) for one in result.findings] == [(None, old), (None, old)]


def test_an_expired_waiver_is_not_named_where_another_holds() -> None:
    result = judge(
        two_pending(), waiver(expires=datetime.date(2026, 11, 30), callback="Dump_Start"), waiver()
    )
    assert result.verdict.value == "pass"
    assert [finding.expired_waiver for finding in result.findings] == [None, None]
    assert len(result.reasons) == 1


@pytest.mark.parametrize(
    "other",
    [
        waiver(filter="aes_xts"),
        waiver(platform="arm64"),
        waiver(rule="DF-CALL-002"),
        waiver(callback="Dump_Read"),
    ],
)
def test_a_waiver_for_something_else_changes_nothing(other: Waiver) -> None:
    assert judge(two_pending(), other) == judge(two_pending())


def test_without_a_header_no_waiver_applies() -> None:
    script = two_pending()
    engine = Judge(script.memory.store, Machine.X64, waivers=Waivers([waiver()], today=TODAY))
    for record in script.records:
        engine.feed(record)
    assert engine.finish().verdict.value == "fail"


@pytest.mark.parametrize(
    ("callback", "verdict", "waived", "listed_waived"),
    [(None, "pass", 31, 21), ("Dump_Start", "fail", 30, 20), ("Dump_Finish", "fail", 1, 1)],
)
def test_findings_that_are_not_listed_count_too(
    callback: Optional[str], verdict: str, waived: int, listed_waived: int
) -> None:
    script = round_trip()
    for _ in range(30):
        script.plain("Dump_Start", status=PENDING)
    # Beyond the twenty that are listed, and listed all the same: it is the first of its callback.
    script.plain("Dump_Finish", status=PENDING)
    result = judge(script, waiver(callback=callback))
    assert result.verdict.value == verdict
    assert rule_result(result, "DF-CALL-001").waived == waived
    assert sum(finding.waiver is not None for finding in result.findings) == listed_waived
    assert (result.reasons[0] == f"DF-CALL-001: {31 - waived} findings") is (callback == "Dump_Finish")


def test_at_an_address_of_several_callbacks_each_must_be_accepted() -> None:
    script = round_trip()
    script.plain("Dump_Start", "Dump_Finish", status=PENDING)
    assert judge(script, waiver(callback="Dump_Start")).verdict.value == "fail"
    assert judge(script, waiver(callback="Dump_Start or Dump_Finish")).verdict.value == "pass"
    assert judge(script, waiver()).verdict.value == "pass"


def test_other_failures_stay() -> None:
    script = two_pending()
    script.read(0x1000, pattern(4096, seed=2))
    result = judge(script, waiver())
    assert result.verdict.value == "fail"
    assert result.reasons[0] == "DF-TRIP-001: 1 finding"
    assert outcome(result) == ("waived", 2, 2)


def test_incomplete_stays_incomplete() -> None:
    """A waiver accepts what was found, not what could not be looked at."""
    script = round_trip()
    script.read(0x1000, pattern(4096, seed=2))
    read = script.read(0x1000, pattern(4096))
    assert read.exit is not None
    unreadable = replace(read.exit, buffers=(Buffer("physical", 0, 4096, (None,), {0: "paged out"}),))
    script.records[-1] = replace(read, exit=unreadable)
    result = judge(script, waiver("DF-TRIP-001"), rules=[RoundTrip])
    assert outcome(result, "DF-TRIP-001") == ("waived", 1, 1)
    assert result.verdict.value == "incomplete"
    assert result.reasons[0].startswith("DF-TRIP-001 could not look at everything: call 3 (Dump_Read)")
    assert result.reasons[1].startswith("DF-TRIP-001: 1 finding waived until 2027-01-31")


@pytest.mark.parametrize("waivers", [[], [waiver("DF-WRITE-006")]])
def test_a_warning_hides_no_gap_waived_or_not(waivers: List[Waiver]) -> None:
    script = round_trip()
    write = script.write(0x8000, pattern(512))
    assert write.exit is not None
    moved = replace(write.exit, disk_byte_offset=side(0x9000).disk_byte_offset)
    script.records[-1] = replace(write, exit=moved)
    write = script.write(0xA000, pattern(512))
    script.records[-1] = replace(write, exit=replace(moved, disk_byte_offset=None))
    result = judge(script, *waivers, rules=[WriteKeepsOffset])
    assert outcome(result, "DF-WRITE-006") == ("waived" if waivers else "fail", 1, len(waivers))
    assert result.verdict.value == "incomplete"


def test_nothing_is_exercised_by_a_waiver() -> None:
    script = Script()
    script.plain("Dump_Start", status=PENDING)
    assert judge(script, waiver()).verdict.value == "not exercised"


def test_findings_that_come_live_are_marked() -> None:
    script = two_pending()
    engine = Judge(
        script.memory.store, Machine.X64, waivers=Waivers([waiver(callback="Dump_Finish")], HEADER, TODAY)
    )
    live = [finding for record in script.records for finding in engine.feed(record)]
    assert [(one.callback, one.waiver is not None) for one in live] == [
        ("Dump_Start", False),
        ("Dump_Finish", True),
    ]
    assert engine.finish().findings == tuple(live)


def test_today_is_utc() -> None:
    past = datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=2)
    future = past + datetime.timedelta(days=4)
    script = two_pending()
    for day, verdict in ((past, "fail"), (future, "pass")):
        engine = Judge(script.memory.store, Machine.X64, waivers=Waivers([waiver(expires=day)], HEADER))
        for record in script.records:
            engine.feed(record)
        assert engine.finish().verdict.value == verdict
