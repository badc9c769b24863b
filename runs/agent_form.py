"""The form of an agent with its live version's fields, for the admin page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agentops.tools.registry import registry

from .models import Agent, AgentVersion

LIMITS = [
    "max_output_tokens",
    "max_steps",
    "max_tool_calls",
    "max_parallel_calls",
    "max_tokens",
    "max_cost_usd",
    "max_seconds",
]
VERSION_FIELDS = ["system_prompt", "model_chain", "tools", *LIMITS]

_limits = forms.fields_for_model(AgentVersion, fields=LIMITS)


class Lines(forms.CharField):
    """A list of words, one a line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return super().to_python(value).split()

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)


class AgentForm(forms.ModelForm):  # type: ignore[type-arg]
    system_prompt = forms.CharField(widget=forms.Textarea(attrs={"rows": 16, "cols": 100}), strip=False)
    model_chain = Lines(help_text=_("One model a line, in order of preference: the next is used when one fails."))
    tools = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=lambda: [(n, n) for n in registry.names()],
    )
    locals().update(_limits)

    class Meta:
        model = Agent
        fields = ["team", "name", "title", "description", "example_goal", "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.live:
            for name in VERSION_FIELDS:
                self.initial.setdefault(name, getattr(self.instance.live, name))

    def clean_system_prompt(self) -> str:
        prompt: str = self.cleaned_data["system_prompt"]
        if not prompt.strip():
            raise forms.ValidationError(_("Tell the agent who it is and how it works."))
        return prompt

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        for name in LIMITS:
            if cleaned.get(name) is not None and cleaned[name] <= 0:
                self.add_error(name, _("Give a number above 0."))
        return cleaned

    def version_fields(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in VERSION_FIELDS}
