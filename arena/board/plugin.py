"""The Arena tab of TensorBoard: who leads, every game, and why each move was played."""

from __future__ import annotations

import mimetypes
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tensorboard.backend import http_util  # type: ignore[import-untyped]
from tensorboard.plugins import base_plugin  # type: ignore[import-untyped]
from werkzeug import Request, Response

from arena import runs

STATIC = Path(__file__).parent / "static"
_QUESTIONS = (
    "runs",
    "version",
    "ladder",
    "training",
    "games",
    "game",
    "verdicts",
    "film",
    "frames",
    "agents",
    "analyse",
)
"""Those of `desk.Desk`, which is loaded when the first is asked: TensorBoard starts at once."""

App = Callable[..., Any]


class ArenaPlugin(base_plugin.TBPlugin):  # type: ignore[misc]
    """What TensorBoard asks of a plugin."""

    plugin_name = "arena"

    def __init__(self, context: Any, waits: bool = False) -> None:
        """Takes the folder that TensorBoard was pointed at; `waits`: show the tab without games."""
        self._waits = waits
        self._lock = threading.Lock()
        self._logdir = Path(context.logdir) if context.logdir else None
        self._desk: Any = None

    def is_active(self) -> bool:
        """Tells whether there are records of games."""
        if self._logdir is None or self._waits:
            return self._waits
        return (self._logdir / runs.RECORDS).exists() or bool(runs.names(self._logdir))

    def read_ahead(self) -> None:
        """Loads what the first page will ask for."""
        from arena.board.query import Query

        desk = self._opened()
        for run in desk.answer("runs", Query({}))[1].get("runs", [])[:1]:
            desk.answer("ladder", Query({"run": run["name"]}))

    def frontend_metadata(self) -> Any:
        """Gives where the page begins."""
        return base_plugin.FrontendMetadata(
            es_module_path="/static/index.js", tab_name="Arena", disable_reload=True
        )

    def get_plugin_apps(self) -> dict[str, App]:
        """Gives what is served, by path."""
        files = {f"/static/{file.name}": _file(file) for file in STATIC.iterdir() if file.is_file()}
        return {**files, **{f"/{name}": self._question(name) for name in _QUESTIONS}}

    def _question(self, name: str) -> App:
        @Request.application
        def serve(request: Request) -> Response:
            if request.method != "GET":
                return _only_get(request)
            from arena.board.query import Query

            code, document = self._opened().answer(name, Query(request.args.to_dict()))
            answer: Response = http_util.Respond(request, document, "application/json", code)
            return answer

        return serve

    def _opened(self) -> Any:
        with self._lock:
            if self._desk is None:
                from arena.board.desk import Desk

                self._desk = Desk(self._logdir or Path())
            return self._desk


def _file(file: Path) -> App:
    kind = {".js": "application/javascript"}.get(file.suffix) or mimetypes.guess_type(file.name)[0]

    @Request.application
    def serve(request: Request) -> Response:
        if request.method != "GET":
            return _only_get(request)
        answer: Response = http_util.Respond(request, file.read_bytes(), kind or "text/plain")
        return answer

    return serve


def _only_get(request: Request) -> Response:
    answer: Response = http_util.Respond(request, "only GET is answered", "text/plain", 405)
    answer.headers["Allow"] = "GET"
    return answer
