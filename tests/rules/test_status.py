"""DF-CALL-001: STATUS_SUCCESS or an error."""

import pytest

from pykd_dumpfilt.recording import CALLBACKS

from .examples import Script, findings, outcome, rule_result


@pytest.mark.parametrize("callback", CALLBACKS)
def test_success_passes_for_every_callback(callback: str) -> None:
    script = Script()
    script.plain(callback)
    assert outcome(script.judge(), "DF-CALL-001") == ("pass", 1)


@pytest.mark.parametrize("status", [0xC0000001, 0xC0210001, 0xC00000BB, 0xFFFFFFFF])
def test_an_error_is_legal_and_noted(status: int) -> None:
    script = Script()
    script.plain("Dump_Write", status=status)
    result = script.judge()
    assert outcome(result, "DF-CALL-001") == ("pass", 1)
    (note,) = rule_result(result, "DF-CALL-001").notes
    assert f"0x{status:08X}" in note


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0x00000103, "STATUS_PENDING (0x00000103, a success value)"),
        (0x00000001, "0x00000001"),
        (0x40000000, "an informational value"),
        (0x80000005, "STATUS_BUFFER_OVERFLOW (0x80000005, a warning value)"),
    ],
)
def test_nothing_between_success_and_error(status: int, text: str) -> None:
    script = Script()
    script.plain("Dump_Finish", status=status)
    result = script.judge()
    assert outcome(result, "DF-CALL-001") == ("fail", 1)
    (finding,) = findings(result, "DF-CALL-001")
    assert text in finding.message
    assert finding.evidence["status"] == f"0x{status:08X}"


def test_a_folded_address_owes_the_same() -> None:
    script = Script()
    script.plain("Dump_Start", "Dump_Finish", status=0x103)
    (finding,) = findings(script.judge(), "DF-CALL-001")
    assert finding.callback == "Dump_Start or Dump_Finish"


def test_a_call_that_did_not_return_has_no_status() -> None:
    script = Script()
    script.read(0, b"x" * 512, exit=None, status=None, unreturned="bug check")
    assert outcome(script.judge(), "DF-CALL-001") == ("incomplete", 0)
