"""A server that answers the `kaggle` package as Kaggle's does, on this machine alone."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """What the server knows and was told; `errors` maps a call to `(status, message)`."""

    def __init__(self):
        self.errors = {}
        self.uploads, self.created, self.authorizations = [], [], []
        self.status = ["PENDING", "COMPLETE"]
        self.error_description = ""
        self.episodes = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self):
        self._http.shutdown()
        self._http.server_close()

    def answer(self, call, request):
        if call in self.errors:
            code, message = self.errors[call]
            return code, {"code": code, "message": message}
        return 200, getattr(self, f"on_{call}")(request)

    def on_StartSubmissionUpload(self, request):
        return {"token": "blob", "createUrl": f"{self.url}/upload"}

    def on_CreateSubmission(self, request):
        self.created.append(request)
        return {"message": "Successfully submitted", "ref": 4711}

    def on_ListSubmissions(self, request):
        status = self.status.pop(0) if len(self.status) > 1 else self.status[0]
        one = {
            "ref": 4711,
            "status": status,
            "date": "2026-01-02T03:04:05.000Z",
            "description": "mine",
            "publicScore": "612.3",
            "errorDescription": self.error_description,
        }
        return {"submissions": [one] if self.created else []}

    def on_GetSubmissionLimits(self, request):
        return {"numAllowedNow": 2}

    def on_ListSubmissionEpisodes(self, request):
        agents = [
            {"submissionId": 4711, "index": 0, "reward": 1.0, "teamName": "ours"},
            {"submissionId": 99, "index": 1, "reward": -1.0, "teamName": "theirs"},
        ]
        return {
            "episodes": [
                {
                    "id": number,
                    "state": "COMPLETED",
                    "type": "EPISODE_TYPE_PUBLIC",
                    "createTime": "2026-01-02T03:04:05.000Z",
                    "agents": agents,
                }
                for number in self.episodes
            ]
        }

    def on_GetEpisodeReplay(self, request):
        return self.episodes[int(request["episodeId"])]


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def _body(self):
            if self.headers.get("Transfer-Encoding") == "chunked":
                data = b""
                while size := int(self.rfile.readline(), 16):
                    data += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return data
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _reply(self, code, document):
            data = json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self):
            server.authorizations.append(self.headers.get("Authorization"))
            request = json.loads(self._body() or b"{}")
            self._reply(*server.answer(self.path.rpartition("/")[2], request))

        def do_PUT(self):
            server.uploads.append(self._body())
            self._reply(*server.errors.get("upload", (200, {})))

    return Handler
