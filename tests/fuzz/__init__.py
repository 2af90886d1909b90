"""Campaigns of hostile input against each parser: ``python -m tests.fuzz --help``.

Input n of a campaign follows from its seed and n alone, so that a number repeats it on any machine. What may
come out of one is a verdict, a value, or one of the package's named errors; all else is a bug, and so is a
file opened outside of what the input is, memory past a bound, and an input that takes too long.
"""
