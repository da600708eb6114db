"""An operator at a page of a bulk send, as a process of its own: `python -m tests.processes.desk ACTION BATCH USER`.

Prints the numbers after the action, as JSON, and how long the action took. `resend` makes a batch of all that failed.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from uuid import UUID

import django


def main(action: str, batch_id: UUID, user_id: int) -> None:
    django.setup()
    from smsoffice.models import batch_control, batch_resend, batch_write
    from smsoffice.models.batch import Batch
    from smsoffice.models.batch_numbers import numbers
    from smsoffice.models.sms import OutputSMSMessage

    # However few rows: the workers write them.
    batch_write.AT_ONCE = 0
    # So few rows a transaction that there are many to be killed in.
    vars(batch_resend)["CHUNK"] = 100
    began, said = time.monotonic(), ""
    if action == "confirm":
        try:
            batch_write.confirm(batch_id, user_id)
        except batch_write.AlreadyConfirmed as error:
            said = str(error)
    elif action == "resend":
        failed = batch_resend.read_chosen(OutputSMSMessage.objects.all())
        batch_id = batch_resend.store_resends(failed, user_id, "Resend").pk
        batch_write.confirm(batch_id, user_id)
    elif action != "look":
        getattr(batch_control, action)(batch_id, user_id)
    took = time.monotonic() - began
    batch = Batch.objects.get(pk=batch_id)
    told = {**asdict(numbers(batch)), "batch": str(batch.pk), "status": batch.status, "took": took, "said": said}
    print(json.dumps(told))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], UUID(sys.argv[2]), int(sys.argv[3]))
