"""A log as an office has it after some months: the messages, what they belong to, their timelines, the bulk sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection, transaction

from project.demo.models import Customer, Order
from smsoffice.models.batch import Batch
from smsoffice.models.gateway import GatewayStatus
from smsoffice.models.rounds import CommandRun, note_round
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject, SMSTemplate

ATS = "smsoffice.backend.sms.ats_sms_operator.ATSSMSBackend"
OPERATOR = "smsoffice.backend.sms.sms_operator.SMSOperatorBackend"
SNS = "smsoffice.backend.sms.sns.SNSSMSBackend"

DAYS = 300
"""How far back the log goes, the small one as the large: of a hundred times as many messages a day."""

RARE = 60
"""Messages of each rare kind, in the small log as in the large: the oldest ones, to which no walk comes soon."""

OF_ONE = 60
"""Messages of one customer."""

BULK_SENDS = 20
"""Each has a hundredth of the log; the newest one runs, and a part of it waits."""

REFUSED = "The number does not exist."
SLUGS = ("order-ready", "order-shipped", "voucher")


def phone_of(customer: int) -> str:
    """The number of a customer, as the statement below writes it."""
    return f"+42060{customer * 7919 % 10_000_000:07d}"


def bulk_send(number: int) -> UUID:
    """The key of a bulk send."""
    return UUID(int=number + 1)


def fill(count: int) -> None:
    """Write so many messages, the oldest first as they came; the newest has the highest key, which is their number."""
    _fill_around()
    with _indexed_afterwards(), transaction.atomic(), connection.cursor() as cursor:
        # The rows are right by themselves; asking so of each takes longer than to write them.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in (_messages(count), _customers(count), _relations(count), EVENTS):
            cursor.execute(statement)
        for statement in connection.ops.sequence_reset_sql(no_style(), [OutputSMSMessage, Customer]):
            cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


@contextmanager
def _indexed_afterwards() -> Iterator[None]:
    """Do without the models' indexes meanwhile: to sort all rows once is faster than to put each in its place."""
    indexes = [(model, index) for model in (OutputSMSMessage, OutputSMSRelatedObject) for index in model._meta.indexes]
    with connection.schema_editor() as editor:
        for model, index in indexes:
            editor.remove_index(model, index)
    yield
    with connection.schema_editor() as editor:
        for model, index in indexes:
            editor.add_index(model, index)


def _fill_around() -> None:
    for slug in SLUGS:
        SMSTemplate.objects.create(slug=slug, body="Dobry den, objednavka je pripravena.")
    for number in range(BULK_SENDS):
        status = Batch.Status.RUNNING if number == BULK_SENDS - 1 else Batch.Status.FINISHED
        Batch.objects.create(pk=bulk_send(number), title=f"Voucher {number}", template_slug="voucher", status=status)
    GatewayStatus.objects.bulk_create(GatewayStatus(backend=path) for path in (ATS, OPERATOR, SNS))
    for name in CommandRun.Name:
        note_round(name, 60, "3 SENDING")


def _messages(count: int) -> str:
    templates = dict(SMSTemplate.objects.values_list("slug", "pk"))
    keys = " ".join(f"WHEN '{slug}' THEN {key}" for slug, key in templates.items())
    a_part, a_hundredth = count // BULK_SENDS, count // 100
    return f"""
        INSERT INTO smsoffice_outputsmsmessage (id, created_at, changed_at, recipient, sender, content, template_id,
            template_slug, template_version, state, backend, error, tag, extra_data, extra_sender_data, external_id,
            segments, encoding, priority, due_at, send_attempts, sent_at, check_after, batch_id, batch_row)
        SELECT i, moment, moment + interval '5 seconds',
            '+42060' || lpad(((i % ({count} / {OF_ONE}) + 1) * 7919 % 10000000)::text, 7, '0'), '',
            'Dobry den, objednavka c. ' || i || ' je pripravena k vyzvednuti na prodejne Brno.',
            CASE slug {keys} END, slug, CASE WHEN slug = '' THEN NULL ELSE 1 END, state,
            CASE WHEN state = 'WAITING' THEN '' WHEN is_rare THEN '{SNS}' WHEN i % 7 = 0 THEN '{OPERATOR}'
                ELSE '{ATS}' END,
            CASE WHEN state <> 'ERROR' THEN '' WHEN i <= 50 * {RARE} THEN 'It was refused by the network.'
                WHEN dice < 700 THEN '{REFUSED}' ELSE 'The phone was off for too long.' END,
            CASE WHEN is_rare THEN 'vip' WHEN is_bulk THEN 'voucher-' || part WHEN dice < 300 THEN 'reminders'
                WHEN dice < 400 THEN 'orders' ELSE '' END,
            '{{}}', '{{}}', CASE WHEN state = 'WAITING' THEN '' ELSE 'r' || i END, 1, 'GSM-7',
            CASE WHEN is_bulk THEN 0 ELSE 10 END, moment, CASE WHEN state = 'WAITING' THEN 0 ELSE 1 END,
            CASE WHEN state <> 'WAITING' THEN moment + interval '1 second' END,
            CASE WHEN state IN ('SENT', 'SENDING') AND i > {count} * 0.93 THEN now() + interval '1 hour' END,
            CASE WHEN is_bulk THEN lpad(to_hex(part + 1), 32, '0')::uuid END, CASE WHEN is_bulk THEN i END
        FROM (
            SELECT *,
                CASE WHEN is_rare THEN 'gone' WHEN is_bulk THEN 'voucher' WHEN other_dice < 400 THEN 'order-ready'
                    WHEN other_dice < 650 THEN 'order-shipped' ELSE '' END AS slug,
                CASE WHEN is_rare THEN 'UNKNOWN'
                    WHEN is_bulk AND i > {count} - {a_hundredth} * 0.3 THEN 'WAITING'
                    WHEN i % 50 = 3 THEN 'ERROR' WHEN i % 20 = 4 THEN 'SENT'
                    WHEN i > {count} * 0.999 AND i % 3 = 0 THEN 'SENDING' ELSE 'DELIVERED' END AS state
            FROM (
                SELECT i, now() - interval '90 seconds' - ({count} - i) * (interval '{DAYS} days' / {count}) AS moment,
                    i <= {RARE} AS is_rare, (i - 1) % {a_part} >= {a_part} - {a_hundredth} AS is_bulk,
                    (i - 1) / {a_part} AS part, i::bigint * 7919 % 1000 AS dice, i::bigint * 104729 % 997 AS other_dice
                FROM generate_series(1, {count}) AS i
            ) AS numbers
        ) AS drawn
        ORDER BY i
        """


def _customers(count: int) -> str:
    return f"""
        INSERT INTO demo_customer (id, name, phone, language, email)
        SELECT i, 'Zakaznik ' || i, '+42060' || lpad((i * 7919 % 10000000)::text, 7, '0'), 'cs', ''
        FROM generate_series(1, {count} / {OF_ONE}) AS i
        """


def _relations(count: int) -> str:
    customer, order = (ContentType.objects.get_for_model(model).pk for model in (Customer, Order))
    return f"""
        INSERT INTO smsoffice_outputsmsrelatedobject
            (created_at, changed_at, output_sms_message_id, content_type_id, object_id_int, object_id)
        SELECT created_at, created_at, id, CASE WHEN id <= {RARE} THEN {order} ELSE {customer} END, key, key::text
        FROM (SELECT created_at, id, id % ({count} / {OF_ONE}) + 1 AS key FROM smsoffice_outputsmsmessage) AS m
        ORDER BY id
        """


EVENTS = """
    INSERT INTO smsoffice_outputsmsevent
        (message_id, created_at, from_state, to_state, source, code, words, ignored)
    SELECT m.id, m.created_at + n * interval '1 second', old, new, source, code, '', false
    FROM smsoffice_outputsmsmessage AS m
    CROSS JOIN LATERAL (VALUES
        (1, 'WAITING', 'UNKNOWN', 'QUEUE', ''),
        (2, 'UNKNOWN', 'SENDING', 'GATEWAY', '0'),
        (3, 'SENDING', m.state, 'ASKED', '23')
    ) AS told (n, old, new, source, code)
    WHERE m.state <> 'WAITING' AND (n = 1 OR m.state <> 'UNKNOWN') AND (n < 3 OR m.state <> 'SENDING')
    ORDER BY m.id, n
    """
"""What the log says of each message: handed over, taken, asked about."""
