"""Shared volumes: lives told step by step, alone and with a cluster."""

from __future__ import annotations

import pytest

from contract_tests.drivers import read_checks
from contract_tests.drivers.account import AccountDriver, NotToBeHad
from contract_tests.judge.known_resource import KnownResource
from contract_tests.model.exchange import Exchange
from contract_tests.rules import cross_response, refusals

pytestmark = pytest.mark.writes


def test_a_volume(account: AccountDriver) -> None:
    """A volume is provisioned, grows and is deleted."""
    volume = account.new_volume()
    account.look(volume)
    account.call("SharedVolumeService_List")
    state = account.settle(volume)
    account.recorder.judge(cross_response.volume_comes_and_goes, state, "available", at=account.recorder.last)
    if state == "failed":
        raise NotToBeHad("the volume could not be made")
    grown = account.call("SharedVolumeService_Update", json={"volume_id": volume.id, "size_tib": 3})
    account.recorder.judge(refusals.good_request_accepted, grown, "the growth of a volume", at=grown)
    account.look(volume)
    read_checks.read_volumes(account)
    exchange = account.remove(volume)
    account.recorder.judge(refusals.good_request_accepted, exchange, "the delete of a free volume", at=exchange)
    account.look(volume)
    account.call("SharedVolumeService_List")
    account.settle(volume)
    for _ in range(2):
        after = account.look(volume)
        account.recorder.judge(refusals.unknown_is_404, after, "a volume that was deleted", at=after)
        account.call("SharedVolumeService_List")
        account.target.clock.let_pass(20 if account.target.has_control else 1)
    again = account.remove(volume)
    account.recorder.judge(refusals.unknown_is_404, again, "the delete of a volume that was deleted", at=again)


def test_an_attached_volume(account: AccountDriver) -> None:
    """A volume is bound to its cluster, cannot be deleted meanwhile, and is free afterwards."""
    bodies = list(account.cluster_bodies())
    if not bodies:
        raise NotToBeHad("no region is listed")
    region = str(bodies[0]["region"])
    volume = account.new_volume(region=region)
    if account.settle(volume) == "failed":
        raise NotToBeHad("the volume could not be made")
    cluster = account.new_cluster(region=region, volume_id=volume.id)
    shown = account.look(cluster)
    account.recorder.judge(cross_response.attached_is_shown, cluster.last_view, volume.id, True, at=shown)
    _attached(account, volume)
    other = account.call("GPUClusterService_Create", json={**bodies[0], "volume_id": volume.id})
    account.recorder.judge(refusals.bad_request_refused, other, "the volume is attached already", {400, 409}, at=other)
    if other.ok:
        account.remove(_known(account, other))
    account.settle(cluster)
    account.recorder.judge(
        cross_response.attached_is_shown, cluster.last_view, volume.id, True, at=account.recorder.last
    )
    _attached(account, volume)
    grown = account.call("SharedVolumeService_Update", json={"volume_id": volume.id, "size_tib": 2})
    account.recorder.judge(refusals.good_request_accepted, grown, "the growth of an attached volume", at=grown)
    account.look(volume)
    smaller = account.call("SharedVolumeService_Update", json={"volume_id": volume.id, "size_tib": 1})
    account.recorder.judge(refusals.bad_request_refused, smaller, "a volume does not shrink", {400}, at=smaller)
    account.look(volume)
    account.remove(cluster)
    account.look(cluster)
    account.look(volume)
    account.settle(cluster)
    account.settle(volume, frozenset({"available"}))
    account.recorder.judge(cross_response.volume_comes_and_goes, volume.state, "available", at=account.recorder.last)
    exchange = account.remove(volume)
    account.recorder.judge(
        refusals.good_request_accepted, exchange, "the delete of a volume whose cluster is gone", at=exchange
    )
    account.settle(volume)


def _known(account: AccountDriver, exchange: Exchange) -> KnownResource:
    found = account.observer.of("cluster", str(exchange.shown.get("cluster_id")))
    assert found is not None
    return found


def _attached(account: AccountDriver, volume: KnownResource) -> None:
    look = account.look(volume)
    if volume.state == "failed":  # it could not be provisioned, which no rule forbids
        return
    account.recorder.judge(cross_response.volume_comes_and_goes, volume.state, "bound", at=look)
    exchange = account.remove(volume)
    account.recorder.judge(cross_response.attached_volume_stays, exchange, at=exchange)
    after = account.look(volume)
    account.recorder.judge(refusals.good_request_accepted, after, "a look at an attached volume", at=after)


def test_a_volume_of_its_own(account: AccountDriver) -> None:
    """A volume that a cluster brings along is shown, and goes or stays as was asked for."""
    for independent in (False, True):
        region = account.home()
        inline = {
            "volume_name": account.name(),
            "size_tib": 1,
            "region": region,
            "is_lifecycle_independent": independent,
        }
        cluster = account.new_cluster(region=region, shared_volume=inline)
        volumes = [
            known for known in account.observer.known.values() if known.kind == "volume" and known.parent == cluster.id
        ]
        account.settle(cluster)
        account.call("SharedVolumeService_List")
        for volume in volumes:
            account.made.append(("volume", volume.id))
            account.look(volume)
            _attached(account, volume)
        account.remove(cluster)
        account.settle(cluster)
        for volume in volumes:
            account.look(volume)
            if independent:
                account.recorder.judge(
                    cross_response.volume_comes_and_goes, volume.state, "available", at=account.recorder.last
                )
        account.call("SharedVolumeService_List")
