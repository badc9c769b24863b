"""Everybody at the console, over REST: they start, decide, answer, pause, cancel, pay and say what became of doubts.

What they do to a run or a request follows from the seed; when they come to it does not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from .effects.ledger import Ledger
from .rest import Over, Refused, Rest
from .watching import Rows
from .workload import Workload, about

PENDING = """
SELECT id::text, revision, tool, arguments, decide_at IS NOT NULL OR frozen_for IS NOT NULL, context->>'run_id',
    subject_id
FROM approvals_approvalrequest WHERE status = 'pending' ORDER BY created_at
"""
LIVING = """
SELECT substring(goal from '^Run (\\d+) of')::int, id::text, status, steps FROM runs_run
WHERE status NOT IN ('succeeded', 'failed', 'cancelled')
"""
DOUBTS = """
SELECT c.id, c.run_id::text, c.run_id || ':' || s.number || '.' || c.position, c.arguments,
    r.status IN ('succeeded', 'failed', 'cancelled')
FROM runs_toolcall c JOIN runs_step s ON s.id = c.step_id JOIN runs_run r ON r.id = c.run_id
WHERE c.status = 'in_doubt'
"""
SHORT_OF_MONEY = """
SELECT count(*) FILTER (WHERE waiting_on = 'budget'), count(*) FROM runs_run
WHERE status NOT IN ('succeeded', 'failed', 'cancelled')
"""


class People:
    def __init__(self, workload: Workload, agent: str, budget: int, limit: Decimal, ledger: Ledger) -> None:
        self.workload = workload
        self.started: dict[int, set[str]] = {}
        """The runs that were answered to each start, however often it was asked for."""
        self.did: dict[str, int] = {}
        """How often each thing was done, and not refused."""
        self.broken: list[BaseException] = []
        """What ended one of them early."""
        self.raises = 0
        self._agent, self._budget, self._limit, self._step = agent, budget, limit, limit
        self._ledger = ledger
        self._threads: list[threading.Thread] = []

    def console(
        self,
        make_rest: Callable[[], Rest],
        make_rows: Callable[[], Rows],
        over: threading.Event,
        workers_move: Callable[[], bool],
    ) -> None:
        """What they work with, each with one of their own; `workers_move`: whether no worker stands still."""
        self._make_rest, self._make_rows = make_rest, make_rows
        self._over, self._workers_move = over, workers_move

    def begin(self) -> None:
        for work in (self._start_all, self._decide, self._decide, self._steer, self._pay, self._settle_doubts):
            thread = threading.Thread(target=self._live, args=[work], name=work.__name__, daemon=True)
            self._threads.append(thread)
            thread.start()

    def end(self) -> None:
        for thread in self._threads:
            thread.join()

    def _live(self, work: Callable[[Rest, Rows], None]) -> None:
        rest, rows = self._make_rest(), self._make_rows()
        try:
            work(rest, rows)
        except Over:
            pass
        except BaseException as error:
            self.broken.append(error)
        finally:
            rows.close()

    def _try(self, rest: Rest, what: str, method: str, path: str, body: Any = None) -> bool:
        """False where somebody or something was first."""
        try:
            rest.ask(method, path, body)
        except Refused as refused:
            if refused.status not in (400, 409, 422):
                raise
            what = f"{what}, refused"
        self.did[what] = self.did.get(what, 0) + 1
        return not what.endswith("refused")

    # ── who starts ─────────────────────────────────────────────────────────────────────────────

    def _start_all(self, rest: Rest, rows: Rows) -> None:
        with ThreadPoolExecutor(4) as hands:
            for _ in hands.map(lambda number: self._start(rest, number), self.workload.runs):
                pass

    def _start(self, rest: Rest, number: int) -> None:
        fate, key = self.workload.fate(number), self.workload.key(number)
        body = {"agent": self._agent, "goal": self.workload.goal(number)}
        if fate.by_webhook:
            address, secret = self._webhook(rest, key, body)
        with ThreadPoolExecutor(3) as at_once:
            asked = [
                at_once.submit(rest.deliver, address, secret, key)
                if fate.by_webhook
                else at_once.submit(rest.ask, "POST", "/runs", body, key)
                for _ in range(fate.repeats)
            ]
        self.started[number] = {one.result()["run" if fate.by_webhook else "id"] for one in asked}

    def _webhook(self, rest: Rest, key: str, body: dict[str, Any]) -> tuple[str, str]:
        """Make one: where it is delivered to, and its secret, which is told once; who missed it has a new one made."""
        made = rest.ask("POST", "/triggers", {**body, "kind": "webhook", "name": key}, key)
        if made["secret"] is None:
            made = rest.ask("POST", f"/triggers/{made['id']}/secret")
        return made["address"], made["secret"]

    # ── who decides ────────────────────────────────────────────────────────────────────────────

    def _decide(self, rest: Rest, rows: Rows) -> None:
        while not self._over.wait(0.1):
            for row in rows.all(PENDING):
                self._meet(rest, *row)

    def _meet(
        self, rest: Rest, id: str, revision: int, tool: str, arguments: dict[str, Any], timed: bool, run: str, call: str
    ) -> None:
        what = about(arguments)
        way = self.workload.way(tool, what)
        if way == "leave":
            if timed:
                return
            way = self.workload.then(what)
        elif revision > 1 and way in ("hold", "take_back"):
            way = self.workload.then(what)
        if tool == "ask_human" and way == "answer" and len(what) % 2:
            self._try(rest, "answered a run", "POST", f"/runs/{run}/answers", {"text": "42", "call": int(call)})
            return
        take_back = way == "take_back"
        decision = "approve" if take_back else way
        body: dict[str, Any] = {"decision": decision, "revision": revision}
        if decision == "edit":
            body["arguments"] = {**arguments, "what": f"{what} (edited)"}
        elif decision == "answer":
            body["answer"] = "Do without."
        elif decision == "done":
            body["outcome"] = "I did it by hand."
        path = f"/approvals/{id}/decision"
        if self._try(rest, decision, "POST", path, body) and take_back:
            self._try(rest, "take_back", "POST", path, {"decision": "take_back", "revision": revision + 1})

    # ── who steers ─────────────────────────────────────────────────────────────────────────────

    def _steer(self, rest: Rest, rows: Rows) -> None:
        done: set[tuple[int, str]] = set()
        paused: dict[int, float] = {}
        while not self._over.wait(0.2):
            for number, run, status, steps in rows.all(LIVING):
                fate = self.workload.fate(number)
                if status == "paused":
                    if time.monotonic() > paused.setdefault(number, time.monotonic()) + 1:
                        self._try(rest, "resume", "DELETE", f"/runs/{run}/suspension")
                        paused.pop(number)
                    continue
                plans = {
                    "speak": (fate.speak_at, "POST", f"/runs/{run}/messages", {"text": "Mind the gap."}),
                    "pause": (fate.pause_at, "POST", f"/runs/{run}/suspension", None),
                    "cancel": (fate.cancel_at, "POST", f"/runs/{run}/cancellation", {"reason": "Not needed."}),
                }
                for what, (at, method, path, body) in plans.items():
                    if at is not None and steps >= at and (number, what) not in done:
                        done.add((number, what))
                        self._try(rest, what, method, path, body)

    # ── who pays ───────────────────────────────────────────────────────────────────────────────

    def _pay(self, rest: Rest, rows: Rows) -> None:
        """The limit is raised, by as much as it was at first, when a third of the living wait for it."""
        while not self._over.wait(0.5):
            for short, living in rows.all(SHORT_OF_MONEY):
                if short and short * 3 >= living:
                    self._limit += self._step
                    rest.ask("PATCH", f"/budgets/{self._budget}", {"limit_usd": str(self._limit)})
                    self.raises += 1
                    self._over.wait(1.0)

    # ── who looks outside ──────────────────────────────────────────────────────────────────────

    def _settle_doubts(self, rest: Rest, rows: Rows) -> None:
        """Truthfully, from the ledger; but only when nobody can be at it any more."""
        while not self._over.wait(0.3):
            for call, run, name, arguments, ended in rows.all(DOUBTS):
                if not self._workers_move() or self._ledger.at_it(name):
                    continue
                happened = bool(self._ledger.effects().get(name))
                outcome = "happened" if happened else self.workload.doubt(about(arguments))
                if ended and not happened:
                    outcome = "did_not_happen"
                if not self._workers_move():
                    continue
                path = f"/runs/{run}/tool-calls/{call}/resolution"
                self._try(rest, outcome, "POST", path, {"outcome": outcome, "note": "I looked."})
