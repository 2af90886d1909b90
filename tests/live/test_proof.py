"""The rules on compiled filters: every fault is caught by its rule, and no good filter is accused."""

import shutil
from functools import lru_cache
from pathlib import Path

import pytest

from pykd_dumpfilt.emulator import Scenario
from pykd_dumpfilt.rules import RULES, Level

from ..lab import proof, toolchain
from ..lab.__main__ import main
from ..lab.errors import LabError
from ..lab.proof import Row, broken_rule, ends_early, prove, render, render_rules
from ..lab.toolchain import FILTERS, build_filter, faulty_names, filter_names

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("compiler")]

KNOWN = {rule.id for rule in RULES}
CLAIMS = {name: broken_rule(name) for name in [*faulty_names(), *filter_names()]}
FAULTY = [name for name, rule in CLAIMS.items() if rule in KNOWN]
GOOD = [name for name, rule in CLAIMS.items() if rule is None]
HIBERNATE = Scenario("hibernate", seed=1, calls=6, pages=4)


@lru_cache(maxsize=None)
def proven(name: str) -> Row:
    """Each filter's row once: its own test and the README's figures look at it."""
    return prove(name)


@pytest.mark.parametrize("name", FAULTY)
def test_the_fault_is_caught_by_its_rule(name: str) -> None:
    row = proven(name)
    assert (row.caught, row.remark) == ("caught", "")


@pytest.mark.parametrize("name", GOOD)
def test_a_good_filter_is_not_accused(name: str) -> None:
    row = prove(name)
    assert (dict(row.errors), row.remark) == ({}, "")


def test_what_is_legal_and_looks_wrong_is_among_the_good_filters() -> None:
    """Each of these does something that a naive checker would take for a fault."""
    traps = {
        "finishes_at_unload",
        "folded",
        "not_needed",
        "puts_back",
        "rebuilds_mdl",
        "remaps_offset",
        "skips_the_header",
    }
    assert traps | {"aes_xts", "no_symbols", "pass_through", "transfers_only", "write_only"} <= set(GOOD)


def test_every_error_and_warning_rule_has_a_fault_to_catch() -> None:
    proven = {CLAIMS[name] for name in FAULTY}
    assert [rule.id for rule in RULES if rule.level is not Level.NOTE and rule.id not in proven] == []
    assert len(faulty_names()) >= 40


SUBTLE = {
    "one byte past the end": {"one_byte_past_the_end"},
    "one flipped bit in the last page": {"flips_a_bit_when_scattered", "marks_every_fifth_source"},
    "a register clobbered only on an error path": {"clobbers_rbx_on_error"},
    "an offset changed and restored too late": {"restores_offset_too_late"},
    "a fault only on the Nth call": {"marks_every_fifth_source", "counts_in_the_extension"},
    "only for scattered PFNs": {"swaps_last_pfns", "clobbers_r15_when_scattered", "pfns_of_the_next_page"},
    "only for a ByteOffset that is not zero": {"clears_before_the_source", "spoils_a_page_border"},
    "only when MappedSystemVa and StartVa disagree": {
        "leaves_mapped_system_va",
        "leaves_first_block_if_stale",
    },
    "only in one of the two stacks": {"wants_power_off", "clobbers_rsi_in_driver_entry", "minor_version_1"},
    "only at the resume": {"renews_dump_data", "warns_at_the_second_finish"},
    "plaintext that round trips": {"leaves_zeros_plain"},
    "only for transfers of no whole pages": {"leaves_a_short_tail", "encrypts_in_place_and_back"},
}


@pytest.mark.parametrize("fault", SUBTLE)
def test_subtle_faults_are_among_the_faulty_filters(fault: str) -> None:
    assert {f"faulty/{name}" for name in SUBTLE[fault]} <= set(FAULTY)


def test_the_readme_s_figures_are_these() -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    text = " ".join(readme.split())
    assert f"**{len(FAULTY)} of {len(FAULTY)} faulty filters are caught by their own rule" in text
    assert f"none of {len(GOOD)} good filters has an error**" in text
    others = sum(bool(row.errors or row.warnings) for row in map(proven, FAULTY))
    assert f"**. {others} of the {len(FAULTY)} have findings of other rules too" in text


def test_few_faults_stop_the_machine() -> None:
    """What comes after the fault is not seen there, so the source has to say so."""
    assert [name for name in faulty_names() if ends_early(name)] == [
        "faulty/bug_checks_for_odd_sizes",
        "faulty/pops_too_little_on_error",
        "faulty/trusts_start_va",
    ]


@pytest.mark.parametrize(
    ("row", "caught", "failed"),
    [
        (Row("a", "DF-READ-001", count=2), "caught", False),
        (Row("a", "DF-READ-001", count=0), "NOT CAUGHT", True),
        (Row("a", "DF-READ-001", count=0, errors={"DF-TRIP-001": 3}), "NOT CAUGHT", True),
        (Row("a", "DF-READ-001", count=1, errors={"DF-TRIP-001": 3}), "caught", False),
        (Row("a", "DF-READ-999", known=False), "no such rule yet", False),
        (Row("a"), "good", False),
        (Row("a", warnings={"DF-WRITE-006": 4}), "good", False),
        (Row("a", errors={"DF-READ-001": 1}), "ACCUSED", True),
        (Row("a", remark="crash, seed 1: stopped: fault"), "good", True),
    ],
)
def test_outcomes(row: Row, caught: str, failed: bool) -> None:
    assert (row.caught, row.failed) == (caught, failed)


ROWS = [
    Row("faulty/rounds", "DF-READ-001", count=12, errors={"DF-TRIP-001": 3}, warnings={"DF-SEQ-001": 1}),
    Row("faulty/slips", "DF-READ-001", errors={"DF-READ-002": 2}),
    Row("faulty/later", "DF-READ-999", known=False),
    Row("plain", remark="crash, seed 1: stopped: fault"),
]
SOME_RULES = [
    rule for rule in RULES if rule.id in ("DF-READ-001", "DF-READ-002", "DF-SEQ-001", "DF-ARGS-006")
]
TOTAL = (
    "1 of 2 faulty filters caught by their rule, 0 of 1 good filters accused\n"
    "2 of 2 faulty filters have findings of other rules too, 6 in all beside 12 of their own rule\n"
    "no fault is caught by DF-READ-002, DF-SEQ-001\n"
)


def test_the_table() -> None:
    assert (
        render(ROWS, SOME_RULES)
        == (
            "filter         breaks       outcome           findings  findings of other rules\n"
            "faulty/rounds  DF-READ-001  caught            12        DF-TRIP-001 3, DF-SEQ-001 1 (warning)\n"
            "faulty/slips   DF-READ-001  NOT CAUGHT        0         DF-READ-002 2\n"
            "faulty/later   DF-READ-999  no such rule yet  0         -\n"
            "plain          -            good              -         [crash, seed 1: stopped: fault]\n"
            "\n"
        )
        + TOTAL
    )


def test_the_table_by_rule() -> None:
    assert (
        render_rules(ROWS, SOME_RULES)
        == (
            "DF-READ-001   error    rounds, slips (missed)\n"
            "DF-READ-002   error    -\n"
            "                       beside: slips\n"
            "DF-SEQ-001    warning  -\n"
            "                       beside: rounds\n"
            "DF-ARGS-006   note     -\n"
            "\n"
        )
        + TOTAL
    )


def test_a_rule_that_is_left_out_catches_nothing() -> None:
    others = [rule for rule in RULES if rule.id != "DF-READ-001"]
    assert prove("faulty/rounds_offset_down", others, [HIBERNATE]).caught == "no such rule yet"
    assert prove("faulty/rounds_offset_down", RULES, [HIBERNATE]).caught == "caught"


def test_a_guest_that_stops_early_is_remarked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = own_filters(tmp_path, monkeypatch)
    (folder / "hits_nothing.c").write_text(
        "#define OWN_WRITE\n"
        '#include "stream_filter.h"\n'
        "NTSTATUS Dump_Write(FILTER_EXTENSION *FilterExtension, LARGE_INTEGER *DiskByteOffset, MDL *Mdl)\n"
        "{\n"
        "    Mdl->MappedSystemVa = (void *)(uintptr_t)(Mdl->ByteOffset + 16);\n"
        "    return good_write(FilterExtension, DiskByteOffset, Mdl);\n"
        "}\n"
    )
    row = prove("hits_nothing", RULES, [HIBERNATE])
    assert row.remark.startswith("hibernate, seed 1: stopped: fault: ")
    assert row.failed


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = own_filters(tmp_path, monkeypatch)
    monkeypatch.setattr(proof, "SCENARIOS", (HIBERNATE,))
    shutil.copy(str(FILTERS / "pass_through.c"), str(folder))
    shutil.copy(str(FILTERS / "faulty" / "rounds_offset_down.c"), str(folder / "faulty"))
    assert main(["table"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:4] == ["faulty/rounds_offset_down", "DF-READ-001", "caught", "7"]
    assert lines[2].split() == ["pass_through", "-", "good", "-", "-"]

    assert main(["table", "--rules"]) == 0
    assert "DF-READ-001   error    rounds_offset_down\n" in capsys.readouterr().out

    innocent = '/* breaks DF-READ-001: not at all. */\n#include "../stream_filter.h"\n'
    (folder / "faulty" / "innocent.c").write_text(innocent)
    assert main(["table"]) == 1
    assert "NOT CAUGHT" in capsys.readouterr().out


def test_a_faulty_filter_must_say_what_it_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = own_filters(tmp_path, monkeypatch)
    (folder / "faulty" / "silent.c").write_text('#include "../stream_filter.h"\n')
    with pytest.raises(LabError, match=r"faulty/silent\.c does not say what it breaks"):
        broken_rule("faulty/silent")


def test_faulty_filters_are_built_by_their_folder_and_name() -> None:
    assert build_filter("faulty/rounds_offset_down").name == "rounds_offset_down.sys"
    assert "faulty/rounds_offset_down" in faulty_names()
    assert not [name for name in filter_names() if "faulty" in name]
    for name in ("faulty/nosuch", "faulty/../aes_xts", "other/aes_xts", "rounds_offset_down"):
        with pytest.raises(LabError, match="no lab filter"):
            build_filter(name)


def own_filters(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for filters of a test's own, with what they include."""
    sources = folder / "filters"
    (sources / "faulty").mkdir(parents=True)
    for header in ("dump_filter.h", "stream_filter.h"):
        shutil.copy(str(FILTERS / header), str(sources))
    monkeypatch.setattr(toolchain, "FILTERS", sources)
    monkeypatch.setenv("DUMPFILT_LAB_CACHE", str(folder / "cache"))
    return sources
