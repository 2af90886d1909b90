"""The command line as a user meets it: help, results, exit codes, mistakes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

import pytest

from pykd_dumpfilt.cli import build_parser, main
from pykd_dumpfilt.commands import COMMANDS, console
from pykd_dumpfilt.rules import RULES, load_waivers

from .emulator.code import ALL_FIVE, SUCCESS
from .emulator.pe_writer import dump_filter


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    path = tmp_path / "looks_on.sys"
    path.write_bytes(dump_filter({**ALL_FIVE, "Dump_Write": SUCCESS, "Dump_Read": SUCCESS}, major=2).image())
    return path


def run(capsys: "pytest.CaptureFixture[str]", *arguments: str) -> Tuple[int, str, str]:
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_every_command_has_help_with_an_example(
    command: object, capsys: "pytest.CaptureFixture[str]"
) -> None:
    name = getattr(command, "name")  # noqa: B009 - the parameter's type is pytest's
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert "examples:" in capsys.readouterr().out


def test_no_command_prints_help_and_is_a_usage_error(capsys: "pytest.CaptureFixture[str]") -> None:
    code, out, _ = run(capsys)
    assert code == 2
    assert "first steps" in out


def test_arguments_lost_by_pykd_pyd_are_explained(capsys: "pytest.CaptureFixture[str]") -> None:
    code, _, err = run(capsys, "", "")
    assert code == 2
    assert "load pykd.dll" in err


def test_emulate_check_and_show_work_together(
    driver: Path, tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    recording = tmp_path / "run"
    code, out, err = run(capsys, "emulate", str(driver), "-o", str(recording), "--calls", "6")
    assert (code, "pass" in out.lower()) == (0, True), out + err
    assert "run.dumpfilt" in err
    code, out, _ = run(capsys, "check", str(recording) + ".dumpfilt", "--format", "json")
    report = json.loads(out)
    assert (code, report["format"]) == (0, "dumpfilt-report/1")
    (one,) = report["recordings"]
    assert (one["verdict"], one["filter"], one["scenario"]) == ("pass", "looks_on", "hibernate")
    assert set(one) >= {"path", "verdict", "filter", "scenario", "calls", "rules", "findings"}
    code, out, _ = run(capsys, "show", str(recording))
    assert code == 0
    assert "Dump_Read" in out
    code, out, _ = run(capsys, "show", str(recording), "--call", "2")
    assert code == 0
    assert "MappedSystemVa" in out


def test_a_driver_that_never_comes_back_ends_by_its_budget(
    tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    driver = tmp_path / "spins.sys"
    driver.write_bytes(dump_filter({**ALL_FIVE, "Dump_Write": "90EBFE"}).image())
    arguments = ("-o", str(tmp_path / "run"), "--calls", "2", "--instructions")
    code, out, err = run(capsys, "emulate", str(driver), *arguments, "50000")
    assert code == 1
    assert "FAIL" in out
    assert "Dump_Write never returned to its caller" in out
    assert "; in Dump_Write, the filter's call 3, after 50000 of 50000 instructions)" in err
    code, _, err = run(capsys, "emulate", str(driver), *arguments, "5")
    assert code == 2
    assert "budget is 5; from 1000 to" in err


def test_a_whole_life_in_one_recording(
    driver: Path, tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    arguments = ("--scenario", "life", "--calls", "3", "--pages", "2")
    code, out, err = run(capsys, "emulate", str(driver), "-o", str(tmp_path / "run"), *arguments)
    assert code == 0, out + err
    assert "filter looks_on, crash+hibernate, x64" in out
    assert "2 DriverEntry, 3 Dump_Start, 6 Dump_Write, 3 Dump_Finish" in out
    code, out, err = run(
        capsys, "emulate", str(driver), "-o", str(tmp_path / "late"), *arguments, "--attach", "bugcheck"
    )
    assert code == 3, out + err
    assert "5 calls (1 Dump_Start, 3 Dump_Write, 1 Dump_Finish)" in out
    code, _, err = run(capsys, "emulate", str(driver), "-o", str(tmp_path / "no"), "--attach", "boot")
    assert code == 2
    assert "choose the scenario 'life'" in err


def test_rules_are_listed_with_their_sources(capsys: "pytest.CaptureFixture[str]") -> None:
    code, out, _ = run(capsys, "rules")
    assert code == 0
    for rule in RULES:
        assert f"{rule.id:12} {rule.level.value}" in out
        assert rule.source in out


def test_a_crash_never_passes_because_nothing_is_read_back(
    driver: Path, tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    code, out, _ = run(
        capsys, "emulate", str(driver), "-o", str(tmp_path / "run"), "--scenario", "crash", "--calls", "4"
    )
    assert code == 3
    assert "not exercised" in out.lower()


WAIVER = """\
[[waiver]]
rule = "DF-TRIP-001"
filter = "forgets_last_sector"
reason = "ticket 4711"
owner = "Kim Lee"
expires = 9999-12-31
"""
FAILING = str(Path(__file__).resolve().parent.parent / "fixtures" / "forgets_last_sector.dumpfilt")


@pytest.mark.parametrize(
    ("waivers", "code", "verdict", "state"),
    [
        (WAIVER, 0, "PASS (5 findings waived)", "used"),
        (WAIVER.replace("9999", "2001"), 1, "FAIL", "expired"),
        (WAIVER.replace("_sector", "_byte"), 1, "FAIL", "unused"),
    ],
)
def test_waivers_from_a_file(
    waivers: str, code: int, verdict: str, state: str, tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    (tmp_path / "waivers.toml").write_text(waivers)
    arguments = ["check", FAILING, "--waivers", str(tmp_path / "waivers.toml")]
    got, out, _ = run(capsys, *arguments)
    assert got == code
    assert out.startswith(f"{verdict}  ")
    assert ("\n\nWaivers\n  DF-TRIP-001 of forgets_last_" in out) is (state != "used")
    got, out, _ = run(capsys, *arguments, "--format", "json")
    assert got == code
    assert [use["state"] for use in json.loads(out)["waivers"]] == [state]


def test_a_bad_file_of_waivers_is_told_before_anything_is_checked(
    tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text(WAIVER.replace("owner", "owned"))
    code, out, err = run(capsys, "check", FAILING, "no-such.dumpfilt", "--waivers", str(path))
    assert (code, out) == (2, "")
    assert err == f"dumpfilt: error: {path}, line 5, key 'owned': is not known: do you mean owner?\n"


def test_the_file_of_waivers_in_the_help_is_right(
    tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines()) <= 100
    (tmp_path / "waivers.toml").write_text(text[text.index("  [[waiver]]") :])
    (waiver,) = load_waivers(tmp_path / "waivers.toml")
    assert (waiver.rule, waiver.callback, waiver.platform) == ("DF-TRIP-001", "Dump_Read", "19041")


def test_a_report_goes_to_a_file(driver: Path, tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    run(capsys, "emulate", str(driver), "-o", str(tmp_path / "run"), "--calls", "3")
    report = tmp_path / "report.json"
    code, out, err = run(
        capsys, "check", str(tmp_path / "run.dumpfilt"), "--format", "json", "-o", str(report)
    )
    assert (code, out) == (0, "")
    assert "report.json" in err
    assert json.loads(report.read_text())["recordings"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["check", "no-such.dumpfilt"], "no-such.dumpfilt"),
        (["check", "x.dumpfilt", "--waivers", "no.toml"], "cannot read no.toml: No such file or directory"),
        (["show", "no-such.dumpfilt"], "no-such.dumpfilt"),
        (["info", "no-such.dumpfilt"], "no-such.dumpfilt is not a recording"),
        (["diff", "no-such.dumpfilt", "nor-this.dumpfilt"], "no-such.dumpfilt is not a recording"),
        (["pack", "no-such.dumpfilt"], "no-such.dumpfilt is not a recording"),
        (["pack", FAILING, "-o", "no-such/x.zip"], "cannot write no-such/x.zip: No such file or directory"),
        (["migrate", "no-such.dumpfilt", "-o", "new"], "no-such.dumpfilt is not a recording"),
        (["emulate", "no-such.sys", "-o", "x"], "cannot read no-such.sys"),
        (["start", "invert"], "pykd is not installed"),
        (["start", "invert", "--callback", "seek=1"], "ROLE=WHERE"),
        (["status"], "start MODULE first"),
        (["stop"], "start MODULE first"),
        (["decode", "mdl"], "--hex"),
        (["decode", "mdl", "--hex", "zz"], "hexadecimal"),
        (["decode", "mdl", "--hex", "00"], "48 bytes"),
        (["decode", "ntstatus", "banana"], "not a number"),
        (["decode", "mdl", "--file", "no-such.bin"], "cannot read no-such.bin"),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(
    arguments: List[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: "pytest.CaptureFixture[str]",
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert expected in out + err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_driver_leaves_nothing_behind(
    tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    (tmp_path / "text.sys").write_text("not a driver")
    code, _, err = run(capsys, "emulate", str(tmp_path / "text.sys"), "-o", str(tmp_path / "run"))
    assert code == 2
    assert "text.sys" in err or "image" in err
    assert [path.name for path in tmp_path.iterdir()] == ["text.sys"]


def test_a_recording_is_never_overwritten(
    driver: Path, tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    arguments = ["emulate", str(driver), "-o", str(tmp_path / "run"), "--calls", "2"]
    run(capsys, *arguments)
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert "already exists" in err


def test_a_reader_that_leaves_early_is_no_error(driver: Path, tmp_path: Path) -> None:
    main(["emulate", str(driver), "-o", str(tmp_path / "run"), "--calls", "40"])
    show = [
        sys.executable,
        "-m",
        "pykd_dumpfilt",
        "show",
        str(tmp_path / "run.dumpfilt"),
        "--call",
        "3",
        "--all",
    ]
    first = subprocess.Popen(show, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert first.stdout is not None
    first.stdout.close()
    _, err = first.communicate()
    assert err == b""


def test_long_output_is_cut_into_writes_that_pykd_takes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    writes: List[str] = []

    class Output:
        def write(self, text: str) -> int:
            writes.append(text)
            return len(text)

    monkeypatch.setattr("sys.stdout", Output())
    text = "\n".join(f"line {number} " + "x" * (number % 300) for number in range(500)) + "\n" + "y" * 40_000
    console.show(text)
    assert "".join(writes) == text + "\n"
    assert max(len(one) for one in writes) <= 16_000


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit("CTRL+BREAK")], ids=["python", "pykd"])
def test_ctrl_break_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[str]", error: BaseException
) -> None:
    """pykd's way on Python 3.8 would end without a word: !py prints nothing of a SystemExit."""

    def interrupted(_: str) -> None:
        raise error

    monkeypatch.setattr(console, "show", interrupted)
    assert run(capsys, "doctor") == (130, "", "dumpfilt: error: interrupted\n")


def test_any_other_exit_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(_: str) -> None:
        raise SystemExit(5)

    monkeypatch.setattr(console, "show", ended)
    with pytest.raises(SystemExit, match="5"):
        main(["doctor"])


def test_the_parser_knows_every_command_once() -> None:
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)
    build_parser()
