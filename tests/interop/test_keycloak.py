"""Keycloak at the broker: its login page, its realm's groups, its clock and key set."""

import pytest

import providers
from conftest import Person

WHY = providers.KeycloakProvider.available()
assert WHY is None, WHY


@pytest.fixture(scope="module")
def idp(broker, tls, tmp_path_factory):
    with providers.KeycloakProvider(tmp_path_factory.mktemp("keycloak"), tls, broker.callback) as provider:
        broker.start(provider, scopes='["openid", "profile", "email"]')
        yield provider


def test_RP_01_RP_15_login_with_keycloak_and_oathtool_ends_in_a_ticket(broker, idp):
    anna = Person("anna", idp.password("anna"))
    me = broker.me(broker.sign_in(anna))
    assert me.status == 200 and me.json()["role"] == "admin", me  # group staff of the realm
    assert me.json()["login"]["mfa_at"] is not None
    me = broker.me(broker.sign_in(anna))  # the second time: a code, no enrolment
    assert me.status == 200, me


def test_someone_without_a_group_has_no_role(broker, idp):
    web = broker.sign_in(Person("bob", idp.password("bob")))
    assert broker.me(web).json()["role"] == "person"


def test_a_wrong_password_at_keycloak_gives_no_ticket(broker, idp):
    web = broker.browser()
    page = Person("anna", "wrong").walk(web, f"{broker.url}/login", lambda page: "Invalid username or password" in page.text)
    assert page.url.startswith(idp.issuer) and not broker.has_ticket(web)
