"""The logins of the demo, for a machine of one's own only."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission, User

LOGINS = {"operator": "works with messages and templates", "admin": "may do everything"}
"""User names, which are their passwords too."""


def make_logins() -> None:
    """An operator, who has what the group “SMS operators” has, and an administrator."""
    operators = Group.objects.create(name="SMS operators")
    operators.permissions.set(
        Permission.objects.filter(content_type__app_label__in=["smsoffice", "demo"]).exclude(
            codename__startswith="delete_"
        )
    )
    User.objects.create_user("operator", password="operator", is_staff=True).groups.add(operators)  # noqa: S106
    User.objects.create_superuser("admin", password="admin")  # noqa: S106


def logins_in_words() -> str:
    """The logins, a line each, with the password unless it was changed."""
    lines = []
    for user in User.objects.filter(username__in=LOGINS).order_by("-username"):
        password = user.username if user.check_password(user.username) else "the one that you gave"
        lines.append(f"  user name: {user.username:9} password: {password:9} ({LOGINS[user.username]})")
    return "\n".join(lines)
