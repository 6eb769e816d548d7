"""The application of these tests sends its letters to the mail server of the tests."""

from pathlib import Path

import pytest

from tests.support.settings import environment_for
from tests.support.smtp import SmtpSink


@pytest.fixture
def environment(database_url: str, tmp_path: Path, smtp_sink: SmtpSink) -> dict[str, str]:
    """Settings with the mail server of the tests, which has all the time it needs on a busy machine."""
    return environment_for(
        database_url,
        tmp_path,
        base_url="http://127.0.0.1:8000",
        mail_server=smtp_sink.host,
        mail_port=smtp_sink.port,
        mail_security="none",
        mail_timeout_seconds=60,
        mail_default_sender="Vestibule <vestibule@example.org>",
    )
