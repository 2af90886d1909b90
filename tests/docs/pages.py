"""The prose of the rules' pages taken apart, and the lab filters that break each rule."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple, Type

from pykd_dumpfilt.reports import rule_prose
from pykd_dumpfilt.rules import Rule

from ..lab.proof import broken_rule, ends_early
from ..lab.toolchain import faulty_names, filter_source

__all__ = [
    "GUILTY",
    "HEADINGS",
    "PAGES",
    "Fault",
    "Wrong",
    "emulated",
    "faults",
    "own_callbacks",
    "right_code",
    "right_filter",
    "sections",
    "wrong_code",
]

PAGES = Path(__file__).resolve().parents[2] / "pykd_dumpfilt" / "rules" / "pages"
HEADINGS = ("Why it matters", "Wrong", "Right", "How to exercise it", "When it may be waived")
GUILTY = " /* <-- guilty */"
"""What the page adds to one line of the wrong code."""

_CODE = re.compile(r"^```c\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FROM = re.compile(r"^From `(faulty/[a-z0-9_]+)\.c`:\n\n```c$", re.MULTILINE)
_EMULATE = re.compile(r"^dumpfilt emulate f\.sys -o \w+(.*)$", re.MULTILINE)
_CALLBACK = re.compile(r"^(?:__attribute__\(\(naked\)\) )?NTSTATUS (Dump_[A-Z][a-z]+|DriverEntry)\(", re.M)
_SWITCHES = {"DriverEntry": "OWN_ENTRY"}


@dataclass(frozen=True)
class Fault:
    """A faulty lab filter: ``faulty/NAME``, how it breaks its rule, and why nothing comes after, if so."""

    name: str
    how: str
    end: str = ""


@dataclass(frozen=True)
class Wrong:
    """A page's wrong code: from which filter it is, and its lines, one of them marked."""

    filter: str
    lines: Tuple[str, ...]


def sections(rule: Type[Rule]) -> Dict[str, str]:
    """The text below each heading, in the page's order."""
    parts = re.split(r"^## (.*)\n", rule_prose(rule), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def faults() -> Dict[str, List[Fault]]:
    """The faulty filters by the rule that each breaks, as its first two lines tell."""
    found: Dict[str, List[Fault]] = {}
    for name in faulty_names():
        rule = broken_rule(name)
        assert rule is not None
        first, second = filter_source(name).read_text(encoding="ascii").splitlines()[:2]
        how = first[len(f"/* breaks {rule}: ") : -len(" */")]
        end = second[len("/* ends early: ") : -len(" */")] if ends_early(name) else ""
        found.setdefault(rule, []).append(Fault(name, how, end))
    return found


def wrong_code(rule: Type[Rule]) -> Wrong:
    """The page's wrong code."""
    text = sections(rule)["Wrong"]
    (name,) = _FROM.findall(text)
    (code,) = _CODE.findall(text)
    return Wrong(name, tuple(code.splitlines()))


def right_code(rule: Type[Rule]) -> str:
    """The page's right code."""
    (code,) = _CODE.findall(sections(rule)["Right"])
    return str(code)


def own_callbacks(code: str) -> List[str]:
    """The callbacks that some code defines."""
    return _CALLBACK.findall(code)


def right_filter(rule: Type[Rule]) -> str:
    """The source of a filter, for the lab's folder, that is made of the page's right code."""
    code = right_code(rule)
    switches = [_SWITCHES.get(name, name.upper().replace("DUMP", "OWN")) for name in own_callbacks(code)]
    return "".join([*(f"#define {one}\n" for one in switches), '#include "stream_filter.h"\n\n', code])


def emulated(rule: Type[Rule]) -> List[List[str]]:
    """The page's ``dumpfilt emulate f.sys -o NAME ...``, each as the arguments that follow f.sys and NAME."""
    return [shlex.split(rest) for rest in _EMULATE.findall(sections(rule)["How to exercise it"])]
