"""The demo shop."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DemoConfig(AppConfig):
    """A small shop whose customers get SMS about their orders."""

    name = "project.demo"
    label = "demo"
    verbose_name = _("Demo shop")
