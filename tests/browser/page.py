"""A page in Chromium, as tests ask about it."""

import base64
import json
from pathlib import Path
from typing import Any, List, Tuple

from selenium.webdriver import Chrome, Keys

__all__ = ["Browser"]


class Browser:
    """Opens files and says what happened in them."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, path: Path, width: int = 1280, scheme: str = "light", height: int = 900) -> None:
        """Open a file from disk in a window of this width, in a light or dark scheme."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.command(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(path.as_uri())

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def ask(self, script: str, *arguments: Any) -> Any:
        """What a script of the test's own returns; the page itself has none."""
        return self.driver.execute_script(script, *arguments)

    def complaints(self) -> List[str]:
        """What the console says since the page was opened: errors, and what the security policy refused."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> List[str]:
        """The addresses that were asked for since the page was opened."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(getattr(Keys, key))

    def focused(self) -> Tuple[str, str]:
        """The tag and the text or label of what has the focus."""
        tag, text = self.ask(
            "const e = document.activeElement;"
            "return [e.tagName.toLowerCase(), e.getAttribute('aria-label') || e.innerText.trim()]"
        )
        return str(tag), str(text)

    def screenshot(self, path: Path) -> None:
        """The whole page as a picture."""
        width, height = self.ask("const e = document.documentElement; return [e.clientWidth, e.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, 12000), "scale": 1}
        shot = self.command("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))
