"""The application object for a WSGI server of one's own choice; `vestibule serve` brings one."""

from webapp import create_app

app = create_app()
