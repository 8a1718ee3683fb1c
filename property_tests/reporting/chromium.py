"""A headless Chromium for tests, spoken to over its debugging pipe with the standard library alone: console messages, measures of a page, pictures, PDF."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

# What sticks out on the right of the window, of what no scrolling box holds; `html` itself last.
OVERFLOW = """(() => {
  const width = document.documentElement.clientWidth, out = [];
  const held = e => { for (let p = e.parentElement; p; p = p.parentElement) {
    const o = getComputedStyle(p).overflowX; if (p !== document.body && (o === 'auto' || o === 'scroll' || o === 'hidden')) return true; } return false; };
  for (const e of document.body.querySelectorAll('*')) {
    const box = e.getBoundingClientRect(), style = getComputedStyle(e);
    if (box.width && style.visibility !== 'hidden' && box.right > width + 1 && !held(e))
      out.push(`${e.tagName}.${e.getAttribute('class') || e.id} to ${Math.round(box.right)}`);
  }
  if (document.documentElement.scrollWidth > width + 1) out.push(`the page is ${document.documentElement.scrollWidth} wide`);
  return out.slice(0, 8);
})()"""


def find() -> str | None:
    """Where Chromium is, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Chromium:
    """A browser with one page. Use as a context manager: it ends the browser that it started, and no other."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        read_end, self._to = os.pipe()
        self._from, write_end = os.pipe()
        program = find()
        assert program, "no Chromium"

        def wire() -> None:
            """The browser reads its commands from descriptor 3 and writes to descriptor 4; both are copied out of the way first."""
            low, high = os.dup(read_end), os.dup(write_end)
            os.dup2(low, 3)
            os.dup2(high, 4)

        for end in (read_end, write_end):
            assert end < 200
        self._process = subprocess.Popen(
            [program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--hide-scrollbars",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--metrics-recording-only", "--mute-audio",
             f"--user-data-dir={self._home.name}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=wire, start_new_session=True)
        os.close(read_end)
        os.close(write_end)
        self._rest, self._number, self.messages = b"", 0, []
        target = self._call("Target.getTargets", session=False)["targetInfos"]
        page = next((t["targetId"] for t in target if t["type"] == "page"), None) or self._call("Target.createTarget", session=False,
                                                                                                url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", session=False, targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._call("Browser.close", session=False)
            self._process.wait(10)
        except Exception:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._home.cleanup()

    # ---- the protocol ----

    def _send(self, method: str, session: bool, parameters: dict[str, Any]) -> int:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters} | ({"sessionId": self._session} if session else {})
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data):]
        return self._number

    def _read(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0.0, until - time.monotonic()))
            piece = os.read(self._from, 1 << 20) if ready else b""
            if not piece:
                raise TimeoutError("Chromium does not answer" if not ready else "Chromium has ended")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(line)
        self._listen(message.get("method", ""), message.get("params", {}))
        return message

    def _listen(self, method: str, what: dict[str, Any]) -> None:
        """Keeps what a console would show as a warning or an error, and every request that leaves the machine."""
        if method == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning", "assert"):
            self.messages.append(f"console.{what['type']}: " + " ".join(str(a.get("value", a.get("description", ""))) for a in what["args"]))
        elif method == "Runtime.exceptionThrown":
            self.messages.append(f"exception: {what['exceptionDetails'].get('text', '')}")
        elif method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            self.messages.append(f"{what['entry']['level']}: {what['entry']['text']} {what['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent" and not what["request"]["url"].startswith(("file:", "data:", "about:")):
            self.messages.append(f"request: {what['request']['url']}")
        elif method == "Network.loadingFailed":
            self.messages.append(f"not loaded: {what.get('errorText', '')}")

    def _call(self, method: str, session: bool = True, seconds: float = 60, **parameters: Any) -> dict[str, Any]:
        number, until = self._send(method, session, parameters), time.monotonic() + seconds
        while True:
            message = self._read(until)
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]

    # ---- what tests ask ----

    def size(self, width: int, height: int = 900, scale: float = 1) -> None:
        """The window; also narrower than any window on a screen can be."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)

    def media(self, scheme: str = "light", media: str = "") -> None:
        """`light` or `dark`; `print` or the screen."""
        self._call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def script(self, allowed: bool) -> None:
        """Whether the page may run scripts."""
        self._call("Emulation.setScriptExecutionDisabled", value=not allowed)

    def open(self, path: Path, place: str = "") -> None:
        """Load a page from a file and wait until all of it is there."""
        self.messages.clear()
        number, until = self._send("Page.navigate", True, {"url": path.resolve().as_uri() + place}), time.monotonic() + 60
        loaded = answered = False
        while not (loaded and answered):
            message = self._read(until)
            if message.get("id") == number:
                answered = True
                if message.get("result", {}).get("errorText"):
                    raise RuntimeError(message["result"]["errorText"])
            loaded = loaded or message.get("method") == "Page.loadEventFired"

    def value(self, expression: str) -> Any:
        """What an expression is on the page."""
        result = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression[:80]}: {result['exceptionDetails']['text']}")
        return result["result"].get("value")

    def overflow(self) -> list[str]:
        """What sticks out of the window on the right."""
        return self.value(OVERFLOW)

    def screenshot(self, whole: bool = False, clip: dict[str, float] | None = None) -> bytes:
        """A PNG of the window, of the whole page, or of a part of the page."""
        options: dict[str, Any] = {"captureBeyondViewport": whole or clip is not None}
        if whole:
            box = self._call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": box["width"], "height": min(box["height"], 16000)}
        if clip:
            options["clip"] = clip | {"scale": 1}
        return base64.b64decode(self._call("Page.captureScreenshot", format="png", **options)["data"])

    def pdf(self) -> bytes:
        """The page as it prints, on A4."""
        return base64.b64decode(self._call("Page.printToPDF", seconds=120, printBackground=True, paperWidth=8.27, paperHeight=11.69,
                                           preferCSSPageSize=True)["data"])
