"""How good an agent's moves are on solved Connect X positions.

A positions file has one JSON object a line: `{"moves": "4453", "scores": [-2, -1, 0, 1, null, 0,
-1]}`: columns from 1, from the empty board; for the player to move, the score of each column, null
where it is full (see `agents.solver_search` for what scores mean). A move is *weak* if it keeps the
game's outcome, *strong* if its score is the best. A position is *decisive* where some legal move
changes the outcome.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.base import AgentError, Player
from arena import moves as move_texts
from envs import registry as env_registry
from envs import seeding

ENV = "connectx"
SHIPPED = Path(__file__).with_name("positions") / "connectx.jsonl"
"""The positions that agents are graded on by default."""
BANDS = ((0, 7), (8, 15), (16, 23), (24, 31), (32, 41))
"""First and last ply of each band that a grade is given for."""

CHUNK = 32
"""Most positions that are asked side by side."""


class PositionsError(ValueError):
    """A file that no positions can be read from."""


class Labelled(NamedTuple):
    """A position whose columns' scores are known."""

    actions: tuple[int, ...]
    """Columns played from the empty board, from 0."""
    scores: tuple[int | None, ...]
    """Score of each column for the player to move, None where it is full."""

    @property
    def best(self) -> int:
        """The best score of a column."""
        return max(score for score in self.scores if score is not None)

    @property
    def decisive(self) -> bool:
        """True where some legal move changes the outcome."""
        return len({_outcome(score) for score in self.scores if score is not None}) > 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent did in a position."""

    position: Labelled
    action: int | None
    """Its column, from 0; None where it gave no legal one."""
    seconds: float
    """Its share of the time that the batch took."""
    fault: str = ""
    """Why there is no action."""

    @property
    def weak(self) -> bool:
        """True if the move keeps the outcome."""
        return self._score is not None and _outcome(self._score) == _outcome(self.position.best)

    @property
    def strong(self) -> bool:
        """True if no move is better."""
        return self._score == self.position.best

    @property
    def _score(self) -> int | None:
        return None if self.action is None else self.position.scores[self.action]


def _outcome(score: int) -> int:
    return (score > 0) - (score < 0)


def read(file: Path) -> list[Labelled]:
    """Gives the positions of a file, in its order.

    Raises:
        PositionsError: when it cannot be read, is empty or has a bad line; it names the line.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PositionsError(f"cannot read {file}: {error}; give a file of positions") from error
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(_parsed(line))
            except ValueError as error:
                raise PositionsError(f"{file}, line {number}: {error}") from error
    if not found:
        raise PositionsError(f"{file} has no positions; expected one JSON object a line")
    return found


def _parsed(line: str) -> Labelled:
    """Gives the position of a line, or a ValueError that says what is wrong with it."""
    try:
        entry = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error}") from error
    if not isinstance(entry, dict) or not {"moves", "scores"} <= set(entry):
        raise ValueError('expected {"moves": "4453", "scores": [...]}')
    text, scores = entry["moves"], entry["scores"]
    if not isinstance(text, str):
        raise ValueError(f"moves are {text!r}; expected a text such as '4453'")
    actions = move_texts.read(text, ENV)
    mask = move_texts.play(actions, ENV).action_mask
    if not isinstance(scores, list) or len(scores) != len(mask):
        raise ValueError(f"scores are {scores!r}; expected a list of {len(mask)}")
    for column, (score, open_) in enumerate(zip(scores, mask, strict=True), 1):
        if open_ and type(score) is not int:
            raise ValueError(f"score of column {column} is {score!r}; expected a whole number")
        if not open_ and score is not None:
            raise ValueError(f"column {column} is full, its score is {score!r}; expected null")
    return Labelled(actions, tuple(scores))


def answers(player: Player, positions: Sequence[Labelled], seed: int) -> Iterator[Answer]:
    """Gives the answer to each position in turn; each is an episode of its own for the player.

    A position's luck follows from its moves and `seed`, so it does not depend on the others.

    Raises:
        AgentError: when the player cannot play Connect X.
    """
    size = min(player.max_batch or CHUNK, CHUNK)
    for first in range(0, len(positions), size):
        yield from _answered(player, positions[first : first + size], seed)


def _answered(player: Player, chunk: Sequence[Labelled], seed: int) -> list[Answer]:
    env = env_registry.make_vector(ENV, len(chunk))
    rows = np.arange(len(chunk))
    texts = [move_texts.write(position.actions) for position in chunk]
    seeds = np.array([seeding.derive(seed, "grade", text) for text in texts], np.int64)
    steps = env.reset(rows, seeds, [position.actions for position in chunk])
    faults: dict[int, str] = {}
    began = time.perf_counter()
    try:
        player.reset(env.spec, np.asarray(steps.to_play, np.int64), seeds)
        began = time.perf_counter()
        decisions = player.act(rows, steps)
        actions: NDArray[Any] = np.asarray(decisions.action)
        if actions.shape != rows.shape or actions.dtype.kind not in "iu":
            raise TypeError(
                f"actions are {actions.dtype}{list(actions.shape)}, not int[{len(rows)}]"
            )
        for row, failure in enumerate(decisions.failure or ()):
            if failure is not None:
                faults[row] = f"{failure.reason}: {failure.detail}"
    except AgentError:
        raise
    except (Exception, SystemExit) as error:
        detail = "".join(traceback.format_exception_only(error)).strip()
        actions, faults = np.zeros(len(rows), np.int64), dict.fromkeys(range(len(rows)), detail)
    seconds = (time.perf_counter() - began) / len(rows)
    found = []
    for row, position in enumerate(chunk):
        action = int(actions[row])
        legal = 0 <= action < len(position.scores) and position.scores[action] is not None
        if not legal:
            faults.setdefault(row, f"illegal: column {action + 1}")
        fault = faults.get(row, "")
        found.append(Answer(position, None if fault else action, seconds, fault))
    return found


def document(found: Sequence[Answer]) -> dict[str, Any]:
    """Gives the grade of some answers: counts, and shares in 0..1, None of nothing."""
    seconds = sum(answer.seconds for answer in found)
    bands = []
    for first, last in BANDS:
        inside = [answer for answer in found if first <= len(answer.position.actions) <= last]
        if inside:
            bands.append({"first": first, "last": last, **_shares(inside)})
    return {**_shares(found), "ms_per_move": 1000 * seconds / len(found), "plies": bands}


def _shares(found: Sequence[Answer]) -> dict[str, Any]:
    decisive = [answer for answer in found if answer.position.decisive]
    return {
        "positions": len(found),
        "weak": _share([answer.weak for answer in found]),
        "strong": _share([answer.strong for answer in found]),
        "decisive": len(decisive),
        "decisive_weak": _share([answer.weak for answer in decisive]),
        "decisive_strong": _share([answer.strong for answer in decisive]),
    }


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None
