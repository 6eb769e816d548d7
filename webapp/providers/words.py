"""For each reason a sentence for whoever runs the connection: what is wrong, and where to look."""

from collections.abc import Mapping
from typing import Final

from webapp.errors import N_
from webapp.providers.errors import Reason

WORDS: Final[Mapping[Reason, str]] = {
    Reason.ADDRESS: N_("An address of the provider is no plain https address."),
    Reason.PLAIN_HTTP: N_("The provider is to be asked over plain http. Only https is used on the internet."),
    Reason.PRIVATE_ADDRESS: N_(
        "The provider is on a private address. Whoever runs this server may allow it by VESTIBULE_PRIVATE_PROVIDERS."
    ),
    Reason.REDIRECT: N_(
        "The provider redirected our question, and redirects are not followed. Enter the address it leads to."
    ),
    Reason.NOT_FOUND: N_("There is no host with the provider's name."),
    Reason.CERTIFICATE: N_("The provider could not prove who it is: its certificate is not valid for this address."),
    Reason.DISCOVERY: N_(
        "The provider does not describe itself at its issuer address as OpenID Connect Discovery demands."
    ),
    Reason.DISCOVERY_ISSUER: N_(
        "The provider calls itself by another issuer address. Enter it exactly as the provider writes it."
    ),
    Reason.METHODS: N_("The provider does not take the client secret by client_secret_basic or client_secret_post."),
    Reason.ALGORITHMS: N_("The provider signs with none of RS256, PS256, ES256 and EdDSA."),
    Reason.CLIENT: N_("The provider does not know the client, or the client secret is wrong or has expired."),
    Reason.REQUEST: N_(
        "The provider does not accept our request. Compare the redirect address and the rights of the client there."
    ),
    Reason.OPTIONS: N_("Something this kind of provider needs is missing or malformed."),
    Reason.SECRET: N_(
        "The client secret is missing, or cannot be read: the encryption key that sealed it is not given any more. "
        "Enter the secret anew."
    ),
    Reason.DEMO_ONLY: N_("This kind of provider is for demonstrations only."),
    Reason.DENIED: N_("The person or the provider declined."),
    Reason.EXPIRED: N_("The provider says that this sign-in was used, has expired or was withdrawn."),
    Reason.NOT_IN_ORGANIZATION: N_("The account is not in the domain, tenant or organization that was set up."),
    Reason.UNREACHABLE: N_("The provider could not be reached."),
    Reason.TIMEOUT: N_("The provider did not answer in time."),
    Reason.FAILING: N_("The provider answered that it cannot serve anybody at present."),
    Reason.BUSY: N_("The provider was not asked: it was silent just now, or too many wait for an answer already."),
    Reason.STATE: N_("The browser came back without the state of a sign-in it began here."),
    Reason.CALLBACK: N_("The browser came back without exactly one code."),
    Reason.ISSUER_PARAMETER: N_(
        "The browser came back from another provider, or from one that does not name itself although it says it does."
    ),
    Reason.TOO_LARGE: N_("The provider sent more than is read."),
    Reason.NOT_JSON: N_("The provider sent something that is not the JSON that was asked for."),
    Reason.TOKEN_ANSWER: N_("The provider's answer holds no access token that can be used."),
    Reason.NO_ID_TOKEN: N_("The provider sent no ID token. Does the client have the scope openid?"),
    Reason.SIGNATURE: N_(
        "The signature of the ID token is not the provider's, or is made by an algorithm it did not announce."
    ),
    Reason.KEYS: N_("The provider published no usable keys, or too many."),
    Reason.ISSUER: N_("The ID token names another issuer."),
    Reason.AUDIENCE: N_("The ID token is for another client."),
    Reason.TIMES: N_("The ID token has expired, is too old or is from the future. Are the clocks right?"),
    Reason.NONCE: N_("The ID token belongs to another sign-in."),
    Reason.TOKEN_HASH: N_("The ID token belongs to another access token."),
    Reason.SIGN_IN_TOO_OLD: N_("The provider did not ask the person to sign in again, or does not say when it did."),
    Reason.SUBJECT: N_("The provider gave no usable identifier of the person."),
    Reason.OTHER_SUBJECT: N_("The provider answered about another person."),
    Reason.USERINFO: N_("The provider would not say more about the person."),
    Reason.CLAIMS: N_("What the provider says of the person is of another type or longer than it may be."),
}
