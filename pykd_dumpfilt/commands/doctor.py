"""``doctor``: what works here, what does not, and the remedy."""

import argparse
import os
import platform
import struct
import sys
from importlib import import_module
from typing import Iterator, Sequence, Tuple

from .. import __version__
from ..errors import DumpfiltError, UsageError
from . import console
from ._command import Command
from ._examine import Finding, examine_breakpoints, examine_target, examine_tracing

__all__ = ["COMMAND", "examine", "python_for_pykd"]

_WITH_WHEELS = ((3, 8), (3, 9))
_CHOOSE = "Inside WinDbg, !info lists what !py can use, and !select -3.8 chooses"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def examine() -> Iterator[Finding]:
    """Look at this interpreter, its libraries, and the debugger if we are in one."""
    bits = struct.calcsize("P") * 8
    yield Finding("pykd-dumpfilt", f"{__version__} on Python {platform.python_version()}, {bits} bit")
    yield _library("construct", "decoding", "pip install construct", hinders=True)
    if not console.in_windbg():
        emulator = 'pip install "pykd-dumpfilt[emulator]"'
        yield _library("unicorn", "dumpfilt emulate", emulator)
        yield _library("pefile", "dumpfilt emulate", emulator)
        report = 'pip install "pykd-dumpfilt[report]"'
        yield _library("jinja2", "dumpfilt check -o report.html", report)
        yield _library("matplotlib", "dumpfilt check -o report.html", report)
        if sys.version_info < (3, 11):
            yield _library("tomli", "dumpfilt check --waivers", 'pip install "pykd-dumpfilt[waivers]"')
    yield from _debugger()


def _library(name: str, use: str, remedy: str, hinders: bool = False) -> Finding:
    try:
        version = getattr(import_module(name), "__version__", "installed")
    except ImportError:
        return Finding(name, f"missing: {use} does not work", remedy, hinders)
    return Finding(name, str(version))


def python_for_pykd(version: Tuple[int, int], bits: int, pykd: bool) -> Iterator[Finding]:
    """What is wrong with a Python for pykd; ``pykd`` says whether pykd can be imported there all the same."""
    if bits != 64:
        yield Finding(
            "Python",
            f"{bits} bit: x64 targets are traced from a 64-bit WinDbg, which needs a 64-bit Python",
            f"install 64-bit Python 3.8 or 3.9. {_CHOOSE}",
            hinders=not pykd,
        )
    if version not in _WITH_WHEELS:
        yield Finding(
            "Python",
            f"{version[0]}.{version[1]}: pykd's newest wheels are for Python 3.8 and 3.9",
            f"install Python 3.8 or 3.9, and py -3.8 -m pip install pykd pykd-dumpfilt. {_CHOOSE}",
            hinders=not pykd,
        )


def _debugger() -> Iterator[Finding]:
    if console.in_windbg():
        yield _arguments(sys.argv[1:])
    if os.name != "nt":
        yield Finding("debugger", "none on this system: recordings can be checked, drivers emulated")
        return
    version, bits = sys.version_info[:2], struct.calcsize("P") * 8
    try:
        from ..debugger.pykd_debugger import PykdDebugger
    except UsageError as error:
        yield from python_for_pykd(version, bits, pykd=False)
        yield Finding("pykd", "missing", str(error))
        return
    yield from python_for_pykd(version, bits, pykd=True)
    if sys.version_info >= (3, 9):
        yield Finding(
            "Ctrl+Break",
            "pykd cannot interrupt a running script on Python 3.9 and later",
            "!select -3.8 before the first !py, if Python 3.8 is installed; tracing itself notices the key",
            hinders=False,
        )
    try:
        debugger = PykdDebugger()
    except DumpfiltError as error:
        yield Finding("target", "no live kernel target", str(error))
        return
    info = debugger.describe()
    yield Finding("target", f"{info.target}, pykd {info.version}")
    yield from examine_target(debugger)
    yield from examine_tracing()
    yield from examine_breakpoints(debugger.breakpoints(), debugger.modules())


def _arguments(arguments: Sequence[str]) -> Finding:
    if arguments and not any(arguments):
        return Finding(
            "arguments",
            "lost: pykd.pyd was loaded directly, and hands them on empty",
            ".unload pykd, then .load pykd.dll (the bootstrapper)",
        )
    return Finding("arguments", "arrive")


def run(arguments: argparse.Namespace) -> int:
    hindered = False
    lines = []
    for finding in examine():
        mark = "ok  " if finding.remedy is None else ("FAIL" if finding.hinders else "note")
        lines.append(f"{mark}  {finding.subject}: {finding.state}")
        if finding.remedy is not None:
            lines.append(f"      remedy: {finding.remedy}")
            hindered = hindered or finding.hinders
    console.show("\n".join(lines))
    return 2 if hindered else 0


COMMAND = Command(
    name="doctor",
    summary="what works here, what does not, and the remedy",
    add_arguments=add_arguments,
    run=run,
    examples="  dumpfilt doctor\n  !py -g -m pykd_dumpfilt doctor\n",
)
