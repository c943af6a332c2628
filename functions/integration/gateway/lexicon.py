"""Words that change what a question asks for, and words that do not: English, German, French, Spanish."""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _classes(text: str) -> dict[str, str]:
    """Each word of a line stands for the line's first."""
    lines = [line.split() for line in text.strip().splitlines()]
    return {word: line[0] for line in lines for word in line}


PHRASES: Final = (
    (r"\b(?:turn|turning|turned|switch|switching) on\b", "enable"),
    (r"\b(?:turn|turning|turned|switch|switching) off\b", "disable"),
    (r"\bwhat time\b|\b(?:in|on) (?:which|what) (?:year|day|date)\b", "when"),
    (r"\bhow (?:much|many|far|tall|long|often|old|big)\b", "quantity"),
    (r"\b(?:(?:wie )?(?:viele?|lange|weit|oft)|combien|cu[aá]nt[oa]s?)\b", "quantity"),
    (r"\b(?:number|amount|frequency) of\b|\bwhat is the (?:limit|price)\b", "quantity"),
    (r"\bwhat (?:is|are) the reasons? (?:that|for|my|why)?|\bwhat (?:makes|causes)\b", "why "),
    (r"\b(?:do not|does not|did not|is not|are not)\b", "not"),
    (r"\bcan ?not\b", "can not"),
    # An infinitive's `to` says nothing; what stands before it may.
    (r"\b(?:need|needs|needed|have|has|had|got|required) to\b", "must"),
    (r"\b(able|possible|allowed|wants?|like|try|trying|going|used|ways?|steps|what|when|where|how) to\b", r"\1"),
    (r"\bhow (?:do|can|could) i\b", "how"),
    (r"\b(tell|show|give|explain to|explain) me\b|\bi (have)(?= an? (?:quick )?question)", r"\1\2"),
    (r"\b(comment) (?:puis-je|je peux)\b|\b(wie) kann ich\b|\b(cómo) puedo\b", r"\1\2\3"),
)

UNITS: Final = _classes("""
monday montag lundi lunes mondays
tuesday dienstag mardi martes tuesdays
wednesday mittwoch mercredi miércoles wednesdays
thursday donnerstag jeudi jueves thursdays
friday freitag vendredi viernes fridays
saturday samstag samedi sábado saturdays
sunday sonntag dimanche domingo sundays
january januar janvier enero
february februar février febrero
march märz mars marzo
april avril abril
may mai mayo
june juni juin junio
july juli juillet julio
august août agosto
september septembre septiembre
october oktober octobre octubre
november novembre noviembre
december dezember décembre diciembre
today heute hoy
tomorrow morgen demain mañana
yesterday gestern hier ayer
spring frühling printemps primavera
summer sommer été verano
autumn fall herbst automne otoño
winter hiver invierno
morning vormittag matin
evening abend soir
night nacht nuit noche
year years yearly annual jahr jahre année ans año años
month months monthly monat monate mois mes meses
week weeks weekly woche wochen semaine semana semanas
day days daily tag tage jour jours día días
hour hours stunde stunden heure heures hora horas
minute minutes minuten minutos
usd dollar dollars $
eur euro euros €
gbp pound pounds £
percent prozent %
kg kilogram kilograms kilogramm
g gram grams gramm
ounce ounces oz
km kilometre kilometres kilometer kilometers
m metre metres meter meters
mile miles
foot feet
inch inches
celsius
fahrenheit
mb megabyte megabytes
gb gigabyte gigabytes
tb terabyte terabytes
quarter quartal trimestre
semester
""")

NEGATIONS: Final = _words(
    "no non not never none nothing nobody nor neither without except lack lacks illegal impossible "
    "nicht kein keine keinen keiner nie niemals ohne nichts "
    "pas jamais sans aucun aucune n "
    "sin nunca ningún ninguna ninguno jamás"
)
NEGATING_PREFIX: Final = r"(?:un(?!der|til|it|ion|ique|less)|non(?!e$)|dis(?!c[aeiou]|t|p|h|k))\w{3,}"

OPPOSITES: Final = _classes("""
enable activate activating enabling aktivieren aktiviere activer activar activo
disable deactivate disabling deaktivieren deaktiviere désactiver desactivar desactivo
advantages advantage pros benefits
disadvantages disadvantage cons drawbacks
increase raise
decrease reduce lower
highest largest biggest maximum most longest
lowest smallest minimum least shortest
high
low
install
uninstall
lock
unlock
upgrade
downgrade
add invite
remove delete
encode
decode
ascending
descending
gain
lose
allow
block deny
open opens öffnen öffnet ouvrir abre
close closes schließen schließt fermer cierra
import
export
before vorher avant antes
after nachher après después
inbound
outbound
positive
negative
start starts begin begins
end ends
buy
sell
create
revoke
short shorter
long longer
restart reboot
reset
formal
casual
recursive
iterative
soft
hard
all every
""")

QUESTIONS: Final = _classes("""
when wann quand cuándo
where wo où dónde
who whose whom wer qui quién
why warum pourquoi
quantity
""")

FORMS: Final = _words(
    "json yaml csv xml table list bullet haiku poem song email story essay sentence sentences detail "
    "detailed brief child expert beginner english german french spanish italian portuguese test tests "
    "recursive iterative"
)

RELATIONS: Final = _classes("""
to into onto toward towards zu zum zur nach ins à au aux vers al hacia
from von vom aus depuis desde
de du del d
in im inside dans en dentro
out raus hors fuera
up hoch
down runter
on auf sur
off weg
with mit avec con
by par durch por
and und et y
or oder ou o
can could able kann können kannst konnte könnte peux peut pouvez puis pourriez puedo puede pueden podemos
may might allowed darf dürfen
must shall need needs required muss müssen dois doit devez faut debo debe deben
should ought soll sollte sollen devrais devrait debería
will would werde wird würde
i me my mine myself ich mir mich mein meine meinen meinem meiner je j mon ma mes moi yo mi mis
you your yours yourself du dir dich dein deine deinen deinem deiner tu te ton ta tes vous votre vos tú tus usted
he him his er ihm ihn il él
she her hers elle ella
sie ihr ihre ihren ihnen
we us our ours wir uns unser unsere nous notre nos nosotros nuestro nuestra
they them their theirs ils elles leur leurs ellos ellas
good better best gut gute guten besser beste besten bon bonne meilleur meilleure bueno buena mejor
bad worse worst schlecht schlechte schlechter schlechteste mauvais mauvaise pire malo mala peor
""")
"""Directions, particles, conjunctions, modal verbs, persons, judgements: words that turn what others say."""

# Which words of a message say nothing about what it asks for.
FILLERS: Final = _words(
    "a an the this that these those it its there here is are was were be been am do does did done have has had "
    "of for at as so ok please hi hello hey dear thanks thank regards quick question help sorry bother just "
    "wanted want like know ask asked asking wonder wondering always wondered advance chance any team tell "
    "explain show give say describe identify find get see way ways steps work works used use go about what "
    "which how if whether one more also possible exactly actually currently kindly morning der die das ein eine "
    "einen dem den des ist sind bitte danke hallo wie welche welcher welches für es man heißt erkläre le la les "
    "un une l est sont bonjour merci svp comment quel quelle quels quelles pour dire que qu el los las una unos "
    "son hola gracias cómo qué cuál para favor decir se"
)
