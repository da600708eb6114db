"""The page in the admin of an object that a message belongs to, whatever its key looks like."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory
from django.urls import path
from django.utils import timezone

from smsoffice.admin.common import page_of

pytestmark = pytest.mark.django_db

site = AdminSite()
site.register(Session)
urlpatterns = [path("admin/", site.urls)]


@pytest.mark.parametrize("key", ["order_2F", "a/b", "č. 7", "50%_off?"])
def test_an_object_is_linked_to_its_own_page(key: str, settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    user, browser, request = User.objects.create_superuser("root"), Client(), RequestFactory().get("/")
    browser.force_login(user)
    request.user = user
    found = Session.objects.create(session_key=key, session_data="what it holds", expire_date=timezone.now())

    url = page_of(site, request, found)

    assert url is not None
    answer = browser.get(url)
    assert answer.status_code == 200
    assert "what it holds" in answer.content.decode()
