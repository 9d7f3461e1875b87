"""Four statements per life area, answered from 1 (not at all true) to 5 (quite true); ours in wording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_VERSION: Final = 1
# area -> (code, nl, en); a code that starts with "-" is a statement where less agreement is better
_STATEMENTS: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "physical_health": (
        ("rested", "Ik word meestal uitgerust wakker.", "I usually wake up rested."),
        ("moving", "Ik beweeg genoeg voor mijn doen.", "I move enough for who I am."),
        ("eating", "Ik eet op een manier die me goed doet.", "I eat in a way that does me good."),
        ("-complaints", "Lichamelijke klachten beperken me.", "Physical complaints hold me back."),
    ),
    "mental_health": (
        ("calm", "Ik vind rust wanneer ik die nodig heb.", "I find calm when I need it."),
        ("bounce", "Na tegenslag krabbel ik weer op.", "After a setback I get back on my feet."),
        ("-worry", "Piekeren kost me veel energie.", "Worrying costs me a lot of energy."),
        ("help", "Ik durf hulp te vragen als het niet gaat.", "I dare to ask for help when I struggle."),
    ),
    "work": (
        ("sense", "Wat ik doe voelt de moeite waard.", "What I do feels worth doing."),
        ("strengths", "Ik kan gebruiken waar ik goed in ben.", "I can use what I am good at."),
        ("-load", "Mijn werk slokt te veel op.", "My work swallows too much."),
        ("ahead", "Ik zie een volgende stap die me trekt.", "I see a next step that attracts me."),
    ),
    "money": (
        ("overview", "Ik weet wat er in en uit gaat.", "I know what comes in and goes out."),
        ("buffer", "Een onverwachte rekening kan ik opvangen.", "I can take an unexpected bill."),
        ("-stress", "Geld geeft me spanning.", "Money makes me tense."),
        ("choice", "Ik geef uit aan wat ik belangrijk vind.", "I spend on what matters to me."),
    ),
    "partner": (
        ("seen", "Ik voel me in de liefde gezien.", "In love I feel seen."),
        ("talk", "Moeilijke dingen kunnen we bespreken.", "We can talk about hard things."),
        ("-lonely", "Ik mis nabijheid.", "I miss closeness."),
        ("content", "Zoals het nu is, past het bij me.", "The way it is now suits me."),
    ),
    "family": (
        ("time", "Ik heb tijd voor de mensen thuis.", "I have time for the people at home."),
        ("safe", "Bij mijn familie kan ik mezelf zijn.", "With my family I can be myself."),
        ("-strain", "Er is gedoe dat blijft hangen.", "There is trouble that lingers."),
        ("care", "Zorg geven en krijgen is in balans.", "Giving and receiving care is in balance."),
    ),
    "social": (
        ("count_on", "Er zijn mensen op wie ik kan bouwen.", "There are people I can count on."),
        ("fun", "Ik lach geregeld met vrienden.", "I laugh with friends often."),
        ("-alone", "Ik ben vaker alleen dan ik wil.", "I am alone more than I want."),
        ("reach_out", "Ik zoek zelf contact op.", "I reach out myself."),
    ),
    "growth": (
        ("learning", "Ik leer dingen die ik wil kunnen.", "I learn things I want to master."),
        ("feedback", "Ik kan iets met kritiek.", "I can use criticism."),
        ("-stuck", "Ik trap steeds in dezelfde kuil.", "I keep making the same mistake."),
        ("curious", "Ik ben nieuwsgierig gebleven.", "I have stayed curious."),
    ),
    "leisure": (
        ("joy", "Elke week doe ik iets puur voor mijn plezier.", "Each week I do something just for fun."),
        ("off", "Ik kan werk en zorgen loslaten.", "I can let go of work and worries."),
        ("-screen", "Mijn vrije tijd lekt weg.", "My free time leaks away."),
        ("play", "Er is ruimte voor spel of maken.", "There is room to play or make things."),
    ),
    "home": (
        ("own_place", "Thuis is een fijne plek.", "Home is a good place."),
        ("order", "Mijn spullen werken mee.", "My things work for me."),
        ("-noise", "Mijn omgeving geeft me onrust.", "My surroundings make me restless."),
        ("outside", "Er is groen of lucht binnen bereik.", "Green or open air is within reach."),
    ),
    "meaning": (
        ("why", "Ik weet waarvoor ik opsta.", "I know what I get up for."),
        ("values", "Ik leef naar wat ik belangrijk vind.", "I live by what matters to me."),
        ("-empty", "Het voelt vaak leeg.", "It often feels empty."),
        ("wonder", "Ik ken momenten van verwondering.", "I know moments of wonder."),
    ),
    "contribution": (
        ("useful", "Ik beteken iets voor anderen.", "I mean something to others."),
        ("part", "Ik hoor ergens bij dat groter is dan ik.", "I am part of something larger than me."),
        ("-helpless", "Wat ik doe maakt toch niets uit.", "What I do makes no difference."),
        ("giving", "Ik geef tijd of aandacht die ik missen kan.", "I give time or attention I can spare."),
    ),
    "imagination": (
        ("dreams", "Ik sta stil bij wat ik droom of me voorstel.", "I pause at what I dream or imagine."),
        ("silence", "Ik neem tijd voor stilte.", "I take time for silence."),
        ("-dry", "Mijn verbeelding is opgedroogd.", "My imagination has dried up."),
        ("expression", "Ik geef beelden vorm, hoe klein ook.", "I give images a form, however small."),
    ),
}

LIFE_AREA_QUESTIONS: Final[tuple[Mapping[str, Any], ...]] = tuple(
    {
        "id": f"{area}/{code.removeprefix('-')}@{_VERSION}",
        "life_area_id": area,
        "question_code": code.removeprefix("-"),
        "version": _VERSION,
        "text_i18n": {"nl": nl, "en": en},
        "scale": "likert5",
        "reversed": code.startswith("-"),
        "weight": 1.0,
        "position": position,
    }
    for area, statements in _STATEMENTS.items()
    for position, (code, nl, en) in enumerate(statements, start=1)
)
