"""What went wrong with object storage, as what a person can do about it.

The implementations of fsspec raise what they like, so errors are told by what they are called: nothing is imported
for that, and nothing that a server says is repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from regviz.errors import AccessDeniedError, RegvizError, SourceNotFoundError, UnreachableError
from regviz.storage.objects.adapter import StrangeListingError
from regviz.storage.objects.address import EXTRAS

if TYPE_CHECKING:
    from regviz.storage.objects.address import ObjectAddress

_NO_CREDENTIALS = (
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "ProfileNotFound",
    "TokenRetrievalError",
    "SSOError",
    "DefaultCredentialsError",
    "RefreshError",
    "ClientAuthenticationError",
)
_REFUSED = ("PermissionError",)
_ABSENT = ("FileNotFoundError", "ResourceNotFoundError", "NoSuchBucket")
_CREDENTIALS = {
    "s3": "the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), a profile (AWS_PROFILE, ~/.aws) or a role",
    "gs": "gcloud auth application-default login, or the variable GOOGLE_APPLICATION_CREDENTIALS",
    "az": "the environment (AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, …_SAS_TOKEN or "
    "…_CONNECTION_STRING) or az login",
}
_NOT_DONE = frozenset(("NotImplemented", "MethodNotAllowed", "UnsupportedOperation", "501", "405"))
_DENIED_CODES = frozenset(("401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"))


def is_absent(error: BaseException) -> bool:
    """Whether an object, or its bucket, is not there."""
    return _is_any(error, _ABSENT) or _code(error) in ("404", "NoSuchKey", "NoSuchBucket", "NoSuchUpload")


def is_refused(error: BaseException) -> bool:
    """Whether an object, or its bucket, may not be read."""
    return _is_any(error, _REFUSED) or _code(error) in _DENIED_CODES or str(error).startswith("Forbidden")


def is_denied(error: BaseException) -> bool:
    """Whether something may not be asked for, or is nothing that this server does."""
    return is_refused(error) or _code(error) in _NOT_DONE


def understood(error: Exception, address: ObjectAddress) -> RegvizError:
    """What to raise where a storage cannot be listed."""
    if isinstance(error, RegvizError):
        return error
    name = address.uri
    if any(_is_any(each, _NO_CREDENTIALS) for each in _chain(error)):
        hint = _CREDENTIALS.get(address.protocol, "what this storage takes")
        return AccessDeniedError(
            f"there are no credentials that {name} could be read with ({type(error).__name__}): give them by {hint}; "
            "what is public is read with anonymous access (--anonymous, storage_options={'anon': True})"
        )
    if is_refused(error):
        return AccessDeniedError(
            f"{name} may not be read by whom the credentials are for ({_code(error) or 'access denied'}): they need "
            "to list and to read what is there; what is public is read with anonymous access (--anonymous)"
        )
    if is_absent(error):
        where = f"no bucket {address.bucket}" if address.bucket else "no such place"
        return SourceNotFoundError(
            f"nothing lies at {name}: there is {where}. Look at its name, and at the endpoint (--endpoint-url)"
        )
    if isinstance(error, (TypeError, ValueError)):
        hint = f"; credentials are given by {_CREDENTIALS[address.protocol]}" if address.protocol in EXTRAS else ""
        return RegvizError(
            f"{name} cannot be opened so: what reads {address.protocol}:// lacks an option, or was given one that it "
            f"does not take or know ({type(error).__name__}){hint}"
        )
    if isinstance(error, StrangeListingError):
        return UnreachableError(f"{name} cannot be listed: the server repeats itself, or gives what was not asked for")
    return UnreachableError(
        f"{name} does not answer, or not as it should ({_shown(error)}): look at the network, at the name, and at the "
        "endpoint (--endpoint-url)"
    )


def not_installed(address: ObjectAddress, module: str) -> RegvizError:
    """What to raise where an implementation is lacking."""
    extra = EXTRAS.get(address.protocol)
    what = f"pip install 'regviz[{extra}]'" if extra else "pip install fsspec, and what that needs for it"
    return RegvizError(f"{address.uri} needs what is not installed here ({module}): {what}")


def _shown(error: BaseException) -> str:
    code = _code(error)
    return f"{type(error).__name__}{f' {code}' if code else ''}"


def _code(error: BaseException) -> str:
    """What a server's answer is called: S3 has words, the others have numbers."""
    for each in _chain(error):
        response = getattr(each, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
        for name in ("code", "status_code", "status"):
            code = getattr(each, name, None)
            if isinstance(code, int):
                return str(code)
    return ""


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in chain:
        chain.append(each)
        each = each.__cause__ or each.__context__
    return chain


def _is_any(error: BaseException, names: tuple[str, ...]) -> bool:
    return any(kind.__name__ in names for kind in type(error).__mro__)
