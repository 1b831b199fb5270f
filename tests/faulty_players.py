"""Players that break the rules of the house, each in one way; the first legal action otherwise."""

import os
import sys
import time

import numpy as np

from agents.base import Decisions, Failure


class First:
    """Plays the first legal action."""

    max_batch = None
    digest = None

    def reset(self, spec, seats, seeds):
        self.seeds = seeds

    def act(self, rows, steps, clock=None):
        return Decisions(self.choose(rows, steps))

    def choose(self, rows, steps):
        return steps.action_mask.argmax(axis=1)


class Raises(First):
    """Raises at its third move."""

    def choose(self, rows, steps):
        if steps.observation[0].sum() >= 4:
            raise RuntimeError("no idea")
        return super().choose(rows, steps)


class RaisesAtReset(First):
    def reset(self, spec, seats, seeds):
        raise RuntimeError("cannot begin") if len(seats) > 1 or seeds[0] else None


class Illegal(First):
    """Answers with a column beyond the board in every second row."""

    def choose(self, rows, steps):
        return np.where(rows % 2 == 0, 99, super().choose(rows, steps))


class WrongShape(First):
    def choose(self, rows, steps):
        return np.zeros(len(rows) + 1, dtype=int)


class Fractional(First):
    def choose(self, rows, steps):
        return np.full(len(rows), 1.5)


class GivesUp(First):
    """Says itself that it has no action, in row 0."""

    def act(self, rows, steps, clock=None):
        failures = [Failure("memory", "too big") if row == 0 else None for row in rows]
        return Decisions(self.choose(rows, steps), failure=failures)


class Exits(First):
    def choose(self, rows, steps):
        sys.exit(7)


class Dies(First):
    """Takes its process with it when it sees six discs or more, in games with an odd seed."""

    def choose(self, rows, steps):
        if ((steps.observation.sum(axis=(1, 2, 3)) >= 6) & (self.seeds[rows] % 2 == 1)).any():
            print("farewell", flush=True)
            os._exit(9)
        return super().choose(rows, steps)


class Hangs(First):
    """Never answers once it sees six discs, in games with an odd seed."""

    def choose(self, rows, steps):
        if ((steps.observation.sum(axis=(1, 2, 3)) >= 6) & (self.seeds[rows] % 2 == 1)).any():
            time.sleep(3600)
        return super().choose(rows, steps)


class Slow(First):
    """Takes 30 ms a row."""

    def choose(self, rows, steps):
        time.sleep(0.03 * len(rows))
        return super().choose(rows, steps)


class DiesLoading(First):
    def __init__(self):
        if os.environ.get("ARENA_TEST_DIE"):
            os._exit(3)
