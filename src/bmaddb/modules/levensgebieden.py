"""Life areas: the wheel, its questions, and the scores a user gave."""

from __future__ import annotations

from bmaddb.modules.seeds.life_area_questions import LIFE_AREA_QUESTIONS
from bmaddb.modules.seeds.life_areas import LIFE_AREA_PRESETS, LIFE_AREAS
from bmaddb.schema import (
    CatalogRecord,
    DeleteRule,
    MergeRule,
    Module,
    Sensitivity,
    UserRecord,
    boolean,
    integer,
    json,
    real,
    text,
    timestamp,
)


class LifeArea(
    CatalogRecord,
    table="life_areas",
    sensitivity=Sensitivity.PUBLIC,
    uniques=(("code",),),
):
    """The catalogue of life areas with Dutch and English names."""

    code = text()
    name_i18n = json()
    description_i18n = json(default={})
    preset_codes = json(default=[])
    position = integer()
    icon = text(null=True)
    color = text(null=True)
    belief_related = boolean(default=False)
    health_related = boolean(default=False)


class UserLifeArea(
    UserRecord,
    table="user_life_areas",
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    natural_key=("user_id", "code"),
    indexes=(("user_id", "active", "position"),),
    uniques=(("user_id", "code"),),
):
    """The areas this user works with: chosen, renamed, ordered, or made up."""

    code = text(merge=MergeRule.IMM)
    life_area_id = text(
        null=True, references="life_areas", on_delete="null", merge=MergeRule.IMM, note="null = own area"
    )
    custom_name = text(null=True, sealable=True)
    color = text(null=True, sensitivity=Sensitivity.PERSONAL)
    position = text(default="a0", merge=MergeRule.POS, sensitivity=Sensitivity.PERSONAL)
    active = boolean(default=True, sensitivity=Sensitivity.PERSONAL)
    importance = integer(null=True, check="importance >= 1 and importance <= 10")
    target_score = real(null=True)
    current_score = real(null=True, merge=MergeRule.DRV, note="from the newest submitted assessment")


class LifeAreaQuestion(
    CatalogRecord,
    table="life_area_questions",
    sensitivity=Sensitivity.PUBLIC,
    uniques=(("life_area_id", "question_code", "version"),),
):
    """A question of the full check; its wording may vary, its scoring never does."""

    life_area_id = text(references="life_areas", on_delete="cascade")
    question_code = text()
    version = integer()
    text_i18n = json()
    scale = text(enum=("likert5", "slider10"))
    reversed = boolean(default=False)
    weight = real(default=1.0)
    position = integer()


class LifeAreaAssessment(
    UserRecord,
    table="life_area_assessments",
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    indexes=(("user_id", "taken_at"), ("user_id", "state", "taken_at")),
):
    """One filled-in wheel."""

    taken_at = timestamp(merge=MergeRule.IMM)
    kind = text(enum=("quick", "full", "session", "quarterly"), merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    preset_code = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    scoring_version = integer(default=1, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    state = text(default="draft", enum=("draft", "submitted"), merge=MergeRule.STM, sensitivity=Sensitivity.PERSONAL)
    overall_pct = real(null=True, merge=MergeRule.DRV, note="importance-weighted mean")
    balance_index = real(null=True, merge=MergeRule.DRV, note="1 - sd/50, clipped at 0")
    coaching_session_id = text(null=True, references="coaching_sessions", on_delete="null", merge=MergeRule.IMM)
    note = text(null=True, merge=MergeRule.TXT, sealable=True)


class LifeAreaScore(
    UserRecord,
    table="life_area_scores",
    sensitivity=Sensitivity.SPECIAL,
    natural_key=("assessment_id", "user_life_area_id"),
    indexes=(("user_id", "user_life_area_id"),),
    uniques=(("assessment_id", "user_life_area_id"),),
):
    """The score of one area in one wheel."""

    assessment_id = text(
        references="life_area_assessments",
        on_delete="cascade",
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    user_life_area_id = text(references="user_life_areas", on_delete="restrict", merge=MergeRule.IMM)
    raw_score = real(note="1..10 slider, or mean Likert 1..5")
    score_pct = real(check="score_pct >= 0 and score_pct <= 100", merge=MergeRule.DRV)
    answers = json(default={}, merge=MergeRule.MAP)
    reflection = text(null=True, merge=MergeRule.TXT, sealable=True)


MODULE = Module(
    name="levensgebieden",
    purpose="Life areas: the wheel, its questions, and the scores a user gave.",
    records=(
        LifeArea,
        UserLifeArea,
        LifeAreaQuestion,
        LifeAreaAssessment,
        LifeAreaScore,
    ),
    seeds={"life_areas": LIFE_AREAS, "life_area_questions": LIFE_AREA_QUESTIONS},
    registries={"life_area_presets": LIFE_AREA_PRESETS},
)
