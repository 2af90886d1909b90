"""The commands, one module each: arguments, help, examples and what it does."""

from typing import Tuple

from . import (
    check,
    decode,
    diff,
    doctor,
    emulate,
    info,
    migrate,
    pack,
    rule,
    rules,
    scrub,
    show,
    start,
    status,
    stop,
)
from ._command import Command

__all__ = ["COMMANDS", "Command"]

COMMANDS: Tuple[Command, ...] = (
    start.COMMAND,
    status.COMMAND,
    stop.COMMAND,
    emulate.COMMAND,
    check.COMMAND,
    show.COMMAND,
    info.COMMAND,
    diff.COMMAND,
    pack.COMMAND,
    scrub.COMMAND,
    migrate.COMMAND,
    rules.COMMAND,
    rule.COMMAND,
    decode.COMMAND,
    doctor.COMMAND,
)
