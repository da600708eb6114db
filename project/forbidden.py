"""What one meets who follows a link to a page that is not for them."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say so on a page of the admin, with a way out; of the page that was asked for it tells nothing."""
    context = {**admin.site.each_context(request), "title": _("You may not open this page")}
    return render(request, "admin/forbidden.html", context, status=403)
