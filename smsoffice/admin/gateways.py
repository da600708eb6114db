"""The gateways: which of them refuses us, why, and since when."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from smsoffice.admin.common import NobodyEdits, gateway_title
from smsoffice.models.gateway import GatewayStatus


@admin.register(GatewayStatus)
class GatewayStatusAdmin(NobodyEdits):
    """What all workers know of each gateway, to read."""

    list_display = ("gateway", "refusal", "refused_since", "not_before", "failures")
    sortable_by = ()
    ordering = ["backend"]
    fields = (*list_display, "allowance", "allowance_at", "backend")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("gateway"))
    def gateway(self, status: GatewayStatus) -> str:
        return gateway_title(status.backend)
