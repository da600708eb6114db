"""Delivery receipts that gateways push to us."""
