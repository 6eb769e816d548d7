"""The settings that tests run with."""

from pathlib import Path

from cryptography.fernet import Fernet

SECRET_KEY = "for tests only, 0123456789 abcdefghij"
ENCRYPTION_KEY = Fernet.generate_key().decode()


def environment_for(database_url: str, data_dir: Path, **more: object) -> dict[str, str]:
    """Return VESTIBULE_* variables for one database; `more` names others in lower case, without the prefix."""
    values = {
        "database_url": database_url,
        "data_dir": data_dir,
        "secret_key": SECRET_KEY,
        "encryption_keys": ENCRYPTION_KEY,
        "dns_resolver": "127.0.0.1:9",  # nobody is there
        **more,
    }
    return {f"VESTIBULE_{name.upper()}": str(value) for name, value in values.items()}
