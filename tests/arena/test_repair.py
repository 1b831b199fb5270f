import os
import sqlite3

import pytest

from agents import checkpoint, disk
from agents.checkpoint import Manifest
from arena import repair, tournament
from arena.executor import Inline
from arena.records import Records, RecordsError
from arena.tournament import TournamentConfig

CONFIG = TournamentConfig(agents=("random", "one-ply"), games=200, chunk_games=10)


def play(run):
    """Plays what is missing; gives all records as text."""
    cards = tournament.inspect(CONFIG, Inline())
    with Records.write(run) as records:
        list(tournament.run(CONFIG, cards, records, Inline()))
        return [repr(episode) for episode in records.episodes()]


def test_cut_records_are_mended_and_resumed_as_if_nothing_had_been(tmp_path):
    run = tmp_path / "run"
    whole = play(run)
    file = run / "records.sqlite"
    os.truncate(file, file.stat().st_size * 3 // 4)
    with pytest.raises(RecordsError):
        play(run)
    (damage,) = repair.find(run)
    assert str(file) in damage.what
    assert not (run / "records.sqlite.damaged").exists()
    assert "saved" in damage.mend()
    assert (run / "records.sqlite.damaged").exists()
    assert repair.find(run) == []
    with Records.read(run) as records:
        assert 0 < records.count() < 200
    assert play(run) == whole


def test_a_damaged_checkpoint_is_set_aside_and_half_written_files_go(tmp_path):
    for step in (1, 2):
        about = Manifest("alphazero", "connectx", "", {"chunks": step}, {})
        checkpoint.write(checkpoint.at(tmp_path, step), about, {checkpoint.WEIGHTS: b"some bytes"})
    assert repair.find(tmp_path) == []
    weights = checkpoint.at(tmp_path, 2) / checkpoint.WEIGHTS
    weights.write_bytes(b"some bytez")
    (tmp_path / "checkpoints" / "00000003.part").mkdir()
    damages = repair.find(tmp_path)
    assert ["SHA-256" in d.what for d in damages] == [True, False]
    for damage in damages:
        damage.mend()
    assert checkpoint.steps(tmp_path) == [1]
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == [
        "00000001",
        "00000002.damaged",
    ]
    assert repair.find(tmp_path) == []


def test_doctor_says_what_it_would_do_before_it_does_it(arena, tmp_path):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    half = tmp_path / "runs" / "mine" / "config.part"
    half.write_text("command")
    where = ("--dir", str(tmp_path / "runs"))
    told = arena("doctor", "--repair", "mine", *where)
    assert told.returncode == 0 and "half written" in told.stdout and half.exists()
    told = arena("doctor", "--repair", "mine", "--yes", *where)
    assert "removed" in told.stdout and not half.exists()
    assert "nothing is damaged" in arena("doctor", "--repair", "mine", *where).stdout
    assert arena("doctor", "--repair", "mime", *where).returncode == 2
    assert arena("doctor", "--yes").returncode == 2


@pytest.mark.parametrize("change", ["seed = 3", "search = x'00'"])
def test_a_damaged_row_is_played_again_with_its_chunk(tmp_path, change):
    run = tmp_path / "run"
    whole = play(run)
    with sqlite3.connect(run / "records.sqlite") as connection:
        connection.execute(f"UPDATE episode SET {change} WHERE number = 57")
    connection.close()
    (damage,) = repair.find(run)
    assert "episode 57 is damaged" in damage.what
    assert "50 episodes saved" in damage.mend()
    assert repair.find(run) == []
    assert play(run) == whole


def test_emptied_records_are_found_by_what_was_counted(tmp_path):
    run = tmp_path / "run"
    whole = play(run)
    (run / "records.sqlite").write_bytes(b"")
    with pytest.raises(RecordsError, match="committed"):
        play(run)
    (damage,) = repair.find(run)
    assert "of 200 that were committed" in damage.what
    assert "200 or more lost" in damage.mend()
    assert play(run) == whole


def test_a_count_that_could_not_be_written_is_not_there(tmp_path, monkeypatch):
    def refused(file, data):
        raise disk.DiskError(28, f"{file}: No space left on device")

    run = tmp_path / "run"
    with monkeypatch.context() as full:
        full.setattr(disk, "save", refused)
        with pytest.raises(RecordsError, match=r"^[^:]*records\.count\.part: No space left"):
            Records.write(run)
    assert not (run / "records.count").exists() and repair.find(run) == []
    assert len(play(run)) == 200


def test_a_damaged_count_is_made_anew(tmp_path):
    run = tmp_path / "run"
    play(run)
    count = run / "records.count"
    before = count.read_bytes()
    count.write_bytes(before.replace(b"2", b"3", 1))
    (damage,) = repair.find(run)
    assert str(count) in damage.what
    damage.mend()
    assert count.read_bytes() == before and repair.find(run) == []
