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
    (r"\b(?:do not|does not|did not|can ?not|should not|is not|are not)\b", "not"),
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
on
off
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

# Which words of a message say nothing about what it asks for.
FILLERS: Final = _words(
    "a an the this that these those it its i me my mine we us our you your he she they them their there "
    "here is are was were be been am do does did done have has had can could may might must shall should "
    "will would of to for in on at by with as and or so ok please hi hello hey dear thanks thank regards "
    "best good quick question help sorry bother just wanted want like know need ask asked asking wonder "
    "wondering always wondered advance chance any team tell explain show give say describe identify find "
    "get see way ways steps work works used use go about what which how if whether one more also possible "
    "allowed able exactly actually currently kindly morning der die das ein eine einen dem den des ist "
    "sind ich mir mich mein meine meinen du ihr wir kann können bitte danke hallo wie welche welcher "
    "welches zu und oder für es man heißt erkläre le la les un une de d l est sont je mon ma mes vous "
    "nous puis peux pourriez bonjour merci svp comment quel quelle quels quelles et ou pour dire que qu "
    "el los las una unos al del son yo mi mis puedo puede pueden hola gracias cómo qué cuál y o para por "
    "favor decir se"
)
