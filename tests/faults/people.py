"""Everybody at the console, over REST: they start, decide, answer, pause, cancel, pay, fork, roll back and say what
became of doubts.

What they do to a run or a request follows from the seed; when they come to it does not.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from zlib import crc32

from .effects.ledger import Ledger
from .rest import Over, Refused, Rest
from .watching import Rows
from .workload import AGENT, BACK, Workload, about

PENDING = """
SELECT id::text, revision, tool, arguments, decide_at IS NOT NULL OR frozen_for IS NOT NULL, context->>'run_id',
    subject_id
FROM approvals_approvalrequest WHERE status = 'pending' ORDER BY created_at
"""
NAMED = """
SELECT CASE WHEN undoes_id IS NOT NULL THEN 'undo ' WHEN forked_from_id IS NOT NULL THEN 'fork ' ELSE '' END
    || COALESCE(substring(goal from 'Run (\\S+) of seed'), goal) AS name, id::text, status, steps FROM runs_run
"""
LIVING = f"{NAMED} WHERE status NOT IN ('succeeded', 'failed', 'cancelled')"
ENDED = f"{NAMED} WHERE status IN ('succeeded', 'failed', 'cancelled')"
CAN_BE_TAKEN_BACK = """
SELECT id FROM runs_toolcall WHERE run_id = %s::uuid AND tool = ANY(%s) AND status = 'succeeded' ORDER BY id LIMIT 1
"""
DOUBTS = """
SELECT c.id, c.run_id::text, c.run_id || ':' || s.number || '.' || c.position, c.arguments,
    r.status IN ('succeeded', 'failed', 'cancelled')
FROM runs_toolcall c JOIN runs_step s ON s.id = c.step_id JOIN runs_run r ON r.id = c.run_id
WHERE c.status = 'in_doubt'
"""
SHORT_OF_MONEY = """
SELECT count(*) FILTER (WHERE waiting_on = 'budget'), count(*) FROM runs_run
WHERE status NOT IN ('succeeded', 'failed', 'cancelled') AND waiting_on <> 'child'
"""
HANDS = 4
"""Of who starts runs."""


class People:
    def __init__(self, workload: Workload, budget: int, limit: Decimal, ledger: Ledger) -> None:
        self.workload = workload
        self.started: dict[int, set[str]] = {}
        """The runs that were answered to each start, however often it was asked for."""
        self.forked: dict[str, set[str]] = defaultdict(set)
        """The runs that were answered to who forked a run, by that run."""
        self.undone: dict[str, set[str]] = defaultdict(set)
        """The runs that were answered to who had a run's deeds taken back, by that run."""
        self.did: Counter[str] = Counter()
        """How often each thing was done, and how often somebody or something was first."""
        self.broken: list[BaseException] = []
        """What ended one of them early."""
        self.raises = 0
        self.looked_back = 0.0
        """When the one who forks and rolls back last began to look for runs, and did all that was to be done."""
        self._budget, self._limit, self._step = budget, limit, limit
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
        work = [
            self._start_all,
            lambda rest, rows: self._decide(rest, rows, 0),
            lambda rest, rows: self._decide(rest, rows, 1),
            self._steer,
            self._look_back,
            self._pay,
            self._settle_doubts,
        ]
        for one in work:
            thread = threading.Thread(target=self._live, args=[one], daemon=True)
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

    def _try(self, rest: Rest, what: str, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """The answer, or None where somebody or something was first."""
        try:
            answer = rest.ask(method, path, body, key) or {}
        except Refused as refused:
            if refused.status not in (400, 409, 422):
                raise
            self.did[f"{what}, refused"] += 1
            return None
        self.did[what] += 1
        return answer

    # ── who starts ─────────────────────────────────────────────────────────────────────────────

    def _start_all(self, rest: Rest, rows: Rows) -> None:
        with ThreadPoolExecutor(HANDS) as hands:
            for _ in hands.map(lambda number: self._start(rest, number), self.workload.runs):
                pass

    def _start(self, rest: Rest, number: int) -> None:
        fate, key = self.workload.fate(str(number)), self.workload.key(str(number))
        agent = AGENT.format(role=self.workload.role(number))
        body = {"agent": agent, "goal": self.workload.goal(number)}
        if fate.by_webhook:
            address, secret = self._webhook(rest, key, body)
            told = _at_once([lambda: rest.deliver(address, secret, key)["run"]] * fate.repeats)
        else:
            told = _at_once([lambda: rest.ask("POST", "/runs", body, key)["id"]] * fate.repeats)
        self.started[number] = set(told)

    def _webhook(self, rest: Rest, key: str, body: dict[str, Any]) -> tuple[str, str]:
        """Make one: where it is delivered to, and its secret, which is told once; who missed it has a new one made."""
        made = rest.ask("POST", "/triggers", {**body, "kind": "webhook", "name": key}, key)
        if made["secret"] is None:
            made = rest.ask("POST", f"/triggers/{made['id']}/secret")
        return made["address"], made["secret"]

    # ── who decides ────────────────────────────────────────────────────────────────────────────

    def _decide(self, rest: Rest, rows: Rows, me: int) -> None:
        """Each has half of the requests, and some are met by both."""
        while not self._over.wait(0.1):
            for row in rows.all(PENDING):
                lot = crc32(row[0].encode()) % 6
                if lot < 2 or lot % 2 == me:
                    self._meet(rest, *row)

    def _meet(
        self,
        rest: Rest,
        id: str,
        revision: int,
        tool: str,
        arguments: dict[str, Any],
        timed: bool,
        run: str,
        subject: str,
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
            self._try(rest, "answered a run", "POST", f"/runs/{run}/answers", {"text": "42", "call": int(subject)})
            return
        take_back = way == "take_back"
        decision = "approve" if take_back else way
        body: dict[str, Any] = {"decision": decision, "revision": revision}
        if decision == "edit":
            body["arguments"] = edited(arguments)
        elif decision == "answer":
            body["answer"] = "Do without."
        elif decision == "done":
            body["outcome"] = "I did it by hand."
        path = f"/approvals/{id}/decision"
        if self._try(rest, decision, "POST", path, body) is not None and take_back:
            self._try(rest, "take_back", "POST", path, {"decision": "take_back", "revision": revision + 1})

    # ── who steers ─────────────────────────────────────────────────────────────────────────────

    def _steer(self, rest: Rest, rows: Rows) -> None:
        done: set[tuple[str, str]] = set()
        paused: dict[str, float] = {}
        while not self._over.wait(0.2):
            for name, run, status, steps in rows.all(LIVING):
                fate = self.workload.fate(name)
                if status == "paused":
                    if time.monotonic() > paused.setdefault(run, time.monotonic()) + 1:
                        self._try(rest, "resume", "DELETE", f"/runs/{run}/suspension")
                        paused.pop(run)
                    continue
                plans = {
                    "speak": (fate.speak_at, "POST", f"/runs/{run}/messages", {"text": "Mind the gap."}),
                    "pause": (fate.pause_at, "POST", f"/runs/{run}/suspension", None),
                    "cancel": (fate.cancel_at, "POST", f"/runs/{run}/cancellation", {"reason": "Not needed."}),
                }
                for what, (at, method, path, body) in plans.items():
                    if at is not None and steps >= at and (run, what) not in done:
                        done.add((run, what))
                        self._try(rest, what, method, path, body)

    # ── who forks and rolls back ───────────────────────────────────────────────────────────────

    def _look_back(self, rest: Rest, rows: Rows) -> None:
        over: set[str] = set()
        done: set[tuple[str, str]] = set()
        while not self._over.wait(0.3):
            began = time.monotonic()
            ended = [row for row in rows.all(ENDED) if row[1] not in over]
            for name, run, status, steps in [*rows.all(LIVING), *ended]:
                fate, final = self.workload.fate(name), status in ("succeeded", "failed", "cancelled")
                deeds = {
                    "fork": (fate.fork_at is not None and (final or steps > fate.fork_at), self._fork),
                    "take one call back": (
                        fate.take_back_at is not None and (final or steps > fate.take_back_at),
                        self._take_back_one,
                    ),
                    "roll back": (fate.undone and final, self._roll_back),
                }
                for what, (is_due, do) in deeds.items():
                    if is_due and (run, what) not in done:
                        done.add((run, what))
                        do(rest, rows, name, run)
                if final:
                    over.add(run)
            self.looked_back = began

    def _fork(self, rest: Rest, rows: Rows, name: str, run: str) -> None:
        fate = self.workload.fate(name)
        body = {"step": fate.fork_at, "words": "Go the other way."}
        self._all_told(rest, "fork", f"/runs/{run}/forks", body, name, fate.repeats, self.forked[run])

    def _take_back_one(self, rest: Rest, rows: Rows, name: str, run: str) -> None:
        call = rows.one(CAN_BE_TAKEN_BACK, run, list(BACK))
        if call is not None:
            path = f"/runs/{run}/tool-calls/{call}/undo"
            repeats = self.workload.fate(name).repeats
            self._all_told(rest, "take one call back", path, None, name, repeats, self.undone[run])

    def _roll_back(self, rest: Rest, rows: Rows, name: str, run: str) -> None:
        """Several at once, each under a key of their own: one of them has it done."""
        fate = self.workload.fate(name)
        _at_once(
            [
                lambda who=who: self._all_told(
                    rest, "roll back", f"/runs/{run}/undo", None, f"{name} {who}", fate.repeats, self.undone[run]
                )
                for who in range(fate.rivals)
            ]
        )

    def _all_told(self, rest: Rest, what: str, path: str, body: Any, name: str, repeats: int, told: set[str]) -> None:
        key = self.workload.key(f"{what} {name}")
        answers = _at_once([lambda: self._try(rest, what, "POST", path, body, key)] * repeats)
        told.update(answer["id"] for answer in answers if answer)

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
                happened = self._ledger.happened(name)
                outcome = "happened" if happened else self.workload.doubt(about(arguments))
                if ended and not happened:
                    outcome = "did_not_happen"
                if not self._workers_move():
                    continue
                path = f"/runs/{run}/tool-calls/{call}/resolution"
                self._try(rest, outcome, "POST", path, {"outcome": outcome, "note": "I looked."})


def edited(arguments: dict[str, Any]) -> dict[str, Any]:
    """A call about the same in other words; a plan with its first step alone."""
    if "steps" in arguments:
        return {"steps": arguments["steps"][:1]}
    return {**arguments, "what": f"{about(arguments)} (edited)"}


def _at_once(deeds: Iterable[Callable[[], Any]]) -> list[Any]:
    deeds = list(deeds)
    if len(deeds) == 1:
        return [deeds[0]()]
    with ThreadPoolExecutor(len(deeds)) as pool:
        return [one.result() for one in [pool.submit(deed) for deed in deeds]]
