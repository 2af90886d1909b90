"""What a recording is and holds, on one page: for people, and for programs ("dumpfilt-info/1", which
info.schema.json describes: keys may be added; what is here keeps its meaning)."""

import json
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from ..checking import CheckResult, Unreadable
from ..handling import Summary
from ..recording import LoadedModule
from ..rules import RuleResult
from ._json_text import json_text
from ._phrases import amount, counted, left_out, outcome_word, scrubbed
from ._printable import printable, wrapped
from .json_report import scrubbed_object

__all__ = ["render_summaries", "render_summary", "summaries_json"]

FORMAT = "dumpfilt-info/1"

_WIDTH = 12
_LISTED_COPIES = 10
_LISTED_DAMAGE = 5


def render_summaries(summaries: Sequence[Summary]) -> str:
    """A section for each recording."""
    return "\n\n".join(render_summary(summary) for summary in summaries)


def render_summary(summary: Summary) -> str:
    """One line or a few for each thing that there is to know of a recording."""
    lines = [printable(summary.checked.path)]
    for name, text in _rows(summary):
        lines += wrapped(text, " " * (_WIDTH + 2), f"  {name:{_WIDTH}}")
    return "\n".join(lines)


def summaries_json(summaries: Sequence[Summary], unreadable: Sequence[Unreadable] = ()) -> str:
    """The same as indented ASCII text, keys in a stable order."""
    return json_text(
        {
            "format": FORMAT,
            "recordings": [_object(summary) for summary in summaries],
            "unreadable": [{"path": one.path, "reason": one.reason} for one in unreadable],
        }
    )


def _rows(summary: Summary) -> Iterator[Tuple[str, str]]:
    checked = summary.checked
    header = checked.header
    engine, version, target = (header.debugger.get(key, "unknown") for key in ("engine", "version", "target"))
    yield "filter", f"{header.filter}, {checked.scenario}, {header.machine}"
    yield "recorded", f"{header.created} by {header.tool}, with {engine} {version}"
    yield "target", target
    if header.options:
        yield "options", ", ".join(f"{name} {json.dumps(value)}" for name, value in header.options.items())
    less = scrubbed(header)
    if less is not None:
        yield "scrubbed", less
    yield "on disk", _on_disk(summary)
    for module in checked.modules[:_LISTED_COPIES]:
        yield "copy", _copy(module)
    if len(checked.modules) > _LISTED_COPIES:
        yield "", f"and {len(checked.modules) - _LISTED_COPIES} more copies"
    hits = ", ".join(f"{count} {name}" for name, count in checked.result.hits.items())
    yield "calls", f"{checked.calls}{' (' + hits + ')' if hits else ''}"
    less = left_out(checked)
    if less is not None:
        yield "left out", less
    yield from _captured(summary)
    yield "ended", _ending(summary)
    if checked.damage:
        for sentence in checked.damage[:_LISTED_DAMAGE]:
            yield "damaged", sentence
        if len(checked.damage) > _LISTED_DAMAGE:
            yield "", f"and {len(checked.damage) - _LISTED_DAMAGE} more like these"
    else:
        yield "damaged", "nothing found"
    yield "verdict", f"{checked.verdict.value.upper()}{_findings(checked)}"


def _on_disk(summary: Summary) -> str:
    files = ", ".join(f"{name} {amount(size)}" for name, size in summary.sizes.items())
    how = "packed; unpacked: " if summary.packed else ""
    return f"{amount(summary.disk_size)} ({how}{files}), format version {summary.version}"


def _copy(module: LoadedModule) -> str:
    pdb = module.pdb
    parts = [f"{module.name} at {module.base:#x}", f"{module.size:#x} bytes"]
    for name, value in (("TimeDateStamp", module.timestamp), ("CheckSum", module.checksum)):
        parts.append(f"{name} {'unknown' if value is None else format(value, '#x')}")
    parts.append("no PDB named" if pdb is None else f"{pdb.name} {pdb.guid} {pdb.age}")
    return ", ".join(parts)


def _captured(summary: Summary) -> Iterator[Tuple[str, str]]:
    volume = summary.volume
    times = f", {volume.ratio:.1f} times each" if volume.distinct else ""
    text = (
        f"{amount(volume.captured)} of buffers in {counted(volume.named, 'page')}, of which "
        f"{volume.distinct} are distinct{times}; {counted(volume.zeros, 'page')} of zeros"
    )
    if volume.unread:
        text += f"; {counted(volume.unread, 'page')} could not be read"
    yield "captured", text


def _ending(summary: Summary) -> str:
    footer = summary.footer
    if footer is None:
        return "not in good order: there is no footer"
    lost = f"; {counted(footer.lost, 'call')} LOST" if footer.lost else ""
    return f"in good order: {footer.reason}{lost}"


def _findings(checked: CheckResult) -> str:
    rules = [rule for rule in checked.result.rules if rule.found]
    return ": " + ", ".join(_found(rule) for rule in rules) if rules else ", no findings"


def _found(rule: RuleResult) -> str:
    word = outcome_word(rule) if rule.outcome.value == "waived" else rule.level.value
    return f"{counted(rule.found, word)} of {rule.rule}"


def _object(summary: Summary) -> Dict[str, Any]:
    checked, footer, volume = summary.checked, summary.footer, summary.volume
    header = checked.header
    return {
        "path": checked.path,
        "filter": header.filter,
        "scenario": checked.scenario,
        "machine": header.machine,
        "created": header.created,
        "tool": header.tool,
        "debugger": dict(header.debugger),
        "options": dict(header.options),
        "scrubbed": scrubbed_object(header.scrubbed),
        "version": summary.version,
        "packed": summary.packed,
        "disk_size": summary.disk_size,
        "sizes": dict(summary.sizes),
        "copies": [_copy_object(module) for module in checked.modules],
        "calls": checked.calls,
        "calls_by_callback": dict(checked.result.hits),
        "captured": {
            "bytes": volume.captured,
            "pages": volume.named,
            "distinct_pages": volume.distinct,
            "zero_pages": volume.zeros,
            "unread_pages": volume.unread,
        },
        "closed": footer is not None,
        "reason": None if footer is None else footer.reason,
        "lost": 0 if footer is None else footer.lost,
        "left_out": checked.left_out,
        "damage": list(checked.damage),
        "verdict": checked.verdict.value,
        "findings": _found_by_rule(checked.result.rules),
    }


def _found_by_rule(rules: Sequence[RuleResult]) -> List[Dict[str, Any]]:
    return [
        {"rule": rule.rule, "level": rule.level.value, "found": rule.found} for rule in rules if rule.found
    ]


def _copy_object(module: LoadedModule) -> Dict[str, Any]:
    pdb = module.pdb
    return {
        "name": module.name,
        "base": f"{module.base:#x}",
        "size": module.size,
        "timestamp": module.timestamp,
        "checksum": module.checksum,
        "pdb": None if pdb is None else {"name": pdb.name, "guid": pdb.guid, "age": pdb.age},
    }
