"""Shared by the tests of the tab: a folder of runs with games that somebody has played."""

import shutil
import sqlite3
from dataclasses import replace

import pytest

from arena.board.desk import Desk
from arena.board.query import Query
from arena.records import Records
from tests.board.library_games import BOARD, DAMAGED, DAMAGED_THOUGHTS, NASTY, played


@pytest.fixture(scope="session")
def board_records():
    pairs = [(a, b) for a in range(4) for b in range(4) if a != b] * 2
    return played("connectx", BOARD, pairs)


@pytest.fixture(scope="session")
def pong_record():
    return played("pong", ("repeat",), [(0,)], seed=3)[0]


@pytest.fixture(scope="session")
def library(tmp_path_factory, board_records, pong_record):
    """Two runs, `games` and `pong`; some games are damaged, forfeited or of somebody unknown."""
    root = tmp_path_factory.mktemp("library")
    forfeit = replace(board_records[0], blame=0, termination="timeout", fault="too <late>")
    foreign = replace(board_records[1], agents=(NASTY, "one-ply"), rated=False)
    with Records.write(root / "games") as records:
        records.commit([*board_records, *board_records[:2], forfeit, foreign])
    with Records.write(root / "pong") as records:
        records.commit([pong_record, replace(pong_record, agents=("random",), seed=4, rated=False)])
    with sqlite3.connect(root / "games" / "records.sqlite") as connection:
        connection.execute(
            "UPDATE episode SET returns = '[1.0,', rated = 0 WHERE number = ?", (DAMAGED,)
        )
        connection.execute(
            "UPDATE episode SET search = x'01ff00' WHERE number = ?", (DAMAGED_THOUGHTS,)
        )
    connection.close()
    return root


@pytest.fixture
def copied(library, tmp_path):
    """A copy of the library that a test may write."""
    return shutil.copytree(library, tmp_path / "runs")


@pytest.fixture(scope="session")
def desk(library):
    return Desk(library)


@pytest.fixture(scope="session")
def ask(desk):
    """Asks the desk a question; gives the document, or with `code` what HTTP would say."""

    def ask(name, code=200, **words):
        found, document = desk.answer(name, Query({k: str(v) for k, v in words.items()}))
        assert found == code, document
        return document

    return ask
