"""``rules``: what is checked."""

import argparse

from ..reports import render_rules
from . import console
from ._command import Command

__all__ = ["COMMAND"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(arguments: argparse.Namespace) -> int:
    console.show(render_rules())
    return 0


COMMAND = Command(
    name="rules",
    summary="list the rules: id, level, what each demands and which document says so",
    add_arguments=add_arguments,
    run=run,
    examples="  dumpfilt rules\n",
)
