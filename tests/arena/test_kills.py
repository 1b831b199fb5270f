import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_kills_lose_nothing_repeat_nothing_and_change_no_digit_of_the_ladder():
    """The short form of the benchmark of that name."""
    done = subprocess.run(
        [sys.executable, "benchmarks/kills.py", "--kills", "4", "--longest", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert told["kills"] == 4 and told["games"] == 2400
    assert told["same_records"] and told["same_ladder"]
    assert not told["times_a_finished_game_was_lost"] and not told["games_played_twice"]
    assert not told["processes_left_after_100_ms"]
