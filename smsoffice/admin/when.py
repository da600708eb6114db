"""When something is sent: now, or at a time of the site's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

NOW, LATER = "now", "later"


class WhenForm(forms.Form):
    """Now, or later at a date and time."""

    when = forms.ChoiceField(choices=[(NOW, _("Now")), (LATER, _("Later"))], initial=NOW, required=False)
    date = forms.DateField(required=False)
    time = forms.TimeField(required=False)

    send_after: datetime | None = None
    """The time chosen; None for now."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if data.get("when") != LATER or self.errors:
            return data
        if not data["date"] or not data["time"]:
            raise ValidationError(_("Give the date and the time, or choose Now."))
        self.send_after = moment_of(data["date"], data["time"])
        if self.send_after <= timezone.now():
            raise ValidationError(_("This time has passed. Choose a later one, or Now."))
        return data


def moment_of(day: date, at: time) -> datetime:
    """The moment at which the site's clock shows this; the first of two where the clock is set back.

    Raises:
        ValidationError: there is no such moment, as the clock is set forward over it.
    """
    moment = datetime.combine(day, at, tzinfo=timezone.get_current_timezone())
    if moment.astimezone(UTC).astimezone(moment.tzinfo).replace(tzinfo=None) != moment.replace(tzinfo=None):
        raise ValidationError(
            _("On that day the clock is set forward, and there is no %(time)s. Choose another time."),
            params={"time": f"{at:%H:%M}"},
        )
    return moment
