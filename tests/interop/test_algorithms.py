"""The four signature algorithms, each signed by oidc-provider and verified by the broker."""

import pytest

import providers
from conftest import Broker, Person


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_RP_08_IDT_03_an_id_token_signed_with(alg, tls, tmp_path):
    broker = Broker(tmp_path, tls)
    with providers.NodeProvider(tmp_path / "node", tls, broker.callback, algs=[alg]) as idp:
        try:
            broker.start(idp, algs=f"[{alg}]")
            anna = Person("anna", idp.password("anna"))
            assert broker.me(broker.sign_in(anna)).json()["user"]["name"] == "anna"
        finally:
            broker.stop()


def test_IDT_03_an_algorithm_that_the_configuration_does_not_list_is_refused(tls, tmp_path):
    broker = Broker(tmp_path, tls)
    with providers.NodeProvider(tmp_path / "node", tls, broker.callback, algs=["PS256"]) as idp:
        try:
            broker.start(idp, algs="[RS256]")
            broker.attempt(Person("anna", idp.password("anna")))
        finally:
            broker.stop()
