"""What people may do to people, teams and tokens: every page, endpoint and command comes through here."""

from .people import add_person, deactivate, end_sign_ins, make_link, reactivate, set_roles, undo
from .teams import create_team, rename_team
from .tokens import revoke_token, tokens_seen

__all__ = [
    "add_person",
    "create_team",
    "deactivate",
    "end_sign_ins",
    "make_link",
    "reactivate",
    "rename_team",
    "revoke_token",
    "set_roles",
    "tokens_seen",
    "undo",
]
