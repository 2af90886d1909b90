"""The plan: bounds for every seed, variety for the usual one."""

from typing import Any, Dict, Set, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.emulator import Scenario, Transfer
from pykd_dumpfilt.errors import UsageError

GIB = 1 << 30

scenarios = st.builds(
    Scenario,
    kind=st.sampled_from(["crash", "hibernate"]),
    seed=st.integers(0, 2**64 - 1),
    calls=st.integers(1, 60),
    pages=st.integers(1, 64),
    sector_size=st.sampled_from([512, 4096]),
)


@settings(max_examples=60)
@given(scenarios)
def test_every_transfer_is_possible(scenario: Scenario) -> None:
    plan = scenario.plan()
    assert plan == scenario.plan()
    assert len(plan.writes) == scenario.calls
    for transfer in (*plan.writes, *plan.reads):
        assert transfer.offset % scenario.sector_size == 0
        assert transfer.size % scenario.sector_size == 0
        assert transfer.size > 0
        assert 0 <= transfer.byte_offset < 4096
        assert transfer.byte_offset + transfer.size <= scenario.pages * 4096
        assert 0 < transfer.offset <= 64 * GIB - transfer.size
        if transfer.flags == 0x11:
            assert transfer.contiguous
            assert transfer.size % 4096 == transfer.byte_offset == 0


@settings(max_examples=40)
@given(scenarios)
def test_reads_cover_what_was_written_and_nothing_else(scenario: Scenario) -> None:
    plan = scenario.plan()

    def sectors(transfers: Tuple[Transfer, ...]) -> Set[int]:
        step = scenario.sector_size
        return {at for t in transfers for at in range(t.offset, t.offset + t.size, step)}

    if scenario.kind == "crash":
        assert plan.reads == ()
    else:
        assert sectors(plan.reads) == sectors(plan.writes)


def test_the_usual_scenario_varies_what_real_systems_vary() -> None:
    plan = Scenario("hibernate").plan()
    sizes = {write.size for write in plan.writes}
    assert {512, 4096, 65536} <= sizes
    assert any(size % 4096 for size in sizes if size > 512)
    assert any(t.offset < 4 * GIB < t.offset + t.size for t in plan.writes)
    assert any(t.offset > 16 * GIB for t in plan.writes)
    assert any(t.offset + t.size < 4 * GIB for t in plan.writes)
    assert any(t.byte_offset for t in plan.writes)
    assert {t.contiguous for t in plan.writes} == {True, False}
    assert {t.start_va for t in plan.writes} == {"page", "zero", "stale"}
    written = [(t.offset, t.size) for t in plan.writes]
    assert len({offset for offset, _ in written}) < len(written)  # some are overwritten
    read = [(t.offset, t.size) for t in plan.reads]
    assert len(set(read)) < len(read)  # some are repeated
    assert not set(read) <= set(written)  # split otherwise
    assert sorted(read) != read


def test_the_plan_of_a_seed_is_fixed_for_good() -> None:
    plan = Scenario("hibernate", seed=1, calls=5, pages=4).plan()
    assert [(t.offset, t.size, t.byte_offset, t.flags) for t in plan.writes] == [
        (2092032, 4096, 1184, 1),
        (4294959104, 16384, 0, 5),
        (21791062016, 16384, 0, 17),
        (21791078400, 14336, 0, 3),
        (4294975488, 16384, 0, 17),
    ]
    assert [(t.offset, t.size) for t in plan.reads] == [
        (2092544, 3584),
        (4294975488, 16384),
        (21791072768, 4096),
        (2092032, 512),
        (4294959104, 16384),
        (2092032, 512),
        (21791062016, 10752),
        (21791076864, 15872),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "nap"}, "choose crash or hibernate or life"),
        ({"kind": "life", "attach": "noon"}, "choose start or boot or resume or reading or bugcheck"),
        ({"attach": "bugcheck"}, "the debugger is there from the start; for 'bugcheck' choose the scenario"),
        ({"calls": 0}, "calls is 0; from 1 to 100000 is possible"),
        ({"calls": True}, "calls is True"),
        ({"pages": 257}, "pages is 257; from 1 to 256 is possible"),
        ({"seed": -1}, "seed is -1"),
        ({"budget": 0}, "budget is 0"),
        ({"sector_size": 520}, "512 or 4096 is possible"),
        ({"table": 0x38}, "64 or 72 is possible"),
        ({"calls": 100_000, "pages": 16}, "more than 1024 MiB; ask for less"),
    ],
)
def test_impossible_values(options: Dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Scenario(**{"kind": "crash", **options})


def test_a_life_has_a_stack_for_each_of_its_two_kinds() -> None:
    life = Scenario("life", seed=9, calls=5, pages=4, attach="reading")
    crash, hibernation = life.stacks
    assert crash == Scenario("crash", seed=9, calls=5, pages=4)
    assert hibernation == Scenario("hibernate", seed=9, calls=5, pages=4)
    assert [stack.prefix for stack in life.stacks] == ["dump_", "hiber_"]
    assert crash.stacks == (crash,)
    with pytest.raises(UsageError, match="each with a prefix and a plan of its own"):
        life.plan()
