"""What a recording is and holds: numbers by hand."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from pykd_dumpfilt.cli import main
from pykd_dumpfilt.handling import Value, Volume, pack, sum_up
from pykd_dumpfilt.recording import (
    ArmedCallback,
    BugCheck,
    Callbacks,
    Fault,
    Header,
    LoadedModule,
    Pdb,
    Piece,
    Progress,
    RecordingWriter,
    read_recording,
)

from ..recording.examples import HEADER as SMALL_HEADER
from ..recording.examples import MODULE, small_call, write_small
from ..reports.examples import HEADER, failing, passing, write
from ..rules.examples import (
    DUMP,
    HIBER,
    INITIALIZATION_DATA,
    Script,
    mdl,
    pattern,
)

ROOT = Path(__file__).resolve().parents[2]


def test_volume(tmp_path: Path) -> None:
    # small_call: entry 2048 bytes of one page, return 6000 bytes of one page and one that could not be read.
    summary = sum_up(write_small(tmp_path / "x"))
    assert summary.volume == Volume(captured=3 * 8048, unread=3, named=6, distinct=2, zeros=3)
    assert summary.volume.ratio == 3.0
    assert summary.version == 1
    assert not summary.packed
    calls = (tmp_path / "x.dumpfilt" / "calls.jsonl").stat().st_size
    assert summary.sizes == {"calls.jsonl": calls, "pages.bin": 8192}
    assert summary.disk_size == calls + 8192
    assert summary.footer is not None
    assert summary.footer.reason == "the target ended"


@pytest.mark.parametrize(("late", "zeros"), [(bytes(4096), 3), (b"x" * 4096, 0)])
def test_zeros_that_come_late_or_never(late: bytes, zeros: int, tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "x", SMALL_HEADER) as writer:
        writer.put(b"A" * 4096)
        writer.write(MODULE)
        writer.write(small_call(0, 0, 0))
        writer.put(late)
        writer.write(Fault("x", "y"))
        writer.write(small_call(1, 0, 1))
        writer.write(small_call(2, 1, 1))
    assert sum_up(writer.path).volume.zeros == zeros


def test_a_recording_without_buffers(tmp_path: Path) -> None:
    summary = sum_up(write(tmp_path / "x", Script()))
    assert summary.volume == Volume(0, 0, 0, 0, 0)
    assert summary.volume.ratio == 0.0
    assert summary.checked.verdict.value == "not exercised"


def test_the_verdict_is_that_of_check(tmp_path: Path) -> None:
    summary = sum_up(write(tmp_path / "x", failing()))
    assert summary.checked.verdict.value == "fail"
    assert [(rule.rule, rule.found) for rule in summary.checked.result.rules if rule.found] == [
        ("DF-TRIP-001", 1)
    ]


def test_looking_for_zeros_reads_no_page(tmp_path: Path) -> None:
    # A page that no rule reads and that is damaged is found by verify(), not by counting.
    folder = write_small(tmp_path / "x")
    with (folder / "pages.bin").open("r+b") as file:
        file.write(b"x")
    assert sum_up(folder).volume.zeros == 3


def sections(script: Script, tmp_path: Path) -> Dict[str, Dict[str, Value]]:
    folder = tmp_path / "script.dumpfilt"
    if folder.exists():
        shutil.rmtree(folder)
    return {name: dict(facts) for name, facts in sum_up(write(folder, script)).facts}


def test_the_facts_of_a_round_trip(tmp_path: Path) -> None:
    assert sections(passing(), tmp_path) == {
        "Copies": {
            "hiber_myfilt loaded": 1,
            "hiber_myfilt size": "0x7000",
            "hiber_myfilt TimeDateStamp": "unknown",
            "hiber_myfilt CheckSum": "unknown",
            "hiber_myfilt PDB": "none named",
        },
        "Callbacks": {},
        "Calls": {"Dump_Write": 1, "Dump_Read": 1},
        "Statuses": {"Dump_Write STATUS_SUCCESS": 1, "Dump_Read STATUS_SUCCESS": 1},
        "MdlFlags": {
            "Dump_Read entry, MDL_MAPPED_TO_SYSTEM_VA": 1,
            "Dump_Read entry, all MDLs": 1,
            "Dump_Read return, MDL_MAPPED_TO_SYSTEM_VA": 1,
            "Dump_Read return, all MDLs": 1,
            "Dump_Write entry, MDL_MAPPED_TO_SYSTEM_VA": 1,
            "Dump_Write entry, all MDLs": 1,
            "Dump_Write return, MDL_MAPPED_TO_SYSTEM_VA": 1,
            "Dump_Write return, all MDLs": 1,
        },
        "Transfers": {
            "Dump_Write bytes in all": 4608,
            "Dump_Write bytes, least": 4608,
            "Dump_Write bytes, most": 4608,
            "Dump_Write with a chain of 1 MDL": 1,
            "Dump_Write MDLs with ByteOffset 0": 0,
            "Dump_Write MDLs with another ByteOffset": 1,
            "Dump_Read bytes in all": 4608,
            "Dump_Read bytes, least": 4608,
            "Dump_Read bytes, most": 4608,
            "Dump_Read with a chain of 1 MDL": 1,
            "Dump_Read MDLs with ByteOffset 0": 1,
            "Dump_Read MDLs with another ByteOffset": 0,
        },
        "FILTER_INITIALIZATION_DATA": {},
        "FILTER_EXTENSION": {
            "bytes": "88",
            "Size": "88",
            "Flags": "0x0",
            "DumpType": "2",
            "BytesPerSector": "512",
            "PartitionStyle": "1",
        },
        "Bug checks": {},
        "Faults of the tool": {},
    }


def test_registration_copies_and_what_is_watched(tmp_path: Path) -> None:
    script = Script()
    pdb = Pdb("myfilt.pdb", "0a" * 16, 2)
    script.records[0] = LoadedModule(0, "hiber_myfilt", 1, 0x7000, 2, 0x65A0B1C2, 0xBEEF, pdb)
    script.records += [DUMP, replace(DUMP, number=2, size=0x8000)]
    armed = (
        ArmedCallback(0x1000, ("Dump_Write",), ("table",)),
        ArmedCallback(0x2000, ("Dump_Start", "Dump_Finish"), ("table", "table")),
    )
    script.records += [Callbacks(0, armed[:1]), Callbacks(0, armed, ("Dump_Unload", "Dump_Read"))]
    call = script.plain("DriverEntry")
    given = bytes.fromhex("02000000 00000000") + bytes(40) + bytes.fromhex("10000000 00000000") + bytes(8)
    entry = replace(call.entry, filter_initialization_data=Piece(0x5000, given, 64))
    made = replace(call.entry, filter_initialization_data=Piece(0x5000, INITIALIZATION_DATA, 64))
    script.records[-1] = replace(call, entry=entry, exit=made)
    for extra in (b"", bytes(8)):
        later = script.plain("Dump_Start")
        data = INITIALIZATION_DATA + extra
        entry = replace(later.entry, filter_initialization_data=Piece(0x5000, data, len(data)))
        script.records[-1] = replace(later, entry=entry)
    found = sections(script, tmp_path)
    assert found["Copies"] == {
        "hiber_myfilt loaded": 1,
        "dump_myfilt loaded": 2,
        "hiber_myfilt size": "0x7000",
        "hiber_myfilt TimeDateStamp": "0x65a0b1c2",
        "hiber_myfilt CheckSum": "0xbeef",
        "hiber_myfilt PDB": f"myfilt.pdb {'0a' * 16} 2",
        "dump_myfilt size": "0x7000, 0x8000",
        "dump_myfilt TimeDateStamp": "unknown",
        "dump_myfilt CheckSum": "unknown",
        "dump_myfilt PDB": "none named",
    }
    assert found["Callbacks"] == {
        "hiber_myfilt watched": "Dump_Start = Dump_Finish, Dump_Write",
        "hiber_myfilt not registered": "Dump_Read, Dump_Unload",
    }
    assert found["FILTER_INITIALIZATION_DATA"] == {
        "given, bytes": "64",
        "given, version": "2.0",
        "given, MaxPagesPerWrite": "16",
        "given, Flags": "0x0",
        "registered, bytes": "64",
        "registered, version": "2.0",
        "registered, MaxPagesPerWrite": "16",
        "registered, Flags": "0x1 (DUMP_FILTER_CRITICAL | DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ)",
        "in later calls, bytes": "64, 72",
        "in later calls, version": "2.0",
        "in later calls, MaxPagesPerWrite": "16",
        "in later calls, Flags": "0x1 (DUMP_FILTER_CRITICAL | DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ)",
    }


def test_statuses_flags_chains_and_bug_checks(tmp_path: Path) -> None:
    script = Script()
    call = script.write(0, pattern(512), status=0xC000000D)
    chain = (mdl(512, 0x200, flags=0, next_mdl=0x9000), mdl(1024, flags=0x11, address=0x9000))
    script.records[-1] = replace(call, entry=replace(call.entry, mdls=chain))
    script.write(0, pattern(512), status=0xE1234567)
    script.write(0, pattern(512), exit=None, status=None, bug_check=BugCheck(0xA0, (1, 2, 3, 4)))
    script.plain("Dump_Start", "Dump_Finish")
    script.records.append(Fault("reading the PDB", "no symbols"))
    found = sections(script, tmp_path)
    assert found["Calls"] == {"Dump_Write": 3, "Dump_Start or Dump_Finish": 1}
    assert found["Statuses"] == {
        "Dump_Write STATUS_INVALID_PARAMETER": 1,
        "Dump_Write 0xE1234567": 1,
        "Dump_Write did not return": 1,
        "Dump_Start or Dump_Finish STATUS_SUCCESS": 1,
    }
    assert found["MdlFlags"] == {
        "Dump_Write entry, MDL_MAPPED_TO_SYSTEM_VA": 3,
        "Dump_Write entry, MDL_PARTIAL": 1,
        "Dump_Write entry, all MDLs": 4,
        "Dump_Write entry, no flag": 1,
        "Dump_Write return, MDL_MAPPED_TO_SYSTEM_VA": 2,
        "Dump_Write return, all MDLs": 2,
    }
    assert found["Transfers"] == {
        "Dump_Write bytes in all": 2560,
        "Dump_Write bytes, least": 512,
        "Dump_Write bytes, most": 1536,
        "Dump_Write with a chain of 2 MDLs": 1,
        "Dump_Write with a chain of 1 MDL": 2,
        "Dump_Write MDLs with ByteOffset 0": 3,
        "Dump_Write MDLs with another ByteOffset": 1,
    }
    assert found["Bug checks"] == {"bug check 0xa0": 1}
    assert found["Faults of the tool"] == {"reading the PDB": 1}


def test_more_kinds_than_are_kept(tmp_path: Path) -> None:
    script = Script()
    for number in range(300):
        script.plain("Dump_Start", status=0xE0000000 + number)
    script.plain("Dump_Start", status=0xE0000000)
    statuses = sections(script, tmp_path)["Statuses"]
    assert len(statuses) == 257
    assert statuses["Dump_Start 0xE0000000"] == 2
    assert statuses["others"] == 44


def test_names_that_others_chose_are_kept_short(tmp_path: Path) -> None:
    script = Script()
    script.records[0] = replace(HIBER, name="n" * 1000, pdb=Pdb("p" * 1000, "0a" * 16, 1))
    armed = ArmedCallback(0x1000, ("Dump_Write",), ("table",))
    script.records += [Callbacks(0, (armed,) * 1000, ("Dump_Read",) * 1000), Fault("d" * 5000, "")]
    found = sections(script, tmp_path)
    name = "n" * 200 + "..."
    assert found["Copies"][f"{name} PDB"] == f"{'p' * 200}... {'0a' * 16} 1"
    assert found["Callbacks"] == {f"{name} watched": "Dump_Write", f"{name} not registered": "Dump_Read"}
    assert found["Faults of the tool"] == {"d" * 200 + "...": 1}


def test_progress_comes_to_its_end(tmp_path: Path) -> None:
    told: List[Progress] = []
    folder = write(tmp_path / "x", passing())
    sum_up(folder, told.append)
    size = (folder / "calls.jsonl").stat().st_size
    assert told[-1] == (size, size, 2)


# -- the command --------------------------------------------------------------------------------------------


def run(capsys: "pytest.CaptureFixture[str]", *arguments: str) -> Tuple[int, str, str]:
    code = main(["info", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_info_of_a_fixture(monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[str]") -> None:
    monkeypatch.chdir(ROOT)
    code, out, err = run(capsys, "fixtures/forgets_last_sector.dumpfilt")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == [
        "fixtures/forgets_last_sector.dumpfilt",
        "  filter      forgets_last_sector, hibernate, x64",
    ]
    assert "  target      Windows 10 Kernel Version 19041 MP (1 procs) Free x64" in lines
    assert (
        "  captured    80 KiB of buffers in 24 pages, of which 17 are distinct, 1.4 times each; 2 pages of"
        in lines
    )
    assert "  ended       in good order: nt!DbgBreakPointWithStatus" in lines
    assert lines[-2:] == ["  damaged     nothing found", "  verdict     FAIL: 5 errors of DF-TRIP-001"]


def test_info_of_a_damaged_and_packed_one(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    folder = write(tmp_path / "x", passing(), close=False)
    packed = pack(folder).path
    code, out, _ = run(capsys, str(packed))
    assert code == 0
    assert f"{packed}\n" in out
    assert "(packed; unpacked: calls.jsonl " in " ".join(out.split())
    assert "\n  ended       not in good order: there is no footer\n" in out
    assert "\n  damaged     there is no footer: the recording was not closed in good order" in out
    assert out.endswith("\n  verdict     INCOMPLETE, no findings\n")


def test_what_was_lost_and_left_out_is_told(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    header = replace(HEADER, options={"every": 4})
    with RecordingWriter(tmp_path / "x", header) as writer:
        writer.close("the target ended", lost=2, left_out=7)
    _, out, _ = run(capsys, str(writer.path))
    assert "\n  left out    7 calls not captured, by the options every 4\n" in out
    assert "\n  ended       in good order: the target ended; 2 calls LOST\n" in out
    assert "\n  calls       0\n" in out


def test_json(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    folder = write_small(tmp_path / "x")
    gone = str(tmp_path / "gone")
    code, out, err = run(capsys, str(folder), gone, "--format", "json")
    assert code == 2
    assert "gone is not a recording" in err
    found = json.loads(out)
    assert set(found) == {"format", "recordings", "unreadable"}
    assert found["format"] == "dumpfilt-info/1"
    assert [one["path"] for one in found["unreadable"]] == [gone]
    (one,) = found["recordings"]
    calls = (folder / "calls.jsonl").stat().st_size
    assert one == {
        "path": str(folder),
        "filter": "myfilt",
        "scenario": "hibernate",
        "machine": "x64",
        "created": "2024-05-01T12:00:00Z",
        "tool": "pykd-dumpfilt 0.1.0",
        "debugger": {"engine": "emulator", "version": "2.1.1", "target": "x64 kernel"},
        "options": {},
        "scrubbed": None,
        "version": 1,
        "packed": False,
        "disk_size": calls + 8192,
        "sizes": {"calls.jsonl": calls, "pages.bin": 8192},
        "copies": [
            {
                "name": "hiber_myfilt",
                "base": "0xfffff80012340000",
                "size": 36864,
                "timestamp": 0x65A0B1C2,
                "checksum": 0xBEEF,
                "pdb": {"name": "a.pdb", "guid": "0a" * 16, "age": 1},
            }
        ],
        "calls": 3,
        "calls_by_callback": {"Dump_Read": 3},
        "captured": {"bytes": 24144, "pages": 6, "distinct_pages": 2, "zero_pages": 3, "unread_pages": 3},
        "closed": True,
        "reason": "the target ended",
        "lost": 0,
        "left_out": 0,
        "damage": [],
        "verdict": "incomplete",
        "findings": [],
    }


def test_json_of_findings(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    _, out, _ = run(capsys, str(write(tmp_path / "x", failing())), "--format", "json")
    (one,) = json.loads(out)["recordings"]
    assert one["verdict"] == "fail"
    assert one["findings"] == [{"rule": "DF-TRIP-001", "level": "error", "found": 1}]


def test_several_and_one_that_cannot_be_read(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    one, other = write(tmp_path / "one", passing()), write(tmp_path / "other", failing())
    code, out, err = run(capsys, str(one), str(tmp_path / "gone"), str(other))
    assert code == 2
    assert err.startswith("dumpfilt: error: ")
    first, second = out.split("\n\n")
    assert first.splitlines()[0] == str(one)
    assert second.splitlines()[0] == str(other)
    code, out, _ = run(capsys, str(tmp_path / "gone"))
    assert (code, out) == (2, "")


def test_names_by_others_are_safe_on_a_terminal(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    evil = "\x1b[2Jevil"
    header = Header(
        evil, "x64", "2024-05-01T12:00:00Z", evil, {"engine": evil, "version": "", "target": evil}
    )
    with RecordingWriter(tmp_path / "x", header) as writer:
        writer.write(LoadedModule(0, evil, 1, 2, pdb=Pdb(evil, "0a" * 16, 1)))
        writer.write(Fault(evil, evil))
        writer.close(evil)
    with RecordingWriter(tmp_path / "y", HEADER) as writer:
        pass
    _, out, _ = run(capsys, str(tmp_path / "x"))
    assert "\x1b" not in out
    assert "\\x1b[2Jevil" in out
    main(["diff", str(tmp_path / "x"), str(tmp_path / "y")])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[2Jevil" in out


def test_a_recording_stays_as_it_is(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    folder = write(tmp_path / "x", failing())
    before = {one.name: (one.read_bytes(), one.stat().st_mtime_ns) for one in folder.iterdir()}
    run(capsys, str(folder))
    main(["diff", str(folder), str(folder)])
    after = {one.name: (one.read_bytes(), one.stat().st_mtime_ns) for one in folder.iterdir()}
    assert after == before
    assert read_recording(folder).complete
