"""Teams own everything; memberships give people roles in them; tokens act for people with fewer rights.

Beside them: what a person chose for the console, where they are signed in, and who changed whose access.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    VIEWER = "viewer", _("Viewer")
    OPERATOR = "operator", _("Operator")
    APPROVER = "approver", _("Approver")
    ADMIN = "admin", _("Admin")


class Team(models.Model):
    """The one noun of ownership: it bounds what anybody sees."""

    name = models.CharField(max_length=80, unique=True)
    slug = models.SlugField(max_length=80, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One role of one person in one team. A person may hold several roles; rights add up."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user", "role"], name="one_role_once")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} in {self.team}"


class ApiToken(models.Model):
    """Lets a program act for its owner, within `scopes`, until `expires_at`. Only its hash is kept."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(
        max_length=8, editable=False, help_text=_("The token's first characters, to tell tokens apart.")
    )
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class SignInFailure(models.Model):
    """A failed attempt to sign in; rows live only as long as they count."""

    username = models.CharField(max_length=150)
    address = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["username", "address", "at"], name="failures_by_name"),
            models.Index(fields=["at"], name="failures_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.username} from {self.address}"


class Profile(models.Model):
    """What Django's user has no column for. Made when first needed."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="profile")
    time_zone = models.CharField(max_length=64, blank=True, help_text=_("An IANA name; empty: the browser's own."))
    link_key = models.CharField(
        max_length=32, blank=True, editable=False, help_text=_("Of the newest password link; older ones open nothing.")
    )

    def __str__(self) -> str:
        return f"profile of {self.user}"


class SignIn(models.Model):
    """A browser in which a person signed in. Live as long as its session is."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_ins")
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    address = models.CharField(max_length=64)
    browser = models.CharField(max_length=300, help_text=_("What the browser calls itself."))
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.user} from {self.address}"


class AccessChange(models.Model):
    """Who changed whose access, how and when. Names stay when the people are gone."""

    class Kind(models.TextChoices):
        ADDED = "added", _("added")
        ROLES = "roles", _("changed roles")
        DEACTIVATED = "deactivated", _("deactivated")
        REACTIVATED = "reactivated", _("reactivated")
        LINK = "link", _("made a password link")
        SIGNED_OUT = "signed_out", _("signed out everywhere")
        TOKEN_REVOKED = "token_revoked", _("revoked a token")

    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=16, choices=Kind)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=150)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="access_changes")
    person_name = models.CharField(max_length=150)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="access_changes")
    team_name = models.CharField(max_length=80, blank=True)
    before = models.JSONField(default=list, help_text=_("Roles in the team."))
    after = models.JSONField(default=list, help_text=_("Roles in the team."))

    class Meta:
        indexes = [models.Index(fields=["-at"], name="changes_by_time")]

    def __str__(self) -> str:
        return f"{self.by_name} {self.get_kind_display()}: {self.person_name}"


class IdempotencyKey(models.Model):
    """What a creating request made under its key, so that a repeat makes nothing and another request is refused."""

    principal = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    made = models.CharField(max_length=64, blank=True, help_text=_("Primary key of what it made."))
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["principal", "key"], name="request_key_once")]
        indexes = [models.Index(fields=["at"], name="request_keys_by_time")]

    def __str__(self) -> str:
        return self.key
