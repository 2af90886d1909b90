"""``decode``: one structure, from the target's memory or from bytes at hand."""

import argparse
import re
from functools import partial
from pathlib import Path
from typing import List, Optional, Protocol, Sequence, Tuple

from ..debugger import PAGE_SIZE, Debugger, MemoryReadError, Module, VirtualAddress
from ..debugger.spelled import Named, SpelledDebugger, Step
from ..errors import TargetError, UsageError
from ..recording import Piece
from ..reports import Line, Neighbour, render_ntstatus, structure_lines
from ..structures import LAYOUTS, Layout, Machine, filter_contexts, filter_initialization_data, span_pages
from ..trace import is_registration
from . import console
from ._command import Command
from ._print_pykd import decode_script

__all__ = ["COMMAND"]

_MAX_BYTES = 1 << 20
_MAX_PFNS = 64
_FORMS = (
    "filter-initialization-data-v1",
    "filter-initialization-data",
    "filter-initialization-data-pre-read-write",
)


class EvaluatingDebugger(Debugger, Protocol):
    """A debugger with an evaluator of its own."""

    def evaluate(self, expression: str) -> int:
        """The value of an expression, or :class:`~pykd_dumpfilt.errors.TargetError`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "structure", choices=[*sorted(LAYOUTS), "ntstatus"], metavar="STRUCTURE", help=_help()
    )
    parser.add_argument(
        "address",
        nargs="*",
        metavar="ADDRESS",
        help="where it is in the target (inside WinDbg), as you would give it to dt: @r8, poi(@rsp+8), "
        "module!symbol, fffff800`12345678; digits are hexadecimal. For ntstatus: the value",
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
    parser.add_argument(
        "--print-pykd",
        action="store_true",
        help="with an ADDRESS: print what is read, as commands of WinDbg and as a script of pykd, instead",
    )


def _help() -> str:
    return "one of: " + ", ".join([*sorted(LAYOUTS), "ntstatus"])


def run(arguments: argparse.Namespace) -> int:
    expression = " ".join(arguments.address)
    if arguments.structure == "ntstatus":
        if not expression:
            raise UsageError("give the value: decode ntstatus 0xC0000001")
        console.show(render_ntstatus(_number(expression)))
        return 0
    sources = [expression or None, arguments.hex, arguments.file]
    if sum(source is not None for source in sources) != 1:
        raise UsageError("say where the bytes are: an ADDRESS (inside WinDbg), or --hex, or --file")
    if expression:
        from ..debugger.pykd_debugger import PykdDebugger

        debugger = PykdDebugger()
        machine = Machine(arguments.machine) if arguments.machine else debugger.machine
        if arguments.print_pykd:
            spelled = _Spelled(debugger)
            _from_target(spelled, arguments.structure, expression, machine)
            console.show(decode_script(f"decode {arguments.structure} {expression}", spelled.steps))
        else:
            console.show_lines(_from_target(debugger, arguments.structure, expression, machine))
        return 0
    if arguments.print_pykd:
        raise UsageError("--print-pykd goes with an ADDRESS: bytes at hand need no debugger")
    machine = Machine(arguments.machine or "x64")
    data = _from_hex(arguments.hex) if arguments.file is None else _from_file(arguments)
    layout = LAYOUTS[arguments.structure][machine]
    whole = layout.size
    if layout.name == "MDL" and len(data) >= layout.size:
        whole = _mdl_size(layout, data, machine)
    piece = Piece(0, data[:whole], whole)
    console.show_lines(structure_lines(layout, piece, machine, console.program_name()))
    return 0


class _Spelled(SpelledDebugger):
    """Spells out the evaluation of an address, too, and names memory near it by that."""

    def __init__(self, debugger: EvaluatingDebugger) -> None:
        super().__init__(debugger)
        self._evaluator = debugger

    def evaluate(self, expression: str) -> int:
        address = self._evaluator.evaluate(expression)
        self.steps.append(Step(f"? {expression}", f"address = pykd.expr({expression!r})"))
        simple = re.fullmatch(r"[@\w!]+|poi\([^()]*\)", expression)
        windbg = expression if simple else f"({expression})"
        begin = address - PAGE_SIZE
        self.names.append(Named(begin, 2 * PAGE_SIZE, address, windbg, "address"))
        return address


def _from_target(
    debugger: EvaluatingDebugger, structure: str, expression: str, machine: Machine
) -> List[Line]:
    layout = LAYOUTS[structure][machine]
    address = _address(debugger, expression)
    try:
        data = debugger.read_virtual(VirtualAddress(address), layout.size)
    except MemoryReadError as error:
        raise TargetError(
            f"there is no {layout.name} at {address:#x}: {len(error.data)} of its {layout.size} bytes can be "
            f"read ({error.reason}){_how_it_was_read(expression, address)}"
        ) from error
    piece = Piece(address, data, layout.size)
    if layout.name == "MDL":
        piece = _with_pfns(debugger, layout, piece, machine)
    modules = debugger.modules()
    neighbour = None
    if structure == "filter-extension":
        neighbour = _in_front(debugger, layout, piece, machine, modules)
    place = partial(_place, modules)
    program = console.program_name()
    lines = structure_lines(layout, piece, machine, program, place, neighbour)
    if structure == "filter-extension" and neighbour is None:
        lines.append(
            [
                "in front of it lies nothing that agrees with it: its FILTER_INITIALIZATION_DATA is "
                "elsewhere, or no longer there"
            ]
        )
    return lines


def _place(modules: Sequence[Module], address: int) -> str:
    inside = next((module for module in modules if address in module), None)
    return "" if inside is None else f"{inside.name}+{address - inside.base:#x}"


def _address(debugger: EvaluatingDebugger, expression: str) -> int:
    """Plain numbers are read here, hexadecimal as everywhere in WinDbg; the rest is for its evaluator."""
    plain = expression.replace("`", "")
    if re.fullmatch(r"(0x)?[0-9a-fA-F]{1,16}", plain):
        return int(plain, 16)
    try:
        return debugger.evaluate(expression)
    except TargetError as error:
        module, has_symbol, symbol = expression.rpartition("!")
        advice = "write a number, a register (@r8), poi(@rsp+8) or MODULE!SYMBOL"
        if has_symbol and re.fullmatch(r"\w+", module):
            loaded = any(one.name.lower() == module.lower() for one in debugger.modules())
            if loaded:
                advice = (
                    f"{module} has no symbol {symbol}, or none are loaded: x {module}!* lists those it has"
                )
            else:
                advice = f"no module {module} is loaded: lm m dump_* and lm m hiber_* list the copies"
        elif re.fullmatch(r"\w+", expression):
            advice = (
                f"write {expression} as a number, as @{expression} if it is a register, or as MODULE!SYMBOL"
            )
        raise TargetError(f"{error}: {advice}") from error


def _how_it_was_read(expression: str, address: int) -> str:
    plain = expression.replace("`", "").lower()
    if plain.startswith("0x") or len(plain) > 8 or not re.fullmatch(r"[0-9a-f]+", plain):
        return f"; {expression} is {address:#x}" if not re.fullmatch(r"(0x)?[0-9a-f]+", plain) else ""
    return f"; {expression} was taken for the number {address:#x}, write MODULE!SYMBOL for a symbol"


def _mdl_size(layout: Layout, data: bytes, machine: Machine) -> int:
    """Bytes of header and page frame numbers, as far as they are shown."""
    fields = layout.parse(data, allow_trailing=True)
    pages = min(span_pages(fields["ByteOffset"], fields["ByteCount"]), _MAX_PFNS)
    return layout.size + pages * machine.pointer_size


def _with_pfns(debugger: Debugger, layout: Layout, header: Piece, machine: Machine) -> Piece:
    whole = _mdl_size(layout, header.data, machine)
    rest = whole - layout.size
    if not rest:
        return header
    try:
        more = debugger.read_virtual(VirtualAddress(header.address + layout.size), rest)
    except MemoryReadError as error:
        return Piece(header.address, header.data + error.data, whole, error.reason)
    return Piece(header.address, header.data + more, whole)


def _in_front(
    debugger: Debugger, layout: Layout, extension: Piece, machine: Machine, modules: Sequence[Module]
) -> Optional[Neighbour]:
    """FILTER_INITIALIZATION_DATA, where what lies in front of FILTER_EXTENSION agrees with it in one of its
    forms. That crashdmp keeps both side by side is inferred for x64."""
    dump_data = layout.parse(extension.data)["DumpData"]
    found: List[Tuple[str, int]] = []
    for form, context in zip(_FORMS, filter_contexts(machine)):
        address = extension.address - context.filter_extension
        size = context.filter_initialization_data_size
        try:
            data = debugger.read_virtual(VirtualAddress(address), size)
        except (MemoryReadError, OverflowError):
            continue
        fields = filter_initialization_data(machine, size).parse(data)
        if any(is_registration(fields, dump_data, module) for module in modules):
            found.append((form, address))
    if not found:
        return None
    form, address = found[0]
    return Neighbour("FILTER_INITIALIZATION_DATA", form, address)


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise UsageError("--hex takes pairs of hexadecimal digits") from None


def _from_file(arguments: argparse.Namespace) -> bytes:
    path = Path(arguments.file)
    try:
        with path.open("rb") as file:
            file.seek(arguments.offset)
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
    description=(
        "Show one structure as dt would if public symbols had its type: offset, name, value, flags by name. "
        "In a debugger that shows links, addresses are links to what they point at. Nothing in the target "
        "changes."
    ),
    add_arguments=add_arguments,
    run=run,
    examples=(
        "  !py -g -m pykd_dumpfilt decode mdl @r8                at the entry of Dump_Write or Dump_Read\n"
        "  !py -g -m pykd_dumpfilt decode filter-extension @rcx\n"
        "  !py -g -m pykd_dumpfilt decode mdl fffff800`12345678\n"
        "  dumpfilt decode large-integer --hex 0000100000000000\n"
        "  dumpfilt decode ntstatus 0xC000009A\n"
    ),
)
