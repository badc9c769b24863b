"""Forms of an agent with its version's fields: the console's editor and the admin page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from agentops.core.errors import InvalidInput
from agentops.tools.registry import registry

from . import version_checks
from .models import Agent, AgentVersion

LIMITS = [
    "max_steps",
    "max_tool_calls",
    "max_tokens",
    "max_cost_usd",
    "max_seconds",
    "max_output_tokens",
    "max_parallel_calls",
]
CHILD_LIMITS = ["max_children", "max_parallel_children", "max_depth"]
PARTS = ["planning", "delegates_to", *CHILD_LIMITS, "context_tokens", "summary_chain", "answer_schema"]
"""What works by itself as it is: folded away until somebody wants another."""
VERSION_FIELDS = ["system_prompt", "model_chain", "tools", *LIMITS, *PARTS]
WORDS = ["title", "description", "example_goal"]

LABELS = {
    "max_steps": _("Steps"),
    "max_tool_calls": _("Tool calls"),
    "max_tokens": _("Tokens"),
    "max_cost_usd": _("Cost in USD"),
    "max_seconds": _("Working time in seconds"),
    "max_output_tokens": _("Tokens of one answer"),
    "max_parallel_calls": _("Tool calls at once"),
}

CHILD_LABELS = {
    "max_children": _("Runs it may start in all"),
    "max_parallel_children": _("Of these at once"),
    "max_depth": _("Levels of runs below it"),
}

PLANNING = {
    "none": _("Step by step"),
    "plan": _("By a plan"),
    "reviewed": _("By a plan that a person approves"),
}

_limits = forms.fields_for_model(AgentVersion, fields=LIMITS, labels=LABELS)


class Several(forms.Textarea):
    """One a line; or several inputs of one name, one each."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        if isinstance(data, MultiValueDict):
            return "\n".join(data.getlist(name))
        return data.get(name)


class Lines(forms.CharField):
    """A list of words, one a line."""

    widget = Several(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return super().to_python(value).split()

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)


class Names(forms.Field):
    """Boxes that were ticked, by name; whether there is such a thing is for the action to say."""

    widget = forms.SelectMultiple

    def to_python(self, value: Any) -> list[str]:
        return [name for name in value or [] if name] if isinstance(value, list | tuple) else []


class Json(forms.CharField):
    """A value written as JSON; empty is none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "widget": _text(rows=8, spellcheck="false"), **options})

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False, indent=2)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        try:
            return json.loads(text) if text else None
        except json.JSONDecodeError as error:
            raise forms.ValidationError(
                _("This is no JSON: %(error)s, in line %(line)s at character %(column)s."),
                params={"error": error.msg, "line": error.lineno, "column": error.colno},
            ) from error
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_("This JSON cannot be read: it is nested too deep or too large.")) from error

    def validate(self, value: Any) -> None:
        if self.required and value is None:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """Those of text do not fit; what the value may be is for the action to say."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.to_python(data))
        except forms.ValidationError:
            return True


def _text(**attributes: Any) -> forms.Textarea:
    return forms.Textarea(attrs={"class": "input", **attributes})


def _number(**options: Any) -> forms.IntegerField:
    return forms.IntegerField(
        required=False, widget=forms.NumberInput(attrs={"class": "input", "inputmode": "numeric"}), **options
    )


def _parts() -> dict[str, forms.Field]:
    """The same for both forms. What is left empty is as it is for every agent."""
    return {
        "planning": forms.ChoiceField(required=False, choices=AgentVersion.Planning.choices),
        "delegates_to": Names(required=False),
        **{name: _number(label=label) for name, label in CHILD_LABELS.items()},
        "context_tokens": _number(
            label=_("Tokens of one request, at most"),
            help_text=_("Empty: what its models take. Near the end, earlier turns are summarised."),
        ),
        "summary_chain": Lines(required=False, label=_("Models that summarise and judge")),
        "answer_schema": Json(
            label=_("JSON schema of the answer"),
            help_text=_(
                "With one, the answer is JSON that fits it: the agent is told what is wrong at most twice. "
                "Empty: it answers in words."
            ),
        ),
    }


def tool_names() -> list[tuple[str, str]]:
    return [(name, name) for name in registry.names()]


class VersionChecks:
    """What both forms check before the action does."""

    cleaned_data: dict[str, Any]

    def clean_system_prompt(self) -> str:
        prompt: str = self.cleaned_data["system_prompt"].replace("\r\n", "\n")
        if not prompt.strip():
            raise forms.ValidationError(_("Tell the agent who it is and how it works."))
        return prompt

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()  # type: ignore[misc]
        for name in [*LIMITS, *CHILD_LIMITS]:
            if cleaned.get(name) is not None and cleaned[name] <= 0:
                self.add_error(name, _("Give a number above 0."))  # type: ignore[attr-defined]
        for name in [*CHILD_LIMITS, "planning"]:
            if name in cleaned and cleaned[name] in (None, ""):
                cleaned[name] = AgentVersion._meta.get_field(name).default
        return cleaned

    def version_fields(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in VERSION_FIELDS}


class AgentForm(VersionChecks, forms.ModelForm):  # type: ignore[type-arg]
    """The admin's."""

    system_prompt = forms.CharField(widget=forms.Textarea(attrs={"rows": 16, "cols": 100}), strip=False)
    model_chain = Lines(help_text=_("One model a line, in order of preference: the next is used when one fails."))
    tools = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple, choices=tool_names)
    note = forms.CharField(required=False, max_length=200, help_text=_("What changed, for people."))
    success = Json(
        label=_("Success criteria"),
        help_text=_(
            'A list, such as [{"kind": "judge", "question": "Does it …?"}, '
            '{"kind": "check", "expression": "answer.contains(\'A-1\')", "message": "Name the order."}].'
        ),
    )
    locals().update(_limits | _parts())
    delegates_to = Lines(required=False, help_text=_("Agents of the team that it may hand work to, one name a line."))

    class Meta:
        model = Agent
        fields = ["team", "name", *WORDS, "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.live:
            for name in [*VERSION_FIELDS, "success"]:
                self.initial.setdefault(name, getattr(self.instance.live, name))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors:
            live = self.instance.live
            before = {name: getattr(live, name) for name in [*VERSION_FIELDS, "inputs"]} if live else {}
            team = Agent(team=cleaned["team"]) if "team" in cleaned else self.instance
            try:
                version_checks.checked(team, before, before | self.version_fields())
            except InvalidInput as error:
                field = error.field.partition(".")[0]
                self.add_error(field if field in self.fields else None, str(error))
        return cleaned

    def version_fields(self) -> dict[str, Any]:
        return super().version_fields() | {"success": self.cleaned_data["success"] or []}


class AgentEditor(VersionChecks, forms.Form):
    """The console's. Inputs come as rows beside it; `base` says which state of the agent it was opened on."""

    title = forms.CharField(
        max_length=120, label=_("Title"), widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"})
    )
    description = forms.CharField(
        required=False,
        max_length=10_000,
        label=_("What it does"),
        help_text=_("One or two sentences, for the people who start it and decide for it."),
        widget=_text(rows=2),
    )
    example_goal = forms.CharField(
        required=False,
        max_length=10_000,
        label=_("Example goal"),
        help_text=_("Filled in when somebody starts a run; they may change it."),
        widget=_text(rows=2),
    )
    system_prompt = forms.CharField(
        max_length=100_000,
        strip=False,
        label=_("Instructions"),
        help_text=_("Who it is, how it works, what it must not do. The model reads them before every goal."),
        widget=_text(rows=14, spellcheck="true"),
    )
    tools = forms.MultipleChoiceField(required=False, choices=tool_names)
    model_chain = Lines(label=_("Models"), error_messages={"required": _("Name at least one model.")})
    locals().update(forms.fields_for_model(AgentVersion, fields=LIMITS, labels=LABELS) | _parts())
    note = forms.CharField(
        required=False,
        max_length=200,
        label=_("What changed"),
        help_text=_("For people who look at the versions later. May stay empty."),
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
    )
    reach = forms.ChoiceField(required=False, choices=[("all", ""), ("share", "")])
    percent = forms.IntegerField(
        required=False, min_value=1, max_value=99, widget=forms.NumberInput(attrs={"class": "input"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in LIMITS:
            self.fields[name].widget.attrs |= {"class": "input", "inputmode": "decimal"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("reach") == "share" and cleaned.get("percent") is None and "percent" not in self.errors:
            self.add_error("percent", _("Say which share of new runs: 1 to 99 percent."))
        return cleaned

    @property
    def words(self) -> dict[str, str]:
        return {name: self.cleaned_data[name].replace("\r\n", "\n") for name in WORDS}

    @property
    def candidate_percent(self) -> int | None:
        return self.cleaned_data["percent"] if self.cleaned_data.get("reach") == "share" else None


class NewAgent(AgentEditor):
    name = forms.CharField(
        max_length=80,
        label=_("Name"),
        help_text=_("For programs and addresses: small letters, digits and hyphens. It cannot be changed later."),
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "spellcheck": "false"}),
    )
    team = forms.ChoiceField(label=_("Team"), widget=forms.Select(attrs={"class": "input"}))

    def __init__(self, *args: Any, teams: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].choices = [(team.slug, team.name) for team in teams]  # type: ignore[attr-defined]
