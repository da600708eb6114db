"""What an operator does to one message from its page: ask the gateway, decide, cancel. Each is a POST."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from smsoffice import phone
from smsoffice.admin.common import clock, gateway_title, number
from smsoffice.admin.way_back import kept, way_back
from smsoffice.backend.sms import get_sms_backend
from smsoffice.exceptions import GatewayError
from smsoffice.models.decisions import OUTCOMES, cancel, decidable_from, settle
from smsoffice.models.sms import OutputSMSEvent, OutputSMSMessage
from smsoffice.states import OPEN, State

if TYPE_CHECKING:
    from smsoffice.admin.message import MessagePages


class DecisionForm(forms.Form):
    """What an operator knows of a message, and how."""

    outcome = forms.ChoiceField(choices=[(state.value, state.label) for state in sorted(OUTCOMES)])
    note = forms.CharField(max_length=500)


def the_message(page: MessagePages, request: HttpRequest, message_id: int) -> OutputSMSMessage:
    """The message that an action is about; 404 without it, 403 for who may not see it."""
    message = OutputSMSMessage.objects.filter(pk=message_id).first()
    if not page.has_view_permission(request, message):
        raise PermissionDenied
    if message is None:
        raise Http404
    return message


def title_of(message: OutputSMSMessage) -> str:
    """What a message's page is called: by its number, or by its key once the number was removed."""
    if message.recipient:
        return _("SMS to %s") % phone.group_international(message.recipient)
    return _("Message %(id)s") % {"id": number(message.pk)}


def back_to(page: MessagePages, request: HttpRequest, message: OutputSMSMessage) -> HttpResponseRedirect:
    """To the message's page, from which one still comes back to the list as it was filtered."""
    name = f"admin:{page.opts.app_label}_{page.opts.model_name}_change"
    url = reverse(name, args=[message.pk], current_app=page.admin_site.name)
    return HttpResponseRedirect(f"{url}{kept(request)}")


def log_of(request: HttpRequest, message: OutputSMSMessage, words: str) -> None:
    """Write who did what to a message; neither its text nor its number."""
    LogEntry.objects.create(
        user_id=cast(int, request.user.pk),
        content_type=ContentType.objects.get_for_model(message),
        object_id=str(message.pk),
        object_repr=str(message),
        action_flag=CHANGE,
        change_message=words,
    )


def log_of_many(request: HttpRequest, model: type[Model], words: str) -> None:
    """Write who did what to many rows; neither texts nor numbers."""
    LogEntry.objects.create(
        user_id=cast(int, request.user.pk),
        content_type=ContentType.objects.get_for_model(model),
        object_repr=str(model._meta.verbose_name_plural),
        action_flag=CHANGE,
        change_message=words,
    )


def may_act(request: HttpRequest) -> bool:
    """Whether the user may check, cancel and decide, though nobody edits a message's fields."""
    return bool(request.user.has_perm("smsoffice.change_outputsmsmessage"))


def _acting(page: MessagePages, request: HttpRequest, message_id: int) -> OutputSMSMessage:
    if not may_act(request):
        raise PermissionDenied
    return the_message(page, request, message_id)


def check(page: MessagePages, request: HttpRequest, message_id: int) -> HttpResponse:
    """Ask the gateway about the message now."""
    message = _acting(page, request, message_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    before = message.state
    if before not in OPEN:
        page.message_user(
            request, _("There is nothing to ask: the state of this message is final or not begun."), messages.WARNING
        )
        return back_to(page, request, message)
    level, words = ask(message.backend, [message], request.user.pk)
    if not words:
        log_of(request, message, _("Checked."))
        message.refresh_from_db()
        news = {"state": message.get_state_display()}
        if message.state != before:
            words = _("The state is now: %(state)s.") % news
        else:
            words = _("Nothing new: the state is still %(state)s.") % news
    page.message_user(request, words, level)
    return back_to(page, request, message)


def not_asked(gateway: str, error: GatewayError | ImproperlyConfigured) -> str:
    """Why a gateway could not be asked; what only an administrator can mend is addressed to one."""
    if isinstance(error, GatewayError):
        words = _("%(gateway)s could not be asked: %(words)s Nothing was changed.")
    else:
        words = _(
            "%(gateway)s could not be asked, as this site is not set up for it. Nothing was changed. "
            "For the administrator: %(words)s"
        )
    return words % {"gateway": gateway, "words": error}


def ask(path: str, asked: Sequence[OutputSMSMessage], user_id: Any) -> tuple[int, str]:
    """Ask a gateway about messages that were handed over to it.

    Returns:
        How it went, and what to say of it unless that is for the messages' new states to say.
    """
    gateway = gateway_title(path)
    try:
        # What a gateway says is kept in the site's language.
        with translation.override(settings.LANGUAGE_CODE):
            is_asked = get_sms_backend(path).check_now(asked, user_id)
    except (GatewayError, ImproperlyConfigured) as error:
        return messages.ERROR, not_asked(gateway, error)
    if not is_asked:
        return messages.WARNING, _("%s cannot be asked about single messages.") % gateway
    return messages.SUCCESS, ""


def settle_page(page: MessagePages, request: HttpRequest, message_id: int) -> HttpResponse:
    """Record what the operator knows of a message whose outcome is not known."""
    message = _acting(page, request, message_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    form = DecisionForm(request.POST)
    if not form.is_valid():
        words = _("Nothing was recorded. Say whether the customer has the text, and how you know.")
        page.message_user(request, words, messages.ERROR)
        return back_to(page, request, message)
    outcome = State(form.cleaned_data["outcome"])
    if settle(message, outcome, form.cleaned_data["note"], request.user.pk):
        log_of(request, message, _("Decided: %s.") % outcome.label)
        page.message_user(request, _("Your decision is recorded: %s.") % outcome.label, messages.SUCCESS)
    elif _decided_before(message, outcome, form.cleaned_data["note"], request.user.pk):
        words = _("Your decision was recorded before: %s.") % outcome.label
        page.message_user(request, words, messages.WARNING)
    else:
        message.refresh_from_db()
        if message.state == State.UNKNOWN:
            words = _("Nothing was recorded: the gateway's answer is awaited until %s. Decide then.")
            page.message_user(request, words % clock(decidable_from(message)), messages.WARNING)
            return back_to(page, request, message)
        told = {"state": message.get_state_display()}
        words = _("News came first: the state is now %(state)s. Your decision was not needed.") % told
        page.message_user(request, words, messages.WARNING)
    return back_to(page, request, message)


def _decided_before(message: OutputSMSMessage, outcome: State, note: str, user_id: Any) -> bool:
    """Whether it is this decision by which the message's outcome is known, as after a double click."""
    mine = message.events.filter(source=OutputSMSEvent.Source.OPERATOR, user_id=user_id)
    return mine.filter(to_state=outcome, words=note, ignored=False).exists()


def cancelled_among(keys: Collection[int]) -> int:
    """How many of the messages an operator has cancelled."""
    decided = OutputSMSEvent.objects.filter(message__in=keys, source=OutputSMSEvent.Source.OPERATOR)
    return decided.filter(from_state=State.WAITING, to_state=State.ERROR).count()


def cancel_page(page: MessagePages, request: HttpRequest, message_id: int) -> HttpResponse:
    """Ask, and on POST cancel the message if it still waits."""
    message = _acting(page, request, message_id)
    if request.method != "POST":
        context: dict[str, Any] = {
            **page.admin_site.each_context(request),
            **way_back(page, request),
            "title": _("Cancel this message?"),
            "opts": page.opts,
            "message": message,
            "message_title": title_of(message),
            "waits": message.state == State.WAITING,
            "was_cancelled": cancelled_among([message.pk]),
        }
        return TemplateResponse(request, "admin/smsoffice/outputsmsmessage/cancel.html", context)
    with translation.override(settings.LANGUAGE_CODE):
        cancelled = cancel([message.pk], request.user.pk)
    if cancelled:
        log_of(request, message, _("Cancelled."))
        page.message_user(request, _("The message is cancelled. It will not be sent."), messages.SUCCESS)
    elif cancelled_among([message.pk]):
        page.message_user(request, _("The message was cancelled before. It will not be sent."), messages.WARNING)
    else:
        page.message_user(request, _("It was too late: the message does not wait any more."), messages.WARNING)
    return back_to(page, request, message)
