"""Reads models that Stable-Baselines3 saved elsewhere. Nothing in them is executed or unpacked.

Of the zip three members are read, each by its exact name and with its size checked before. Of
`data` only text and numbers count: the pickles between them are left alone. `policy.pth` is read
as numbers by PyTorch, which refuses all else.
Source: https://stable-baselines3.readthedocs.io/en/master/guide/save_format.html.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import pickle
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.base import AgentError

_MOST_BYTES = 10**9
"""Of a member, and of all numbers together as they are in memory."""
_MOST_TEXT = 10**8
"""Bytes of a member that is text."""
_DATA, _POLICY, _VERSION = "data", "policy.pth", "_stable_baselines3_version"
_GLOBAL = re.compile(r"GLOBAL ([\w.]{1,100})")
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError,
    NotImplementedError, RuntimeError, ValueError, RecursionError,
)  # fmt: skip
"""What `zipfile` and `json` raise on files that are no such thing, were cut, or are locked."""


class Sb3ZipError(AgentError):
    """A file that no player can be made from."""


class Saved(NamedTuple):
    """What a file holds, as it stands there."""

    file: str
    """Its name, without its folder."""
    sha256: str
    """Of the whole file."""
    version: str
    """Of Stable-Baselines3 that saved it; empty where the file does not say."""
    about: Mapping[str, Any]
    """The algorithm's attributes by name; of those that were pickled, a mapping to their texts."""
    parameters: Mapping[str, NDArray[np.float32]]
    """The policy's parameters by name, all finite."""


def read(file: Path) -> Saved:
    """Gives what a saved model holds.

    Raises:
        Sb3ZipError: when there is none, when it is damaged or too large, or has code in it.
    """
    if not file.is_file():
        raise Sb3ZipError(f"no file '{file}'; give a zip that Stable-Baselines3 saved")
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        with _damage(f"{file.name} is no whole zip"), zipfile.ZipFile(stream) as archive:
            _check_sizes(archive, file.name)
            if min((member.header_offset for member in archive.infolist()), default=0):
                # Of a zip that was cut, the end of a zip within it is taken for its own.
                raise zipfile.BadZipFile("it begins with something else, or was cut")
            names = set(archive.namelist())
            if lacking := sorted({_DATA, _POLICY} - names):
                raise Sb3ZipError(
                    f"{file.name} has no {' and no '.join(lacking)} in it; give a zip that "
                    "Stable-Baselines3 saved"
                )
            words = _text(archive, _DATA, file.name)
            version = _text(archive, _VERSION, file.name) if _VERSION in names else b""
            policy = archive.read(_POLICY)
    with _damage(f"{file.name}: its {_DATA} is damaged"):
        about = json.loads(words)
        known = re.fullmatch(r"[\w.+-]{1,40}", version.decode().strip())
    if not isinstance(about, dict):
        raise Sb3ZipError(f"{file.name}: its {_DATA} names no attributes; get the file again")
    return Saved(file.name, sha256, known[0] if known else "", about, _numbers(policy, file.name))


@contextmanager
def _damage(words: str) -> Iterator[None]:
    """Says of whatever goes wrong inside that the file is damaged."""
    try:
        yield
    except Sb3ZipError:
        raise
    except _DAMAGE as error:
        reason = ascii(str(error))[1:-1][:100]
        raise Sb3ZipError(f"{words} ({reason}); get the file again") from error


def _check_sizes(archive: zipfile.ZipFile, name: str) -> None:
    """Refuses members that are too large once they are inflated."""
    for member in archive.infolist():
        if member.file_size > _MOST_BYTES:
            raise Sb3ZipError(
                f"{name}: {member.filename!a} in it has {member.file_size:,} bytes, at most "
                f"{_MOST_BYTES:,} are read; save the model without it"
            )


def _text(archive: zipfile.ZipFile, member: str, name: str) -> bytes:
    """Gives a member that is text."""
    if (size := archive.getinfo(member).file_size) > _MOST_TEXT:
        raise Sb3ZipError(
            f"{name}: '{member}' in it has {size:,} bytes, at most {_MOST_TEXT:,} are read; save "
            "the model without what it remembers"
        )
    return archive.read(member)


def _numbers(data: bytes, name: str) -> dict[str, NDArray[np.float32]]:
    """Gives the parameters in a file of PyTorch's, which is a zip itself."""
    if not data.startswith(b"PK"):
        raise Sb3ZipError(
            f"{name}: {_POLICY} is no zip of PyTorch's, so it may have code in it; save the model "
            "by PyTorch 1.6 or newer"
        )
    with _damage(f"{name}: {_POLICY} is damaged"), zipfile.ZipFile(io.BytesIO(data)) as archive:
        _check_sizes(archive, name)
        if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
            raise Sb3ZipError(f"{name}: {_POLICY} is larger than {_MOST_BYTES:,} bytes inflated")
    found = _load(data, name)
    if not isinstance(found, dict) or not found:
        raise Sb3ZipError(f"{name}: {_POLICY} holds no parameters by name; get the file again")
    _check_tensors(found, name)
    arrays = {key: tensor.detach().float().numpy().copy() for key, tensor in found.items()}
    for key, array in arrays.items():
        if not np.isfinite(array).all():
            raise Sb3ZipError(f"{name}: {key!a} is not finite; choose a model that did not diverge")
    return arrays


def _load(data: bytes, name: str) -> Any:
    """Gives what PyTorch reads without running anything."""
    import torch

    try:
        with warnings.catch_warnings(action="ignore"):  # of damaged files it tells in many words
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = _GLOBAL.search(str(error))
        what = f" ({wanted[1]})" if wanted else ""
        raise Sb3ZipError(
            f"{name}: {_POLICY} has code in it{what}, which is never run; give a model whose "
            "policy is parameters alone"
        ) from error
    except Exception as error:  # files made to do harm end in any of them
        raise Sb3ZipError(
            f"{name}: {_POLICY} is damaged ({type(error).__name__}); get the file again"
        ) from error


def _check_tensors(found: dict[Any, Any], name: str) -> None:
    """Refuses what is no parameter, and views that would grow when they are copied."""
    import torch

    for key, value in found.items():
        plain = isinstance(value, torch.Tensor) and value.layout == torch.strided
        if not plain or value.device.type != "cpu" or not value.is_floating_point():
            raise Sb3ZipError(
                f"{name}: {str(key)[:60]!a} in {_POLICY} is no parameter of a policy; get the file "
                "again"
            )
    if 4 * sum(math.prod(tensor.shape) for tensor in found.values()) > _MOST_BYTES:
        raise Sb3ZipError(
            f"{name}: the parameters take more than {_MOST_BYTES:,} bytes; choose a smaller model"
        )
