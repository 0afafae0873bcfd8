"""A real browser for the tests: Debian's Chromium without a window, driven over a pipe by its DevTools protocol."""

import base64
import json
import os
import shutil
import subprocess

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


class Browser:
    """One page of a browser that notes every message of its console and every error."""

    def __init__(self, profile):
        program = next(filter(None, map(shutil.which, NAMES)), None)
        assert program, f"no browser is installed ({', '.join(NAMES)}); .ci/setup --peers installs one"
        from_us, self.to_browser = os.pipe()
        self.from_browser, from_it = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        # The browser reads commands from descriptor 3 and writes answers to 4.
        command = ["bash", "-c", f'exec 3<&{from_us} 4>&{from_it} "$@"', "bash", program, *flags]
        self.process = subprocess.Popen(command, pass_fds=(from_us, from_it), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        os.close(from_us)
        os.close(from_it)
        self.buffer, self.count, self.session, self.events = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        os.close(self.to_browser)
        self.process.terminate()
        self.process.wait()
        os.close(self.from_browser)

    def _receive(self):
        while b"\0" not in self.buffer:
            part = os.read(self.from_browser, 1 << 20)
            assert part, "the browser ended"
            self.buffer += part
        message, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(message)
        if "method" in message:
            self.events.append(message)
        return message

    def call(self, method, **parameters):
        self.count += 1
        command = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(command).encode() + b"\0")
        while (message := self._receive()).get("id") != self.count:
            pass
        assert "error" not in message, message
        return message["result"]

    def open(self, path):
        """Opens a file and waits until it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._receive()

    def run(self, script):
        """The value of an expression of JavaScript in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def texts(self, selector):
        """The texts of all elements that are seen."""
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].filter(e => e.checkVisibility())"
                        ".map(e => (e.innerText || e.textContent).trim())")

    def click(self, selector):
        """A click of the mouse on the middle of an element."""
        x, y = self.run(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}}); "
                        "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, selector, text):
        """Types on the keyboard into an element."""
        self.click(selector)
        self.call("Input.insertText", text=text)

    def dark(self, dark):
        scheme = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def picture(self, width=1200, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"])

    def complaints(self):
        """Messages of the console, exceptions, and requests for anything but the page itself."""
        noted = []
        for event in self.events:
            if event["method"] in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                noted.append(json.dumps(event["params"]))
            if event["method"] == "Network.requestWillBeSent":
                noted.append(event["params"]["request"]["url"])
        return noted[1:] if noted and noted[0].startswith("file:") else noted
