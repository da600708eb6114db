"""Draining 20,000 waiting messages through ATS's client, beside a bare loop of the same calls."""

from __future__ import annotations

from smsoffice.backend.sms.ats_sms_operator import ATSSMSBackend
from tests.benchmarks.drain import drain


def main() -> None:
    drain(ATSSMSBackend(), "ats", "ATS: drain")
