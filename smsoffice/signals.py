"""What happens in the house that a floor above may want to hear of."""

from django.dispatch import Signal

messages_accepted = Signal()
"""New rows are WAITING and committed. Argument `messages`: an iterable of them, read only by who needs it."""
