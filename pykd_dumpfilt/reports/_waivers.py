"""Waivers in words, the same in every report."""

from ..checking import WaiverUse
from ..rules import Waiver
from ._phrases import counted

__all__ = ["describe_use", "describe_waiver", "waived_by"]


def waived_by(waiver: Waiver) -> str:
    """Until when, who answers for it, and why."""
    return f"until {waiver.expires} (owner: {waiver.owner}; reason: {waiver.reason})"


def describe_waiver(waiver: Waiver) -> str:
    """What a waiver is for, and where it stands: "DF-TRIP-001 of myfilter at Dump_Read on x64, line 3"."""
    text = f"{waiver.rule} of {waiver.filter}"
    if waiver.callback:
        text += f" at {waiver.callback}"
    if waiver.platform:
        text += f" on {waiver.platform}"
    return f"{text}, line {waiver.line}" if waiver.line else text


def describe_use(use: WaiverUse) -> str:
    """What became of a waiver, and what is to be done about it."""
    if use.state == "used":
        return f"accepts {counted(use.findings, 'finding')} until {use.waiver.expires}"
    if use.state == "expired":
        what = f"expired on {use.waiver.expires} (owner: {use.waiver.owner}); "
        if use.findings:
            found = counted(use.findings, "finding")
            return what + f"{found} that it would accept: mend the filter or renew the waiver"
        return what + "nothing here needs it: remove it"
    if not use.recordings:
        return "unused; no recording of this filter and platform was checked"
    return "unused; it accepts no finding here: remove it if the filter is mended"
