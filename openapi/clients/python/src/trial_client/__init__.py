"""The client of the trial API: see README.md."""

from trial_client.answers import NEW, Answer, Download, etag_of
from trial_client.client import Trial
from trial_client.credentials import (
    AccessToken,
    ClientAssertion,
    ClientSecret,
    Credentials,
    Password,
    RefreshToken,
)
from trial_client.problems import TrialProblem, Unreachable
from trial_client.retries import Retries
from trial_client.sending import fresh_key

__all__ = [
    "NEW",
    "AccessToken",
    "Answer",
    "ClientAssertion",
    "ClientSecret",
    "Credentials",
    "Download",
    "Password",
    "RefreshToken",
    "Retries",
    "Trial",
    "TrialProblem",
    "Unreachable",
    "etag_of",
    "fresh_key",
]
