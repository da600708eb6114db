"""A host's admin site on which smsoffice has no pages."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from project.demo.models import Customer
from tests.admin.desk import CustomerAdmin

# Its address space is that of the admin, but its own name is another.
site = admin.AdminSite(name="alone")
site.register(Customer, CustomerAdmin)

urlpatterns = [path("alone/", site.urls)]
