"""Who we are at Google: the credentials file, one access token for all threads, and an httplib2.Http that carries it.

google_auth_httplib2.AuthorizedHttp is not used: its threads each fetch a token of their own, and for service accounts it asks a
further host (iamcredentials.googleapis.com) in the background, through the very connection that is in use.
"""

import http.client
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import google_auth_httplib2
import httplib2
from google.auth.exceptions import GoogleAuthError, TransportError
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

SCOPES = ("https://www.googleapis.com/auth/calendar.events", "https://www.googleapis.com/auth/calendar.freebusy")


class CredentialsFileError(Exception):
    """GOOGLE_CREDENTIALS_FILE can't be used; the message says why."""


class TokenUnreachableError(Exception):
    """No token could be fetched just now; nothing is said about the credentials."""


class TokenRefusedError(Exception):
    """The login server refuses the credentials; the message is the kind of refusal, never a secret."""


class AnswerError(Exception):
    """Google answered, and not with a success.

    Attributes:
        status: 300 or more.
        headers: By lower-case name.
        content: The body as it came.
    """

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        super().__init__(status)
        self.status, self.headers, self.content = status, headers, content


def plain_http(timeout_s: float) -> Any:
    """An httplib2.Http for one thread: no proxies, no redirects (they would carry the token elsewhere)."""
    plain = httplib2.Http(timeout=timeout_s, proxy_info=None)
    plain.follow_redirects = False
    return plain


class Login:
    """The credentials and their token. Safe for any number of threads."""

    def __init__(self, credentials: Any, timeout_s: float) -> None:
        self._credentials, self._timeout_s = credentials, timeout_s
        self._lock = threading.Lock()

    def token(self, *, other_than: str | None = None) -> str:
        """A token that has not expired. One thread fetches it, the others wait for that.

        Args:
            other_than: A token that was refused although it had not expired.

        Raises:
            TokenUnreachableError: The login server did not answer, or not in time.
            TokenRefusedError: It refused.
        """
        current = self._usable(other_than)
        if current:
            return current
        if not self._lock.acquire(timeout=self._timeout_s):
            raise TokenUnreachableError
        try:
            return self._usable(other_than) or self._fetch()
        finally:
            self._lock.release()

    def _usable(self, other_than: str | None) -> str | None:
        token = self._credentials.token if self._credentials.valid else None
        return str(token) if token and token != other_than else None

    def _fetch(self) -> str:
        plain = plain_http(self._timeout_s)
        try:
            self._credentials.refresh(_token_request(plain))
        except (TransportError, OSError, http.client.HTTPException, httplib2.HttpLib2Error) as error:
            raise TokenUnreachableError from error
        except GoogleAuthError as error:
            raise (TokenUnreachableError if error.retryable else TokenRefusedError)(type(error).__name__) from None
        except (TypeError, ValueError) as error:  # google-auth stumbles over a page in place of JSON
            raise TokenUnreachableError from error
        finally:
            plain.close()
        return str(self._credentials.token)


def _token_request(plain: Any) -> Callable[..., Any]:
    """A call of the login server. One that may work later fails at once: how often to repeat is decided elsewhere."""
    request = google_auth_httplib2.Request(plain)

    def call(*args: Any, **kwargs: Any) -> Any:
        answer = request(*args, **kwargs)
        if answer.status == 429 or answer.status >= 500:
            raise TokenUnreachableError
        return answer

    return call


class AuthorizedHttp:
    """One thread's connection to Google, with the token; a token that is refused (401) is replaced once."""

    def __init__(self, login: Login | None, timeout_s: float) -> None:
        self._login, self._plain = login, plain_http(timeout_s)

    def request(self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **more: Any) -> tuple[Any, bytes]:
        """As httplib2.Http.request.

        Raises:
            AnswerError: The answer is no success. The library is not shown it: it breaks on bodies that are not Google's.
            TokenUnreachableError, TokenRefusedError: Before the call was made, or instead of its repetition after a 401.
        """
        token = self._login.token() if self._login else None
        answer, content = self._plain.request(uri, method, body, _with(headers, token), **more)
        if answer.status == 401 and self._login:
            token = self._login.token(other_than=token)
            answer, content = self._plain.request(uri, method, body, _with(headers, token), **more)
        if answer.status >= 300:
            raise AnswerError(answer.status, answer, content)
        return answer, content

    def close(self) -> None:
        self._plain.close()


def _with(headers: Any, token: str | None) -> dict[str, str]:
    return {**(headers or {}), **({"authorization": f"Bearer {token}"} if token else {})}


def load_credentials(path: Path) -> Any:
    """The credentials in a file: the key of a service account, or an authorized user's refresh token.

    Raises:
        CredentialsFileError: It is neither, or can't be read.
    """
    # A service account must name its scopes; a refresh token has those it was granted, and asking for others is refused.
    loaders: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
        "service_account": (service_account.Credentials.from_service_account_info, {"scopes": SCOPES}),
        "authorized_user": (user_credentials.Credentials.from_authorized_user_info, {}),
    }
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        kind = str(info.get("type"))
        if kind in loaders:
            load, more = loaders[kind]
            return load(info, **more)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CredentialsFileError(f"{path} can't be read as Google credentials ({type(error).__name__}).") from None
    raise CredentialsFileError(f"{path} has type {kind!r}; it must be the key of a service account or of an authorized user.")
