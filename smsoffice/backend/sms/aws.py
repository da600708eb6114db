"""boto3 over our own connections: the protocol, credentials and signatures are its; what a call proves is told here.

Source: the common errors of AWS's Query and JSON protocols, and botocore's exceptions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from boto3.session import Session
from botocore import exceptions as boto
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.parsers import ResponseParserError
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from urllib3 import HTTPResponse
from urllib3.exceptions import ConnectTimeoutError

from smsoffice.backend.sms.http import HTTPClient, check_status
from smsoffice.backend.sms.outcomes import as_gateway_error
from smsoffice.exceptions import GatewayError, NotNow, OutcomeUnknown, RefusedForUs

AWS_TYPES = {"text/xml", "application/xml", "application/x-amz-json-1.1"}

NO_RIGHT = _(
    "AWS does not allow us this call. Give our user or role the right to sns:Publish and, for delivery states, to "
    "logs:DescribeLogGroups and logs:FilterLogEvents."
)
NO_CREDENTIALS = _(
    "There are no credentials for AWS. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in PYMESS_SNS_CONFIG, "
    "or give this machine a role."
)
SLOW_DOWN = _("AWS asks us to slow down.")


def _by_code(*meanings: tuple[Promise, str]) -> dict[str, Promise]:
    return {code: words for words, codes in meanings for code in codes.split()}


FOR_US = _by_code(
    (NO_RIGHT, "AccessDenied AccessDeniedException AuthorizationError AuthorizationErrorException NotAuthorized"),
    (
        _("AWS refuses our access key. Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in PYMESS_SNS_CONFIG."),
        "AuthFailure IncompleteSignature IncompleteSignatureException InvalidAccessKeyId InvalidClientTokenId "
        "InvalidSecurity InvalidSecurityException InvalidSignatureException MissingAuthenticationToken "
        "MissingAuthenticationTokenException SignatureDoesNotMatch UnrecognizedClient UnrecognizedClientException",
    ),
    (
        _("AWS says that our temporary credentials have expired. Renew them."),
        "ExpiredToken ExpiredTokenException TokenRefreshRequired",
    ),
    (
        _("AWS says that our call is too old or too new. Set this machine's clock right."),
        "RequestExpired RequestTimeTooSkewed",
    ),
    (
        _("Our account at AWS is not signed up for this service, or is not active."),
        "AccountProblem OptInRequired SubscriptionRequiredException",
    ),
    (
        _("Who answers does not know this call. Check ENDPOINT_URL in PYMESS_SNS_CONFIG."),
        "InvalidAction UnknownOperationException",
    ),
    (
        _("AWS cannot use the key that our account encrypts with. Check it in AWS's key management (KMS)."),
        "KMSAccessDenied KMSAccessDeniedException KMSDisabled KMSDisabledException KMSInvalidState "
        "KMSInvalidStateException KMSNotFound KMSNotFoundException KMSOptInRequired",
    ),
)
"""Codes that say: refused for us, whatever we send."""

LATER = _by_code(
    (
        SLOW_DOWN,
        "KMSThrottling KMSThrottlingException RequestLimitExceeded RequestThrottled RequestThrottledException "
        "Throttled ThrottledException Throttling ThrottlingException TooManyRequestsException",
    ),
)
"""Codes that say: not now, nothing was done."""

NOTHING_LEFT = (boto.EndpointConnectionError, boto.ConnectTimeoutError)
NO_CREDENTIAL_ERRORS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.NoAuthTokenError,
    boto.TokenRetrievalError,
    boto.SSOError,
)


class Refused(GatewayError):
    """AWS refuses a call for what stands in it.

    Args:
        text: AWS's own words. They may hold what we sent, so they are read but not shown.
    """

    def __init__(self, code: str, text: str = "") -> None:
        self.text = text
        super().__init__(_t("AWS refuses the call with the code “%s”.") % code[:50], code)


@dataclass(frozen=True, slots=True)
class Access:
    """Where a service is and how we get in; without a key boto3 looks for the machine's own credentials."""

    region: str
    endpoint_url: str
    key_id: str
    secret: str = field(repr=False)
    timeout: float


class Transport:
    """Takes the place of botocore's: its time-out would count from byte to byte.

    Args:
        vet: raises where a body is not the document that it should be.
    """

    def __init__(self, connections: int, timeout: float, vet: Callable[[bytes], object]) -> None:
        self.http, self.timeout, self.vet = HTTPClient(connections), timeout, vet

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Call once; raises a GatewayError where no answer of AWS's comes back."""
        headers = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
        }
        answer = self.http.call(
            request.method,
            request.url,
            self.timeout,
            _check_who_answers,
            headers=headers,
            data=request.body,
            auth=_signed_already,
        )
        try:
            self.vet(answer.body)
        except ValueError:
            raise OutcomeUnknown(_t("The gateway's answer is not one of AWS's.")) from None
        raw = HTTPResponse(BytesIO(answer.body), preload_content=False)
        return AWSResponse(request.url, answer.status, answer.headers, raw)

    def close(self) -> None:
        self.http.session.close()


def _signed_already(request: Any) -> Any:
    """Keeps `requests` from signing over it with a login that it finds in a .netrc."""
    return request


def _check_who_answers(status: int, headers: Mapping[str, str]) -> None:
    """AWS tells in the body what it refuses; a proxy or a page is judged by its status."""
    if status < 400 or headers.get("Content-Type", "").partition(";")[0].strip().lower() not in AWS_TYPES:
        check_status(status, headers)


class Service:
    """One service of AWS, by a client that is kept until the access changes; safe to use from several threads.

    Args:
        name: as boto3 calls it.
        connections: how many are kept.
        vet: raises OutcomeUnknown or ValueError where a body is not the document that it should be.
    """

    def __init__(self, name: str, connections: int, vet: Callable[[bytes], object]) -> None:
        self.name, self._connections, self._vet = name, connections, vet
        self._lock = threading.Lock()
        self._kept: tuple[Access, Any] | None = None

    def call(self, access: Access, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """What an operation answers.

        Raises:
            Refused: for what stands in the call.
            GatewayError: of another kind: what it proves.
        """
        client = self.client(access)
        try:
            return getattr(client, operation)(**parameters)  # type: ignore[no-any-return]
        except Exception as error:
            raise proof_of(error) from None

    def pages(self, access: Access, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """What an operation answers, page by page until there is no token; a page may be empty. Raises as `call`."""
        client = self.client(access)
        try:
            yield from client.get_paginator(operation).paginate(**parameters)
        except Exception as error:
            raise proof_of(error) from None

    def client(self, access: Access) -> Any:
        """boto3's client.

        Raises:
            RefusedForUs: there is none with this access.
        """
        with self._lock:
            if self._kept is None or self._kept[0] != access:
                self._kept = access, self._new_client(access)
            return self._kept[1]

    def _new_client(self, access: Access) -> Any:
        try:
            session = Session(access.key_id or None, access.secret or None, region_name=access.region)
            # boto3 would sign with half a key.
            if session.get_credentials() is None or bool(access.key_id) != bool(access.secret):
                raise boto.NoCredentialsError
            # Repeating is the queue's work: to AWS a repeated Publish is another SMS.
            retries = {"total_max_attempts": 1, "mode": "standard"}
            timeouts = {"connect_timeout": access.timeout, "read_timeout": access.timeout}
            config = Config(retries=retries, max_pool_connections=self._connections, **timeouts)
            client = session.client(self.name, endpoint_url=access.endpoint_url or None, config=config)
        except NO_CREDENTIAL_ERRORS:
            raise RefusedForUs(str(NO_CREDENTIALS)) from None
        except Exception as error:
            words = _t(
                "The client of AWS cannot be set up (%s). Check AWS_REGION and ENDPOINT_URL in PYMESS_SNS_CONFIG."
            )
            raise RefusedForUs(words % type(error).__name__) from None
        # botocore has no setting for it. Where it is no longer found there, its own transport calls, by the same rules.
        client._endpoint.http_session = Transport(self._connections, access.timeout, self._vet)
        return client


def proof_of(error: Exception) -> GatewayError:
    """What a failed call proves. What stands in botocore's words is kept out of ours: numbers, texts, keys."""
    if isinstance(error, boto.ClientError):
        return _proof_of_answer(error)
    if isinstance(error, boto.ParamValidationError):
        return Refused(type(error).__name__)
    if isinstance(error, NO_CREDENTIAL_ERRORS):
        return RefusedForUs(str(NO_CREDENTIALS))
    if isinstance(error, NOTHING_LEFT) or _met_no_proxy(error):
        return NotNow(_t("AWS could not be reached: no connection."))
    if isinstance(error, (boto.HTTPClientError, ResponseParserError)):
        return OutcomeUnknown(_t("AWS gave no answer that can be read."))
    return as_gateway_error(error)


def _met_no_proxy(error: Exception) -> bool:
    """Whether not even a proxy was reached; botocore also calls so what broke after the call had left through it."""
    beneath = error.kwargs.get("error") if isinstance(error, boto.ProxyConnectionError) else None
    return isinstance(getattr(beneath, "__cause__", None), ConnectTimeoutError)


def _proof_of_answer(error: boto.ClientError) -> GatewayError:
    said, status = error.response.get("Error", {}), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(said.get("Code") or "")
    if code in FOR_US:
        return RefusedForUs(str(FOR_US[code]), code)
    if code in LATER or status == 429:
        return NotNow(str(LATER.get(code, SLOW_DOWN)), code)
    if status in {401, 403}:
        return RefusedForUs(str(NO_RIGHT), code)
    if 400 <= status < 500 and status not in {408, 409}:
        return Refused(code, str(said.get("Message", "")))
    return OutcomeUnknown(_t("AWS failed and may have taken it or not."), code)
