"""The host's objects that messages belong to are named to whom the host's own pages would show them, at their price."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.db.models import Model, QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path, reverse

from project.demo.models import Customer
from smsoffice.models.sms import OutputSMSMessage, OutputSMSRelatedObject
from tests.admin.people import VIEW, a_message, browser_of, superuser
from tests.factories import NUMBER
from tests.queries import statements

pytestmark = pytest.mark.django_db

LIST = reverse("admin:smsoffice_outputsmsmessage_changelist")
MAY = (VIEW, "demo.view_customer")


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


class OfTheBranch(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows the customers of one branch alone, which is told by their language."""

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        return super().get_queryset(request).filter(language="cs")


class Broken(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows nothing, as somebody erred."""

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        raise RuntimeError("out of order")


class BrokenByItsRights(admin.ModelAdmin):  # type: ignore[type-arg]
    """Cannot say who may see what."""

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        raise RuntimeError("out of order")

    def has_module_permission(self, request: Any) -> bool:
        # Else the site's own menu asks.
        return False


class WithItsTypeAsked(admin.ModelAdmin):  # type: ignore[type-arg]
    """A permission's name has its type in it."""

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("content_type")


class WithItsTypeInTheList(admin.ModelAdmin):  # type: ignore[type-arg]
    """The same, as Django's own lists know it."""

    list_select_related = ("content_type",)


class WithAllInTheList(admin.ModelAdmin):  # type: ignore[type-arg]
    """The same, of all that an object points to."""

    list_select_related = True


site = admin.AdminSite()
for model, page in admin.site._registry.items():
    site.register(model, type(page))
site.register(Permission)
urlpatterns = [path("admin/", site.urls), path("", include("project.urls"))]


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """Lets a host's admin be the one of a model: `office(Customer, OfTheBranch)`."""
    settings.ROOT_URLCONF = __name__

    def use(model: type[Model], page: type[admin.ModelAdmin[Any]]) -> None:
        monkeypatch.setitem(site._registry, model, page(model, site))

    return use


def about(obj: Model) -> OutputSMSMessage:
    message = a_message()
    OutputSMSRelatedObject.to(message, obj).save()
    return message


def a_customer(name: str, branch: str = "cs") -> Customer:
    return Customer.objects.create(name=name, phone=NUMBER, language=branch)


def pages(browser: Client, obj: Model, message: OutputSMSMessage) -> list[str]:
    """The log, the log of the object alone, and the message's page."""
    alone = f"{LIST}?related_object_type={obj._meta.label_lower}&related_object_id={obj.pk}"
    addresses = [LIST, alone, reverse("admin:smsoffice_outputsmsmessage_change", args=[message.pk])]
    answers = [browser.get(address) for address in addresses]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    return [unescape(answer.content.decode()) for answer in answers]


@pytest.mark.parametrize("who", [superuser, lambda: browser_of(*MAY)])
def test_what_the_hosts_page_leaves_out_is_named_by_its_key_alone(office: Any, who: Any) -> None:
    office(Customer, OfTheBranch)
    ours, theirs = a_customer("Jana Nováková"), a_customer("Eva Adams", branch="en")
    browser = who()
    for text in pages(browser, ours, about(ours)):
        assert "Jana Nováková" in text
    for text in pages(browser, theirs, about(theirs)):
        assert "Eva" not in text
        assert reverse("admin:demo_customer_change", args=[theirs.pk]) not in text
        assert str(theirs.pk) in text


def test_an_object_without_a_page_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(admin.site._registry, Customer)  # type: ignore[misc]  # of which keys mypy cannot tell
    jana = a_customer("Jana")
    for text in pages(superuser(), jana, about(jana)):
        assert "Jana" not in text
        assert "Customer" in text


@pytest.mark.parametrize("page", [WithItsTypeAsked, WithItsTypeInTheList, WithAllInTheList])
def test_names_that_need_another_object_cost_as_much_as_the_host_says(office: Any, page: Any) -> None:
    office(Permission, page)
    named = list(Permission.objects.select_related("content_type")[:30])
    first = about(named[0])
    for other in named[1:25]:
        OutputSMSRelatedObject.to(first, other).save()
    one = reverse("admin:smsoffice_outputsmsmessage_change", args=[first.pk])
    browser = superuser()
    assert str(named[0]) in unescape(browser.get(one).content.decode())
    assert statements(lambda: browser.get(one)) <= 9
    for other in named[1:]:
        about(other)
    assert str(named[29]) in unescape(browser.get(LIST).content.decode())
    assert statements(lambda: browser.get(LIST)) <= 12
    alone = f"{LIST}?related_object_type=auth.permission&related_object_id={named[0].pk}"
    with CaptureQueriesContext(connection) as queries:
        browser.get(alone)
    assert len(queries) <= 12
    # Whether there is one, and its name, which the row and the filter share.
    assert sum('FROM "auth_permission"' in query["sql"] for query in queries) == 2


@pytest.mark.parametrize("page", [Broken, BrokenByItsRights])
def test_a_host_whose_page_is_broken_breaks_no_page_of_ours(
    office: Any, page: Any, caplog: pytest.LogCaptureFixture
) -> None:
    office(Customer, page)
    jana = a_customer("Jana")
    with caplog.at_level(logging.ERROR, "smsoffice"):
        for text in pages(superuser(), jana, about(jana)):
            assert "Jana" not in text
            assert f"{jana.pk}" in text
    assert "demo.Customer" in caplog.text
    assert "out of order" in caplog.text


def test_an_object_that_cannot_say_its_name_breaks_no_page(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    jana, eva = a_customer("Jana"), a_customer("Eva")

    def broken(customer: Customer) -> str:
        return customer.name if customer.pk == eva.pk else str(1 / 0)

    monkeypatch.setattr(Customer, "__str__", broken)
    both = about(jana)
    OutputSMSRelatedObject.to(both, eva).save()
    with caplog.at_level(logging.ERROR, "smsoffice"):
        log, _alone, page = pages(superuser(), jana, both)
    assert "Customer Eva" in log
    assert f"Customer {jana.pk}" in log
    assert ">Eva</a>" in page
    assert f"demo.Customer {jana.pk}" in caplog.text
