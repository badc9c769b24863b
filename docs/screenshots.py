"""`make screenshots`: the pictures of the README and the guides, from the running product with its demo.

Takes those that the documents show; with `--all FOLDER`, every scene at three widths, light and dark, into a folder.
The product runs on data of its own, which is deleted afterwards: what you have is neither shown nor changed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import APIRequestContext, Browser, Page, Playwright, sync_playwright

DOCS = Path(__file__).parent
PROJECT = DOCS.parent
PICTURES = DOCS / "pictures"
SIGN_IN = re.compile(r"Sign in:\s+(\S+) / (\S+)")
SHOWN = re.compile(r"pictures/([\w-]+)-(\d+)-(light|dark)\.png")
HEIGHTS = {390: 844, 768: 1024, 1440: 900}
SCHEMES = ("light", "dark")
PATIENCE = 120_000
"""Milliseconds for an agent of the demo to come to where a picture is taken."""


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    path: str
    prepare: Callable[[Page], Any] = field(default=lambda page: None)


@dataclass(frozen=True, slots=True)
class Product:
    """A running AgentOps on data of its own, and somebody signed in to it."""

    address: str
    environment: dict[str, str]
    browser: Browser
    state: Any
    api: APIRequestContext

    def run(self, agent: str, goal: str, *inputs: str) -> str:
        """Start a run; its id."""
        given = [part for one in inputs for part in ("--input", one)]
        command = [sys.executable, "manage.py", "run_agent", agent, goal, *given]
        said = subprocess.run(command, cwd=PROJECT, env=self.environment, capture_output=True, text=True, check=True)
        return said.stdout.split()[1]

    def page(self, width: int, scheme: Any) -> Page:
        viewport: Any = {"width": width, "height": HEIGHTS[width]}
        context = self.browser.new_context(viewport=viewport, color_scheme=scheme, storage_state=self.state)
        return context.new_page()

    def wait(self, run: str, *words: str) -> None:
        """Until the run's page says all of these."""
        page = self.page(1440, "light")
        page.goto(f"{self.address}/runs/{run}/")
        for word in words:
            page.get_by_text(word).first.wait_for(timeout=PATIENCE)
        page.context.close()

    def request(self, effect: str) -> str:
        """The path of the request that waits with this effect."""
        page = self.page(1440, "light")
        page.goto(f"{self.address}/approvals/")
        strip = page.locator(".strip", has_text=effect).first
        strip.wait_for(timeout=PATIENCE)
        link = strip.locator("a").first.get_attribute("href")
        page.context.close()
        return str(link)

    def approve(self, path: str) -> None:
        """As a person does, by the button."""
        page = self.page(1440, "light")
        page.goto(self.address + path)
        page.get_by_role("button", name="Approve").first.click()
        page.get_by_text("Approved").first.wait_for(timeout=PATIENCE)
        page.context.close()

    def take(self, scene: Scene, width: int, scheme: str, target: Path) -> None:
        page = self.page(width, scheme)
        page.goto(self.address + scene.path)
        page.wait_for_load_state("networkidle")
        scene.prepare(page)
        page.screenshot(path=target, animations="disabled")
        page.context.close()
        _shrink(target)


def _shrink(picture: Path) -> None:
    """To a palette of its most frequent colours: a third of the size, and flat colours stay exactly as they are."""
    image = Image.open(picture).convert("RGB")
    found: Any = image.getcolors(image.width * image.height)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in sorted(found, reverse=True)[:256] for part in colour])
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(picture, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every scene, width and scheme, into this folder")
    folder = parser.parse_args().all
    with sync_playwright() as playwright, _product(playwright) as shown:
        scenes = {scene.name: scene for scene in _scenes(shown)}
        wanted = set(product(scenes, HEIGHTS, SCHEMES)) if folder else _in_documents()
        into = folder or PICTURES
        into.mkdir(parents=True, exist_ok=True)
        for name, width, scheme in sorted(wanted):
            shown.take(scenes[name], width, scheme, into / f"{name}-{width}-{scheme}.png")
    if not folder:
        for picture in PICTURES.glob("*.png"):
            if not SHOWN.fullmatch(f"pictures/{picture.name}") or _key(picture) not in wanted:
                picture.unlink()


def _in_documents() -> set[tuple[str, int, str]]:
    texts = [page.read_text() for page in (PROJECT / "README.md", *DOCS.glob("*.md"))]
    return {(name, int(width), scheme) for text in texts for name, width, scheme in SHOWN.findall(text)}


def _key(picture: Path) -> tuple[str, int, str]:
    name, width, scheme = picture.stem.rsplit("-", 2)
    return name, int(width), scheme


def _scenes(shown: Product) -> list[Scene]:
    """A morning with the demo: an analysis that is done, an inbox that waits for a person, a question."""
    analyses = [
        shown.run(
            "database-analyst", "What do we earn with which item, and how many orders come late?", f"period={period}"
        )
        for period in ("last 7 days", "last 14 days", "all orders")
    ]
    desk = shown.run("support-desk", "Work through the inbox: answer what you can, and flag what needs a person.")
    pages = shown.api.get(f"{shown.address}/api/agents").json()
    goal = next(agent["example_goal"] for agent in pages["items"] if agent["name"] == "researcher")
    shown.run("researcher", goal)
    report = "Write the Monday report: what sold, what customers wrote, and what we should answer."
    worked = shown.run("operations-lead", report, "period=last 7 days")
    shown.approve(shown.request("Work through this plan"))
    shown.wait(worked, "Succeeded")
    planned = shown.run("operations-lead", report, "period=last 14 days")
    shown.wait(planned, "Waiting for a person")
    for run in analyses:
        shown.wait(run, "Succeeded")
    refund, question = shown.request("Refund 129.00 USD"), shown.request("Question")
    return [
        Scene("overview", "/"),
        Scene("approvals", refund),
        Scene("edit", refund, _edit),
        Scene("question", question),
        Scene("run", f"/runs/{desk}/"),
        Scene("answer", f"/runs/{analyses[-1]}/"),
        Scene("plan", f"/runs/{planned}/"),
        Scene("plan-request", shown.request("Work through this plan")),
        Scene("plan-done", f"/runs/{worked}/", _to_the_plan),
        Scene("judged", f"/runs/{worked}/", _to_the_judge),
        Scene("runs", "/runs/"),
        Scene("agent", "/agents/shop/support-desk/"),
        Scene("agent-editor", "/agents/shop/support-desk/edit"),
        Scene("policy", "/policy/"),
        Scene("budgets", "/budgets/"),
        Scene("tools", "/tools/"),
        Scene("people", "/people/"),
    ]


def _to_the_plan(page: Page) -> None:
    page.evaluate("document.querySelector('#run-plan').scrollIntoView()")


def _to_the_judge(page: Page) -> None:
    page.evaluate("document.querySelector('#step-3').scrollIntoView({block: 'center'})")


def _edit(page: Page) -> None:
    page.locator("[data-edit-link]").first.click()
    page.locator("[data-editing]").wait_for()
    page.wait_for_load_state("networkidle")


@contextmanager
def _product(playwright: Playwright) -> Iterator[Product]:
    """`manage.py up` on data of its own, signed in as its first admin; ends with everything it started."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="agentops-pictures-")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "AGENTOPS_"))}
    environment = kept | {"AGENTOPS_DATA_DIR": folder, "AGENTOPS_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
    )
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    address = f"http://127.0.0.1:{port}"
    try:
        found = next(match for line in process.stdout or [] if (match := SIGN_IN.search(line)))
        context = browser.new_context()
        _sign_in(context.new_page(), address, found[1], found[2])
        yield Product(address, environment, browser, context.storage_state(), context.request)
    finally:
        browser.close()
        process.terminate()
        process.communicate()
        shutil.rmtree(folder)


def _sign_in(page: Page, address: str, user: str, password: str) -> None:
    page.goto(address)
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview").wait_for()


main()
