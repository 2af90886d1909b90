"""What holds for every test."""

from hypothesis import settings


def test_no_property_is_held_to_a_clock() -> None:
    assert settings().deadline is None


def test_examples_are_the_same_on_every_machine() -> None:
    assert settings().derandomize
