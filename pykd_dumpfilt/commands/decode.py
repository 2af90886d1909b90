"""``decode``: one structure, from the target's memory or from bytes at hand."""

import argparse
import re
from pathlib import Path

from ..errors import UsageError
from ..reports import render_ntstatus, render_structure
from ..structures import LAYOUTS, Machine
from . import console
from ._command import Command

__all__ = ["COMMAND"]

_MAX_BYTES = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "structure", choices=[*sorted(LAYOUTS), "ntstatus"], metavar="STRUCTURE", help=_help()
    )
    parser.add_argument(
        "address",
        nargs="?",
        metavar="ADDRESS",
        help="where it is in the target (inside WinDbg); for ntstatus: the value",
    )
    parser.add_argument("--hex", metavar="BYTES", help="decode these bytes instead: 0200000000000000...")
    parser.add_argument("--file", metavar="FILE", help="decode bytes of this file instead")
    parser.add_argument(
        "--offset", type=_number, default=0, metavar="N", help="with --file: where it begins (default 0)"
    )
    parser.add_argument(
        "--machine",
        choices=[machine.value for machine in Machine],
        help="whose layout (default: the target's; x64 for --hex and --file)",
    )


def _help() -> str:
    return "one of: " + ", ".join([*sorted(LAYOUTS), "ntstatus"])


def run(arguments: argparse.Namespace) -> int:
    if arguments.structure == "ntstatus":
        if arguments.address is None:
            raise UsageError("give the value: decode ntstatus 0xC0000001")
        console.show(render_ntstatus(_number(arguments.address)))
        return 0
    sources = [arguments.address, arguments.hex, arguments.file]
    if sum(source is not None for source in sources) != 1:
        raise UsageError("say where the bytes are: an ADDRESS (inside WinDbg), or --hex, or --file")
    machine = Machine(arguments.machine or "x64")
    if arguments.address is not None:
        from ..debugger import VirtualAddress
        from ..debugger.pykd_debugger import PykdDebugger

        debugger = PykdDebugger()
        machine = Machine(arguments.machine) if arguments.machine else debugger.machine
        address = _number(arguments.address)
        data = debugger.read_virtual(VirtualAddress(address), LAYOUTS[arguments.structure][machine].size)
    elif arguments.hex is not None:
        try:
            data = bytes.fromhex(arguments.hex)
        except ValueError:
            raise UsageError("--hex takes pairs of hexadecimal digits") from None
    else:
        data = _from_file(Path(arguments.file), arguments.offset)
    console.show(render_structure(LAYOUTS[arguments.structure][machine], data))
    return 0


def _from_file(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(_MAX_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _number(text: str) -> int:
    """0x1000, 4096 or fffff800`12345678: WinDbg writes no 0x, but a backquote or 16 digits."""
    plain = text.replace("`", "")
    base = 16 if "`" in text or re.fullmatch(r"[0-9a-fA-F]{16}", plain) else 0
    try:
        return int(plain, base)
    except ValueError:
        raise UsageError(f"{text!r} is not a number: write 0x1000, 4096 or fffff800`12345678") from None


COMMAND = Command(
    name="decode",
    summary="decode one structure from the target's memory, or from bytes at hand",
    add_arguments=add_arguments,
    run=run,
    examples=(
        "  !py -g -m pykd_dumpfilt decode mdl fffff800`12345678\n"
        "  dumpfilt decode large-integer --hex 0000100000000000\n"
        "  dumpfilt decode ntstatus 0xC000009A\n"
    ),
)
