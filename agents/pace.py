"""How long a bundle may think: the allowance of a move, the bank of a game, and the true machine.

Kaggle takes what a move uses beyond `actTimeout` out of a bank, and ends the game when that is
empty. The bank is there for preparations, which compile, and for a machine that stands still:
thinking takes only what lies above `KEPT_S`, half of it at a time. How late answers come beyond
what was asked for is measured with every move, and kept off the next ones.
"""

from __future__ import annotations

from typing import NamedTuple

KEPT_S = 42.0
"""Of the bank, seconds that no thinking touches."""
LAST_S = 8.0
"""Of the bank, seconds that preparations leave whatever happens."""
_MARGIN_S = 0.15
_SHARE = 0.6
"""Most of a move's time that margins may take."""
_FADE = 0.8


class Limits(NamedTuple):
    """What a move may take; seconds from its beginning."""

    think_s: float
    """When the player is to answer."""
    wait_s: float
    """When somebody else answers for it."""


class Pace:
    """The time of one game."""

    def __init__(self) -> None:
        """Begins without knowing the machine."""
        self._late_s = 0.0

    def first(self, act_s: float, bank_s: float) -> Limits:
        """Gives the limits of a move that begins with preparations; they may use up the bank.

        Args:
            act_s: what each move has.
            bank_s: what the bank holds.
        """
        soon = self.next(act_s, bank_s)
        wait = max(soon.wait_s, act_s + bank_s - LAST_S - self._late_s)
        return Limits(max(soon.think_s, wait - act_s), wait)

    def next(self, act_s: float, bank_s: float) -> Limits:
        """Gives the limits of a move that nothing must be prepared for. Args as `first`."""
        margin = min(_MARGIN_S + self._late_s, _SHARE * act_s)
        spare = max(0.0, bank_s - KEPT_S) / 2
        kept = margin / 2 if bank_s > LAST_S else margin  # the end of the bank is for accidents
        return Limits(act_s + spare - margin, act_s + spare - kept)

    def note(self, limits: Limits, took_s: float) -> None:
        """Learns from an answer to what was asked: how late this machine lets one come."""
        self._late_s = max(self._late_s * _FADE, took_s - limits.think_s)

    def note_first(self, limits: Limits, took_s: float) -> None:
        """Learns from a move with preparations: only waiting tells how late it came."""
        self.note(limits._replace(think_s=limits.wait_s), took_s)
