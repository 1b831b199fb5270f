import pytest

from arena.rating import fit
from arena.results import Results, ResultsError
from arena.results_file import ResultsFileError, read_results


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "results.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_every_way_to_write_a_score(tmp_path):
    text = "first,second,score\n" + "".join(
        f"a,b,{score}\n"
        for score in ("1", "1-0", "1.0", "0", "0-1", "0.5", "1/2-1/2", "½-½", "1/2")
    )
    results = read_results(write(tmp_path, text))
    assert results.score2.tolist() == [2, 2, 2, 0, 0, 1, 1, 1, 1]
    assert results.players == ("a", "b")
    assert (results.cluster == -1).all()


def test_columns_in_any_order_with_openings_and_strangers(tmp_path):
    text = (
        "date,Score, opening ,second,first\n1.1.,1,e4,Bob,Ann\n\n"
        "2.1.,0,e4,Ann,Bob\n3.1.,0.5,,Ann,Bob\n4.1.,1,d4,Ann,Cy\n"
    )
    results = read_results(write(tmp_path, text, "utf-8-sig"))
    assert results.players == ("Ann", "Bob", "Cy")
    assert results.first.tolist() == [0, 1, 1, 2]
    assert results.score2.tolist() == [2, 0, 1, 2]
    assert results.cluster[0] == results.cluster[1] != results.cluster[3]
    assert results.cluster[2] == -1
    assert fit(results).bound is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("first,second,score\na,b,1\na,b,2\n", "line 3: score '2', expected"),
        ("first,second,score\na,b\n", "line 2: 2 cells"),
        ("first,second,score\n,b,1\n", "line 2: a player has no name"),
        ("first,second,score\na,a,1\n", "line 2: 'a' meets itself"),
        ("frist,second,score\na,b,1\n", "line 1: no column 'first'.*did you mean 'first'"),
        ("", "line 1: no column"),
        ("first,second,score\n", "holds no games"),
    ],
)
def test_bad_files_name_the_line(tmp_path, text, message):
    with pytest.raises(ResultsFileError, match=message):
        read_results(write(tmp_path, text))


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "results.csv"
    path.write_bytes(b"first,second,score\n\xff\xfe,b,1\n")
    with pytest.raises(ResultsFileError, match="UTF-8"):
        read_results(path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((("a", "b"), [0], [1, 0], [2]), "differ in length"),
        ((("a", "a"), [0], [1], [2]), "named twice"),
        ((("a", "b"), [0], [2], [2]), "name player 2, expected 0 to 1"),
        ((("a", "b"), [-1], [1], [2]), "name player -1"),
        ((("a", "b"), [0], [0], [2]), "meets itself"),
        ((("a", "b"), [0], [1], [3]), "outside 0, 1, 2"),
    ],
)
def test_results_check_their_columns(columns, message):
    with pytest.raises(ResultsError, match=message):
        Results.of(*columns)


def test_scores_between_are_refused():
    with pytest.raises(ResultsError, match=r"none of 0, 0\.5, 1"):
        Results.from_games([("a", "b", 0.7)])
