"""The service's errors: one row a shape, and the answer that each becomes.

Rows of the first table are in AWS's service model; those of the second come from the layers in front of the service,
whose errors carry no x-amzn-query-error header (throttling and validation do).
"""
import json

from .server import Answer

JSON_TYPE = "application/x-amz-json-1.0"
CLOUDWATCH = "com.amazonaws.cloudwatch.v2010_08_01"
FRONT = "com.amazon.coral.service"

# shape: (namespace, HTTP status, code in x-amzn-query-error or None)
MODELLED = {
    "ConflictException": (CLOUDWATCH, 409, None),
    "DashboardInvalidInputError": (CLOUDWATCH, 400, "InvalidParameterInput"),
    "DashboardNotFoundError": (CLOUDWATCH, 404, "ResourceNotFound"),
    "InternalServiceFault": (CLOUDWATCH, 500, "InternalServiceError"),
    "InvalidNextToken": (CLOUDWATCH, 400, "InvalidNextToken"),
    "InvalidParameterCombinationException": (CLOUDWATCH, 400, "InvalidParameterCombination"),
    "InvalidParameterValueException": (CLOUDWATCH, 400, "InvalidParameterValue"),
    "LimitExceededFault": (CLOUDWATCH, 400, "LimitExceeded"),
    "MissingRequiredParameterException": (CLOUDWATCH, 400, "MissingParameter"),
    "ResourceNotFound": (CLOUDWATCH, 404, "ResourceNotFound"),
    "ResourceNotFoundException": (CLOUDWATCH, 404, "ResourceNotFoundException"),
    "ConcurrentModificationException": (CLOUDWATCH, 429, "ConcurrentModificationException"),
}
IN_FRONT = {
    "AccessDeniedException": (FRONT, 403, None),
    "ExpiredTokenException": (FRONT, 403, None),
    "IncompleteSignatureException": (FRONT, 400, None),
    "InvalidSignatureException": (FRONT, 400, None),
    "MissingAuthenticationTokenException": (FRONT, 403, None),
    "RequestEntityTooLargeException": (FRONT, 413, None),
    "SerializationException": (FRONT, 400, None),
    "UnknownOperationException": (FRONT, 400, None),
    "UnrecognizedClientException": (FRONT, 403, None),
    "ThrottlingException": ("com.amazon.coral.availability", 400, "Throttling"),
    "ValidationException": ("com.amazon.coral.validate", 400, "ValidationError"),
}
# STS speaks the older query protocol; its own codes, and what the rows in front are called there.
QUERY = {
    "AccessDenied": 403,
    "ExpiredToken": 403,           # of the request's signature
    "ExpiredTokenException": 400,  # of the web identity
    "IDPCommunicationError": 400,
    "IDPRejectedClaim": 403,
    "IncompleteSignature": 400,
    "InternalFailure": 500,
    "InvalidAction": 400,
    "InvalidClientTokenId": 403,
    "InvalidIdentityToken": 400,
    "MalformedQueryString": 400,
    "MissingAuthenticationToken": 403,
    "PackedPolicyTooLarge": 400,
    "RegionDisabledException": 403,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "Throttling": 400,
    "ValidationError": 400,
}
IN_QUERY = {
    "AccessDeniedException": "AccessDenied",
    "IncompleteSignatureException": "IncompleteSignature",
    "InternalServiceFault": "InternalFailure",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "SerializationException": "MalformedQueryString",
    "ThrottlingException": "Throttling",
    "UnknownOperationException": "InvalidAction",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "ValidationException": "ValidationError",
}
# Secrets Manager: all 400 but the last.
SECRETS = ("DecryptionFailure", "InvalidParameterException", "InvalidRequestException", "InternalServiceError")
ERRORS = {**{code: (None, status, None) for code, status in QUERY.items()},
          **{shape: (None, 500 if shape == "InternalServiceError" else 400, None) for shape in SECRETS},
          **MODELLED, **IN_FRONT}
CAPITAL_MESSAGE = ("InternalServiceFault", "AccessDeniedException")  # these say "Message"


class ServiceError(Exception):
    """An error of the service. members: what its body holds beside the message."""

    def __init__(self, shape, message, **members):
        super().__init__(f"{shape}: {message}")
        self.shape, self.message, self.members = shape, message, members
        self.namespace, self.status, self.query_code = ERRORS[shape]

    @property
    def code(self):
        return self.query_code or self.shape

    def answer(self, query_mode):
        """query_mode: the request sent x-amzn-query-mode: true."""
        name = "Message" if self.shape in CAPITAL_MESSAGE else "message"
        body = {"__type": f"{self.namespace}#{self.shape}", name: self.message, **self.members}
        headers = {"Content-Type": JSON_TYPE}
        if query_mode and self.query_code:
            headers["x-amzn-query-error"] = f"{self.query_code};{'Receiver' if self.status >= 500 else 'Sender'}"
        return Answer(self.status, json.dumps(body).encode(), headers)
