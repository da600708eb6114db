"""Where gateways push to; mount it where the settings of the gateways say, as `/sms/callbacks/`."""

from __future__ import annotations

from django.urls import path

from smsoffice.callbacks.twilio import twilio_status

urlpatterns = [path("twilio/", twilio_status, name="smsoffice-twilio-status")]
