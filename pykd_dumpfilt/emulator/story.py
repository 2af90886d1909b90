"""What happens to the machine, from its boot to its end: dump stacks, and the moments between them."""

from typing import Generator, List

from ..errors import UsageError
from . import layout
from .dump_stack import ENDED_WELL, DumpStack
from .events import LoadedImage, ModuleLoaded, ModuleUnloaded
from .filter_list import (
    CRASH_CONTEXT,
    HIBERNATION_CONTEXT,
    FilterList,
    drop_dump_context,
    dump_context,
    static_list,
)
from .image import DriverImage
from .kernel import BUGCHECK_FIRST, BUGCHECK_SECOND, CONTROL_C, Kernel
from .port_drivers import load_port_drivers
from .scenario import Scenario
from .steps import Moment, Step, Steps

__all__ = ["Story"]

_MANUALLY_INITIATED_CRASH = 0xE2  # what .crash raises
_NO_PARAMETERS = (0, 0, 0, 0)


class Story:
    """One scenario with one filter. ``run()`` is a generator of what happens next."""

    def __init__(self, kernel: Kernel, driver: DriverImage, name: str, scenario: Scenario) -> None:
        self._kernel = kernel
        self._driver = driver
        self._name = name
        self._scenario = scenario
        self._stacks: List[DumpStack] = []
        if scenario.kind != "life":
            self._stack(scenario, static_list(kernel), layout.FILTER_BASE)

    @property
    def outcome(self) -> str:
        """How it went, for people."""
        odd = [stack.outcome for stack in self._stacks if stack.outcome != ENDED_WELL]
        return "; ".join(odd) or ENDED_WELL

    def run(self) -> Steps:
        """The whole scenario."""
        return self._life() if self._scenario.kind == "life" else self._one_stack(self._stacks[0])

    def restart(self, base: int) -> Steps:
        """What happens if the dump stack is taken down now: the filter's image goes, and the scenario begins
        anew, with the image at ``base``. Of scenarios with one stack.

        Raises:
            UsageError: this one has several.
        """
        if self._scenario.kind == "life":
            raise UsageError("a life has several dump stacks: restart one of crash or hibernate")
        old = self._stacks.pop()
        return self._again(old, self._stack(self._scenario, old.filters, base))

    def _again(self, old: DumpStack, new: DumpStack) -> Steps:
        yield from old.take_down()
        yield from self._one_stack(new)

    def _stack(self, scenario: Scenario, filters: FilterList, base: int) -> DumpStack:
        stack = DumpStack(self._kernel, self._driver, self._name, scenario, filters, base)
        self._stacks.append(stack)
        return stack

    def _one_stack(self, stack: DumpStack) -> Steps:
        if (yield from stack.load()):
            if self._scenario.kind == "crash":
                self._kernel.note_bug_check(_MANUALLY_INITIATED_CRASH, _NO_PARAMETERS)
            yield from stack.write_image()
            if self._scenario.kind == "hibernate":
                yield from stack.read_image()
        yield from stack.unload()

    def _life(self) -> Steps:
        kernel = self._kernel
        for_crash, for_hibernation = self._scenario.stacks
        ports = yield from self._port_drivers(for_crash.prefix, layout.CRASH_STACK_BASE)
        filters = dump_context(kernel, CRASH_CONTEXT, [kernel.loader_entry(port) for port in ports])
        crash = self._stack(for_crash, filters, layout.FILTER_BASE)
        usable = yield from crash.load()
        if not usable:
            yield from crash.unload()
            yield from self._unloaded(ports)
        yield Moment("boot", CONTROL_C)
        yield from self._hibernation(for_hibernation)
        # As KeBugCheck2: the data, the message, the first break. The dump is written after that one.
        kernel.note_bug_check(_MANUALLY_INITIATED_CRASH, _NO_PARAMETERS)
        kernel.debug_output.append(
            f"\n*** Fatal System Error: 0x{_MANUALLY_INITIATED_CRASH:08x}\n"
            "                       (0x0000000000000000,0x0000000000000000,"
            "0x0000000000000000,0x0000000000000000)\n\n"
        )
        yield Moment("bugcheck", BUGCHECK_FIRST, breaks_in=True)
        if usable:
            yield from crash.write_image()
        kernel.break_in(BUGCHECK_SECOND)

    def _hibernation(self, scenario: Scenario) -> Steps:
        kernel = self._kernel
        ports = yield from self._port_drivers(scenario.prefix, layout.HIBERNATION_STACK_BASE)
        filters = dump_context(kernel, HIBERNATION_CONTEXT, [kernel.loader_entry(port) for port in ports])
        stack = self._stack(scenario, filters, layout.HIBERNATION_FILTER_BASE)
        if (yield from stack.load()):
            yield from stack.write_image()
            yield from stack.read_image()
        yield from stack.unload()
        yield from self._unloaded(ports)
        drop_dump_context(kernel, HIBERNATION_CONTEXT, filters)

    def _port_drivers(self, prefix: str, base: int) -> "Generator[Step, int, List[LoadedImage]]":
        images = []
        for image in load_port_drivers(self._kernel, prefix, base):
            yield ModuleLoaded(image)
            images.append(image)
        return images

    def _unloaded(self, images: List[LoadedImage]) -> Steps:
        for image in reversed(images):
            yield ModuleUnloaded(image)
            self._kernel.unload(image)
