"""``python -m tests.benchmarks [NAME ...] [--json]``, or ``replay --gib N [--kind KIND]``."""

import argparse
import json
import sys
from importlib import import_module
from typing import Dict

from .replay import KINDS, run_large

NAMES = {
    "decode": "decoding FILTER_EXTENSION, MDL and PFNs against struct",
    "live": "calls per second with full capture against empty callbacks, and a profile (needs the lab)",
    "recording": "writing, reading and verifying a recording",
    "replay": "checking recordings: MiB/s of captured buffer, calls/s, peak memory, bytes per call",
    "scrub": "scrubbing a recording: MiB/s of distinct pages, peak memory",
    "wire": "KD packets for one Dump_Read call of 64 KiB, counted at the KD server (needs the lab)",
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measure; nothing is asserted.",
        epilog="benchmarks:\n" + "\n".join(f"  {name:10} {what}" for name, what in NAMES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument(
        "--gib", type=int, metavar="N", help="replay one recording of N GiB of captured buffer, made for it"
    )
    parser.add_argument(
        "--kind",
        choices=tuple(KINDS),
        default="plain",
        help="of that recording: all pages new (plain, the default), as systems make them (mixed), few "
        "distinct pages and so little room (few)",
    )
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}: choose from {', '.join(NAMES)}")
    if arguments.gib is not None and (arguments.names != ["replay"] or arguments.gib < 1):
        parser.error("--gib takes a number from 1 on, and goes with the benchmark replay alone")
    figures: Dict[str, Dict[str, float]] = {}
    for name in arguments.names or NAMES:
        print(f"{name}: {NAMES[name]}", file=sys.stderr)
        if arguments.gib is not None:
            figures[name] = run_large(arguments.gib, arguments.kind)
        else:
            figures[name] = import_module(f".{name}", __package__).run()
    if arguments.json:
        only = list(figures.values())
        print(json.dumps(only[0] if len(only) == 1 else figures, indent=2))
        return 0
    for name, values in figures.items():
        print(name)
        for figure, value in values.items():
            print(f"  {figure:32} {value:12.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
