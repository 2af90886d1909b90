"""A campaign: many inputs, in several processes, and what became of them."""

import gc
import multiprocessing
import resource
import shutil
import signal
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import wait
from pathlib import Path
from random import Random
from typing import Any, Callable, Counter, Iterable, List, Optional, Tuple

from pykd_dumpfilt.errors import DumpfiltError

from .guard import Guard, HungError, peak_mebibytes
from .target import Target

__all__ = ["Campaign", "Failure", "Figures", "look", "scratch_folder"]

_BATCH_SECONDS = 1.0
_GRACE = 5
_SLOWEST = 3
_HARD_LIMIT = 8 << 30
_MAX_FAILURES = 50

Send = Callable[["Optional[Figures]"], None]
Progress = Callable[[int, int], None]
"""Called with the inputs and the failures so far."""


@dataclass(frozen=True)
class Failure:
    """An input that nobody should get through with: its number (-1 for a kept one), what happened, and where
    it was kept."""

    number: int
    what: str
    detail: str
    kept: str = ""


@dataclass
class Figures:
    """What a campaign, or a part of one, came to.

    Attributes:
        outcomes: how many inputs had which.
        peak: MiB of resident memory, of the process that had most.
        slowest: seconds and number of the inputs that took longest, longest first.
        interrupted: by Ctrl+C.
    """

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    peak: float = 0.0
    slowest: List[Tuple[float, int]] = field(default_factory=list)
    failures: List[Failure] = field(default_factory=list)
    interrupted: bool = False

    def add(self, other: "Figures") -> None:
        """Take in another part's."""
        self.inputs += other.inputs
        self.outcomes.update(other.outcomes)
        self.peak = max(self.peak, other.peak)
        self.slowest = sorted(self.slowest + other.slowest, reverse=True)[:_SLOWEST]
        self.failures += other.failures


def scratch_folder() -> str:
    """Where inputs are written: memory, where the system has such a folder."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else tempfile.gettempdir()


def look(target: "Target[Any]", guard: Guard, case: Any, random: Random) -> Tuple[str, Optional[str]]:
    """Give one input to a target: the outcome, and for a failure what happened in detail."""
    failed: Optional[Tuple[str, str]] = None
    outcome = ""
    target.place(case, guard.folder)
    try:
        with guard.watch(target.seconds):
            outcome = target.run(case, guard.folder, random)
    except DumpfiltError as error:
        outcome = type(error).__name__
    except HungError:
        failed = "hang", f"longer than {target.seconds} seconds\n{traceback.format_exc()}"
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        failed = f"exception {type(error).__name__}", traceback.format_exc()
    if failed is None and guard.strayed:
        failed = "read outside", "\n".join(guard.strayed)
    if failed is None and peak_mebibytes() > target.mebibytes:
        failed = "memory", f"{peak_mebibytes():.0f} MiB, and {target.mebibytes} are allowed"
    _empty(guard.folder)
    return (outcome, None) if failed is None else failed


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


class Campaign:
    """``count`` inputs from number ``first`` on.

    Args:
        jobs: processes.
        kept: where inputs that fail are kept; made when there is one.
    """

    def __init__(
        self, target: "Target[Any]", count: int, *, seed: int = 0, first: int = 0, jobs: int = 1, kept: Path
    ) -> None:
        self.target = target
        self.count = count
        self.seed = seed
        self.first = first
        self.jobs = max(1, min(jobs, count))
        self.kept = kept

    def case(self, number: int) -> Tuple[Any, Random]:
        """Input ``number``, and the random numbers that are left for looking at it."""
        random = Random(f"{self.target.name}/{self.seed}/{number}")
        return self.target.make(random), random

    def run(self, progress: Optional[Progress] = None) -> Figures:
        """Run it. A worker that dies, or that neither the alarm nor the target's own bounds bring back, is an
        input that fails; another worker goes on without that input."""
        total = Figures()
        scratch = Path(tempfile.mkdtemp(prefix="dumpfilt-fuzz-", dir=scratch_folder()))
        workers = [_Worker(self, part, scratch) for part in range(self.jobs)]
        try:
            while workers:
                wait([worker.reader for worker in workers], timeout=1.0)
                for worker in list(workers):
                    if not worker.collect(total):
                        workers.remove(worker)
                if progress is not None:
                    progress(total.inputs, len(total.failures))
                if len(total.failures) > _MAX_FAILURES:
                    break
        except KeyboardInterrupt:
            # What has been found so far is worth telling.
            total.interrupted = True
        finally:
            for worker in workers:
                worker.kill()
            shutil.rmtree(scratch, ignore_errors=True)
        for _, number in total.slowest[:1]:
            self._save(number, f"slowest-{number}")
        return total

    def keep(self, failure: Failure) -> Failure:
        """Keep a failure's input."""
        path = self._save(failure.number, f"failure-{failure.number}")
        return Failure(failure.number, failure.what, failure.detail, str(path))

    def _save(self, number: int, name: str) -> Path:
        path = self.kept / f"{self.target.name}-seed{self.seed}-{name}{self.target.suffix}"
        self.kept.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            self.target.save(self.case(number)[0], path)
        return path

    def numbers(self, part: int) -> range:
        """The inputs of one worker."""
        return range(self.first + part, self.first + self.count, self.jobs)

    def work(self, numbers: Iterable[int], scratch: Path, send: Send, now: Any) -> None:
        """What one worker does with these inputs. ``now`` tells at which it is, and since when."""
        # Ctrl+C is for the process that collects.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Without it, one input could take the machine's memory before anybody looks.
        resource.setrlimit(resource.RLIMIT_AS, (_HARD_LIMIT, _HARD_LIMIT))
        folder = Path(tempfile.mkdtemp(dir=scratch))
        (folder / "input").mkdir()
        guard = Guard(folder / "input")
        tempfile.tempdir = str(guard.temporary)
        self.target.prepare()
        gc.freeze()
        figures, since = Figures(), time.monotonic()
        for number in numbers:
            now[0], now[1] = number, time.monotonic()
            failed = self._one(guard, number, figures)
            if failed or time.monotonic() - since > _BATCH_SECONDS:
                send(figures)
                figures, since = Figures(), time.monotonic()
            if failed and peak_mebibytes() > self.target.mebibytes:
                # The peak of a process never goes down again: its next inputs would all be blamed.
                return
        send(figures)
        send(None)

    def _one(self, guard: Guard, number: int, figures: Figures) -> str:
        """Look at one input; what failed, empty where nothing did."""
        case, random = self.case(number)
        began = time.perf_counter()
        outcome, detail = look(self.target, guard, case, random)
        took = time.perf_counter() - began
        figures.add(Figures(1, Counter([outcome]), peak_mebibytes(), [(took, number)]))
        if detail is None:
            return ""
        figures.failures.append(self.keep(Failure(number, outcome, detail)))
        return outcome


class _Worker:
    """A process, and those that go on in its place."""

    def __init__(self, campaign: Campaign, part: int, scratch: Path) -> None:
        self._campaign = campaign
        self._part = part
        self._scratch = scratch
        self._reported = 0
        self._skipped: List[int] = []
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self.reader, writer = context.Pipe(duplex=False)
        # Getting ready may take longer than any input.
        self._now = context.Array("d", [-1.0, time.monotonic() + 120], lock=False)
        self._process = context.Process(
            target=self._campaign.work,
            args=(self._left(), self._scratch, writer.send, self._now),
            daemon=True,
        )
        self._process.start()
        writer.close()

    def _left(self) -> Iterable[int]:
        numbers = self._campaign.numbers(self._part)
        return islice((number for number in numbers if number not in self._skipped), self._reported, None)

    def collect(self, total: Figures) -> bool:
        """Add what it has to tell; False where it has come to its end."""
        try:
            while self.reader.poll():
                figures: Optional[Figures] = self.reader.recv()
                if figures is None:
                    self._process.join()
                    return False
                self._reported += figures.inputs
                total.add(figures)
        except EOFError:
            self._process.join()
            if self._process.exitcode:
                self._blame(total, "crash", f"the process died with exit code {self._process.exitcode}")
            self._start()
            return True
        if time.monotonic() - self._now[1] > _GRACE * self._campaign.target.seconds:
            self.kill()
            self._blame(total, "hang", "outside of Python, so that the process had to be killed")
            self._start()
        return True

    def _blame(self, total: Figures, what: str, detail: str) -> None:
        number = int(self._now[0])
        if number < 0:
            raise RuntimeError(f"{detail}, before its first input")
        self._skipped.append(number)
        failure = self._campaign.keep(Failure(number, what, detail))
        total.add(Figures(1, Counter([what]), failures=[failure]))

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
