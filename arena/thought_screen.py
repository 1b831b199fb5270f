"""What a player thought of a move, as lines for a terminal of 80 columns.

Values are seen by the player to move: on boards from -1, a loss, to +1, a win.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest

from rich.text import Text

from arena.thoughts import Thought

_BAR = 16
_MOST_ROWS = 12
_MOST_PLAYED = 10
"""Actions of an expected line that are shown."""
_GAP = 3
_BESIDE = 34
"""Widest board that has room for thoughts beside it."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
_FEW = 3
"""Actions that one line has room for."""

Name = Callable[[int], str]
"""Gives what people call an action."""


def shares(thought: Thought) -> tuple[str, list[float | None]]:
    """Gives what the bars of a thought show, a word and a share of 1 for each action.

    These are the visits of its search, else its policy, else the expected score of each action;
    no bars where there is none of them.
    """
    if total := sum(thought.visits or [0]):
        return "visits", [count / total for count in thought.visits or ()]
    if thought.policy is not None:
        return "policy", list(thought.policy)
    if thought.q is not None:
        return "score", [None if q is None else min(max((q + 1) / 2, 0), 1) for q in thought.q]
    return "", []


def value(thought: Thought) -> float | None:
    """Gives the value of a thought; where it says none, that of its best action."""
    if thought.value is not None:
        return thought.value
    known = [q for q in thought.q or () if q is not None]
    return max(known, default=None)


def rows(thought: Thought, name: Name, marks: Mapping[int, str]) -> list[Text]:
    """Gives a line for each action: its bar, its share, what it is expected to bring, its mark.

    Of many actions those with the largest shares are shown, and those with a mark.

    Args:
        thought: what is shown.
        name: of an action.
        marks: words that stand behind actions.
    """
    word, each = shares(thought)
    if not each:
        return []
    q = thought.q or [None] * len(each)
    order = sorted(range(len(each)), key=lambda a: (a not in marks, -(each[a] or 0.0)))
    shown = sorted(order[:_MOST_ROWS])
    wide = max(len(name(action)) for action in shown)
    head = f"{'':{wide}}  {word:{_BAR}}       {'q' if thought.q is not None else ''}"
    lines = [Text(head.rstrip(), style="dim")]
    for action in shown:
        share, expected = each[action], q[action]
        percent = "" if share is None else f"{100 * share:.0f} %"
        lacks = "" if expected is None else f"{expected:+.2f}"
        line = Text(f"{name(action):>{wide}}  ")
        line.append(bar(share or 0.0, _BAR), style="cyan")
        line.append(f" {percent:>5} {lacks:>6}")
        line.append(f"  {marks[action]}" if action in marks else "", style="bold")
        lines.append(line)
    return lines


def panel(title: str, thought: Thought, name: Name, marks: Mapping[int, str]) -> list[Text]:
    """Gives a title with the value, a line for each action as `rows`, and the line expected."""
    found = value(thought)
    head = title if found is None else f"{title}, value {found:+.2f}"
    lines = [Text(head, style="bold"), *rows(thought, name, marks)]
    line = expects(thought, name)
    return [*lines, Text(line, style="dim")] if line else lines


def beside(left: Sequence[Text], right: Sequence[Text]) -> list[Text]:
    """Gives lines with others beside them, or below where there is no room."""
    wide = max(line.cell_len for line in left)
    if wide > _BESIDE:
        return [*left, *right]
    lines = []
    for one, other in zip_longest(left, right):
        line = (one or Text()).copy()
        if other is not None:
            line.append(" " * (wide + _GAP - line.cell_len))
            line.append_text(other)
        lines.append(line)
    return lines


def expects(thought: Thought, name: Name) -> str:
    """Gives the line of play that is expected, empty where there is none."""
    if not thought.line:
        return ""
    shown = " ".join(name(action) for action in thought.line[:_MOST_PLAYED])
    return f"expects {shown}{' …' if len(thought.line) > _MOST_PLAYED else ''}"


def short(thought: Thought, name: Name) -> str:
    """Gives a thought in one line: its value, and the actions with the largest shares."""
    parts = [] if (found := value(thought)) is None else [f"value {found:.4g}"]
    word, each = shares(thought)
    if word == "score":
        each = []  # returns of any size are no scores
        best = sorted((-q, a) for a, q in enumerate(thought.q or ()) if q is not None)
        parts += [f"{name(action)} {-q:.4g}" for q, action in best[:_FEW]]
    order = sorted(range(len(each)), key=lambda action: -(each[action] or 0.0))
    for action in order[:_FEW]:
        share = each[action] or 0.0
        parts.append(f"{name(action)} {bar(share, 6).rstrip() or '▏'} {100 * share:.0f} %")
    return "  ".join(parts)


def bar(share: float, cells: int) -> str:
    """Gives a bar of so many cells that a share of 1 fills."""
    eighths = round(min(max(share, 0.0), 1.0) * cells * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells)


def course(values: Sequence[float | None]) -> str:
    """Draws values from -1 to 1, one after the other; blank where there is none."""
    return "".join(
        " " if v is None else _LEVELS[min(int((min(max(v, -1.0), 1.0) + 1) * 4), 7)] for v in values
    )
