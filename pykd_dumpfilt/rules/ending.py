"""How a call ends: at its caller, at the IRQL at which it began, and without a bug check.

Sources: Microsoft's pages of the callbacks (ntdddump.h), which let a callback report a failure only by its
status, and "Managing Hardware Priorities" for the IRQL. What an unfinished call means is told by the tracer
(``gone``, ``bug_check``); a call whose return may merely have gone unseen proves nothing.
"""

from typing import ClassVar, Dict, Mapping

from ..decoded import DecodedCall
from ..recording import CALLBACKS
from ._rule import Rule

__all__ = ["IrqlKept", "NoBugCheck", "ReturnsToCaller"]

_CALLBACK_PAGES = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/"
# From Microsoft's bug check code reference: those that a filter is likely to raise, or to cause.
_NAMES: Dict[int, str] = {
    0x0A: "IRQL_NOT_LESS_OR_EQUAL",
    0x1E: "KMODE_EXCEPTION_NOT_HANDLED",
    0x3B: "SYSTEM_SERVICE_EXCEPTION",
    0x50: "PAGE_FAULT_IN_NONPAGED_AREA",
    0x7E: "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
    0x7F: "UNEXPECTED_KERNEL_MODE_TRAP",
    0xA0: "INTERNAL_POWER_ERROR",
    0xC4: "DRIVER_VERIFIER_DETECTED_VIOLATION",
    0xD1: "DRIVER_IRQL_NOT_LESS_OR_EQUAL",
    0x139: "KERNEL_SECURITY_CHECK_FAILURE",
}


_MANUALLY_INITIATED_CRASH = 0xE2  # by .crash, or from the keyboard


class IrqlKept(Rule):
    """CR8 is the IRQL on x64. Where the debugger does not give it nothing is judged. That the value is the
    interrupted code's, and not one that the kernel raised when it stopped for the debugger, was seen in the
    emulated kernel only [INF]; where it is the debugger's own, both sides are equal and nothing is found."""

    id = "DF-CALL-004"
    family = "call"
    statement = "A callback returns at the IRQL at which it was called."
    source = "https://learn.microsoft.com/windows-hardware/drivers/kernel/managing-hardware-priorities"
    evidence: ClassVar[Mapping[str, str]] = {"before": "IRQL at entry (CR8)", "after": "IRQL at return (CR8)"}
    callbacks = CALLBACKS
    ambiguous = True

    def check(self, call: DecodedCall) -> None:
        if call.exit is None:
            return
        before, after = call.entry.registers.get("cr8"), call.exit.registers.get("cr8")
        if before is None or after is None:
            return
        self.checked()
        if before != after:
            self.find(
                call,
                f"{call.label} was called at IRQL {before} and returned at IRQL {after}: undo on every "
                "path what you raised or lowered",
                {"before": before, "after": after},
            )


class NoBugCheck(Rule):
    """Some filters (VeraCrypt, DiskCryptor) raise one on purpose, since an error status does not keep data
    from being written. It is still the end of the dump, or of the resume. In a crash dump only a bug check
    other than the one that is being dumped can be told. While a machine resumes other processors run, and
    what they raise cannot be told from the callback's own; MANUALLY_INITIATED_CRASH is somebody's wish.
    """

    id = "DF-CALL-005"
    family = "call"
    statement = "A callback raises no bug check."
    source = _CALLBACK_PAGES
    evidence: ClassVar[Mapping[str, str]] = {
        "code": "bug check code",
        "name": "its name, where this version knows it",
        "parameters": "the four parameters",
    }
    callbacks = CALLBACKS
    ambiguous = True
    returned = False

    def check(self, call: DecodedCall) -> None:
        raised = call.raw.bug_check
        if raised is None:
            if call.exit is not None:
                self.checked()
            return
        if raised.code == _MANUALLY_INITIATED_CRASH:
            self.cannot_tell(call, "the machine was crashed on purpose while it was running")
            return
        self.checked()
        name = _NAMES.get(raised.code, "")
        parameters = [f"{parameter:#x}" for parameter in raised.parameters]
        what = f"{raised.code:#x}{' ' + name if name else ''} ({', '.join(parameters)})"
        self.find(
            call,
            f"bug check {what} was raised while {call.label} was running"
            f"{': ' + call.raw.unreturned if call.raw.unreturned else ''}; a failure is reported by an error "
            "status",
            {"code": f"{raised.code:#x}", "name": name, "parameters": parameters},
        )


class ReturnsToCaller(Rule):
    """Only what is certain: that the stack of the call was used again, that its code was unloaded, or that an
    emulator gave up waiting. A trace that ended during a call proves nothing."""

    id = "DF-CALL-006"
    family = "call"
    statement = "A callback returns to its caller."
    source = "https://learn.microsoft.com/cpp/build/x64-calling-convention"
    evidence: ClassVar[Mapping[str, str]] = {"why": "what proves that the call will not return"}
    callbacks = CALLBACKS
    ambiguous = True
    returned = False

    def check(self, call: DecodedCall) -> None:
        if call.exit is not None:
            self.checked()
        elif call.raw.gone and call.raw.bug_check is None:
            self.checked()
            why = call.raw.unreturned or "no reason recorded"
            self.find(call, f"{call.label} never returned to its caller: {why}", {"why": why})
