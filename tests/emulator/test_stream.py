"""The pseudo-random stream: fixtures depend on these very values."""

from pykd_dumpfilt.emulator.stream import Stream


def test_values_are_fixed_for_good() -> None:
    stream = Stream("memory", 1)
    assert stream.bytes(8).hex() == "9dc58c657b4a471e"
    assert [stream.below(1000) for _ in range(4)] == [457, 256, 159, 512]
    assert stream.shuffled(range(6)) == [2, 3, 4, 5, 0, 1]
    assert [stream.between(3, 5) for _ in range(6)] == [3, 4, 4, 5, 4, 5]


def test_labels_make_streams_apart() -> None:
    assert Stream("a", 1).bytes(16) != Stream("a", 2).bytes(16)
    assert Stream("a", 1).bytes(16) != Stream("b", 1).bytes(16)
    assert Stream("a", 1).bytes(16) == Stream("a", 1).bytes(16)
