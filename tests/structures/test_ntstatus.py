"""NTSTATUS: names, severity, and registers that hold more than 32 bits."""

import pytest

from pykd_dumpfilt.structures import (
    NtStatus,
    Severity,
    nt_error,
    nt_success,
    ntstatus_name,
    ntstatus_severity,
)


@pytest.mark.parametrize(
    ("value", "severity", "success", "error"),
    [
        (0x00000000, Severity.SUCCESS, True, False),
        (0x00000103, Severity.SUCCESS, True, False),
        (0x3FFFFFFF, Severity.SUCCESS, True, False),
        (0x4000002A, Severity.INFORMATIONAL, True, False),
        (0x80000005, Severity.WARNING, False, False),
        (0xC00000BB, Severity.ERROR, False, True),
        (0xFFFFFFFF, Severity.ERROR, False, True),
        # RAX after "mov eax" (zero-extended), after "movsxd" (sign-extended), and with rubbish above EAX.
        (0x00000000C0000001, Severity.ERROR, False, True),
        (0xFFFFFFFFC00000BB, Severity.ERROR, False, True),
        (0x1234567800000000, Severity.SUCCESS, True, False),
        # The signed form.
        (-0x3FFFFF45, Severity.ERROR, False, True),
    ],
)
def test_severity_is_in_the_low_32_bits(value: int, severity: Severity, success: bool, error: bool) -> None:
    assert ntstatus_severity(value) is severity
    assert nt_success(value) is success
    assert nt_error(value) is error
    status = NtStatus(value)
    assert (status.severity, status.is_success, status.is_error) == (severity, success, error)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "STATUS_SUCCESS (0x00000000)"),
        (0x103, "STATUS_PENDING (0x00000103)"),
        (0xFFFFFFFFC00000BB, "STATUS_NOT_SUPPORTED (0xC00000BB)"),
        (0xC0210001, "STATUS_FVE_NOT_ENCRYPTED (0xC0210001)"),
        (0xE0001234, "0xE0001234 (error)"),
        (0x12345, "0x00012345 (success)"),
    ],
)
def test_text(value: int, text: str) -> None:
    assert str(NtStatus(value)) == text
    assert f"{NtStatus(value)}" == text


def test_a_status_is_its_low_32_bits() -> None:
    assert NtStatus(0xFFFFFFFFC00000BB) == 0xC00000BB
    assert repr(NtStatus(-1)) == "NtStatus(0xFFFFFFFF)"
    assert ntstatus_name(0xFFFFFFFFC00000BB) == "STATUS_NOT_SUPPORTED"
    assert NtStatus(0xC0FFEE00).name is None
