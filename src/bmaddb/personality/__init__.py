"""A type preference as a small, decaying, guarded prior that can be switched off; and adapting to real use.

Rules of this room: the type never changes which rows a query gives, nor an order that was asked for; off without
consent; nothing derived from it leaves the device except the profile row; use outvotes it. docs/personality.md says
what it is worth, measured: for speed, nothing; what adapts to use is what helps.
"""

from bmaddb.personality.adaptive import AdaptiveCache, Mode, Wish
from bmaddb.personality.caches import SegmentedLru, Sieve
from bmaddb.personality.functions import FUNCTIONS, TYPES, stack_of
from bmaddb.personality.guard import Guard
from bmaddb.personality.model import UseModel, prior_shares
from bmaddb.personality.policies import CachePolicy, fixed_policy
from bmaddb.personality.presentation import Presentation, Reason, of_function, of_profile, of_type
from bmaddb.personality.profile import Profile, Question, answered, declared, from_axes, questions
from bmaddb.personality.tables import VIEWS

__all__ = [
    "FUNCTIONS",
    "TYPES",
    "VIEWS",
    "AdaptiveCache",
    "CachePolicy",
    "Guard",
    "Mode",
    "Presentation",
    "Profile",
    "Question",
    "Reason",
    "SegmentedLru",
    "Sieve",
    "UseModel",
    "Wish",
    "answered",
    "declared",
    "fixed_policy",
    "from_axes",
    "of_function",
    "of_profile",
    "of_type",
    "prior_shares",
    "questions",
    "stack_of",
]
