"""``doctor``: what works here, what does not, and the remedy."""

import argparse
import os
import platform
import struct
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Iterator, Optional

from .. import __version__
from ..errors import DumpfiltError, UsageError
from ..trace import PREFIXES, active_session
from . import console
from ._command import Command

__all__ = ["COMMAND", "Finding", "examine"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``remedy`` is None where nothing is wrong; ``hinders`` is False where the thing is
    not needed for every use."""

    subject: str
    state: str
    remedy: Optional[str] = None
    hinders: bool = True


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


def _debugger() -> Iterator[Finding]:
    if os.name != "nt":
        yield Finding("debugger", "none on this system: recordings can be checked, drivers emulated")
        return
    try:
        from ..debugger.pykd_debugger import PykdDebugger
    except UsageError as error:
        yield Finding("pykd", "missing", str(error))
        return
    if sys.version_info >= (3, 9):
        yield Finding(
            "Ctrl+Break",
            "pykd cannot interrupt a running script on Python 3.9 and later",
            "!select -3.8 before the first !py, if Python 3.8 is installed; tracing itself notices the key",
            hinders=False,
        )
    try:
        debugger = PykdDebugger()
        modules = debugger.modules()
    except DumpfiltError as error:
        yield Finding("target", "no live kernel target", str(error))
        return
    info = debugger.describe()
    yield Finding("target", f"{info.target}, pykd {info.version}")
    copies = [module.name for module in modules if module.name.lower().startswith(PREFIXES)]
    if copies:
        yield Finding("dump stack", ", ".join(copies))
    else:
        yield Finding(
            "dump stack",
            "no dump_ or hiber_ module is loaded",
            "check that crash dumps are on (CrashControl\\CrashDumpEnabled) and the filter is listed in "
            "CrashControl\\DumpFilters; hiber_ copies come only when hibernation starts",
            hinders=False,
        )
    try:
        session = active_session()
    except UsageError:
        yield Finding("tracing", "nothing started in this interpreter")
    else:
        state = "armed" if session.running else "stopped"
        yield Finding("tracing", f"{session.status().filter}: {state}, {session.path}")


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
