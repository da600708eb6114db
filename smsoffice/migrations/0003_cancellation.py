"""Cancellations of more messages than one request cancels."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('smsoffice', '0002_gateway_in_order'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Cancellation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                ('started_at', models.DateTimeField(null=True, verbose_name='started')),
                ('finished_at', models.DateTimeField(null=True, verbose_name='finished')),
                ('keys', models.JSONField(default=list)),
                ('total', models.PositiveIntegerField(verbose_name='messages')),
                ('done', models.PositiveIntegerField(default=0, verbose_name='looked at')),
                ('cancelled', models.PositiveIntegerField(default=0, verbose_name='cancelled')),
                ('user', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who')),
            ],
            options={
                'verbose_name': 'cancellation',
                'verbose_name_plural': 'cancellations',
                'default_permissions': (),
            },
        ),
    ]
