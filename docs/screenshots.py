"""`make screenshots`: the pictures of the README, taken from the running product with its demo."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
PROJECT = Path(__file__).parent.parent
SIGN_IN = re.compile(r"Sign in:\s+(\S+) / (\S+)")
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with _product() as (address, user, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = _signed_in(browser, address, user, password)
        page.goto(f"{address}/runs/new")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_text("Refund 129.00 USD").first.wait_for(timeout=120_000)
        run = page.url
        state = page.context.storage_state()
        for name, path, viewport in (
            ("overview", "/", DESKTOP),
            ("approvals", "/approvals/", DESKTOP),
            ("approvals-phone", "/approvals/", PHONE),
            ("run", run.removeprefix(address), DESKTOP),
        ):
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport=viewport, color_scheme=scheme, storage_state=state)
                shown = context.new_page()
                shown.goto(address + path)
                if name == "approvals-phone":
                    shown.get_by_text("Refund 129.00 USD").first.click()
                shown.wait_for_timeout(700)
                shown.screenshot(path=PICTURES / f"{name}-{scheme}.png")
                context.close()
        browser.close()


def _signed_in(browser: Browser, address: str, user: str, password: str) -> Page:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(address)
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview").wait_for()
    return page


@contextmanager
def _product() -> Iterator[tuple[str, str, str]]:
    """`manage.py up` on data of its own; its address and the first admin's sign-in."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="agentops-pictures-")
    Path(folder).chmod(0o711)
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "AGENTOPS_"))}
    command = [sys.executable, "manage.py", "up", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=PROJECT, env=keep | {"AGENTOPS_DATA_DIR": folder}, stdout=subprocess.PIPE, text=True
    )
    try:
        found = next(match for line in process.stdout or [] if (match := SIGN_IN.search(line)))
        yield f"http://127.0.0.1:{port}", found[1], found[2]
    finally:
        process.terminate()
        process.communicate()
        shutil.rmtree(folder)


main()
