"""What the log's filters need at millions of messages."""

from typing import Any

from django.db import migrations, models
from django.db.models import Q

# Most campaigns have a tag and a template of their own. Unless told so, PostgreSQL takes messages with both for rare,
# and would rather read two whole indexes than the beginning of one.
TOGETHER = "CREATE STATISTICS smsoffice_together (mcv) ON tag, template_slug FROM smsoffice_outputsmsmessage"
APART = "DROP STATISTICS smsoffice_together"


def let_it_count_together(apps: Any, editor: Any) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(TOGETHER)


def let_it_count_apart(apps: Any, editor: Any) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(APART)


class Migration(migrations.Migration):
    dependencies = [("smsoffice", "0001_initial")]

    operations = [
        migrations.RemoveIndex(model_name="outputsmsmessage", name="smsoffice_backend"),
        # In the order of the list, so that the messages of a gateway that was left long ago are found as soon.
        migrations.AddIndex(
            model_name="outputsmsmessage",
            index=models.Index(
                condition=Q(backend__gt=""),
                fields=["backend", "state", "-created_at", "-id"],
                name="smsoffice_gateway",
            ),
        ),
        migrations.RunPython(let_it_count_together, let_it_count_apart),
    ]
