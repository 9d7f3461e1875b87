"""What a user says about herself, as rows: consent, settings, type; the same whichever door writes them.

Rules of this room: `db.personality` and the coaching operations both write these rows, and do not know each other. What
must come out the same stands here: what follows from a type, what a row of settings has, and what ends with a consent.
"""
