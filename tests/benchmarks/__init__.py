"""Speed and size, measured on demand: ``python -m tests.benchmarks``.

Nothing here is asserted: figures are ratios within one run, or counts that do not depend on the machine.
"""
