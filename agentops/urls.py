"""Every address of the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from agentops import api_docs, health, installation
from agentops.api import api

handler500 = "agentops.outage.unexpected"

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz, name="readyz"),
    path("api/docs", api_docs.page, name="api-docs"),
    path("api/", api.urls),
    path("admin/", admin.site.urls),
    path("settings/installation", installation.page, name="installation"),
    path("", include("agentops.accounts.urls")),
    path("approvals/", include("approvals.urls")),
    path("policy/", include("approvals.policy_urls")),
    path("", include("runs.urls")),
]
