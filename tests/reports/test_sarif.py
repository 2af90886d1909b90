"""SARIF 2.1.0, to the letter."""

import json
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Dict, List

import pytest

from pykd_dumpfilt import __version__
from pykd_dumpfilt.checking import CheckResult, Report, Unreadable, WaiverUse, check
from pykd_dumpfilt.handling import pack
from pykd_dumpfilt.reports.sarif import render_sarif, sarif_object
from pykd_dumpfilt.rules import RULES

from ..rules.examples import Script
from .examples import failing, passing, write
from .report_examples import WAIVER, judged, waived, warned, whole_report


def run_of(*results: CheckResult, **report: Any) -> Dict[str, Any]:
    (run,) = json.loads(render_sarif(Report(results, **report)))["runs"]
    assert isinstance(run, dict)
    return run


def notifications(run: Dict[str, Any]) -> List[Any]:
    (invocation,) = run["invocations"]
    return [
        (one["descriptor"]["id"], one["level"], one["message"]["text"])
        for one in invocation["toolExecutionNotifications"]
    ]


def test_a_finding_is_a_result(tmp_path: Path) -> None:
    run = run_of(judged(tmp_path, "bad", failing()))
    (result,) = run["results"]
    evidence = result["properties"].pop("evidence")
    assert (evidence["disk_offset"], evidence["pfn"]) == (0x2000, "0x1001")
    index = result.pop("ruleIndex")
    assert run["tool"]["driver"]["rules"][index]["id"] == "DF-TRIP-001"
    (fingerprint,) = result.pop("partialFingerprints").items()
    assert fingerprint[0] == "dumpfiltFault/v1"
    assert re.fullmatch("[0-9a-f]{64}", fingerprint[1])
    assert result == {
        "ruleId": "DF-TRIP-001",
        "level": "error",
        "message": {
            "text": "Dump_Read gave back other bytes than Dump_Write was given: call 1, disk offset 0x2000, "
            "page 1 (PFN 0x1001), byte 0x0: expected 01000000001000000100000008100000, got "
            "cccccccccccccccccccccccccccccccc; 512 of 4608 bytes differ, from disk offset 0x2000 to 0x21ff; "
            "call 0 wrote them"
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "bad.dumpfilt/calls.jsonl", "index": 0},
                    "region": {"startLine": 4},
                },
                "logicalLocations": [
                    {
                        "name": "Dump_Read",
                        "fullyQualifiedName": "myfilt!Dump_Read",
                        "kind": "function",
                    }
                ],
            }
        ],
        "suppressions": [],
        "properties": {"call": 1, "filter": "myfilt"},
    }


def test_the_region_is_the_line_that_holds_the_call(tmp_path: Path) -> None:
    path = write(tmp_path / "bad", failing())
    run = run_of(check(path))
    physical = run["results"][0]["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == path.as_uri() + "/calls.jsonl"
    line = (path / "calls.jsonl").read_text().splitlines()[physical["region"]["startLine"] - 1]
    assert json.loads(line)["number"] == run["results"][0]["properties"]["call"]


def test_a_packed_recording_is_one_file_without_lines(tmp_path: Path) -> None:
    packed = tmp_path / "bad.dumpfilt.zip"
    pack(write(tmp_path / "bad", failing()), packed)
    run = run_of(check(packed))
    physical = run["results"][0]["locations"][0]["physicalLocation"]
    assert physical == {"artifactLocation": {"uri": packed.as_uri(), "index": 0}}
    assert run["artifacts"][0]["location"] == {"uri": packed.as_uri()}


def test_every_rule_is_described(tmp_path: Path) -> None:
    driver = run_of(judged(tmp_path, "good", passing()))["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("pykd-dumpfilt", __version__)
    assert [rule["id"] for rule in driver["rules"]] == [rule.id for rule in RULES]
    described = {rule["id"]: rule for rule in driver["rules"]}["DF-WRITE-006"]
    full = described.pop("fullDescription")["text"]
    assert full.startswith("Dump_Write should not change *DiskByteOffset. Stated in https://learn.")
    assert described == {
        "id": "DF-WRITE-006",
        "shortDescription": {"text": "Dump_Write should not change *DiskByteOffset."},
        "helpUri": "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_write",
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["write"]},
    }


def test_a_warning_is_a_warning(tmp_path: Path) -> None:
    run = run_of(warned(judged(tmp_path, "warned", passing())))
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [("DF-WRITE-006", "warning")]


def test_a_waived_finding_is_suppressed(tmp_path: Path) -> None:
    run = run_of(waived(judged(tmp_path, "bad", failing())))
    assert [one["suppressions"] for one in run["results"]] == [
        [
            {
                "kind": "external",
                "status": "accepted",
                "justification": "waived until 2030-01-31 (owner: qa@example.com; reason: the last sector is "
                "padding)",
                "properties": {"owner": "qa@example.com", "expires": "2030-01-31"},
            }
        ]
    ]


def test_a_passing_recording_has_no_result_and_is_an_artifact(tmp_path: Path) -> None:
    run = run_of(judged(tmp_path, "good", passing()))
    assert run["results"] == []
    assert run["artifacts"] == [
        {
            "location": {"uri": "good.dumpfilt/calls.jsonl"},
            "roles": ["analysisTarget"],
            "properties": {
                "verdict": "pass",
                "filter": "myfilt",
                "scenario": "hibernate",
                "machine": "x64",
                "calls": 2,
                "created": "2024-05-01T12:00:00Z",
                "tool": "pykd-dumpfilt 0.1.0",
            },
        }
    ]
    assert run["invocations"] == [
        {
            "executionSuccessful": True,
            "exitCode": 0,
            "exitCodeDescription": "every recording passes",
            "toolExecutionNotifications": [],
        }
    ]


def test_damage_and_what_could_not_be_judged_are_notifications(tmp_path: Path) -> None:
    torn = check(write(tmp_path / "torn", passing(), close=False))
    told = notifications(run_of(torn))
    assert [one[:2] for one in told] == [("damage", "error")]
    assert told[0][2].startswith("there is no footer")
    none = judged(tmp_path, "none", Script())
    assert notifications(run_of(none))[0] == (
        "verdict",
        "warning",
        "no call of Dump_Read that returned was seen, so nothing is known about it",
    )


def test_findings_that_are_not_listed_are_a_notification(tmp_path: Path) -> None:
    script = failing()
    for _ in range(30):
        script.read(0x1000, b"\xcc" * 512)
    run = run_of(judged(tmp_path, "long", script))
    assert len([one for one in run["results"] if one["ruleId"] == "DF-TRIP-001"]) == 20
    assert ("rule", "note", "DF-TRIP-001: and 11 more findings that are not listed") in notifications(run)


def test_what_cannot_be_read_is_told_and_the_run_was_no_success(tmp_path: Path) -> None:
    run = run_of(unreadable=(Unreadable("a b/gone.dumpfilt", "gone is not a recording"),))
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    assert invocation["toolExecutionNotifications"] == [
        {
            "descriptor": {"id": "unreadable"},
            "level": "error",
            "message": {"text": "gone is not a recording"},
            "locations": [
                {"physicalLocation": {"artifactLocation": {"uri": "a%20b/gone.dumpfilt/calls.jsonl"}}}
            ],
        }
    ]


def test_an_expired_waiver_is_told(tmp_path: Path) -> None:
    assert notifications(run_of(waivers=(WaiverUse(WAIVER, "used", 1), WaiverUse(WAIVER, "expired", 1)))) == [
        (
            "rule",
            "warning",
            "the waiver of DF-TRIP-001 of myfilt, line 3: expired on 2030-01-31 (owner: qa@example.com); "
            "1 finding that it would accept: mend the filter or renew the waiver",
        )
    ]


def test_several_recordings_are_in_one_run(tmp_path: Path) -> None:
    run = run_of(judged(tmp_path, "good", passing()), judged(tmp_path, "bad", failing()))
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "bad.dumpfilt/calls.jsonl", "index": 1}
    assert run["artifacts"][1]["location"]["uri"] == place["uri"]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("run.dumpfilt", "run.dumpfilt/calls.jsonl"),
        ("a b/\u00e9%.dumpfilt", "a%20b/%C3%A9%25.dumpfilt/calls.jsonl"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29/calls.jsonl"),
        ("a?b#c", "a%3Fb%23c/calls.jsonl"),
        ("\udcff.dumpfilt", "%FF.dumpfilt/calls.jsonl"),
        ("a\nb", "a%0Ab/calls.jsonl"),
    ],
)
def test_a_place_is_a_uri_whatever_the_folder_is_called(path: str, uri: str, tmp_path: Path) -> None:
    result = replace(judged(tmp_path, "good", passing()), path=path)
    assert run_of(result)["artifacts"][0]["location"] == {"uri": uri}


def test_an_absolute_folder_is_a_file_uri(tmp_path: Path) -> None:
    result = replace(judged(tmp_path, "good", passing()), path=str(PurePosixPath("/runs/a b.dumpfilt")))
    assert run_of(result)["artifacts"][0]["location"] == {"uri": "file:///runs/a%20b.dumpfilt/calls.jsonl"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[a](1)", "[a\\x5d(1)"),
        # The backslash that would escape a bracket can be escaped itself.
        ("[a\\](javascript:alert(1))", "[a\\\\x5d(javascript:alert(1))"),
        ("{0} {{1}} }", "{{0}} {{{{1}}}} }}"),
        ("PFN[3] and (x)", "PFN[3] and (x)"),
    ],
)
def test_a_message_is_plain_text_to_every_viewer(text: str, told: str) -> None:
    run = run_of(unreadable=(Unreadable("gone", text),))
    assert [one[2] for one in notifications(run)] == [told]


def test_names_that_bite_are_neither_links_nor_placeholders(tmp_path: Path) -> None:
    report = whole_report(tmp_path)
    text = render_sarif(report)
    assert text.isascii()
    assert json.loads(text)["version"] == "2.1.0"
    run = sarif_object(report)["runs"][0]
    messages = [one["message"]["text"] for one in run["results"]]
    messages += [one["message"]["text"] for one in run["invocations"][0]["toolExecutionNotifications"]]
    assert any("alert(1)" in one for one in messages)
    for one in messages:
        assert one.isprintable()
        # Of braces, only pairs are no placeholder.
        assert "](" not in one
        assert "{" not in one.replace("{{", "")
