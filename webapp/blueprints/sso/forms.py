"""Forms of single sign-on. What a provider is asked for depends on its kind."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import HiddenField, PasswordField, RadioField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from webapp.http.choices import number
from webapp.http.forms import Form, days_field
from webapp.http.templating import role_name
from webapp.models import IdentityProvider, Joining, Role
from webapp.providers.base import Provider, Question
from webapp.providers.claims import CLAIM_NAME_MAX_CHARACTERS, GROUP_MAX_CHARACTERS
from webapp.providers.errors import ProviderError
from webapp.providers.http import ADDRESS_MAX_CHARACTERS, checked_address
from webapp.providers.words import WORDS
from webapp.services.sso.connections import Answers
from webapp.services.sso.mappings import ClaimMapping
from webapp.services.sso.policy import MAX_VERIFICATION_DAYS, MIN_VERIFICATION_DAYS, Policy, domains_in
from webapp.services.words import single_line

CLIENT_ID_MAX_CHARACTERS = 500
SECRET = "client_secret"  # noqa: S105  (the name of a field)
OF_EVERY_KIND = ("issuer", "client_id", SECRET)
PREFIX = "option_"
DOMAINS_MAX_CHARACTERS = 20_000


class KindForm(Form):
    """Which kind of provider it is."""

    kind = RadioField(_("Kind of provider"), validators=[InputRequired(_("Choose a kind of provider."))])


class SetupForm(Form):
    """What a kind of provider asks for; see `setup_form`."""

    kind = HiddenField(validators=[InputRequired(_("Choose a kind of provider."))])

    def validate_kind(self, field: Any) -> None:
        """Refuse answers to questions of another kind."""
        if field.data != field.object_data:
            raise ValidationError(_("Another kind was chosen meanwhile. Reload the page, and enter what it asks for."))


class PolicyForm(Form):
    """Who joins by signing in, as what, and how often everybody is verified."""

    joining = RadioField(
        _("Who may come in"),
        choices=[
            SelectChoice(value=Joining.INVITED.value, label=_("Only people who are invited")),
            SelectChoice(value=Joining.ALLOWED.value, label=_("Also everybody of these domains")),
        ],
        validators=[InputRequired(_("Choose who may come in."))],
    )
    domains = TextAreaField(_("Domains"), validators=[Length(max=DOMAINS_MAX_CHARACTERS)])
    default_role = RadioField(_("Role of those who join"), validators=[InputRequired(_("Choose a role."))])
    verification_days = days_field(_("Days a sign-in counts"), MIN_VERIFICATION_DAYS, MAX_VERIFICATION_DAYS)

    def __init__(self, roles: Sequence[Role], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.default_role.choices = [
            SelectChoice(value=role.label, label=role_name(role)) for role in roles if role is not Role.OWNER
        ]

    @staticmethod
    def filled(policy: Policy, roles: Sequence[Role], **brought: Any) -> "PolicyForm":
        """Return the form with what is in force, where nothing was sent or brought back."""
        shown = {**policy.described(), "domains": "\n".join(policy.domains)}
        return PolicyForm(roles, data=shown, **brought)

    def policy(self) -> Policy:
        """Return what was entered.

        Raises:
            InvalidDomain, TooManyDomains: the domains cannot be listed.
        """
        return Policy(
            Role[self.default_role.data.upper()],
            Joining(self.joining.data),
            self.verification_days.data,
            domains_in(self.domains.data or ""),
        )


def choosable(kinds: dict[str, type[Provider]]) -> list[tuple[str, str]]:
    """Return the kinds that ask for something, and what they are called; a dummy that asks for nothing is none."""
    return [(name, gettext(kind.label)) for name, kind in kinds.items() if kind.asks_for]


def kind_form(kinds: dict[str, type[Provider]], **brought: Any) -> KindForm:
    """Return the form to choose a kind by, with what was chosen before signing in again."""
    form = KindForm(**brought)
    form.kind.choices = choosable(kinds)
    return form


class SecretForm(Form):
    """A new client secret; it is never sent back."""

    client_secret = PasswordField(
        _("New client secret"),
        validators=[InputRequired(_("Enter the client secret.")), Length(max=CLIENT_ID_MAX_CHARACTERS)],
    )


class MappingForm(Form):
    """Whoever's claim holds a value belongs to an access group."""

    claim = StringField(
        _("Claim"),
        filters=[single_line],
        validators=[InputRequired(_("Enter this.")), Length(max=CLAIM_NAME_MAX_CHARACTERS)],
    )
    value = StringField(
        _("Value"),
        filters=[single_line],
        validators=[InputRequired(_("Enter this.")), Length(max=GROUP_MAX_CHARACTERS)],
    )
    group = RadioField(
        _("Access group"),
        coerce=number,
        choices=[],
        validate_choice=False,
        validators=[InputRequired(_("Choose an access group."))],
    )

    def mapping(self) -> ClaimMapping:
        """Return what was entered."""
        return ClaimMapping(self.claim.data, self.value.data, self.group.data)

    def carried(self) -> list[tuple[str, str]]:
        """Return the names and values that send the same form again."""
        return [("claim", self.claim.data), ("value", self.value.data), ("group", str(self.group.data))]


def setup_form(kind: type[Provider], draft: IdentityProvider, **brought: Any) -> Any:
    """Return a form with a field for each question of a kind, filled with what is kept; never with the secret.

    Args:
        kind: what the provider is.
        draft: the connection that is being set up.
        brought: what was typed before signing in again; see `webapp.http.typed`.
    """
    fields = {_field_name(question): _field(question, draft) for question in kind.asks_for}
    kept = {"issuer": draft.issuer, "client_id": draft.client_id, "kind": draft.kind}
    kept |= {PREFIX + name: value for name, value in draft.options.items()}
    return type("SetupFormOfKind", (SetupForm,), fields)(data=kept, **brought)


def answers_in(form: Any, questions: Sequence[Question]) -> Answers:
    """Return what was entered."""
    said = {question.name: form[_field_name(question)].data or "" for question in questions}
    options = {name: value for name, value in said.items() if name not in OF_EVERY_KIND and value}
    needs_secret = SECRET in said
    return Answers(
        said.get("issuer", ""), said.get("client_id", ""), options, said.get(SECRET) or None, needs_secret=needs_secret
    )


def _field_name(question: Question) -> str:
    return question.name if question.name in OF_EVERY_KIND else PREFIX + question.name


def _field(question: Question, draft: IdentityProvider) -> Any:
    label = gettext(question.label)
    if question.name == SECRET:
        kept = draft.client_secret is not None
        required = [Optional()] if kept else [InputRequired(_("Enter the client secret."))]
        return PasswordField(label, validators=[*required, Length(max=CLIENT_ID_MAX_CHARACTERS)])
    most = ADDRESS_MAX_CHARACTERS if question.name == "issuer" else CLIENT_ID_MAX_CHARACTERS
    needed = Optional() if question.is_optional else InputRequired(_("Enter this."))
    checks = [is_address] if question.name == "issuer" else []
    return StringField(label, filters=[single_line], validators=[needed, Length(max=most), *checks])


def is_address(_form: Any, field: Any) -> None:
    """Refuse what no provider can be asked at."""
    try:
        checked_address(field.data)
    except ProviderError as error:
        raise ValidationError(gettext(WORDS[error.reason])) from error
