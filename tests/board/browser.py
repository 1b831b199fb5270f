"""A headless Chromium, driven over two pipes: no library, no port.

Source of the protocol: https://chromedevtools.github.io/devtools-protocol/.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
_FLAGS = [
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--mute-audio",
    "--disable-component-update",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--allow-file-access-from-files",
]
_PATIENCE_S = 200
"""On a busy machine; where nothing else runs a page takes a second."""


class Browser:
    """One page, and everything that went wrong in it."""

    def __init__(self):
        self._home = tempfile.mkdtemp(prefix="chromium")
        read, self._out = os.pipe()
        self._in, write = os.pipe()
        flags = [*_FLAGS, f"--user-data-dir={self._home}", "about:blank"]
        pipes = f"exec {CHROMIUM} {' '.join(flags)} 3<&{read} 4>&{write}"
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            ["bash", "-c", pipes], pass_fds=(read, write), stdout=quiet, stderr=quiet
        )
        os.close(read)
        os.close(write)
        self._buffer, self._number, self._session = b"", 0, None
        self.faults, self.requests, self._frames = [], [], {}
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(t for t in targets if t["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Performance"):
            self.call(f"{domain}.enable")

    def close(self):
        for pipe in (self._out, self._in):
            os.close(pipe)
        self._process.terminate()
        self._process.wait(20)
        shutil.rmtree(self._home, ignore_errors=True)

    def call(self, method, **params):
        """Asks for something and gives the answer; events meanwhile are noted."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + _PATIENCE_S
        while True:
            answer = self._message(until)
            if answer is None:
                raise TimeoutError(f"{method} was not answered")
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def _message(self, until):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(until - time.monotonic(), 0))
            if not ready:
                return None
            found = os.read(self._in, 1 << 20)
            if not found:
                raise EOFError("Chromium ended")
            self._buffer += found
        first, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(first)

    def _note(self, event):
        kind, params = event.get("method"), event.get("params", {})
        if kind == "Runtime.exceptionThrown":
            self.faults.append(json.dumps(params["exceptionDetails"])[:600])
        elif kind == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.faults.append(json.dumps(params["args"])[:600])
        elif kind == "Log.entryAdded" and params["entry"]["level"] == "error":
            entry = params["entry"]
            if entry.get("url", "").endswith("/favicon.ico"):
                return  # TensorBoard has none
            self.faults.append(f"{entry.get('url', '')}: {entry['text']}")
        elif kind == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif kind == "Runtime.executionContextCreated":
            context = params["context"]
            if context.get("auxData", {}).get("isDefault"):
                self._frames[context["auxData"]["frameId"]] = context["id"]
        elif kind == "Runtime.executionContextsCleared":
            self._frames.clear()

    def size(self, width, height):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def scheme(self, colours):
        features = [{"name": "prefers-color-scheme", "value": colours}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def go(self, url):
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)

    def inner(self):
        """Gives the context of the tab's own frame, or of the page where it has none."""
        tree = self.call("Page.getFrameTree")["frameTree"]
        children = tree.get("childFrames") or [tree]
        return self._frames.get(children[-1]["frame"]["id"])

    def ask(self, expression, outside=False):
        """Gives the value of an expression of JavaScript in the tab, or in the page outside."""
        context = None if outside else self.inner()
        where = {} if context is None else {"contextId": context}
        answer = self.call(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            **where,
        )
        if "exceptionDetails" in answer:
            raise AssertionError(json.dumps(answer["exceptionDetails"])[:600])
        return answer["result"].get("value")

    def until(self, expression, seconds=_PATIENCE_S):
        """Waits until an expression is true; gives its value."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if found := self.ask(expression):
                    return found
            except (AssertionError, RuntimeError):
                pass  # the page is being exchanged
            time.sleep(0.05)
        text = self.ask("document.body.innerText.slice(0, 600)")
        raise AssertionError(f"never true: {expression}\n{text}\n{self.faults}")

    def press(self, key, code=None):
        text = {"text": " "} if key == " " else {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            more = text if kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key, **more)

    def click(self, selector, text=None):
        """Clicks the first element of a selector, or that with a text."""
        wanted = json.dumps([selector, text])
        found = self.ask(
            f"(([s, t]) => {{const e = [...document.querySelectorAll(s)].find(e => t === null || "
            f"e.textContent.includes(t)); if (!e) return false; e.dispatchEvent("
            f"new MouseEvent('click', {{bubbles: true}})); return true;}})({wanted})"
        )
        assert found, f"nothing to click: {selector} {text}"

    def processor_ms(self):
        """Gives the milliseconds of the processor that the page's own thread has taken."""
        metrics = self.call("Performance.getMetrics")["metrics"]
        return 1000 * next(m["value"] for m in metrics if m["name"] == "ThreadTime")

    def picture(self, file: Path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(data))
