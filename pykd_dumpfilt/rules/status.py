"""What a callback returns.

Source: the pages of all five callbacks (ntdddump.h): on success STATUS_SUCCESS, otherwise one of the error
values of Ntstatus.h.
"""

from typing import ClassVar, Dict, Mapping, Tuple

from ..decoded import DecodedCall
from ..recording import CALLBACKS
from ..structures import NtStatus, Severity
from ._rule import Rule, status_text

__all__ = ["StatusIsSuccessOrError"]

_MAX_KINDS = 16


class StatusIsSuccessOrError(Rule):
    """STATUS_SUCCESS, or severity error; nothing between. An error is legal: DiskCryptor's Dump_Start returns
    STATUS_FVE_NOT_ENCRYPTED when there is nothing to encrypt."""

    id = "DF-CALL-001"
    family = "call"
    statement = "A callback returns STATUS_SUCCESS or an error value of Ntstatus.h."
    source = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/"
    evidence: ClassVar[Mapping[str, str]] = {
        "status": "the returned NTSTATUS, hexadecimal",
        "name": "its name, or null where it has none",
        "severity": "its severity, in lower case",
    }
    callbacks = CALLBACKS
    # Every callback has this obligation, so it does not matter which one was meant.
    ambiguous = True

    def begin(self) -> None:
        super().begin()
        self._errors: Dict[Tuple[str, int], int] = {}

    def check(self, call: DecodedCall) -> None:
        status = call.status
        if status is None:
            self.cannot_tell(call, "its return was seen, but no status was recorded")
            return
        self.checked()
        if status == 0:
            return
        if status.severity is Severity.ERROR:
            key = (call.label, int(status))
            if key in self._errors or len(self._errors) < _MAX_KINDS:
                self._errors[key] = self._errors.get(key, 0) + 1
            return
        hint = "; NT_SUCCESS takes it for success" if status.is_success else ""
        self.find(
            call,
            f"{call.label} returned {status_text(status)}{hint}: return STATUS_SUCCESS, or an error value "
            "(0xC0000000 and above)",
            {"status": f"0x{int(status):08X}", "name": status.name, "severity": status.severity.name.lower()},
        )

    def notes(self) -> Tuple[str, ...]:
        return tuple(
            f"{label} returned {status_text(NtStatus(status))} {'once' if count == 1 else f'{count} times'}, "
            "which is allowed"
            for (label, status), count in self._errors.items()
        )
