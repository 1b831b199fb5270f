"""Zips that were saved elsewhere are read without trust: no code, no surprises in size."""

import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

import tests.sb3_zips as zips
from agents import sb3_zip
from agents.sb3_zip import Sb3ZipError


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A small model in a zip."""
    file = tmp_path_factory.mktemp("zips") / "good.zip"
    zips.model(PPO, "MlpPolicy", zips.board(), **zips.FEW).save(file)
    return file


def refused(file, named):
    with pytest.raises(Sb3ZipError) as caught:
        sb3_zip.read(file)
    assert named in str(caught.value) and "\n" not in str(caught.value)


class Harm:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_parameters_and_texts_are_read(good):
    import hashlib

    import stable_baselines3

    found = sb3_zip.read(good)
    assert found.file == "good.zip"
    assert found.sha256 == hashlib.sha256(good.read_bytes()).hexdigest()
    assert found.version == stable_baselines3.__version__
    assert found.about["gamma"] == 0.99
    for name, tensor in zips.parameters(good).items():
        np.testing.assert_array_equal(found.parameters[name], tensor)


def test_code_is_never_run(good, tmp_path):
    harm, target = Harm(tmp_path / "harmed"), tmp_path / "bad.zip"
    pickle.loads(pickle.dumps(harm))
    assert harm.path.exists(), "the test itself must do harm"
    harm.path.rmdir()
    parameters = {**zips.parameters(good), "harm": harm}
    zips.exchanged(good, target, **{"policy.pth": zips.stored(parameters)})
    refused(target, "has code in it (posix.mkdir), which is never run")
    zips.exchanged(good, target, **{"policy.pth": pickle.dumps(harm)})
    refused(target, "may have code in it")
    legacy = io.BytesIO()
    torch.save(parameters, legacy, _use_new_zipfile_serialization=False)
    zips.exchanged(good, target, **{"policy.pth": legacy.getvalue()})
    refused(target, "may have code in it")
    assert not harm.path.exists()


def test_pickles_elsewhere_are_left_alone(good, tmp_path):
    import base64

    harm, target = Harm(tmp_path / "harmed"), tmp_path / "bad.zip"
    words = zips.about(good)
    for value in words.values():
        if isinstance(value, dict) and ":serialized:" in value:
            value[":serialized:"] = base64.b64encode(pickle.dumps(harm)).decode()
    members = {
        "data": json.dumps(words),
        "pytorch_variables.pth": pickle.dumps(harm),
        "policy.optimizer.pth": pickle.dumps(harm),
        "../../outside": b"a path that leads out of the folder",
    }
    zips.exchanged(good, target, **members)
    assert sb3_zip.read(target).parameters.keys() == sb3_zip.read(good).parameters.keys()
    assert [path.name for path in tmp_path.iterdir()] == ["bad.zip"]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.6, 0.95, 0.9999])
def test_cut_files_are_refused(good, tmp_path, share):
    data, cut = good.read_bytes(), tmp_path / "cut.zip"
    cut.write_bytes(data[: int(share * len(data))])
    refused(cut, "cut.zip is no whole zip")


def test_a_changed_byte_is_noticed(good, tmp_path):
    data, changed = bytearray(good.read_bytes()), tmp_path / "changed.zip"
    with zipfile.ZipFile(good) as archive:
        member = archive.getinfo("policy.pth")
    data[member.header_offset + member.file_size // 2] ^= 1
    changed.write_bytes(data)
    refused(changed, "changed.zip is no whole zip")


def test_no_file_and_no_model(good, tmp_path):
    refused(tmp_path / "none.zip", "no file")
    refused(tmp_path, "no file")
    for name in ("data", "policy.pth"):
        zips.exchanged(good, tmp_path / "less.zip", **{name: None})
        refused(tmp_path / "less.zip", f"less.zip has no {name} in it")
    for text, named in (
        ("{", "its data is damaged"),
        (b"\xff", "its data is damaged"),
        ("[1]", "names no attributes"),
        ("[" * 10**6, "its data is damaged"),
    ):
        zips.exchanged(good, tmp_path / "odd.zip", data=text)
        refused(tmp_path / "odd.zip", named)


def lying(good, target, name, size):
    """Writes a copy of a zip whose directory gives a member another size."""
    zips.exchanged(good, target, **{name: b"small"})
    data = target.read_bytes()
    with zipfile.ZipFile(target) as archive:
        start = archive.start_dir
    entry = data.index(name.encode(), start) - 46  # a directory entry: 46 bytes, then the name
    target.write_bytes(data[: entry + 24] + size.to_bytes(4, "little") + data[entry + 28 :])
    return target


def test_bombs_are_refused_before_they_are_read(good, tmp_path):
    target = tmp_path / "bomb.zip"
    refused(lying(good, target, "extra", 2 * 10**9), "'extra' in it has 2,000,000,000 bytes")
    refused(lying(good, target, "data", 2 * 10**8), "'data' in it has 200,000,000 bytes")
    inner = io.BytesIO(zips.stored(zips.parameters(good)))
    with zipfile.ZipFile(inner, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"archive/data/9{number}", bytes(1000))
    sizes = inner.getvalue()
    start = zipfile.ZipFile(inner).start_dir
    for number in range(3):
        entry = sizes.index(f"archive/data/9{number}".encode(), start) - 46
        sizes = sizes[: entry + 24] + (4 * 10**8).to_bytes(4, "little") + sizes[entry + 28 :]
    zips.exchanged(good, target, **{"policy.pth": sizes})
    refused(target, "policy.pth is larger than 1,000,000,000 bytes inflated")


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ([1], "holds no parameters by name"),
        ({}, "holds no parameters by name"),
        ({"a": 1}, "'a' in policy.pth is no parameter"),
        ({"a\n": "text"}, r"'a\n' in policy.pth is no parameter"),
        ({"a": torch.zeros(2, dtype=torch.int64)}, "is no parameter"),
        ({"a": torch.zeros(2, 2).to_sparse()}, "is no parameter"),
        ({"a": torch.zeros(2, device="meta")}, "is no parameter"),
        ({"a": torch.zeros(1).expand(10**5, 10**5)}, "take more than 1,000,000,000 bytes"),
        ({"a": torch.tensor([1.0, torch.nan])}, "'a' is not finite"),
    ],
)
def test_what_is_no_parameters_is_refused(found, named, good, tmp_path):
    target = zips.exchanged(good, tmp_path / "odd.zip", **{"policy.pth": zips.stored(found)})
    refused(target, named)


def test_versions_are_short_texts_or_left_out(good, tmp_path):
    target = tmp_path / "other.zip"
    for text, wanted in (("1.8.0\n", "1.8.0"), ("\x1b[2J", ""), ("9" * 99, ""), (None, "")):
        zips.exchanged(good, target, _stable_baselines3_version=text)
        assert sb3_zip.read(target).version == wanted


def test_other_precisions_are_read(good, tmp_path):
    halves = {name: tensor.bfloat16() for name, tensor in zips.parameters(good).items()}
    target = zips.exchanged(good, tmp_path / "half.zip", **{"policy.pth": zips.stored(halves)})
    for name, array in sb3_zip.read(target).parameters.items():
        np.testing.assert_array_equal(array, halves[name].float())
