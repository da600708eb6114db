"""What retention looks for at millions of messages, most of which it emptied before."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("smsoffice", "0003_cancellation")]

    operations = [
        migrations.AddIndex(
            model_name="outputsmsmessage",
            index=models.Index(
                condition=Q(check_after__isnull=True, recipient__gt="") & ~Q(state="WAITING"),
                fields=["created_at", "id"],
                name="smsoffice_removable",
            ),
        ),
    ]
