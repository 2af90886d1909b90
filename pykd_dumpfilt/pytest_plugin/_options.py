"""What a user can say: on the command line, and in pytest's configuration file."""

from dataclasses import dataclass
from pathlib import Path
from typing import List, Tuple

import pytest

__all__ = ["Options", "add_options", "asks_for_recordings", "names_a_recording"]

_ENDINGS = (".dumpfilt", ".dumpfilt.zip")


def add_options(parser: pytest.Parser) -> None:
    """Declare them all."""
    group = parser.getgroup("dumpfilt", "recordings of dump filter drivers (pykd-dumpfilt)")
    group.addoption(
        "--dumpfilt",
        action="append",
        default=[],
        metavar="PATH",
        help="judge a recording, or all in a folder and below: a test for each rule. May be given several "
        "times. One alone: pytest recordings/run.dumpfilt::DF-READ-003",
    )
    group.addoption(
        "--dumpfilt-rules",
        action="append",
        default=[],
        metavar="FILE",
        help="rules of your own, beside the others: classes in a Python file. May be given several times.",
    )
    group.addoption(
        "--dumpfilt-waivers",
        default=None,
        metavar="FILE",
        help="breaches that are accepted for a while (TOML): their tests are xfailed.",
    )
    group.addoption(
        "--dumpfilt-lenient",
        action="store_true",
        default=False,
        help="judge a recording that is not whole as far as it can be read, and only warn of that.",
    )
    parser.addini("dumpfilt", "as --dumpfilt, where no test is named on the command line", type="linelist")
    parser.addini("dumpfilt_rules", "as --dumpfilt-rules", type="linelist")
    parser.addini("dumpfilt_waivers", "as --dumpfilt-waivers")
    parser.addini(
        "dumpfilt_strict",
        "whether a recording that is not whole fails its tests (true)",
        type="bool",
        default=True,
    )


def asks_for_recordings(config: pytest.Config) -> bool:
    """Whether this run is to judge any."""
    return bool(config.getoption("dumpfilt") or config.getini("dumpfilt"))


def names_a_recording(argument: str) -> bool:
    """Whether an argument that pytest takes for a test is a recording, or a test of one; by its name."""
    return argument.partition("::")[0].rstrip("/\\").endswith(_ENDINGS)


@dataclass(frozen=True)
class Options:
    """What was said, with whole paths; the command line comes before the file, which it replaces.

    Attributes:
        asked: paths given on the command line.
        usual: paths of the configuration file.
        rules: files of rules.
        waivers: files of waivers; one or none.
        strict: whether what is not whole fails.
    """

    asked: Tuple[Path, ...]
    usual: Tuple[Path, ...]
    rules: Tuple[Path, ...]
    waivers: Tuple[Path, ...]
    strict: bool

    @classmethod
    def of(cls, config: pytest.Config) -> "Options":
        """Those of a run."""
        here, root = config.invocation_params.dir, config.rootpath
        waivers = config.getoption("dumpfilt_waivers")
        return cls(
            asked=_paths(here, config.getoption("dumpfilt")),
            usual=_paths(root, config.getini("dumpfilt")),
            rules=_paths(here, config.getoption("dumpfilt_rules"))
            or _paths(root, config.getini("dumpfilt_rules")),
            waivers=_paths(here, [waivers] if waivers else [])
            or _paths(root, [config.getini("dumpfilt_waivers")]),
            strict=bool(config.getini("dumpfilt_strict")) and not config.getoption("dumpfilt_lenient"),
        )


def _paths(base: Path, names: List[str]) -> Tuple[Path, ...]:
    # Not resolved: what the user called it stays its name.
    return tuple(base / name for name in names if name)
