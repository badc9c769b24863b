"""Who is answered what at every address: the one table. A new page is one line here, and none is forgotten.

A line: the method and the address as the resolver writes it → a rule, with a body where an empty one would be
refused before anybody asks who sent it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

WHO = ("anonymous", "viewer", "operator", "approver", "admin", "stranger", "superuser", "deactivated")
"""`stranger` administers another team; the things asked for belong to the others' team."""


def rule(anonymous: str, viewer: str, operator: str, approver: str, admin: str, stranger: str, superuser: str) -> Rule:
    return dict(zip(WHO, (anonymous, viewer, operator, approver, admin, stranger, superuser, anonymous), strict=True))


Rule = dict[str, str]
PUBLIC = rule("in", "in", "in", "in", "in", "in", "in")
SIGNED_OUT = dict.fromkeys(WHO, "sign-in")
SIGNED_IN = rule("sign-in", "in", "in", "in", "in", "in", "in")
SEE = rule("sign-in", "in", "in", "in", "in", "gone", "in")
OPERATE = rule("sign-in", "no", "in", "no", "in", "gone", "in")
DECIDE = rule("sign-in", "no", "no", "in", "in", "gone", "in")
ADMINISTER = rule("sign-in", "no", "no", "no", "in", "gone", "in")
ADMINS = rule("sign-in", "no", "no", "no", "in", "in", "in")
"""Of any team: the page shows each the things of their own."""
ADMINS_OF_PERSON = rule("sign-in", "gone", "gone", "gone", "in", "gone", "in")
"""People are seen by who administers them; to others there is nobody."""
OPERATORS_OF_ANY = rule("sign-in", "no", "in", "no", "in", "in", "in")
"""What concerns the whole installation, for who starts and steers runs in any team."""
OPERATORS_ANYWHERE = rule("sign-in", "no", "in", "no", "in", "no", "in")
NAMED = rule("sign-in", "no", "no", "no", "in", "422", "in")
"""The team stands in the body: one that is not seen is a field that is wrong, as one that never was."""
OPERATE_NAMED = rule("sign-in", "no", "in", "no", "in", "422", "in")
OFFERED = rule("sign-in", "422", "422", "422", "in", "422", "in")
"""The page offers a choice of what one administers: anything else is a choice that is not there."""
TOLD = rule("sign-in", "422", "422", "422", "in", "gone", "in")
"""The page comes again and says who can."""
TEAM_IN_FORM = rule("sign-in", "no", "no", "no", "in", "no", "in")
ANSWER = rule("sign-in", "no", "in", "in", "in", "gone", "in")
SUPERUSER = rule("sign-in", "no", "no", "no", "no", "no", "in")
OWNER = rule("sign-in", "gone", "gone", "gone", "gone", "gone", "gone")
"""The one in this world belongs to somebody else."""


SIGNED = dict.fromkeys(WHO, "sign-in")
"""Open to anybody, whoever is signed in: the request itself must be signed."""


class Line(NamedTuple):
    rule: Rule
    body: Any = None


REVISION = {"revision": 1}
PRICE = {"input_usd": "1", "output_usd": "1", "cache_read_usd": "1", "cache_write_usd": "1"}
PAGES: dict[str, Line] = {
    "GET healthz": Line(PUBLIC),
    "GET readyz": Line(PUBLIC),
    "GET sign-in/": Line(PUBLIC),
    "POST sign-in/": Line(PUBLIC),
    "POST sign-out/": Line(SIGNED_OUT),
    "GET password/<uidb64>/<token>/": Line(PUBLIC),
    "POST password/<uidb64>/<token>/": Line(PUBLIC),
    "GET api/docs": Line(SIGNED_IN),
    "GET ": Line(SIGNED_IN),
    "GET overview/live": Line(SIGNED_IN),
    # People, teams, tokens, settings
    "GET people/": Line(ADMINS),
    "GET people/new": Line(ADMINS),
    "POST people/new": Line(ADMINS),
    "GET people/<int:person_id>/": Line(ADMINS_OF_PERSON),
    "POST people/<int:person_id>/roles": Line(ADMINISTER, {"team": "{team_id}", "roles": "operator"}),
    "POST people/<int:person_id>/deactivation": Line(ADMINS_OF_PERSON),
    "POST people/<int:person_id>/reactivation": Line(ADMINS_OF_PERSON),
    "POST people/<int:person_id>/link": Line(ADMINS_OF_PERSON),
    "POST people/<int:person_id>/sign-out": Line(ADMINS_OF_PERSON),
    "POST people/changes/<int:change_id>/undoing": Line(OWNER),
    "GET teams/": Line(ADMINS),
    "POST teams/new": Line(SUPERUSER, {"name": "Third"}),
    "POST teams/<int:team_id>/name": Line(ADMINISTER, {"name": "Third"}),
    "GET tokens/": Line(SIGNED_IN),
    "POST tokens/": Line(SIGNED_IN),
    "POST tokens/<int:token_id>/revocation": Line(ADMINS_OF_PERSON),
    "GET settings/": Line(SIGNED_IN),
    "POST settings/profile": Line(SIGNED_IN),
    "POST settings/password": Line(SIGNED_IN),
    "POST settings/sign-ins/<int:sign_in_id>/ending": Line(OWNER),
    "POST settings/sign-ins/ending": Line(SIGNED_IN),
    "GET settings/installation": Line(SUPERUSER),
    # Approvals and policy
    "GET approvals/": Line(SIGNED_IN),
    "GET approvals/rows": Line(SIGNED_IN),
    "GET approvals/rows/rest": Line(SIGNED_IN),
    "GET approvals/count": Line(SIGNED_IN),
    "POST approvals/selection": Line(SIGNED_IN),
    "GET approvals/history/": Line(SIGNED_IN),
    "GET approvals/<uuid:request_id>": Line(SEE),
    "POST approvals/<uuid:request_id>/decision": Line(DECIDE, {"decision": "approve", **REVISION}),
    "GET approvals/<uuid:request_id>/arguments": Line(SEE),
    "POST approvals/<uuid:request_id>/arguments": Line(DECIDE, REVISION),
    "POST approvals/<uuid:request_id>/questions": Line(DECIDE, {"question": "Why?"}),
    "POST approvals/<uuid:request_id>/claim": Line(DECIDE),
    "GET policy/": Line(SIGNED_IN),
    "POST policy/<slug:team>/draft": Line(ADMINISTER, REVISION),
    "POST policy/<slug:team>/publication": Line(ADMINISTER, REVISION),
    "GET policy/<slug:team>/rules/new": Line(ADMINISTER),
    "POST policy/<slug:team>/rules/new": Line(ADMINISTER, REVISION),
    "GET policy/<slug:team>/rules/<int:number>": Line(ADMINISTER),
    "POST policy/<slug:team>/rules/<int:number>": Line(ADMINISTER, REVISION),
    "POST policy/<slug:team>/condition": Line(ADMINISTER),
    "GET policy/<slug:team>/trial": Line(SEE),
    "POST policy/<slug:team>/trial": Line(SEE),
    "GET policy/<slug:team>/versions/": Line(SEE),
    "POST policy/<slug:team>/versions/<int:number>/restoration": Line(ADMINISTER),
    # Runs
    "GET runs/": Line(SIGNED_IN),
    "GET runs/rows": Line(SIGNED_IN),
    "GET runs/fresh": Line(SIGNED_IN),
    "POST runs/views/": Line(SIGNED_IN),
    "POST runs/views/<int:view_id>": Line(ADMINISTER, {"name": "Other"}),
    "POST runs/views/<int:view_id>/removal": Line(ADMINISTER),
    "GET runs/new": Line(SIGNED_IN),
    "POST runs/new": Line(SIGNED_IN),
    "GET runs/new/inputs": Line(SIGNED_IN),
    "GET runs/<uuid:run_id>/": Line(SEE),
    "GET runs/<uuid:run_id>/updates": Line(SEE),
    "GET runs/<uuid:run_id>/steps": Line(SEE),
    "GET runs/<uuid:run_id>/steps/<int:number>/raw": Line(SEE),
    "GET runs/<uuid:run_id>/steps/<int:number>/request": Line(SEE),
    "POST runs/<uuid:run_id>/cancellation": Line(OPERATE),
    "POST runs/<uuid:run_id>/suspension": Line(OPERATE),
    "POST runs/<uuid:run_id>/resumption": Line(OPERATE),
    "POST runs/<uuid:run_id>/messages": Line(OPERATE, {"text": "Hello."}),
    "POST runs/<uuid:run_id>/limits": Line(OPERATE, {"max_steps": "90"}),
    "POST runs/<uuid:run_id>/continuation": Line(OPERATE),
    "POST runs/<uuid:run_id>/answers": Line(ANSWER, {"text": "Yes."}),
    "POST runs/<uuid:run_id>/calls/<int:call_id>/resolution": Line(DECIDE, {"outcome": "happened"}),
    "POST runs/<uuid:run_id>/calls/<int:call_id>/verification": Line(ANSWER),
    "GET runs/<uuid:run_id>/steps/<int:number>/fork": Line(OPERATE),
    "POST runs/<uuid:run_id>/steps/<int:number>/fork": Line(OPERATE),
    "POST runs/<uuid:run_id>/takeover": Line(OPERATE),
    "POST runs/<uuid:run_id>/takeover/end": Line(OPERATE),
    "GET runs/<uuid:run_id>/orders": Line(OPERATE),
    "POST runs/<uuid:run_id>/orders": Line(OPERATE),
    "GET runs/<uuid:run_id>/undoing": Line(OPERATE),
    "POST runs/<uuid:run_id>/undoing": Line(OPERATE),
    # Agents, tools, money, mail
    "GET agents/": Line(SIGNED_IN),
    "GET agents/new": Line(ADMINS),
    "POST agents/new": Line(ADMINS),
    "GET agents/<slug:team>/<slug:name>/": Line(SEE),
    "POST agents/<slug:team>/<slug:name>/activation": Line(ADMINISTER),
    "GET agents/<slug:team>/<slug:name>/edit": Line(ADMINISTER),
    "POST agents/<slug:team>/<slug:name>/edit": Line(ADMINISTER),
    "POST agents/<slug:team>/<slug:name>/candidate": Line(ADMINISTER),
    "GET agents/<slug:team>/<slug:name>/versions/": Line(SEE),
    "POST agents/<slug:team>/<slug:name>/versions/<int:number>/restoration": Line(ADMINISTER),
    "GET triggers/": Line(SIGNED_IN),
    "GET triggers/new": Line(SIGNED_IN),
    "POST triggers/new": Line(SIGNED_IN),
    "GET triggers/new/inputs": Line(SIGNED_IN),
    "GET triggers/new/times": Line(SIGNED_IN),
    "GET triggers/<uuid:trigger_id>/": Line(SEE),
    "GET triggers/<uuid:trigger_id>/edit": Line(OPERATE),
    "POST triggers/<uuid:trigger_id>/edit": Line(OPERATE),
    "POST triggers/<uuid:trigger_id>/activation": Line(OPERATE),
    "POST triggers/<uuid:trigger_id>/deletion": Line(OPERATE),
    "POST triggers/<uuid:trigger_id>/secret": Line(OPERATE),
    "POST triggers/<uuid:trigger_id>/test": Line(OPERATE, {"body": "{{}}"}),
    "POST hooks/<uuid:trigger_id>": Line(SIGNED),
    "GET tools/": Line(SIGNED_IN),
    "GET tools/<path:name>/": Line(SIGNED_IN),
    "POST tools/<path:name>/tier": Line(TEAM_IN_FORM, {"team": "{team_id}", "tier": "high"}),
    "GET budgets/": Line(SIGNED_IN),
    "POST budgets/new": Line(OFFERED, {"scope": "team:{team_id}", "period": "month", "limit_usd": "9"}),
    "POST budgets/<int:budget_id>": Line(TOLD, {"limit_usd": "9"}),
    "POST budgets/<int:budget_id>/deletion": Line(ADMINISTER),
    "POST budgets/prices": Line(SUPERUSER, {"model": "{model}", **PRICE}),
    "POST budgets/prices/deletion": Line(SUPERUSER, {"model": "{model}"}),
    "GET budgets/spend.csv": Line(SIGNED_IN),
    "GET workers/": Line(OPERATORS_OF_ANY),
    "GET workers/live": Line(OPERATORS_OF_ANY),
    "GET outbox/": Line(SIGNED_IN),
    "GET outbox/<int:message_id>": Line(SEE),
}

REST: dict[str, Line] = {
    "GET api/openapi.json": Line(SIGNED_IN),
    "GET api/runs": Line(SIGNED_IN),
    "POST api/runs": Line(OPERATE_NAMED, {"agent": "{name}", "goal": "Do it."}),
    "GET api/runs/<uuidstr:run_id>": Line(SEE),
    "GET api/runs/<uuidstr:run_id>/plan": Line(SEE),
    "GET api/runs/<uuidstr:run_id>/steps": Line(SEE),
    "GET api/runs/<uuidstr:run_id>/tool-calls": Line(SEE),
    "GET api/runs/<uuidstr:run_id>/events": Line(SEE),
    "GET api/runs/<uuidstr:run_id>/messages": Line(SEE),
    "POST api/runs/<uuidstr:run_id>/messages": Line(OPERATE, {"text": "Hello."}),
    "POST api/runs/<uuidstr:run_id>/answers": Line(ANSWER, {"text": "Yes."}),
    "PATCH api/runs/<uuidstr:run_id>/limits": Line(OPERATE, {"max_steps": 90}),
    "POST api/runs/<uuidstr:run_id>/continuation": Line(OPERATE),
    "POST api/runs/<uuidstr:run_id>/cancellation": Line(OPERATE),
    "POST api/runs/<uuidstr:run_id>/suspension": Line(OPERATE),
    "DELETE api/runs/<uuidstr:run_id>/suspension": Line(OPERATE),
    "POST api/runs/<uuidstr:run_id>/tool-calls/<int:call_id>/resolution": Line(DECIDE, {"outcome": "happened"}),
    "POST api/runs/<uuidstr:run_id>/tool-calls/<int:call_id>/verification": Line(ANSWER),
    "POST api/runs/<uuidstr:run_id>/tool-calls/<int:call_id>/undo": Line(OPERATE),
    "POST api/runs/<uuidstr:run_id>/undo": Line(OPERATE),
    "POST api/runs/<uuidstr:run_id>/forks": Line(OPERATE, {"step": 1}),
    "POST api/runs/<uuidstr:run_id>/takeover": Line(OPERATE),
    "DELETE api/runs/<uuidstr:run_id>/takeover": Line(OPERATE),
    "POST api/runs/<uuidstr:run_id>/orders": Line(OPERATE, {"tool": "read_file"}),
    "GET api/approvals": Line(SIGNED_IN),
    "GET api/approvals/<uuidstr:request_id>": Line(SEE),
    "POST api/approvals/decisions": Line(SIGNED_IN),
    "POST api/approvals/<uuidstr:request_id>/decision": Line(DECIDE, {"decision": "hold", **REVISION}),
    "POST api/approvals/<uuidstr:request_id>/questions": Line(DECIDE, {"question": "Why?"}),
    "PUT api/approvals/<uuidstr:request_id>/claim": Line(DECIDE),
    "DELETE api/approvals/<uuidstr:request_id>/claim": Line(DECIDE),
    "GET api/agents": Line(SIGNED_IN),
    "POST api/agents": Line(
        NAMED,
        {
            "team": "{team}",
            "name": "other",
            "title": "Other",
            "version": {"system_prompt": "Help.", "model_chain": ["claude-sonnet-4-5"]},
        },
    ),
    "GET api/agents/<slug:name>": Line(SEE),
    "PATCH api/agents/<slug:name>": Line(ADMINISTER, {"title": "Other"}),
    "GET api/agents/<slug:name>/versions": Line(SEE),
    "POST api/agents/<slug:name>/versions": Line(ADMINISTER),
    "GET api/agents/<slug:name>/versions/<int:number>": Line(SEE),
    "PUT api/agents/<slug:name>/live": Line(ADMINISTER, {"version": 1}),
    "PUT api/agents/<slug:name>/candidate": Line(ADMINISTER, {"percent": 10}),
    "DELETE api/agents/<slug:name>/candidate": Line(ADMINISTER),
    "POST api/agents/<slug:name>/candidate/promotion": Line(ADMINISTER),
    "GET api/triggers": Line(SIGNED_IN),
    "POST api/triggers": Line(OPERATE_NAMED, {"kind": "webhook", "name": "Other", "agent": "{name}", "goal": "Do it."}),
    "GET api/triggers/<uuidstr:trigger_id>": Line(SEE),
    "PATCH api/triggers/<uuidstr:trigger_id>": Line(OPERATE, {"goal": "Do more."}),
    "DELETE api/triggers/<uuidstr:trigger_id>": Line(OPERATE),
    "POST api/triggers/<uuidstr:trigger_id>/secret": Line(OPERATE),
    "GET api/triggers/<uuidstr:trigger_id>/firings": Line(SEE),
    "POST api/triggers/<uuidstr:trigger_id>/test": Line(OPERATE, {"body": {}}),
    "GET api/tools": Line(SIGNED_IN),
    "GET api/tools/<name>": Line(SIGNED_IN),
    "PUT api/tools/<name>/tier": Line(NAMED, {"team": "{team}", "tier": "high"}),
    "DELETE api/tools/<name>/tier": Line(SUPERUSER),
    "GET api/policies": Line(SIGNED_IN),
    "GET api/policies/<slug:team>": Line(SEE),
    "GET api/policies/<slug:team>/versions": Line(SEE),
    "GET api/policies/<slug:team>/versions/<int:number>": Line(SEE),
    "PUT api/policies/<slug:team>/draft": Line(ADMINISTER, {"rules": [], **REVISION}),
    "POST api/policies/<slug:team>/publication": Line(ADMINISTER, REVISION),
    "PUT api/policies/<slug:team>/live": Line(ADMINISTER, {"version": 1}),
    "GET api/budgets": Line(SIGNED_IN),
    "POST api/budgets": Line(NAMED, {"team": "{team}", "period": "month", "limit_usd": "9"}),
    "GET api/budgets/<int:budget_id>": Line(SEE),
    "PATCH api/budgets/<int:budget_id>": Line(ADMINISTER),
    "DELETE api/budgets/<int:budget_id>": Line(ADMINISTER),
    "GET api/models": Line(SIGNED_IN),
    "PUT api/models/<path:model>/price": Line(SUPERUSER, PRICE),
    "DELETE api/models/<path:model>/price": Line(SUPERUSER),
    "GET api/workers": Line(OPERATORS_OF_ANY),
    "GET api/teams": Line(SIGNED_IN),
    "POST api/teams": Line(SUPERUSER, {"name": "Third"}),
    "GET api/teams/<slug:team>": Line(SEE),
    "PATCH api/teams/<slug:team>": Line(ADMINISTER, {"name": "Third"}),
    "GET api/teams/<slug:team>/members": Line(ADMINISTER),
    "POST api/teams/<slug:team>/members": Line(ADMINISTER, {"username": "new", "roles": ["viewer"]}),
    "PUT api/teams/<slug:team>/members/<username>": Line(ADMINISTER, {"roles": ["operator"]}),
    "DELETE api/teams/<slug:team>/members/<username>": Line(ADMINISTER),
    "GET api/tokens": Line(SIGNED_IN),
    "POST api/tokens": Line(SIGNED_IN),
    "DELETE api/tokens/<int:token_id>": Line(ADMINS_OF_PERSON),
}

SOCKETS: dict[str, Rule] = {
    "ws/runs/<uuid:run_id>": SEE,
    "ws/approvals": SIGNED_IN,
    "ws/overview": SIGNED_IN,
    "": OWNER,
}
"""The last is any other address: it looks like a run that never was."""
