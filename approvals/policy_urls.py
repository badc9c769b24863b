"""Addresses of the policy: its rules, its versions, and what they would say."""

from __future__ import annotations

from django.urls import path

from .pages import policy, policy_rule, policy_trial, policy_versions

urlpatterns = [
    path("", policy.page, name="policy"),
    path("<slug:team>/draft", policy.draft, name="policy-draft"),
    path("<slug:team>/publication", policy.publish, name="policy-publish"),
    path("<slug:team>/rules/new", policy_rule.page, name="policy-rule-new"),
    path("<slug:team>/rules/<int:number>", policy_rule.page, name="policy-rule"),
    path("<slug:team>/condition", policy_rule.condition, name="policy-condition"),
    path("<slug:team>/trial", policy_trial.page, name="policy-trial"),
    path("<slug:team>/versions/", policy_versions.page, name="policy-versions"),
    path("<slug:team>/versions/<int:number>/restoration", policy_versions.roll_back, name="policy-restore"),
]
