"""What players of Connect X share: the board that they are to play on."""

from __future__ import annotations

from agents.base import AgentError
from envs.base import EnvSpec
from envs.connectx import rules
from envs.connectx.rules import Geometry


def geometry(spec: EnvSpec, player: str) -> Geometry:
    """Gives the board of an environment.

    Args:
        spec: the environment that a player is reset for.
        player: its name, for the error.

    Raises:
        AgentError: when the environment is not Connect X.
    """
    if not spec.id.startswith("connectx"):
        raise AgentError(f"{player} plays connectx only, not {spec.id!r}; choose another player")
    return rules.geometry(*(int(spec.options[name]) for name in ("columns", "rows", "inarow")))
