"""``python -m tests.lab``: the lab's command line."""

import argparse
import sys
import time
from pathlib import Path
from typing import Optional, Sequence, Tuple

from pykd_dumpfilt.commands._progress import progress
from pykd_dumpfilt.emulator import ATTACH, KINDS, BreakpointHit, Event, Scenario
from pykd_dumpfilt.errors import DumpfiltError, UsageError

from .cache import cache_folder
from .guest_record import RESULT
from .live_recording import record_live
from .proof import render, render_rules, table
from .session import prepare
from .toolchain import build_filter, filter_names

__all__ = ["main"]

_EXAMPLES = """examples:
  python -m tests.lab setup
  python -m tests.lab filters
  python -m tests.lab table
  python -m tests.lab record aes_xts -o run
  python -m tests.lab record path/to/myfilter.sys -o run --scenario crash --calls 8
"""
_MAX_IMAGE = 64 << 20


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command line; 0 when it did what it says, 1 for a table with failures, 2 on an error."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except DumpfiltError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab",
        description="Real pykd and Microsoft's DbgEng, under Wine, on an emulated kernel.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    record = commands.add_parser(
        "record",
        help="trace one filter live, into a recording",
        description="Trace one filter live, into a recording.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    record.add_argument(
        "filter", metavar="FILTER", help="a .sys file, or the name of a lab filter (see filters)"
    )
    record.add_argument(
        "-o", "--output", required=True, type=Path, metavar="DIR", help="the recording to make"
    )
    record.add_argument("--scenario", choices=KINDS, default="hibernate")
    record.add_argument(
        "--attach", choices=ATTACH, default="start", help="in a life, when the debugger comes (default start)"
    )
    record.add_argument("--calls", type=int, default=32, metavar="N", help="Dump_Write calls (default 32)")
    record.add_argument("--pages", type=int, default=16, metavar="N", help="MaxPagesPerWrite (default 16)")
    record.add_argument(
        "--seed", type=int, default=1, metavar="N", help="what varies follows from it (default 1)"
    )
    record.add_argument(
        "--callback",
        action="append",
        default=[],
        metavar="ROLE=WHERE",
        help="where a callback is, as for dumpfilt start: read=+0x1200",
    )
    record.add_argument("--timeout", type=float, default=600.0, metavar="SECONDS", help="give up after (600)")
    record.set_defaults(run=_record)

    setup = commands.add_parser("setup", help="assemble the Windows Python and the Wine prefix in the cache")
    setup.set_defaults(run=_setup)

    filters = commands.add_parser("filters", help="compile every lab filter and list it")
    filters.set_defaults(run=_filters)

    proof = commands.add_parser(
        "table",
        help="run every lab filter in the emulator, and show which rules catch which faults",
        description="Run every lab filter in the emulator, and show which rules catch which faults. Exits "
        "with 1 when a faulty filter is not caught by its rule, or a good one is accused. Needs no Wine.",
    )
    proof.add_argument("--rules", action="store_true", help="by rule, instead of by filter")
    proof.set_defaults(run=_table)
    return parser


def _record(options: argparse.Namespace) -> int:
    name, image = _image(options.filter)
    scenario = Scenario(
        kind=options.scenario,
        seed=options.seed,
        calls=options.calls,
        pages=options.pages,
        attach=options.attach,
    )
    lab = prepare()
    hits = 0
    with progress(f"tracing {name}", "breakpoint hits") as step:

        def count(event: Event) -> None:
            nonlocal hits
            hits += isinstance(event, BreakpointHit)
            step(hits)

        live = record_live(
            lab,
            image,
            name,
            scenario,
            options.output,
            options.callback,
            options.timeout,
            count,
            # The result's line is for programs; anything else that the Windows side says is worth seeing.
            on_line=lambda line: None if line.startswith(RESULT) else _error(line),
        )
    if live.stopped.reason != "ended":
        _error(f"the scenario did not end well: {live.stopped.reason}: {live.stopped.detail}\n")
    packets = live.statistics.total
    print(f"{live.path}: recorded by pykd in {live.seconds:.1f} s, {packets} KD packets, nothing left behind")
    return 0


def _setup(_: argparse.Namespace) -> int:
    began = time.monotonic()
    lab = prepare()
    print(f"Wine:           {lab.wine.version} ({lab.wine.loader})")
    print(f"Windows Python: {lab.python.program}")
    print(f"Wine prefix:    {lab.prefix}")
    print(f"ready after {time.monotonic() - began:.1f} s; to start afresh, remove {cache_folder()}")
    return 0


def _filters(_: argparse.Namespace) -> int:
    for name in filter_names():
        image = build_filter(name)
        print(f"{name:20} {image.stat().st_size:6} bytes  {image}")
    return 0


def _table(options: argparse.Namespace) -> int:
    with progress("running the lab filters", "filters") as step:
        rows = table(progress=step)
    print(render_rules(rows) if options.rules else render(rows), end="")
    return 1 if any(row.failed for row in rows) else 0


def _image(text: str) -> Tuple[str, bytes]:
    path = Path(text)
    if path.suffix.lower() != ".sys":
        return text, build_filter(text).read_bytes()
    try:
        with path.open("rb") as file:
            image = file.read(_MAX_IMAGE + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(image) > _MAX_IMAGE:
        raise UsageError(f"{path} is larger than {_MAX_IMAGE >> 20} MiB: not a driver that can be emulated")
    return path.stem, image


def _error(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
