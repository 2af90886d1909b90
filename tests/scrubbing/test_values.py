"""Registers and hashes."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykd_dumpfilt.scrubbing._values import Hashes, Registers

REGISTERS = Registers(b"k" * 32)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rbx", 0),
        ("rbx", 0xFFFFFFFF),
        ("rbx", 0x00007FF612345678),
        ("rbx", 0xFFFF800000000000),
        ("rbx", 0xFFFFF80031001750),
        ("rsp", 0x1234567812345678),
        ("rip", 0x1234567812345678),
        ("efl", 0x1234567812345678),
        ("cr8", 0x1234567812345678),
        ("dr7", 0x1234567812345678),
        ("cs", 0x1234567812345678),
        ("xmm6", 0),
        ("r12", 0x4711471147114711),
    ],
)
def test_what_is_no_data_stays(name: str, value: int) -> None:
    assert REGISTERS.replace({name: value}, (0x4711471147114711,)) == {name: value}


@given(st.sampled_from(["rbx", "rbp", "r15", "x19"]), st.integers(0x0000800000000000, 0xFFFF7FFFFFFFFFFF))
def test_data_becomes_other_data_that_is_no_address(name: str, value: int) -> None:
    found = REGISTERS.replace({name: value}, ())[name]
    assert found != value
    assert 0x0000800000000000 <= found < 0xFFFF800000000000


def test_an_xmm_register_is_data_whatever_it_holds() -> None:
    found = REGISTERS.replace({"xmm6": 1, "xmm7": 0xFFFFF80031001750, "xmm8": 1 << 127, "ymm1": 1 << 255}, ())
    assert found["xmm6"] != 1
    assert found["xmm7"] != 0xFFFFF80031001750
    assert max(found["xmm6"], found["xmm7"], found["xmm8"]) < 1 << 128
    assert 1 << 128 < found["ymm1"] < 1 << 256


def test_equal_values_stay_equal_and_a_key_matters() -> None:
    values = {"rbx": 0x1234567812345678, "rdi": 0x1234567812345678, "rsi": 0x1234567812345679}
    found = REGISTERS.replace(values, ())
    assert found["rbx"] == found["rdi"] != found["rsi"]
    assert REGISTERS.replace(values, ()) == found
    assert Registers(b"l" * 32).replace(values, ())["rbx"] != found["rbx"]


def test_the_status_in_rax_stays() -> None:
    found = REGISTERS.replace({"rax": 0x12345678_C0000001}, ())["rax"]
    assert found != 0x12345678_C0000001
    assert found & 0xFFFFFFFF == 0xC0000001


def test_hashes_stay_equal_and_can_no_more_be_guessed() -> None:
    hashes = Hashes(b"k" * 32)
    page = hashlib.blake2b(b"A" * 4096, digest_size=16).hexdigest()
    found = hashes.replace(page)
    assert found == hashes.replace(page)
    assert found is not None
    assert len(bytes.fromhex(found)) == 16
    assert found != page
    assert Hashes(b"l" * 32).replace(page) != found
    assert hashes.replace(None) is None


def test_the_hash_of_a_page_of_zeros_stays() -> None:
    zeros = hashlib.blake2b(bytes(4096), digest_size=16).hexdigest()
    assert Hashes(b"k" * 32).replace(zeros) == zeros
