"""The addresses of the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from django.views.generic import RedirectView

from project.forbidden import forbidden
from project.health import healthz

admin.site.site_header = admin.site.site_title = _("SMS office")
admin.site.index_title = _("Overview")

handler403 = forbidden

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("sms/callbacks/", include("smsoffice.callbacks.urls")),
]
