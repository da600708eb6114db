"""A busy hour of the demo shop, for the pictures: `House.shell` runs it beside the house (it is no module to import).

The newest messages of the demo data wait or are on their way; here the shop sends some that the gateway delivers.
"""

import sys
import time
from datetime import timedelta

from django.db.models import F

from project.demo.models import Customer, Order
from smsoffice.backend.sms import send_template
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.states import State

MINUTES_AGO = (58, 51, 44, 37, 33, 26, 22, 19, 14, 12, 9, 7, 4, 3, 2, 1)
TOPICS = ("order-ready", "order-received", "order-shipped", "payment-reminder", "login-code")
IN_TROUBLE = {
    5: ("Ivan Dvořák", "+420 601 000 009"),
    10: ("Zuzana Malá", "+420 601 000 001"),
    13: ("Radek Vlk", "+420 601 000 002"),
}
"""Who gets which of the messages in vain: by its last digits the local gateway never says anything about the first
number, the second does not exist, and to the third nothing is delivered."""


def move_back(message: OutputSMSMessage, minutes: int) -> None:
    """As if all of it had happened some minutes earlier."""
    ago = timedelta(minutes=minutes)
    times = {name: F(name) - ago for name in ("created_at", "changed_at", "sent_at", "due_at")}
    OutputSMSMessage.objects.filter(pk=message.pk).update(**times)
    OutputSMSEvent.objects.filter(message=message).update(created_at=F("created_at") - ago)


Customer.objects.filter(name="Arthur Quinn").update(phone="")
orders = list(Order.objects.select_related("customer").exclude(customer__phone="")[: len(MINUTES_AGO)])
for place, (name, phone) in IN_TROUBLE.items():
    orders[place].customer = Customer.objects.create(name=name, phone=phone)
    orders[place].save()
sent: list[OutputSMSMessage] = []
for place, order in enumerate(orders):
    english = "-en" if order.customer.language == "en" else ""
    data = {
        "customer": {"name": order.customer.name},
        "order": {"number": order.number, "total": int(order.total)},
        "code": f"{4471 * (place + 31)}",
        "pickup_until": "30.11.",
        "courier": "PPL",
    }
    topic = TOPICS[place % len(TOPICS)]
    message = send_template(order.customer.phone, topic + english, data, [order, order.customer], topic)
    assert message, f"{topic + english} is switched off."
    sent.append(message)

end = time.monotonic() + 45
keys = [message.pk for message in sent]
while OutputSMSMessage.objects.filter(pk__in=keys, state__in=[State.WAITING, State.SENDING]).exists():
    if time.monotonic() > end:
        raise SystemExit("The gateway is too slow.")
    time.sleep(0.5)
for message, minutes in zip(sent, MINUTES_AGO, strict=True):
    move_back(message, minutes)
sys.stdout.write("The hour is over.")
