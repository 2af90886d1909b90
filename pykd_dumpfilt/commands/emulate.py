"""``emulate``: trace a driver file through the emulated dump stack."""

import argparse
from pathlib import Path

from ..checking import Report
from ..errors import UsageError
from ..recording import Call, PageStore, Record
from ..reports import render_text
from ..trace import Limits, plain_name, record
from . import _tracing, console
from ._checking import check_watched
from ._command import Command
from ._progress import progress
from .start import add_around_argument, add_callback_argument, callback_locations

__all__ = ["COMMAND"]

_MAX_IMAGE = 64 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("driver", metavar="FILTER.sys", help="the driver file")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="recording to make")
    parser.add_argument(
        "--scenario",
        choices=("crash", "hibernate", "life"),
        default="hibernate",
        help="crash: the crash dump stack writes; hibernate: writes, then reads on resume (default); "
        "life: the machine boots, hibernates, resumes, crashes, with a copy of the driver in each stack",
    )
    parser.add_argument(
        "--attach",
        choices=("start", "boot", "resume", "reading", "bugcheck"),
        default="start",
        help="in a life, when the debugger comes: before all (start, default), on the booted machine, after "
        "the image has been written (resume), between two reads of it (reading), or at the break of the bug "
        "check",
    )
    parser.add_argument(
        "--calls", type=int, default=32, metavar="N", help="Dump_Write calls (default %(default)s)"
    )
    parser.add_argument(
        "--pages",
        type=int,
        default=16,
        metavar="N",
        help="MaxPagesPerWrite (default %(default)s, as Windows)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="another seed varies sizes, offsets and MDLs (default 1)",
    )
    parser.add_argument(
        "--instructions",
        type=int,
        default=2_000_000_000,
        metavar="N",
        help="what one call of the driver may execute before it is taken to come to no end (default "
        "%(default)s, half a minute or less)",
    )
    add_around_argument(parser, 1)
    add_callback_argument(parser)
    _tracing.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from ..emulator import EmulatorDebugger, Scenario, Target

    driver = Path(arguments.driver)
    try:
        if driver.stat().st_size > _MAX_IMAGE:
            raise UsageError(f"{driver} is larger than {_MAX_IMAGE // 2**20} MiB: that is no driver")
        image = driver.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {driver}: {error.strerror}") from error
    name = plain_name(driver.name)
    scenario = Scenario(
        kind=arguments.scenario,
        seed=arguments.seed,
        calls=arguments.calls,
        pages=arguments.pages,
        budget=arguments.instructions,
        attach=arguments.attach,
    )
    debugger = EmulatorDebugger(Target(image=image, name=name, scenario=scenario))
    calls = 0
    with progress(f"tracing {driver.name}", "calls") as step:

        def count(one: Record, pages: PageStore) -> None:
            nonlocal calls
            calls += isinstance(one, Call)
            step(calls)

        locations = callback_locations(arguments.callback)
        limits = Limits(around=arguments.around)
        summary = record(
            debugger,
            name,
            arguments.output,
            locations,
            limits,
            observer=count,
            hardware=arguments.hardware,
            selection=_tracing.selection(arguments),
        )
    console.note(f"{calls} calls recorded in {summary.path} ({summary.stop.detail})")
    if summary.status.failure is not None:
        console.error(summary.status.failure)
    result = check_watched(summary.path)
    console.show(render_text(Report((result,))))
    return result.exit_code


COMMAND = Command(
    name="emulate",
    summary="trace a driver file with no Windows and no debugger, and check what it did",
    description=(
        "Load a driver into an emulated x64 kernel, let an emulated dump stack call it as Windows would, "
        'record every call and print the verdict. Needs: pip install "pykd-dumpfilt[emulator]"'
    ),
    add_arguments=add_arguments,
    run=run,
    examples=(
        "  dumpfilt emulate myfilter.sys -o run1\n"
        "  dumpfilt emulate myfilter.sys -o run2 --scenario crash --calls 200 --seed 7\n"
        "  dumpfilt emulate myfilter.sys -o run3 --scenario life\n"
        "  dumpfilt emulate myfilter.sys -o run4 --instructions 10000000   when it may hang\n"
    ),
)
