"""What a page asks for: the words after the question mark, checked."""

from __future__ import annotations

from collections.abc import Mapping

_MOST = 2**53


class QueryError(ValueError):
    """A question that makes no sense; the answer is 400."""


class Query:
    """The words of one question."""

    def __init__(self, words: Mapping[str, str]) -> None:
        """Takes name to text."""
        self._words = words

    def text(self, name: str, default: str | None = None) -> str:
        """Gives a text of at most 500 characters.

        Raises:
            QueryError: when it is missing and there is no default, or too long.
        """
        found = self._words.get(name, default)
        if found is None:
            raise QueryError(f"'{name}' is missing; give {name}=TEXT")
        if len(found) > 500:
            raise QueryError(f"'{name}' has {len(found):,} characters; expected at most 500")
        return found

    def number(self, name: str, default: int | None = None) -> int:
        """Gives a whole number from 0 on.

        Raises:
            QueryError: when it is missing and there is no default, or no such number.
        """
        found = self._words.get(name)
        if found in (None, "") and default is not None:
            return default
        text = found or ""
        if not (text.isascii() and text.isdigit() and int(text[:20]) < _MOST):
            raise QueryError(f"'{name}' is {text[:50]!r}; expected a whole number")
        return int(text)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Gives one of some words, empty where nothing was said.

        Raises:
            QueryError: when it is another one.
        """
        found = self._words.get(name, "")
        if found and found not in choices:
            raise QueryError(f"'{name}' is {found[:50]!r}; expected one of {', '.join(choices)}")
        return found

    def __contains__(self, name: str) -> bool:
        """Tells whether something was said."""
        return bool(self._words.get(name))
