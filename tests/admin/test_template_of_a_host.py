"""A host that has a template model of its own gets the same pages for it, under its own names."""

from __future__ import annotations

import json
import subprocess
import sys


def test_a_hosts_own_template_model_has_the_whole_editor() -> None:
    command = [sys.executable, "-m", "tests.admin.host_office"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["added"] == 302
    assert told["statuses"] == dict.fromkeys(["list", "page", "copy", "versions", "delete"], 200)
    assert told["preview_url_in_page"]
    assert told["page_shows"]
    assert told["preview"] == "Parcel 1. Your Shop."
    assert told["tested"] == "Order 7. Your Shop."
    assert told["versions"] == [[2, "Changed {{ number }}."], [1, "Order {{ number }}."]]
