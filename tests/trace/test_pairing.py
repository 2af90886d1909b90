"""Entries meet their returns, whatever the filter does with its stack."""

from typing import List, Tuple

from hypothesis import given
from hypothesis import strategies as st

from pykd_dumpfilt.trace.pairing import OpenCalls

CALLER = 0xFFFFF80001001234
STACK = 0xFFFFF80030008000


def test_a_call_returns_where_its_stack_says() -> None:
    calls: OpenCalls[str] = OpenCalls()
    assert calls.enter(STACK, CALLER, "read") == []
    assert calls.leave(STACK - 0x1000, CALLER) == (None, [])
    assert calls.leave(STACK, CALLER + 5) == (None, [])
    assert calls.leave(STACK, CALLER) == ("read", [])
    assert len(calls) == 0


def test_a_return_with_a_wrong_stack_pointer_is_still_that_call_s() -> None:
    calls: OpenCalls[str] = OpenCalls()
    calls.enter(STACK, CALLER, "outer")
    calls.enter(STACK - 0x1000, CALLER, "inner")
    assert calls.leave(STACK - 0x1008, CALLER) == ("inner", [])
    assert calls.leave(STACK + 0x28, CALLER) == ("outer", [])


def test_recursion_through_one_return_address_is_told_apart_by_stack() -> None:
    calls: OpenCalls[str] = OpenCalls()
    calls.enter(STACK, CALLER, "outer")
    calls.enter(STACK - 0x40, CALLER, "middle")
    calls.enter(STACK - 0x80, CALLER, "inner")
    assert calls.leave(STACK - 0x80, CALLER) == ("inner", [])
    assert calls.leave(STACK - 0x40, CALLER) == ("middle", [])
    assert calls.leave(STACK, CALLER) == ("outer", [])


def test_a_call_whose_stack_is_used_again_never_returned() -> None:
    calls: OpenCalls[str] = OpenCalls()
    calls.enter(STACK - 0x40, CALLER, "lost")
    assert calls.enter(STACK, CALLER, "next") == ["lost"]
    assert calls.leave(STACK, CALLER) == ("next", [])


def test_the_same_slot_used_again_means_the_first_is_gone() -> None:
    calls: OpenCalls[str] = OpenCalls()
    calls.enter(STACK, CALLER, "lost")
    assert calls.enter(STACK, CALLER, "next") == ["lost"]


def test_calls_within_one_that_returned_are_gone() -> None:
    calls: OpenCalls[str] = OpenCalls()
    calls.enter(STACK, CALLER, "outer")
    calls.enter(STACK - 0x40, CALLER + 0x100, "unwound")
    assert calls.leave(STACK, CALLER) == ("outer", ["unwound"])


def test_another_stack_says_nothing() -> None:
    calls: OpenCalls[str] = OpenCalls()
    calls.enter(STACK, CALLER, "processor 0")
    assert calls.enter(STACK + 0x100000, CALLER, "processor 1") == []
    assert calls.leave(STACK, CALLER) == ("processor 0", [])
    assert calls.leave(STACK + 0x100000, CALLER) == ("processor 1", [])


def test_a_return_breakpoint_is_needed_while_a_call_waits_for_it() -> None:
    calls: OpenCalls[str] = OpenCalls()
    calls.enter(STACK, CALLER, "outer")
    calls.enter(STACK - 0x40, CALLER, "inner")
    calls.leave(STACK - 0x40, CALLER)
    assert calls.waits_for(CALLER)
    calls.leave(STACK, CALLER)
    assert not calls.waits_for(CALLER)


@given(st.lists(st.sampled_from(["call", "return", "unwind"]), max_size=60))
def test_properly_nested_runs_pair_every_call_once(steps: List[str]) -> None:
    """Against a plain list as the model: calls, returns, and jumps out of several calls at once."""
    calls: OpenCalls[int] = OpenCalls()
    model: List[Tuple[int, int]] = []  # (stack after return, call)
    ended: List[int] = []
    for number, step in enumerate(steps):
        if step == "call":
            stack = STACK - 0x40 * len(model)
            assert calls.enter(stack, CALLER, number) == []
            model.append((stack, number))
        elif model and step == "return":
            stack, expected = model.pop()
            assert calls.leave(stack, CALLER) == (expected, [])
            ended.append(expected)
        elif len(model) > 1:
            # The innermost is left by longjmp; its caller returns in the ordinary way.
            _, lost = model.pop()
            stack, expected = model.pop()
            assert calls.leave(stack, CALLER) == (expected, [lost])
            ended += [expected, lost]
    rest = calls.abandon(lambda call: True)
    assert sorted(ended + rest) == [n for n, step in enumerate(steps) if step == "call"]
