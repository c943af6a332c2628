"""What the pages say, in the languages that mails are written in; French punctuation has its spaces."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from auth.registration.models import PasswordFault
from llmo_core.model import Model


class Words(Model):
    """The texts of one language; `{}` in `verify` and `join_register` is an address."""

    verify_title: str
    verify: str
    verify_button: str
    verified_title: str
    reset_title: str
    reset: str
    password: str
    password_again: str
    reset_button: str
    differ: str
    faults: Mapping[PasswordFault, str]
    changed_title: str
    sign_in: str
    confirm_title: str
    confirm_sign_in: str
    confirm: str
    confirm_refused: str
    join_title: str
    join_register: str
    join_sign_in: str
    join: str
    join_refused: str
    over_title: str
    verify_over: str
    reset_over: str
    join_over: str
    incomplete_title: str
    incomplete: str


_ENGLISH = Words(
    verify_title="Confirm your e-mail address",
    verify="This opens an account for {}, with the password that was chosen at registration. If it was not you who "
    "registered, close this page: no account will be opened.",
    verify_button="Confirm address",
    verified_title="Your address is confirmed",
    reset_title="Choose a new password",
    reset="It has 8 to 128 characters. You will be signed out everywhere.",
    password="New password",  # noqa: S106 - a label
    password_again="New password, once more",  # noqa: S106 - a label
    reset_button="Set password",
    differ="The two passwords differ.",
    faults={
        PasswordFault.LENGTH: "A password has 8 to 128 characters.",
        PasswordFault.COMMON: "This password is one of the most common ones. Please choose another.",
        PasswordFault.OWN_ADDRESS: "A password must not be your own e-mail address.",
    },
    changed_title="Your password is changed",
    sign_in="You can sign in now, in the application that you use or at the API:",
    confirm_title="Confirm your new e-mail address",
    confirm_sign_in="Your account gets this address once you confirm it while you are signed in to that account. "
    "Sign in at the API, with the address that you have had until now:",
    confirm="Then send this, with the access token of the answer:",
    confirm_refused="If that is refused, the link was used already, has expired, or belongs to another account. Then "
    "ask for a new mail, while you are signed in:",
    join_title="Accept the invitation",
    join_register="You join while you are signed in as {}. If you have no account yet, register with that address "
    "first:",
    join_sign_in="Sign in at the API:",
    join="Then send this, with the access token of the answer:",
    join_refused="If that is refused, you are signed in with another address, or the invitation has ended meanwhile.",
    over_title="This link does not work any more",
    verify_over="It was used already, or has expired. If your address is confirmed, you can sign in. Otherwise have "
    "another mail sent to you:",
    reset_over="It was used already, or has expired. If you have chosen a new password, you can sign in with it. "
    "Otherwise have another mail sent to you:",
    join_over="The invitation was accepted already, was withdrawn, or has expired. Ask whoever invited you for "
    "another one.",
    incomplete_title="This link is not complete",
    incomplete="Please open it from the mail once more, or copy all of it.",
)

_GERMAN = Words(
    verify_title="Bestätigen Sie Ihre E-Mail-Adresse",
    verify="Damit wird ein Konto für {} angelegt, mit dem Passwort, das bei der Registrierung gewählt wurde. Wenn Sie "
    "sich nicht registriert haben, schließen Sie diese Seite: Es wird kein Konto angelegt.",
    verify_button="Adresse bestätigen",
    verified_title="Ihre Adresse ist bestätigt",
    reset_title="Wählen Sie ein neues Passwort",
    reset="Es hat 8 bis 128 Zeichen. Sie werden überall abgemeldet.",
    password="Neues Passwort",  # noqa: S106 - a label
    password_again="Neues Passwort, noch einmal",  # noqa: S106 - a label
    reset_button="Passwort setzen",
    differ="Die beiden Passwörter stimmen nicht überein.",
    faults={
        PasswordFault.LENGTH: "Ein Passwort hat 8 bis 128 Zeichen.",
        PasswordFault.COMMON: "Dieses Passwort ist eines der häufigsten. Bitte wählen Sie ein anderes.",
        PasswordFault.OWN_ADDRESS: "Ihre eigene E-Mail-Adresse darf nicht Ihr Passwort sein.",
    },
    changed_title="Ihr Passwort ist geändert",
    sign_in="Sie können sich jetzt anmelden, in der Anwendung, die Sie benutzen, oder an der API:",
    confirm_title="Bestätigen Sie Ihre neue E-Mail-Adresse",
    confirm_sign_in="Ihr Konto bekommt diese Adresse, sobald Sie sie bestätigen, während Sie in diesem Konto "
    "angemeldet sind. Melden Sie sich an der API an, mit Ihrer bisherigen Adresse:",
    confirm="Senden Sie dann dies, mit dem Access-Token aus der Antwort:",
    confirm_refused="Wird das abgelehnt, wurde der Link schon benutzt, ist abgelaufen oder gehört zu einem anderen "
    "Konto. Fordern Sie dann eine neue E-Mail an, während Sie angemeldet sind:",
    join_title="Nehmen Sie die Einladung an",
    join_register="Sie treten bei, während Sie als {} angemeldet sind. Wenn Sie noch kein Konto haben, registrieren "
    "Sie sich zuerst mit dieser Adresse:",
    join_sign_in="Melden Sie sich an der API an:",
    join="Senden Sie dann dies, mit dem Access-Token aus der Antwort:",
    join_refused="Wird das abgelehnt, sind Sie mit einer anderen Adresse angemeldet, oder die Einladung gilt "
    "inzwischen nicht mehr.",
    over_title="Dieser Link funktioniert nicht mehr",
    verify_over="Er wurde schon benutzt oder ist abgelaufen. Wenn Ihre Adresse bestätigt ist, können Sie sich "
    "anmelden. Sonst lassen Sie sich eine neue E-Mail schicken:",
    reset_over="Er wurde schon benutzt oder ist abgelaufen. Wenn Sie ein neues Passwort gewählt haben, können Sie "
    "sich damit anmelden. Sonst lassen Sie sich eine neue E-Mail schicken:",
    join_over="Die Einladung wurde schon angenommen, zurückgezogen oder ist abgelaufen. Bitten Sie darum, noch einmal "
    "eingeladen zu werden.",
    incomplete_title="Dieser Link ist nicht vollständig",
    incomplete="Bitte öffnen Sie ihn noch einmal aus der E-Mail, oder kopieren Sie ihn ganz.",
)

_FRENCH = Words(
    verify_title="Confirmez votre adresse e-mail",
    verify="Un compte sera créé pour {}, avec le mot de passe choisi lors de l'inscription. Si vous ne vous êtes pas "
    "inscrit(e), fermez cette page\N{NO-BREAK SPACE}: aucun compte ne sera créé.",
    verify_button="Confirmer l'adresse",
    verified_title="Votre adresse est confirmée",
    reset_title="Choisissez un nouveau mot de passe",
    reset="Il compte de 8 à 128 caractères. Vous serez déconnecté(e) partout.",
    password="Nouveau mot de passe",  # noqa: S106 - a label
    password_again="Nouveau mot de passe, encore une fois",  # noqa: S106 - a label
    reset_button="Enregistrer le mot de passe",
    differ="Les deux mots de passe sont différents.",
    faults={
        PasswordFault.LENGTH: "Un mot de passe compte de 8 à 128 caractères.",
        PasswordFault.COMMON: "Ce mot de passe est l'un des plus courants. Veuillez en choisir un autre.",
        PasswordFault.OWN_ADDRESS: "Votre propre adresse e-mail ne peut pas être votre mot de passe.",
    },
    changed_title="Votre mot de passe est modifié",
    sign_in="Vous pouvez maintenant vous connecter, dans l'application que vous utilisez ou à l'API\N{NO-BREAK SPACE}:",
    confirm_title="Confirmez votre nouvelle adresse e-mail",
    confirm_sign_in="Votre compte recevra cette adresse dès que vous la confirmerez en étant connecté(e) à ce compte. "
    "Connectez-vous à l'API, avec votre adresse actuelle\N{NO-BREAK SPACE}:",
    confirm="Envoyez ensuite ceci, avec le jeton d'accès de la réponse\N{NO-BREAK SPACE}:",
    confirm_refused="En cas de refus, le lien a déjà servi, a expiré ou appartient à un autre compte. Demandez alors "
    "un nouvel e-mail, en étant connecté(e)\N{NO-BREAK SPACE}:",
    join_title="Acceptez l'invitation",
    join_register="Vous rejoignez l'organisation en étant connecté(e) avec l'adresse {}. Si vous n'avez pas encore de "
    "compte, inscrivez-vous d'abord avec cette adresse\N{NO-BREAK SPACE}:",
    join_sign_in="Connectez-vous à l'API\N{NO-BREAK SPACE}:",
    join="Envoyez ensuite ceci, avec le jeton d'accès de la réponse\N{NO-BREAK SPACE}:",
    join_refused="En cas de refus, vous êtes connecté(e) avec une autre adresse, ou l'invitation n'est plus valable.",
    over_title="Ce lien ne fonctionne plus",
    verify_over="Il a déjà servi ou a expiré. Si votre adresse est confirmée, vous pouvez vous connecter. Sinon, "
    "faites-vous envoyer un nouvel e-mail\N{NO-BREAK SPACE}:",
    reset_over="Il a déjà servi ou a expiré. Si vous avez choisi un nouveau mot de passe, connectez-vous avec "
    "celui-ci. Sinon, faites-vous envoyer un nouvel e-mail\N{NO-BREAK SPACE}:",
    join_over="L'invitation a déjà été acceptée, a été retirée ou a expiré. Demandez-en une autre à la personne qui "
    "vous a invité(e).",
    incomplete_title="Ce lien est incomplet",
    incomplete="Veuillez l'ouvrir à nouveau depuis l'e-mail, ou le copier en entier.",
)

WORDS: Final[Mapping[str, Words]] = MappingProxyType({"en": _ENGLISH, "de": _GERMAN, "fr": _FRENCH})
