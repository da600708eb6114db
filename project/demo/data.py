"""The words of the demo shop. Its people do not exist, and neither do their numbers."""

from __future__ import annotations

CZECH_NAMES = (
    *("Jana Nováková", "Petr Svoboda", "Eva Dvořáková", "Tomáš Černý", "Lucie Procházková", "Jiří Kučera"),
    *("Anna Veselá", "Martin Horák", "Kateřina Němcová", "Pavel Pokorný", "Lenka Marešová", "Ondřej Růžička"),
    *("Hana Benešová", "Jakub Fiala", "Markéta Sedláčková", "Václav Doležal", "Tereza Zemanová", "Zdeněk Kolář"),
    *("Veronika Krejčí", "Lukáš Urban", "Barbora Čermáková", "Miloš Vaněk", "Šárka Blažková", "František Kříž"),
    *("Žaneta Kopecká", "Matěj Šimek"),
)
ENGLISH_NAMES = (
    *("Alice Harper", "James O'Neill", "Grace Bennett", "Oliver Marsh", "Emily Carter", "Henry Walsh", "Sophie Reed"),
    *("Daniel Frost", "Chloe Turner", "George Palmer", "Ruby Atkins", "Samuel Brooks", "Zoë Lambert", "Arthur Quinn"),
)
PHONE_PREFIX = "+420 601 000 1"

TEMPLATES = {
    "order-received": "Dobrý den, {{ customer.name }}, objednávku {{ order.number }} jsme přijali. "
    "Celkem {{ order.total }} Kč. Děkujeme!",
    "order-received-en": "Hello {{ customer.name }}, we have received your order {{ order.number }}. "
    "Total: CZK {{ order.total }}. Thank you!",
    "order-ready": "Dobrý den, objednávka {{ order.number }} je připravena k vyzvednutí. "
    "Kód pro výdej: {{ code }}. Čekáme na vás do {{ pickup_until }}",
    "order-ready-en": "Hello, your order {{ order.number }} is ready. "
    "Your pickup code is {{ code }}. We keep it for you until {{ pickup_until }}",
    "order-shipped": "Zásilku s objednávkou {{ order.number }} jsme předali dopravci"
    "{% if courier %} {{ courier }}{% endif %}. Doručení očekávejte zítra.",
    "order-shipped-en": "Your order {{ order.number }} was handed over to the courier"
    "{% if courier %} {{ courier }}{% endif %}. Expect it tomorrow.",
    "payment-reminder": "Dobrý den, {{ customer.name }}, za objednávku {{ order.number }} zbývá uhradit "
    "{{ order.total }} Kč. Pokud jste již zaplatili, zprávu prosím ignorujte.",
    "payment-reminder-en": "Hello {{ customer.name }}, CZK {{ order.total }} for your order {{ order.number }} "
    "is still to be paid. If you have paid already, please ignore this message.",
    "login-code": "Váš přihlašovací kód je {{ code }}. Platí 10 minut, nikomu ho nesdělujte.",
    "login-code-en": "Your login code is {{ code }}. It is valid for 10 minutes; do not share it with anyone.",
    "voucher-december": "{{ customer.name }}, máme pro vás dárek: sleva {{ discount|default:10 }} % na vše do "
    "24. prosince s kódem {{ code }}. Přejeme klidný advent!",
    "voucher-december-en": "{{ customer.name }}, here is a gift: {{ discount|default:10 }} % off everything until "
    "24 December with the code {{ code }}. Have a peaceful Advent!",
}
DESCRIPTIONS = {
    "order-received": "Thanks for the order",
    "order-ready": "The order waits at the shop",
    "order-shipped": "The parcel left the shop",
    "payment-reminder": "The order is not paid yet",
    "login-code": "One-time code to log in",
    "voucher-december": "Advent voucher",
}
"""What a template is for, by its slug without the language."""

VARIABLES: dict[str, tuple[str, str, str]] = {
    "customer.name": ("Jana Nováková", "Maxmiliána Alexandra Procházková-Dvořáková", "As the customer wrote it"),
    "order.number": ("2026-1042", "2026-104217", ""),
    "order.total": ("1290", "129900", "In crowns, without decimals"),
    "code": ("447153", "447153", "Six digits"),
    "pickup_until": ("23.11.", "23.11.", "The last day to pick it up"),
    "courier": ("Zásilkovna", "Zásilkovna", "Empty where the shop delivers itself"),
    "discount": ("15", "15", "Percent; 10 without it"),
}
"""What the shop hands over: an example, the longest likely value, and what it is."""

COURIERS = ("Zásilkovna", "PPL", "")
