"""A simulated Feedback Company, API v2: orders whose customers are invited to a review.

Written from the provider's "API for Developers" pages on orders, access tokens and invitations,
and from what its public clients show. Where those are silent, the docstrings here say what was
assumed.
"""

from typing import Final

from worker.sandbox.remotes.feedback_company.remote import FeedbackCompany

REMOTE: Final = FeedbackCompany
