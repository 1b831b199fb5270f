"""What a bundle plays when its player cannot: plain rules, at once and always legal.

Nothing is imported, so it works where NumPy and Numba are missing or broken. A board is Kaggle's:
marks row by row from the top, 0 where a cell is empty.
"""

from __future__ import annotations

_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))
_REPLIES = (3, 2, 3, 3, 3, 4, 3)


def opening(board: list[int], size: tuple[int, int, int]) -> int | None:
    """Gives a column that keeps the outcome of a game that has just begun; None of any other.

    Args:
        board: marks, row by row from the top.
        size: columns, rows, how many in a row win.
    """
    discs = [place for place, mark in enumerate(board) if mark]
    if size != (7, 6, 4) or len(discs) > 1:
        return None
    return _REPLIES[discs[0] % 7] if discs else 3


def column(board: list[int], mark: int, size: tuple[int, int, int]) -> int:
    """Gives a legal column: one that wins, else blocks, else gives nothing away, near the middle.

    Args:
        board: marks, row by row from the top.
        mark: of the player to move, 1 or 2.
        size: columns, rows, how many in a row win.
    """
    columns = size[0]
    free = [place for place in range(columns) if board[place] == 0]
    free.sort(key=lambda place: abs(2 * place - columns + 1))
    for who in (mark, 3 - mark):
        for place in free:
            if _wins(board, place, who, size):
                return place
    for place in free:
        after = list(board)
        after[_landing(board, place, size) * columns + place] = mark
        if after[place] != 0 or not _wins(after, place, 3 - mark, size):
            return place
    return free[0] if free else 0


def _landing(board: list[int], column: int, size: tuple[int, int, int]) -> int:
    """Gives the row, from the top, where a disc in a column that is not full lands."""
    columns, rows, _ = size
    return max(row for row in range(rows) if board[row * columns + column] == 0)


def _wins(board: list[int], column: int, mark: int, size: tuple[int, int, int]) -> bool:
    """Says whether a disc of `mark` in a column that is not full wins."""
    columns, rows, inarow = size
    begin = _landing(board, column, size)
    for down, right in _STEPS:
        count = 1
        for sign in (1, -1):
            row, place = begin + sign * down, column + sign * right
            while 0 <= row < rows and 0 <= place < columns and board[row * columns + place] == mark:
                count += 1
                row, place = row + sign * down, place + sign * right
        if count >= inarow:
            return True
    return False
