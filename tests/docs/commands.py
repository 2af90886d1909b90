"""The page of the command line, made of the parsers that read it."""

import argparse
import os
import re
from typing import Iterator, List, Sequence

from pykd_dumpfilt.cli import build_parser
from pykd_dumpfilt.commands import COMMANDS, Command

__all__ = ["page"]

_ABOUT = """\
Outside a debugger the program is `dumpfilt`, or `python -m pykd_dumpfilt`; inside WinDbg each command begins
with `!py -g -m pykd_dumpfilt`. `--help` after a command shows what stands here. Recordings are named by their
folder or by the zip that it is packed in; `.dumpfilt` may be left out.

Exit codes: 0 done, and where there is a verdict it is pass; 1 fail; 2 wrong usage or input that cannot be
read; 3 nothing failed, but something is incomplete or was not exercised; 130 interrupted by Ctrl+C. Where a
command means something else by one, its text says so.
"""


def page() -> str:
    """Markdown: a section for each command, in the order of ``dumpfilt --help``."""
    lines = ["# Command line", "", *_ABOUT.splitlines(), ""]
    lines += _table(
        ("command", "what it does"),
        [(f"[`{one.name}`](#{one.name})", _prose(one.summary)) for one in COMMANDS],
    )
    for command in COMMANDS:
        lines += ["", *_section(command, _parser_of(command))]
    return "\n".join(lines) + "\n"


def _parser_of(command: Command) -> argparse.ArgumentParser:
    (commands,) = (
        action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    parser: argparse.ArgumentParser = commands.choices[command.name]
    parser.prog = f"dumpfilt {command.name}"
    return parser


def _section(command: Command, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"## {command.name}"
    yield ""
    yield _prose(command.description or command.summary)
    yield ""
    yield "```text"
    yield _usage(parser)
    yield "```"
    for group in parser._action_groups:
        actions = [one for one in group._group_actions if one.help is not argparse.SUPPRESS]
        rows = [(_spelled(one), _prose(_help(parser, one))) for one in actions if one.dest != "help"]
        if not rows:
            continue
        yield ""
        if group.description:
            yield f"{(group.title or '').capitalize()}: {_prose(group.description)}"
            yield ""
        yield from _table(("argument" if not actions[-1].option_strings else "option", "meaning"), rows)
    if command.examples:
        yield ""
        yield "```text"
        yield from (line[2:] if line.startswith("  ") else line for line in command.examples.splitlines())
        yield "```"


def _usage(parser: argparse.ArgumentParser) -> str:
    # argparse asks the terminal how wide it is; a page is as wide as it is.
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        usage = parser.format_usage().rstrip()
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return "\n".join(line[len("usage: ") :] for line in usage.splitlines())


def _spelled(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        return f"`{value}`"
    return ", ".join(f"`{name} {value}`" if value else f"`{name}`" for name in action.option_strings)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.metavar is not None:
        return action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar)
    if action.choices is not None:
        return "{" + ",".join(str(one) for one in action.choices) + "}"
    return action.dest.upper() if action.option_strings else action.dest


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser._get_formatter()._expand_help(action) if action.help else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _prose(text: str) -> str:
    """Plain text as Markdown: NAME-1 is no emphasis, <x> no tag."""
    return re.sub(r"[\\`*_|<\[]", r"\\\g<0>", " ".join(text.split()))
