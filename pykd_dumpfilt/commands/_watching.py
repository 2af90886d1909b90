"""Looking on while a trace runs: the verdict as it comes, a line where something breaks, the status bar."""

import argparse
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional, Set, Tuple

from ..decoded import DecodedCall
from ..errors import is_interrupt
from ..live import LiveJudge
from ..recording import Call, Fault, LoadedModule, PageStore, Record
from ..reports import Line, counted, live_line
from ..rules import Finding, Level
from ..structures import Machine
from . import console

__all__ = ["Watcher", "add_watch_arguments"]

_TOLD = (Level.ERROR, Level.WARNING)
_STATUS_SECONDS = 0.5
_MAX_FAULTS = 20
_MIB = 2**20


def add_watch_arguments(parser: argparse.ArgumentParser) -> None:
    """How much to say while the trace runs."""
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="a line for every call, not only for the first that breaks a rule; each takes time of its own",
    )


class Watcher:
    """The observer of a :class:`~pykd_dumpfilt.trace.Session` that a user watches.

    Nothing that goes wrong here costs a call or stops the target: where judging fails it ends, where printing
    fails there is silence.

    Args:
        filter_name: the driver's plain name.
        machine: the target's architecture.
        path: the recording.
        verbose: whether to print a line for every call.
        status_bar: shows a line in the debugger's status bar.

    Attributes:
        judge: what the rules say so far.
        silence: why nothing is printed any more; None while all is well.
    """

    def __init__(
        self,
        filter_name: str,
        machine: Machine,
        path: Path,
        verbose: bool = False,
        status_bar: Optional[Callable[[str], None]] = None,
    ) -> None:
        self.judge = LiveJudge(machine)
        self.silence: Optional[str] = None
        self._filter = filter_name
        self._machine = machine
        self._path = str(path)
        self._verbose = verbose
        self._status_bar = status_bar
        self._modules: Dict[int, LoadedModule] = {}
        self._told: Set[Tuple[str, str]] = set()
        self._faults: Set[str] = set()
        self._judging = True
        self._calls = 0
        self._bytes = 0
        self._offset: Optional[int] = None
        # Not at the first call: there is nothing to see yet.
        self._shown = time.monotonic()

    def __call__(self, record: Record, pages: PageStore) -> None:
        """Take the next record of the trace."""
        findings = self.judge.feed(record, pages)
        if isinstance(record, LoadedModule):
            self._modules[record.number] = record
        elif isinstance(record, Call):
            self._count(record)
        if self.silence is not None:
            return
        try:
            self._tell(record, pages, findings)
        except BaseException as error:
            if is_interrupt(error):
                raise
            self.silence = f"{type(error).__name__}: {error}"

    def _count(self, call: Call) -> None:
        self._calls += 1
        self._bytes += sum(buffer.size for buffer in call.entry.buffers)
        piece = call.entry.disk_byte_offset
        if piece is not None and piece.missing is None:
            self._offset = int.from_bytes(piece.data, "little", signed=True)

    def _tell(self, record: Record, pages: PageStore, findings: List[Finding]) -> None:
        lines = self._lines(record, pages, self._fresh(findings))
        if isinstance(record, Fault) and self._is_new(record):
            lines.append([f"tool fault, {record.during}: {record.message}; tracing goes on"])
        if self._judging and self.judge.failure is not None:
            self._judging = False
            lines.append([f"judging ended: {self.judge.failure}; tracing goes on, and stop judges all of it"])
        if lines:
            console.show_lines([["dumpfilt: ", *line] for line in lines])
        self._show_status()

    def _is_new(self, fault: Fault) -> bool:
        if fault.during in self._faults or len(self._faults) >= _MAX_FAULTS:
            return False
        self._faults.add(fault.during)
        return True

    def _fresh(self, findings: List[Finding]) -> List[Finding]:
        """Those of a kind that has not been told yet; what follows is counted."""
        fresh = []
        for finding in findings:
            kind = (finding.rule, finding.callback)
            if finding.level in _TOLD and kind not in self._told:
                self._told.add(kind)
                fresh.append(finding)
        return fresh

    def _lines(self, record: Record, pages: PageStore, findings: List[Finding]) -> List[Line]:
        # A rule may find at one call what is wrong with another.
        by_call: Dict[int, List[Finding]] = {}
        for finding in findings:
            by_call.setdefault(finding.call, []).append(finding)
        lines: List[Line] = []
        program = console.program_name()
        if self._verbose and isinstance(record, Call):
            call = DecodedCall(record, self._modules.get(record.module), self._machine, pages)
            lines.append(live_line(self._path, program, by_call.pop(record.number, ()), call))
        lines += [live_line(self._path, program, broken) for broken in by_call.values()]
        return lines

    def _show_status(self) -> None:
        now = time.monotonic()
        if self._status_bar is None or now - self._shown < _STATUS_SECONDS:
            return
        self._shown = now
        self._status_bar(self.progress())

    def progress(self) -> str:
        """How far it has come, for a status bar."""
        parts = [f"{self._calls:,} calls", f"{self._bytes / _MIB:,.1f} MiB"]
        if self._offset is not None:
            parts.append(f"at disk offset {self._offset:#x}")
        result = self.judge.result()
        counts = dict.fromkeys(_TOLD, 0)
        for rule in () if result is None else result.rules:
            counts[rule.level] = counts.get(rule.level, 0) + rule.found
        parts += [counted(count, level.value) for level, count in counts.items() if count and level in _TOLD]
        return f"dumpfilt {self._filter}: {', '.join(parts)}"
