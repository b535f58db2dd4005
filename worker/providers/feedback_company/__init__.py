"""The Feedback Company (API v2): an order is a notice that invites its customer to a review.

Facts are from the provider's "API for Developers" pages on orders, access tokens and invitations;
what only its clients show, or nobody does, is marked where it is used.
"""

from typing import Final

from worker.providers.feedback_company.adapter import FeedbackCompany

ADAPTER: Final = FeedbackCompany
