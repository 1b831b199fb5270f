"""Kaggle as the owner of an account sees it: the only door to the `kaggle` package.

Credentials come from the package's usual places and stay there: no text that leaves this module
holds one. Everything that can fail is a `KaggleError` of one line that says what to do.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

COMPETITION = "connectx"
_PAGE = f"https://www.kaggle.com/competitions/{COMPETITION}"
_POLL_S = 15.0
_SECRETS = ("key", "token")
_LONG = 300


class KaggleError(RuntimeError):
    """Kaggle or the way to it refuses."""


class Submission(NamedTuple):
    """A submission as Kaggle lists it."""

    ref: int
    status: str
    """`PENDING`, `COMPLETE` or `ERROR`."""
    date: str
    description: str
    score: str
    """Its rating, empty before it has one."""
    error: str
    """Why it failed, empty where it did not."""


class Hosted(NamedTuple):
    """An episode as Kaggle lists it."""

    id: int
    state: str
    kind: str
    """`VALIDATION`, `PUBLIC` and so on."""
    ended: str
    teams: tuple[str, ...]
    """By seat."""
    rewards: tuple[float | None, ...]


class Account:
    """What can be done with a credential."""

    def __init__(self) -> None:
        """Finds the credential.

        Raises:
            KaggleError: when the package is missing, or there is no credential that is accepted.
        """
        self._api: Any = None
        with self._said(), _quiet():
            try:
                module = import_module("kaggle.api.kaggle_api_extended")
            except ImportError as error:
                raise KaggleError(
                    f"the kaggle package is missing ({error.name}); "
                    "pip install -c constraints.txt -e '.[kaggle]'"
                ) from None
            self._api = module.KaggleApi()
            try:
                self._api.authenticate()
            except SystemExit:
                raise KaggleError(
                    "no credential of Kaggle that works; make a token at "
                    "https://www.kaggle.com/settings and put it into ~/.kaggle/access_token, "
                    "or into KAGGLE_API_TOKEN"
                ) from None

    def submit(self, file: Path, message: str) -> int:
        """Sends a submission; gives its number.

        Raises:
            KaggleError: as the module says.
        """
        with self._said(), _quiet():
            answer = self._api.competition_submit(str(file), message, COMPETITION, quiet=True)
        if not getattr(answer, "ref", 0):
            words = _line(getattr(answer, "message", "")) or "no number came back"
            raise KaggleError(f"Kaggle did not take {file.name}: {words}; try again in a while")
        return int(answer.ref)

    def allowance(self) -> int | None:
        """Gives how many submissions are allowed now, None where Kaggle does not say.

        Raises:
            KaggleError: as the module says.
        """
        with self._said(), _quiet():
            limits = self._api.competition_get_submission_limits(COMPETITION)
        return None if limits is None else int(limits.num_allowed_now)

    def submissions(self) -> list[Submission]:
        """Gives the newest submissions, the newest first.

        Raises:
            KaggleError: as the module says.
        """
        with self._said(), _quiet():
            found = self._api.competition_submissions(COMPETITION) or []
        return [
            Submission(
                int(one.ref),
                _name(one.status),
                _text(one.date),
                _line(one.description),
                _line(one.public_score),
                _line(one.error_description),
            )
            for one in found
            if one is not None
        ]

    def episodes(self, ref: int) -> list[Hosted]:
        """Gives the episodes of a submission, in Kaggle's order.

        Raises:
            KaggleError: as the module says.
        """
        with self._said(), _quiet():
            found = self._api.competition_list_episodes(ref) or []
        return [_hosted(one) for one in found]

    def fetch(self, episode: int, folder: Path) -> Path:
        """Downloads an episode, whole or not at all; gives its file.

        Raises:
            KaggleError: as the module says.
        """
        file = folder / f"episode-{episode}.json"
        part = folder / f"episode-{episode}-replay.json"
        part.unlink(missing_ok=True)
        try:
            with self._said(), _quiet():
                self._api.competition_episode_replay(episode, str(folder))
            os.replace(part, file)
        finally:
            part.unlink(missing_ok=True)
        return file

    def wait(
        self, ref: int, told: Callable[[str], None], pause: Callable[[float], None] = time.sleep
    ) -> Submission:
        """Gives a submission as soon as its validation episode is over.

        Args:
            ref: its number.
            told: told each status once.
            pause: waits for so many seconds.

        Raises:
            KaggleError: when it failed, is unknown, or as the module says.
        """
        last = ""
        while True:
            found = next((one for one in self.submissions() if one.ref == ref), None)
            if found is None:
                raise KaggleError(f"no submission {ref} in {COMPETITION}; `arena kaggle episodes`")
            if found.status != last:
                told(last := found.status)
            if found.status == "ERROR":
                raise KaggleError(
                    f"submission {ref} failed: {found.error or 'Kaggle does not say why'}; "
                    "`arena submit --rehearse FILE` finds out what to mend"
                )
            if found.status == "COMPLETE":
                return found
            pause(_POLL_S)

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        """Turns whatever the package raises into one line without a credential."""
        try:
            yield
        except KaggleError:
            raise
        except (Exception, SystemExit) as error:
            raise KaggleError(self._scrubbed(_advice(error))) from None

    def _scrubbed(self, text: str) -> str:
        values = dict(getattr(self._api, "config_values", {}) or {})
        secrets = [values.get(name) for name in _SECRETS]
        secrets += [os.environ.get(name) for name in ("KAGGLE_KEY", "KAGGLE_API_TOKEN")]
        for secret in secrets:
            if secret:
                text = text.replace(str(secret), "***")
        return text


def _advice(error: BaseException) -> str:
    """Gives what an error of the package means and what to do."""
    response = getattr(error, "response", None)
    code = getattr(response, "status_code", None)
    words = _line(error)
    with contextlib.suppress(Exception):
        words = _line(response.json()["message"]) if response is not None else words
    lower = words.lower()
    if code == 401 or "unauthenticated" in lower:
        return "Kaggle refuses the credential; make a new token at https://www.kaggle.com/settings"
    if code in (403, 400) and ("rule" in lower or "accept" in lower or "join" in lower):
        return f"the rules are not accepted yet; accept them at {_PAGE}/rules ({words})"
    if code == 429 or any(word in lower for word in ("daily", "limit", "per day", "quota")):
        return f"no more submissions are allowed now: {words}; the count begins anew at 0:00 UTC"
    if code == 403:
        return f"Kaggle forbids it: {words}; accept the rules at {_PAGE}/rules, or make a new token"
    if code == 404:
        return f"Kaggle does not know it: {words}; look at `arena kaggle episodes`"
    if code is not None:
        return f"Kaggle answers {code}: {words}; try again in a while"
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"ConnectionError", "Timeout", "RetryError", "MaxRetryError"}:
        return f"cannot reach Kaggle ({type(error).__name__}); look at the network"
    return f"the kaggle package failed: {type(error).__name__}: {words}"


def _hosted(one: Any) -> Hosted:
    agents = sorted(one.agents or [], key=lambda agent: agent.index)
    return Hosted(
        int(one.id),
        _name(one.state),
        _name(one.type).removeprefix("EPISODE_TYPE_"),
        _text(one.end_time or one.create_time),
        tuple(_line(agent.team_name) or f"submission {agent.submission_id}" for agent in agents),
        tuple(agent.reward for agent in agents),
    )


def _name(value: Any) -> str:
    return str(getattr(value, "name", value) or "").upper()


def _text(when: Any) -> str:
    return when.strftime("%Y-%m-%d %H:%M") if hasattr(when, "strftime") else _line(when)


def _line(words: Any) -> str:
    """Gives a text on one line, harmless and of reasonable length."""
    plain = " ".join(str(words or "").split())
    return "".join(letter for letter in plain if letter.isprintable())[:_LONG]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what the package prints to itself."""
    noise = io.StringIO()
    with contextlib.redirect_stdout(noise), contextlib.redirect_stderr(noise):
        yield
