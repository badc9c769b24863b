"""Signing in and out, people, teams, tokens and one's own settings."""

from __future__ import annotations

from django.contrib.auth import views
from django.urls import path

from .forms import SignInForm
from .pages import people, settings, teams, tokens
from .pages.set_password import SetPassword

urlpatterns = [
    path(
        "sign-in/",
        views.LoginView.as_view(authentication_form=SignInForm, redirect_authenticated_user=True),
        name="login",
    ),
    path("sign-out/", views.LogoutView.as_view(), name="logout"),
    path("password/<uidb64>/<token>/", SetPassword.as_view(), name="set-password"),
    path("people/", people.page, name="people"),
    path("people/new", people.new, name="person-new"),
    path("people/<int:person_id>/", people.person, name="person"),
    path("people/<int:person_id>/roles", people.roles, name="person-roles"),
    path("people/<int:person_id>/deactivation", people.deactivate, name="person-deactivate"),
    path("people/<int:person_id>/reactivation", people.reactivate, name="person-reactivate"),
    path("people/<int:person_id>/link", people.link, name="person-link"),
    path("people/<int:person_id>/sign-out", people.sign_out, name="person-sign-out"),
    path("people/changes/<int:change_id>/undoing", people.undo, name="access-undo"),
    path("teams/", teams.page, name="teams"),
    path("teams/new", teams.create, name="team-new"),
    path("teams/<int:team_id>/name", teams.rename, name="team-rename"),
    path("tokens/", tokens.page, name="tokens"),
    path("tokens/<int:token_id>/revocation", tokens.revoke, name="token-revoke"),
    path("settings/", settings.page, name="settings"),
    path("settings/profile", settings.profile, name="settings-profile"),
    path("settings/password", settings.password, name="settings-password"),
    path("settings/sign-ins/<int:sign_in_id>/ending", settings.end, name="sign-in-end"),
    path("settings/sign-ins/ending", settings.end_others, name="sign-ins-end"),
]
