"""Page frames and page tables."""

from typing import Any, Set

import pytest
import unicorn as _unicorn
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.debugger import MemoryReadError
from pykd_dumpfilt.emulator.memory import BANKS, Memory
from pykd_dumpfilt.errors import EmulatorError, TargetError

unicorn: Any = _unicorn  # it has no types


def memory(seed: int = 1) -> Memory:
    return Memory(unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64), seed)


HIGH = 0xFFFFAB00_00000000


def test_translation_walks_the_tables() -> None:
    ram = memory()
    ram.map(HIGH + 0x3000, 0x100123)
    assert ram.translate(HIGH + 0x3ABC) == 0x100123ABC
    assert ram.translate(HIGH + 0x4000) is None
    assert ram.unmap(HIGH + 0x3000) == 0x100123
    assert ram.unmap(HIGH + 0x3000) is None
    assert ram.translate(HIGH + 0x3ABC) is None


def test_a_page_read_virtually_is_the_page_read_physically() -> None:
    ram = memory()
    ram.map(HIGH, 0x5000)
    ram.map(HIGH + 4096, 0x100002)
    ram.write_virtual(HIGH + 4090, b"across pages")
    assert ram.read_physical(0x5000 * 4096 + 4090, 6) == b"across"
    assert ram.read_physical(0x100002 * 4096, 6) == b" pages"


def test_protection_is_obeyed_where_asked() -> None:
    ram = memory()
    ram.map(HIGH, 0x5000, writable=False)
    with pytest.raises(TargetError, match="read-only"):
        ram.write_virtual(HIGH, b"x", obey=True)
    ram.write_virtual(HIGH, b"x")
    assert ram.read_virtual(HIGH, 1) == b"x"


def test_frames_that_are_not_ram() -> None:
    ram = memory()
    ram.map(HIGH, 0xFFFFFFF)
    with pytest.raises(MemoryReadError, match="not RAM"):
        ram.read_virtual(HIGH, 8)
    with pytest.raises(TargetError, match="not RAM"):
        ram.write_virtual(HIGH, b"x")


def test_frames_are_given_once_and_come_back() -> None:
    ram = memory()
    frames = {ram.allocate() for _ in range(2000)}
    assert len(frames) == 2000
    assert any(frame >= 1 << 20 for frame in frames)
    assert min(frames) >= 0x100
    run = ram.allocate_contiguous(64)
    assert run is not None
    assert not frames & set(range(run, run + 64))
    ram.free(run, 64)
    low = ram.allocate_contiguous(8, highest=(1 << 32) - 1)
    assert low is not None
    assert low < 1 << 20
    assert ram.allocate_contiguous(8, highest=0xFFF) is None
    assert ram.allocate_contiguous(1 << 20) is None
    assert ram.allocate_contiguous(0) is None


def test_memory_ends() -> None:
    ram = memory()
    total = sum(size for _, size in BANKS) // 4096
    frames: Set[int] = set()

    def use_all() -> None:
        for _ in range(total):
            frames.add(ram.allocate())

    with pytest.raises(EmulatorError, match="out of memory"):
        use_all()
    assert len(frames) == 0x8000 + 0x4000 - 0x100 - 1  # all but the first MiB and the top page table


@settings(max_examples=40)
@given(st.integers(), st.integers(0, 1 << 40))
def test_no_address_hurts(address: int, size: int) -> None:
    ram = _SHARED
    assert ram.translate(address) is None
    with pytest.raises(MemoryReadError):
        ram.read_virtual(address, size + 1)
    if not any(base <= address < base + length for base, length in BANKS):
        with pytest.raises(MemoryReadError):
            ram.read_physical(address, size + 1)


_SHARED = memory()
