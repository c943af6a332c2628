"""Phones and devices over HTTP: a person's own, and confirmed before they are used."""

import asyncio
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from llmo_core.ids import new_id
from notification.contacts.models import MOST_ATTEMPTS, MOST_CODES, MOST_DEVICES
from notification.preferences.deciding import Reachable
from tests.integration.api_caller import problem
from tests.integration.notification.people.calling import Json, Own, Somebody, program
from tests.integration.organizations import Org
from tests.integration.statements import run

_numbers = count(10_000_000)
KEYS: Json = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}


def a_number() -> str:
    """One that no other test has sent codes to."""
    return f"+49151{next(_numbers)}"


def browser(endpoint: str = "https://push.example/1", **others: Any) -> Json:
    subscription = {"endpoint": endpoint, "expirationTime": None, "keys": KEYS}
    return {"kind": "web_push", "name": "Firefox", "subscription": subscription, **others}


def phone(token: str) -> Json:
    return {"kind": "fcm", "name": "Phone", "token": token.ljust(30, "0")}


async def asked(caller: Somebody, number: str | None = None) -> Any:
    return await caller("PUT", "/contacts/phone", json={"number": number or a_number()})


async def shown(caller: Somebody, code: str) -> Any:
    return await caller("POST", "/contacts/phone/verification", json={"code": code})


async def reached(own: Own, user_id: UUID) -> Reachable:
    return (await own.contacts.reachable([user_id])).get(user_id, Reachable())


def nobody() -> Somebody:
    """Somebody new, without an organization."""
    return Somebody()


async def test_a_number_counts_once_the_code_that_was_sent_to_it_is_shown(own: Own, ada: Somebody) -> None:
    mine = a_number()
    waiting = (await asked(ada, mine)).json()
    assert (waiting["number"], waiting["pending_number"]) == (None, mine)
    assert (await reached(own, ada.user_id)).phone is None
    [(number, code)] = own.codes
    confirmed = await shown(ada, code)
    assert (number, confirmed.json()["number"], confirmed.json()["pending_number"]) == (mine, mine, None)
    assert (await reached(own, ada.user_id)).phone == mine
    assert problem(await shown(ada, code)) == (409, "no_code_pending")
    assert (await asked(ada, mine)).json() == confirmed.json()  # it is confirmed, and nothing is sent
    assert len(own.codes) == 1


async def test_the_number_before_counts_until_the_new_one_is_confirmed(own: Own, ada: Somebody) -> None:
    first, second = a_number(), "+14155552671"
    await asked(ada, first)
    await shown(ada, own.codes[-1][1])
    own.clock.forward(minutes=2)
    await asked(ada, second)
    assert (await reached(own, ada.user_id)).phone == first
    await shown(ada, own.codes[-1][1])
    assert (await reached(own, ada.user_id)).phone == second
    assert (await ada("DELETE", "/contacts/phone")).status_code == 204
    assert (await ada("DELETE", "/contacts/phone")).status_code == 204
    assert (await reached(own, ada.user_id)).phone is None
    assert (await ada("GET", "/contacts/phone")).json()["number"] is None


async def test_a_code_is_worth_nothing_after_ten_minutes(own: Own, ada: Somebody) -> None:
    await asked(ada)
    own.clock.forward(minutes=10)
    assert problem(await shown(ada, own.codes[-1][1])) == (400, "code_expired")


async def test_a_code_is_worth_nothing_once_it_was_guessed_at_five_times(own: Own, ada: Somebody) -> None:
    await asked(ada)
    right = own.codes[-1][1]
    for _ in range(MOST_ATTEMPTS):
        assert problem(await shown(ada, "999999")) == (400, "wrong_code")
    assert problem(await shown(ada, right)) == (400, "code_expired")
    own.clock.forward(minutes=2)
    await asked(ada)
    assert problem(await shown(ada, right)) == (400, "wrong_code")  # the one before
    assert (await shown(ada, own.codes[-1][1])).status_code == 200


async def test_guesses_that_are_made_at_once_count_each(own: Own, ada: Somebody) -> None:
    await asked(ada)
    answers = await asyncio.gather(*[shown(ada, "999999") for _ in range(MOST_ATTEMPTS * 2)])
    refusals = sorted(problem(answer)[1] for answer in answers)
    assert refusals == ["code_expired"] * MOST_ATTEMPTS + ["wrong_code"] * MOST_ATTEMPTS
    assert problem(await shown(ada, own.codes[-1][1])) == (400, "code_expired")


async def test_one_code_is_sent_in_a_minute_and_so_many_in_a_day(own: Own, ada: Somebody) -> None:
    for _ in range(MOST_CODES):
        assert (await asked(ada)).status_code == 200
        again = await asked(ada)
        assert problem(again) == (429, "too_many_codes")
        own.clock.forward(minutes=1)
    refused = await asked(ada)
    assert problem(refused) == (429, "too_many_codes")
    assert int(refused.headers["retry-after"]) == (24 * 60 - MOST_CODES) * 60
    own.clock.forward(seconds=int(refused.headers["retry-after"]))
    assert (await asked(ada)).status_code == 200
    assert len(own.codes) == MOST_CODES + 1


async def test_a_number_gets_so_many_codes_whoever_asks_for_them(own: Own) -> None:
    victim = a_number()
    for _ in range(MOST_CODES):
        assert (await asked(nobody(), victim)).status_code == 200
        assert problem(await asked(nobody(), victim)) == (429, "too_many_codes")
        own.clock.forward(minutes=1)
    assert problem(await asked(nobody(), victim)) == (429, "too_many_codes")
    assert len(own.codes) == MOST_CODES


async def test_of_many_who_ask_at_once_for_a_code_to_a_number_one_gets_it(own: Own) -> None:
    victim = a_number()
    answers = await asyncio.gather(*[asked(nobody(), victim) for _ in range(6)])
    assert sorted(answer.status_code for answer in answers) == [200, 429, 429, 429, 429, 429]
    assert len(own.codes) == 1


async def test_codes_cannot_be_read_in_the_database(own: Own, ada: Somebody) -> None:
    mine = a_number()
    await asked(ada, mine)
    async with own.database.transaction() as connection:
        rows = await run(connection, "SELECT * FROM notification.{}", "phones")
        sent = await run(connection, "SELECT * FROM notification.{}", "sent_codes")
    [row] = [row for row in rows if row["user_id"] == ada.user_id]
    assert own.codes[-1][1] not in str(row)
    assert mine not in str(sent)


@pytest.mark.parametrize("number", ["12345", "015112345678", "+49 151 12345678", "+4915112345678\x00", "+99912345678"])
async def test_what_is_no_number_is_refused(ada: Somebody, number: str) -> None:
    assert problem(await asked(ada, number)) == (422, "malformed_request")


async def test_no_codes_are_sent_to_countries_that_are_not_served(own: Own, ada: Somebody) -> None:
    assert problem(await asked(ada, "+33612345678")) == (400, "unserved_country")
    assert problem(await shown(ada, "000000")) == (409, "no_code_pending")
    assert own.codes == []


async def test_a_phone_is_nobody_elses(own: Own, ada: Somebody, org: Org) -> None:
    mine = a_number()
    await asked(ada, mine)
    colleague = Somebody(org, user_id=new_id())
    assert problem(await shown(colleague, own.codes[-1][1])) == (409, "no_code_pending")
    await colleague("DELETE", "/contacts/phone")
    assert (await ada("GET", "/contacts/phone")).json()["pending_number"] == mine
    for method, path in (("GET", "/contacts/phone"), ("GET", "/contacts/devices"), ("GET", "/contacts/push-key")):
        assert problem(await program(org)(method, path)) == (403, "not_signed_in")


async def test_devices_are_listed_without_what_they_are_reached_by(own: Own, ada: Somebody, org: Org) -> None:
    first = await ada.made("contacts/devices", **browser(f"https://push.example/{new_id()}"))
    second = await ada.made("contacts/devices", **phone(new_id().hex))
    listed = await ada("GET", "/contacts/devices")
    assert listed.json() == {"data": [second, first]}
    assert first.keys() == {"id", "kind", "name", "created_at"}
    assert len((await reached(own, ada.user_id)).devices) == 2
    colleague = Somebody(org, user_id=new_id())
    assert (await colleague("GET", "/contacts/devices")).json() == {"data": []}
    assert problem(await colleague("DELETE", f"/contacts/devices/{first['id']}")) == (404, "unknown_device")
    assert (await ada("DELETE", f"/contacts/devices/{first['id']}")).status_code == 204
    assert (await ada("GET", "/contacts/devices")).json() == {"data": [second]}


async def test_a_device_is_kept_once_and_is_whose_it_was_registered_for_last(own: Own, ada: Somebody) -> None:
    endpoint = f"https://push.example/{new_id()}"
    first = await ada.made("contacts/devices", **browser(endpoint))
    again = await ada.made("contacts/devices", **browser(endpoint, name="Firefox on Linux"))
    assert (again["id"], again["name"]) == (first["id"], "Firefox on Linux")
    heir = nobody()
    await heir.made("contacts/devices", **browser(endpoint))
    assert (await reached(own, ada.user_id)).devices == ()
    assert len((await reached(own, heir.user_id)).devices) == 1


async def test_a_registration_is_carried_out_once_however_often_it_is_repeated(ada: Somebody) -> None:
    headers = {"Idempotency-Key": "once"}
    body = browser(f"https://push.example/{new_id()}")
    first = await ada("POST", "/contacts/devices", json=body, headers=headers)
    again = await ada("POST", "/contacts/devices", json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())


async def test_of_too_many_devices_the_oldest_give_way(own: Own, ada: Somebody) -> None:
    made = [await ada.made("contacts/devices", **phone(new_id().hex)) for _ in range(MOST_DEVICES + 2)]
    listed = (await ada("GET", "/contacts/devices")).json()["data"]
    assert listed == made[:1:-1]
    assert len((await reached(own, ada.user_id)).devices) == MOST_DEVICES


async def test_a_device_that_its_provider_says_is_gone_is_removed(own: Own, ada: Somebody) -> None:
    await ada.made("contacts/devices", **browser(f"https://push.example/{new_id()}"))
    await ada.made("contacts/devices", **phone(new_id().hex))
    app, gone = (await reached(own, ada.user_id)).devices
    for _ in range(2):
        await own.contacts.remove_device(gone)
    assert (await reached(own, ada.user_id)).devices == (app,)


@pytest.mark.parametrize("endpoint", ["http://push.example/1", "https://127.0.0.1/1", "https://push.internal/1"])
async def test_nothing_is_pushed_to_what_only_we_can_reach(ada: Somebody, endpoint: str) -> None:
    answer = await ada("POST", "/contacts/devices", json=browser(endpoint))
    assert problem(answer) == (400, "unusable_endpoint")


@pytest.mark.parametrize(
    "body",
    [
        browser(name=""),
        browser(subscription={"endpoint": "https://push.example/1"}),
        browser(subscription={"endpoint": "https://push.example/1", "keys": {**KEYS, "auth": "short"}}),
        browser(subscription={"endpoint": "https://push.example/1", "keys": {**KEYS, "p256dh": KEYS["auth"]}}),
        {"kind": "fcm", "name": "Phone", "token": "no token\x00"},
        {"kind": "apns", "name": "Phone", "token": "x" * 30},
    ],
)
async def test_what_is_no_device_is_refused(ada: Somebody, body: Json) -> None:
    assert problem(await ada("POST", "/contacts/devices", json=body)) == (422, "malformed_request")


async def test_browsers_learn_what_to_subscribe_with_if_anything(own: Own, ada: Somebody) -> None:
    assert (await ada("GET", "/contacts/push-key")).json() == {"public_key": "BCVxsr7N"}
    own.push_key = ""
    assert problem(await ada("GET", "/contacts/push-key")) == (404, "no_push_key")
