"""The page to try operations on names demo accounts in a sandbox, and none elsewhere."""

from services.api.documentation.viewers import docs
from services.api.sandbox.service import PASSWORD, demo_accounts
from tests.make import Api


def test_a_sandbox_tells_its_demo_accounts(unchanged: Api) -> None:
    text = unchanged.client.get("/docs").text
    assert PASSWORD in text
    accounts = demo_accounts(unchanged.state.loaded.protocol)
    assert len(accounts) > 20
    for account, _, role, _ in accounts:
        machine = "true" if role == "hospital_system" else "false"
        assert f'data-account="{account}" data-secret="{PASSWORD}"' in text
        assert (
            text.partition(f'data-account="{account}"')[2]
            .split('data-machine="')[1]
            .startswith(machine)
        )


def test_an_installation_that_is_no_sandbox_tells_none() -> None:
    text = docs(None).html
    assert "Demo accounts" not in text
    assert PASSWORD not in text
    assert "data-account" not in text
