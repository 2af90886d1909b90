"""``status``: what is armed and what has been seen."""

import argparse
from typing import Iterator, List, Optional

from ..reports import Line, Link, rule_command, show_command
from ..rules import Outcome, Result
from ..trace import Session, TraceStatus, active_session
from . import console
from ._command import Command
from ._describe import describe_calls, describe_copies
from ._watching import Watcher

__all__ = ["COMMAND"]

_LISTED_REASONS = 5
_MIB = 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(arguments: argparse.Namespace) -> int:
    session = active_session()
    status = session.status()
    state = f"armed, {status.breakpoints} breakpoints" if status.armed else "stopped"
    lines: List[Line] = [[f"{status.filter}: {state}"]]
    lines += [[line] for line in (*describe_copies(status), *describe_calls(status))]
    if status.fault_count > len(status.faults):
        lines.append([f"{status.fault_count} faults of the tool in all"])
    watcher = session.observer if isinstance(session.observer, Watcher) else None
    lines += [[line] for line in _cost(session, status, watcher)]
    if watcher is not None:
        lines += _verdict(session, status, watcher)
    console.show_lines(lines)
    return 0


def _cost(session: Session, status: TraceStatus, watcher: Optional[Watcher]) -> Iterator[str]:
    size = session.size
    yield (
        f"{status.captured / _MIB:.1f} MiB of buffers captured; recording: {session.path}, "
        + ("which is out of reach" if size is None else f"{size / _MIB:.1f} MiB")
    )
    if not status.hits:
        return
    share = f" ({1000 * watcher.judge.seconds / status.hits:.2f} ms of it judging)" if watcher else ""
    yield (
        f"{status.hits} stops took {status.seconds:.2f} s in our handlers: "
        f"{1000 * status.seconds / status.hits:.2f} ms each{share}. What the debugger itself takes to stop "
        "the target and let it go comes on top, and is not seen from here"
    )


def _verdict(session: Session, status: TraceStatus, watcher: Watcher) -> Iterator[Line]:
    if watcher.silence is not None:
        yield [f"lines as they come ended: {watcher.silence}"]
    result = watcher.judge.result(status.lost)
    if result is None:
        return
    yield [f"verdict so far: {result.verdict.value.upper()}"]
    for reason in result.reasons[:_LISTED_REASONS]:
        yield [f"  - {reason}"]
    if len(result.reasons) > _LISTED_REASONS:
        yield [f"  - and {len(result.reasons) - _LISTED_REASONS} more"]
    yield from _findings(session, result)


def _findings(session: Session, result: Result) -> Iterator[Line]:
    program = console.program_name()
    for rule in result.rules:
        if rule.outcome is not Outcome.FAIL:
            continue
        counts = ", ".join(f"{callback} {count}" for callback, count in rule.by_callback.items())
        first = rule.findings[0].call
        yield [
            f"  {rule.level.value} {rule.rule}: {counts}; the first: ",
            Link(show_command(str(session.path), first, program)),
            "  ",
            Link(rule_command(rule.rule, program)),
        ]


COMMAND = Command(
    name="status",
    summary="what is armed and what has been seen so far (inside WinDbg)",
    description=(
        "What is armed, what has been seen and what it costs, and the verdict over the calls so far. Nothing "
        "is read from the target, and nothing changes."
    ),
    add_arguments=add_arguments,
    run=run,
    examples="  !py -g -m pykd_dumpfilt status\n",
)
