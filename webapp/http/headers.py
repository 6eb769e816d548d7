"""Headers that every answer carries."""

from flask import Flask, Response, request

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
HSTS = "max-age=31536000"


def init_app(app: Flask, *, is_secure: bool, forms_lead_to: str = "'self'") -> None:
    """Put the headers on every answer of `app`; pages and fragments are private and not stored.

    Args:
        app: the application.
        is_secure: whether browsers reach it over https.
        forms_lead_to: where forms may be sent and then lead on, as `form-action` has it.
    """
    policy = CONTENT_SECURITY_POLICY.replace("form-action 'self'", f"form-action {forms_lead_to}")

    @app.after_request
    def add(response: Response) -> Response:
        response.headers.update({**ALWAYS, "Content-Security-Policy": policy})
        if is_secure:
            response.headers["Strict-Transport-Security"] = HSTS
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response
