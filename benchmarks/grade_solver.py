"""Grades the solver on the 1,000 shipped positions; prints one JSON document.

`python benchmarks/grade_solver.py`. Seconds are processor time of one core, compilation apart.
"""

from __future__ import annotations

import json
import time

from agents import registry
from arena import grade


def main() -> None:
    """Prints the document."""
    player = registry.make("solver")
    positions = grade.read(grade.SHIPPED)
    list(grade.answers(player, positions[-1:], 0))
    began = time.process_time()
    found = list(grade.answers(player, positions, 0))
    seconds = time.process_time() - began
    graded = grade.document(found)
    document = {
        "name": "grade_solver",
        "positions": graded["positions"],
        "weak": graded["weak"],
        "strong": graded["strong"],
        "seconds": round(seconds, 1),
        "worst_seconds_of_a_batch": round(max(answer.seconds for answer in found) * 32, 1),
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
