"""``python -m tests.fuzz``: see its ``--help``."""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any, Dict, List, Optional, Sequence

from pykd_dumpfilt.errors import DumpfiltError, UsageError

from .campaign import Campaign, Failure, Figures, look, scratch_folder
from .guard import Guard
from .target import Target
from .targets import TARGETS

__all__ = ["main"]

_EXAMPLES = """examples:
  python -m tests.fuzz recordings --count 1000000 --jobs 2
  python -m tests.fuzz images --count 100000 --json > figures.json
  python -m tests.fuzz recordings --first 4711 --count 1         input 4711 again
  python -m tests.fuzz recordings --input fuzz-kept/NAME         an input that was kept
  python -m tests.fuzz atheris recordings -- -max_total_time=300 coverage-guided (pip install atheris)

exit codes: 0 nothing but named outcomes, 1 a failure (its input is kept), 2 wrong usage
"""


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=(
            "Hostile input against each parser. Whatever is given to one must come out as a verdict, a value "
            "or a named error: no other exception, no file opened outside of the input's folder, no memory "
            "past the bound, no hang."
        ),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="TARGET", required=True)
    for target in TARGETS:
        _add(commands, target)
    guided = commands.add_parser(
        "atheris",
        help="a coverage-guided campaign against one target",
        description="A coverage-guided campaign against one target. Needs: pip install atheris",
        epilog="What is behind -- goes to libFuzzer: -runs=N, -max_total_time=SECONDS, a folder of inputs.",
    )
    guided.add_argument("target", choices=[target.name for target in TARGETS])
    guided.add_argument("options", nargs="*", metavar="-- LIBFUZZER", help="libFuzzer's own arguments")
    guided.set_defaults(run=_atheris)
    arguments = parser.parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except DumpfiltError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return code


def _add(commands: Any, target: "Target[Any]") -> None:
    parser = commands.add_parser(
        target.name,
        help=target.what,
        description=f"{target.what}. An input may take {target.seconds:g} s and {target.mebibytes} MiB.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="inputs (default 1000)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="other inputs (default 0)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="begin at input N (default 0)")
    parser.add_argument(
        "--kept", type=Path, default=Path("fuzz-kept"), metavar="DIR", help="where inputs are kept"
    )
    parser.add_argument("--input", type=Path, metavar="PATH", help="only this one, which was kept")
    parser.add_argument("--json", action="store_true", help="print the figures as one object")
    parser.set_defaults(run=_campaign, target=target)


def _campaign(arguments: argparse.Namespace) -> int:
    target = arguments.target
    if arguments.count < 1 or arguments.first < 0:
        raise UsageError("--count is from 1 on, --first from 0 on")
    target.prepare()
    began = time.monotonic()
    if arguments.input is not None:
        figures = _kept(target, arguments.input)
    else:
        campaign = Campaign(
            target,
            arguments.count,
            seed=arguments.seed,
            first=arguments.first,
            jobs=arguments.jobs,
            kept=arguments.kept,
        )
        figures = campaign.run(_Progress(target.name, arguments.count))
    seconds = time.monotonic() - began
    again = f"python -m tests.fuzz {target.name} --seed {arguments.seed} --count 1 --first"
    if arguments.json:
        print(json.dumps(_object(figures, seconds, again, arguments), indent=2))
    else:
        print("\n".join(_lines(figures, seconds, again, arguments)))
    if figures.interrupted:
        print("interrupted", file=sys.stderr)
    return 1 if figures.failures else 130 if figures.interrupted else 0


def _kept(target: "Target[Any]", path: Path) -> Figures:
    if not path.exists():
        raise UsageError(f"there is no {path}")
    case = target.load(path)
    with tempfile.TemporaryDirectory(prefix="dumpfilt-fuzz-", dir=scratch_folder()) as scratch:
        folder = Path(scratch) / "input"
        folder.mkdir()
        guard = Guard(folder)
        figures = Figures()
        began = time.perf_counter()
        outcome, detail = look(target, guard, case, Random(0))
        figures.inputs, figures.slowest = 1, [(time.perf_counter() - began, -1)]
        figures.outcomes[outcome] += 1
        if detail is not None:
            figures.failures.append(Failure(-1, outcome, detail, str(path)))
    return figures


class _Progress:
    """A line that is told again where somebody watches, and every minute where output goes to a file."""

    def __init__(self, name: str, count: int) -> None:
        self._name, self._count = name, count
        self._began = time.monotonic()
        self._told = 0.0
        self._inputs = 0
        self._watched = sys.stderr.isatty()

    def __call__(self, inputs: int, failures: int) -> None:
        now = time.monotonic()
        if inputs == self._inputs or (
            inputs < self._count and now - self._told < (0.5 if self._watched else 60)
        ):
            return
        self._inputs = inputs
        self._told = now
        rate = inputs / max(now - self._began, 0.001)
        text = f"{self._name}: {inputs} of {self._count} inputs, {rate:.0f}/s, {failures} failures"
        sys.stderr.write(f"\r{text}" if self._watched and inputs < self._count else f"{text}\n")
        sys.stderr.flush()


def _object(figures: Figures, seconds: float, again: str, arguments: argparse.Namespace) -> Dict[str, Any]:
    return {
        "target": arguments.target.name,
        "seed": arguments.seed,
        "inputs": figures.inputs,
        "seconds": round(seconds, 1),
        "inputs_per_second": round(figures.inputs / max(seconds, 0.001), 1),
        "jobs": arguments.jobs,
        "peak_mib": round(figures.peak, 1),
        "outcomes": dict(figures.outcomes.most_common()),
        "slowest": [
            {"seconds": round(took, 3), "repeat": f"{again} {number}"} for took, number in figures.slowest
        ],
        "failures": [
            {
                "what": failure.what,
                "detail": failure.detail,
                "kept": failure.kept,
                "repeat": _repeat(failure, again, arguments),
            }
            for failure in figures.failures
        ],
    }


def _repeat(failure: Failure, again: str, arguments: argparse.Namespace) -> str:
    if failure.number >= 0:
        return f"{again} {failure.number}"
    return f"python -m tests.fuzz {arguments.target.name} --input {failure.kept}"


def _lines(figures: Figures, seconds: float, again: str, arguments: argparse.Namespace) -> List[str]:
    rate = figures.inputs / max(seconds, 0.001)
    lines = [
        f"{arguments.target.name}: {figures.inputs} inputs in {seconds:.1f} s, {rate:.0f}/s, "
        f"{arguments.jobs} processes, at most {figures.peak:.0f} MiB in one"
    ]
    lines += [f"  {count:10} {outcome}" for outcome, count in figures.outcomes.most_common()]
    for took, number in figures.slowest[:1]:
        lines.append(f"slowest: {took:.3f} s" + (f", {again} {number}" if number >= 0 else ""))
    for failure in figures.failures:
        lines += [
            f"FAILURE: {failure.what}",
            *(f"  {line}" for line in failure.detail.splitlines()[-12:]),
            f"  kept: {failure.kept}",
            f"  again: {_repeat(failure, again, arguments)}",
        ]
    return lines


def _atheris(arguments: argparse.Namespace) -> int:
    from .coverage_guided import run

    target = next(target for target in TARGETS if target.name == arguments.target)
    return run(target, arguments.options)


if __name__ == "__main__":
    sys.exit(main())
