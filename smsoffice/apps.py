"""The app: where the floors are wired together."""

from __future__ import annotations

from types import ModuleType

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from smsoffice.broker import has_broker
from smsoffice.conf import conf


class SmsofficeConfig(AppConfig):
    """smsoffice as an installed app."""

    name = "smsoffice"
    label = "smsoffice"
    verbose_name = _("SMS")
    default_auto_field = "django.db.models.BigAutoField"

    def __init__(self, app_name: str, app_module: ModuleType | None) -> None:
        super().__init__(app_name, app_module)
        # Migrations find a swappable model by the name of its setting, so Django wants that to exist.
        if not hasattr(settings, "PYMESS_SMS_TEMPLATE_MODEL"):
            settings.PYMESS_SMS_TEMPLATE_MODEL = conf.SMS_TEMPLATE_MODEL

    def ready(self) -> None:
        from smsoffice import checks, delivery  # noqa: F401  (importing registers the checks)
        from smsoffice.signals import messages_accepted

        messages_accepted.connect(delivery.publish_accepted, dispatch_uid="smsoffice.delivery")
        if has_broker():
            from smsoffice import tasks

            messages_accepted.connect(tasks.start_sending, dispatch_uid="smsoffice.tasks")
