"""`{% smsoffice_dashboard %}`: the front page's numbers, for a site's `admin/index.html`."""

from __future__ import annotations

import logging
from typing import Any

from django import template
from django.db import Error as DatabaseError
from django.template import Context

from smsoffice.admin.dashboard import shown

register = template.Library()
logger = logging.getLogger("smsoffice.dashboard")


@register.inclusion_tag("admin/smsoffice/dashboard.html", takes_context=True)
def smsoffice_dashboard(context: Context) -> dict[str, Any]:
    """The dashboard, for who may see messages; nothing for anybody else."""
    user, request = context["user"], context["request"]
    if not user.has_perm("smsoffice.view_outputsmsmessage") and not user.has_perm("smsoffice.change_outputsmsmessage"):
        return {}
    may_steer = user.has_perm("smsoffice.add_outputsmsmessage") or user.has_perm("smsoffice.change_outputsmsmessage")
    try:
        figures = shown(may_send=user.has_perm("smsoffice.add_outputsmsmessage"))
    except DatabaseError:
        # The index still opens.
        logger.exception("The numbers of the front page could not be counted")
        return {"failed_to_count": True, "may_see": True}
    return {
        "may_see": True,
        "may_steer": may_steer,
        "csrf_token": context.get("csrf_token"),
        "request": request,
        **figures,
    }
