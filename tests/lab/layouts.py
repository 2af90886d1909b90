"""What a C compiler says of the structures, from layouts.c and mingw-w64's headers.

``python -m tests.lab.layouts`` writes the table that tests/structures compares with. Nothing is linked or
run: the numbers are read from the assembly, so one x86-64 compiler serves for 32 bits too.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

__all__ = [
    "COMPILER",
    "INSTALL_HINT",
    "TABLE",
    "compile_layouts",
    "find_compiler",
    "parse_assembly",
    "render",
]

COMPILER = "x86_64-w64-mingw32-gcc"
INSTALL_HINT = f"no {COMPILER} on PATH: apt-get install gcc-mingw-w64-x86-64"
TABLE = Path(__file__).parent.parent / "structures" / "compiler_literals.json"
"""The committed table."""

_SOURCE = Path(__file__).with_name("layouts.c")
_MARK = "#LAYOUT "
_BITS = {"x64": "-m64", "x86": "-m32"}
# Kernel and user headers declare some names twice, so each half of layouts.c is a compilation of its own.
_HALVES: Tuple[Tuple[str, ...], ...] = (("-DKERNEL",), ())

Table = Dict[str, Any]


def find_compiler() -> Optional[str]:
    """The path of mingw-w64's compiler, None where it is not installed."""
    return shutil.which(COMPILER)


def parse_assembly(text: str) -> Table:
    """The marked lines of one compilation: ``structures`` (each with ``size``, ``align``, ``fields`` by name
    as [offset, size], ``signed`` by name), ``values`` (unsigned, 32 bits) and ``results`` of macros.

    Raises:
        ValueError: a marked line of a kind that layouts.c does not emit.
    """
    structures: Dict[str, Any] = {}
    values: Dict[str, int] = {}
    results: Dict[str, int] = {}
    for line in text.splitlines():
        if not line.startswith(_MARK):
            continue
        kind, rest = line[len(_MARK) :].split(" ", 1)
        if kind == "structure":
            name, size, align = rest.split(" ")
            structures[name] = {"size": int(size), "align": int(align), "fields": {}, "signed": {}}
        elif kind == "field":
            name, member, offset, size = rest.split(" ")
            structures[name]["fields"][member] = [int(offset), int(size)]
        elif kind == "signed":
            name, member, signed = rest.split(" ")
            structures[name]["signed"][member] = signed == "1"
        elif kind == "value":
            name, value = rest.split(" ")
            values[name] = int(value) & 0xFFFFFFFF
        elif kind == "result":
            expression, value = rest.rsplit(" ", 1)
            results[expression] = int(value)
        else:
            raise ValueError(f"layouts.c emitted a line that nobody reads: {line}")
    return {"structures": structures, "values": values, "results": results}


def compile_layouts(compiler: str) -> Table:
    """Structures by machine ("x64", "x86"), and the values and results, which must be the same on both.

    Raises:
        subprocess.CalledProcessError: the compiler refuses layouts.c.
        ValueError: a constant differs between machines.
    """
    include = _kernel_headers(compiler)
    table: Table = {"structures": {}, "values": {}, "results": {}}
    for machine, bits in _BITS.items():
        structures = table["structures"].setdefault(machine, {})
        for half in _HALVES:
            parsed = parse_assembly(_assembly(compiler, [bits, *half, *include]))
            structures.update(parsed["structures"])
            for part in ("values", "results"):
                for name, value in parsed[part].items():
                    if table[part].setdefault(name, value) != value:
                        raise ValueError(f"{name} is {table[part][name]} and, on {machine}, {value}")
    return table


def render(table: Table) -> str:
    """The table as the committed file holds it: one line per structure, value and result."""
    lines = ["{", '"structures": {']
    machines = []
    for machine, structures in table["structures"].items():
        entries = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in structures.items())
        machines.append(f"{json.dumps(machine)}: {{\n{entries}\n}}")
    lines += [",\n".join(machines), "},"]
    for part, end in (("values", "},"), ("results", "}")):
        entries = ",\n".join(f"{json.dumps(name)}: {value}" for name, value in table[part].items())
        lines += [f'"{part}": {{', entries, end]
    return "\n".join([*lines, "}", ""])


def _assembly(compiler: str, options: List[str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "layouts.s"
        subprocess.run(
            [compiler, "-S", "-O1", *options, str(_SOURCE), "-o", str(output)],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return output.read_text()


def _kernel_headers(compiler: str) -> List[str]:
    """Where ntddk.h is: a ddk folder in one of the compiler's own include folders."""
    listing = subprocess.run(
        [compiler, "-E", "-v", "-x", "c", "-"],
        check=True,
        capture_output=True,
        text=True,
        input="",
        timeout=60,
    )
    folders = (Path(line.strip()) / "ddk" for line in listing.stderr.splitlines() if line.startswith(" "))
    return [f"-I{folder}" for folder in folders if (folder / "ntddk.h").is_file()]


def main(arguments: Optional[List[str]] = None) -> int:
    """Write the table, or with ``--check`` compare it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.layouts",
        description="Ask a C compiler for every offset, size and constant in pykd_dumpfilt.structures.",
    )
    parser.add_argument(
        "--check", action="store_true", help="compare with the committed table, write nothing"
    )
    check = parser.parse_args(arguments).check
    compiler = find_compiler()
    if compiler is None:
        print(INSTALL_HINT, file=sys.stderr)
        return 2
    text = render(compile_layouts(compiler))
    if check:
        same = TABLE.read_text() == text
        print(f"{TABLE.name}: {'as the compiler says' if same else 'differs from what the compiler says'}")
        return 0 if same else 1
    TABLE.write_text(text)
    print(f"wrote {TABLE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
