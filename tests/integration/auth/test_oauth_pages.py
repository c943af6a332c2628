"""Deciding about an application in a browser: who is sent where, and whose form counts."""

from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from redis.asyncio import Redis

from auth.oauth.granting import challenge_of
from llmo_auth.principal import Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database, insert
from tests.integration.auth.house import ISSUER, attempts
from tests.integration.auth.oauth_server import COOKIE, REDIRECT, VERIFIER, Browser, Server, answer_in, asked, form_in
from tests.integration.organizations import MakeOrg


def nowhere(answer: httpx2.Response) -> None:
    """Fail unless the person is told on a page of ours, and sent nowhere."""
    assert answer.status_code == 400, answer.text
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    guarded(answer)


def guarded(page: httpx2.Response) -> None:
    """Fail unless nobody else can frame, script, or keep a page."""
    policy = dict(part.partition(" ")[::2] for part in page.headers["content-security-policy"].split("; "))
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert policy["style-src"].startswith("'sha256-")
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text


async def test_somebody_signs_in_and_allows_an_application(served: Server) -> None:
    client, browser = await served.application(), Browser(served)

    first = await browser.get(asked(client, scope="usage:read openid"))
    assert first.status_code == 200
    guarded(first)
    second = await browser.sign_in(first)
    assert second.status_code == 200
    guarded(second)
    for text in ("Report", "See usage and costs", "Know that it is you", "https://report.example"):
        assert text in second.text
    assert f"form-action 'self' {'https://report.example'};" in second.headers["content-security-policy"]
    last = await browser.post({"form": form_in(second), "decision": "allow"})

    answer = answer_in(last)
    assert (last.status_code, answer["state"], answer["iss"]) == (303, "a state", ISSUER)
    assert answer.keys() == {"code", "state", "iss"}
    assert "Max-Age=0" in last.headers["set-cookie"]


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "",
        "https://attacker.example/callback",
        "https://report.example/callback?",
        "https://report.example/callback?next=https://attacker.example",
        "https://report.example/callback/",
        "https://report.example/callback/../other",
        "https://report.example/Callback",
        "https://REPORT.example/callback",
        "https://report.example:443/callback",
        "http://report.example/callback",
        "https://report.example@attacker.example/callback",
        "https://report.example.attacker.example/callback",
        "https://report.example/callback#x",
        "//report.example/callback",
        "/callback",
        "javascript:alert(1)",
        "https://report.example/callbäck",
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_registered_to_the_letter(
    served: Server, redirect_uri: str
) -> None:
    nowhere(await Browser(served).get(asked(await served.application(), redirect_uri=redirect_uri)))


@pytest.mark.parametrize("client_id", ["", "x", "01a2181a-0000-7000-8000-000000000000", "{upper}", "' OR 1=1 --"])
async def test_nobody_is_sent_anywhere_by_an_application_that_we_do_not_know(served: Server, client_id: str) -> None:
    client = await served.application()

    nowhere(await Browser(served).get(asked(client, client_id=client_id.replace("{upper}", client["id"].upper()))))


async def test_a_removed_application_sends_nobody_anywhere(served: Server) -> None:
    client, browser = await served.application(), Browser(served)
    page = await browser.get(asked(client))
    await served("DELETE", f"{served.org}/oauth-clients/{client['id']}", caller=served.owner())

    nowhere(await browser.sign_in(page))
    nowhere(await browser.get(asked(client)))


async def test_a_service_account_sends_nobody_anywhere(served: Server) -> None:
    nowhere(await Browser(served).get(asked(await served.account())))


@pytest.mark.parametrize("twice", ["client_id", "redirect_uri"])
async def test_what_says_where_to_send_somebody_must_not_be_there_twice(served: Server, twice: str) -> None:
    parameters = asked(await served.application())
    query = urlencode([*parameters.items(), (twice, parameters[twice])])

    nowhere(await served("GET", f"/oauth2/authorize?{query}"))


@pytest.mark.parametrize("query", ["", "client_id=%ff", "a=%00", "x=" + "y" * 20_000, "a=1&" * 100])
async def test_what_cannot_be_read_sends_nobody_anywhere(served: Server, query: str) -> None:
    nowhere(await served("GET", f"/oauth2/authorize?{query}"))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain", "code_challenge": VERIFIER}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": challenge_of(VERIFIER) + "="}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "org:write"}, "invalid_scope"),
        ({"scope": "usage:read  openid"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"request": "x.y.z"}, "request_not_supported"),
        ({"request_uri": "https://attacker.example/"}, "request_uri_not_supported"),
        ({"nonce": "ä"}, "invalid_request"),
    ],
)
async def test_an_application_is_told_what_it_did_wrong(served: Server, changed: dict[str, str], error: str) -> None:
    answer = await Browser(served).get(asked(await served.application(), **changed))

    told = answer_in(answer)
    assert (answer.status_code, told["error"], told["state"], told["iss"]) == (302, error, "a state", ISSUER)
    assert "set-cookie" not in answer.headers


async def test_a_malformed_state_does_not_come_back(served: Server) -> None:
    told = answer_in(await Browser(served).get(asked(await served.application(), state="a\r\nSet-Cookie: b=c")))

    assert told["error"] == "invalid_request"
    assert "state" not in told


async def test_a_registered_query_stays_in_the_address(served: Server) -> None:
    redirect = f"{REDIRECT}?tenant=7"
    client, browser = await served.application(redirect_uris=[redirect]), Browser(served)

    consent = await browser.sign_in(await browser.get(asked(client, redirect_uri=redirect)))
    answer = await browser.post({"form": form_in(consent), "decision": "allow"})

    assert answer.headers["location"].startswith(f"{redirect}&code=")


async def test_a_wrong_password_and_an_unknown_address_get_the_same_page(served: Server) -> None:
    client, pages = await served.application(), []
    for email, password in ((served.house.email, "wrong"), (f"{new_id()}@example.com", "wrong"), ("no address", "x")):
        browser = Browser(served)
        form = form_in(await browser.get(asked(client)))
        fields = {"form": form, "decision": "sign_in", "email": email, "password": password}
        answer = await browser.post(fields)
        pages.append((answer.status_code, answer.text.replace(form_in(answer), "")))
        guarded(answer)

    assert pages[0][0] == 403
    assert pages[0] == pages[1] == pages[2]


async def test_whoever_has_a_second_factor_shows_it_there_too(served: Server) -> None:
    await served.factors.with_totp()
    browser = Browser(served)
    page = await browser.get(asked(await served.application()))

    for wrong in (None, "", "000000", "not-a-code"):
        page = await browser.sign_in(page, code=wrong)
        assert page.status_code == 403
        served.clock.advance(minutes=16)  # wrong codes are attempts too
        await served.factors.home.service._attempts.succeeded(served.house.email)
        page = await browser.get(asked(await served.application()))
    consent = await browser.sign_in(page, code=served.factors.code())
    assert "Allow" in consent.text
    again = Browser(served)
    replayed = await again.sign_in(await again.get(asked(await served.application())), code=served.factors.code())
    assert replayed.status_code == 403


async def test_a_recovery_code_does_as_well_and_once(served: Server) -> None:
    await served.factors.with_totp()
    code = served.factors.recovery_codes[0]
    for status in (200, 403):
        browser = Browser(served)
        page = await browser.get(asked(await served.application()))
        assert (await browser.sign_in(page, code=code)).status_code == status


async def test_attempts_are_counted_as_at_the_other_door(served: Server, redis_client: Redis) -> None:
    browser = Browser(served)
    page = await browser.get(asked(await served.application()))
    for _ in range(5):
        page = await browser.sign_in(page, "wrong")

    refused = await browser.sign_in(page)

    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 30
    await redis_client.delete(attempts(redis_client)._names(served.house.email)[1])
    assert (await browser.sign_in(refused)).status_code == 200


async def test_signing_in_there_starts_no_session(served: Server, auth_database: Database) -> None:
    await Browser(served).allowed(await served.application())

    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(served.house.user_id),))
        rows = await (await connection.execute("SELECT 1 FROM auth.sessions")).fetchall()
    assert rows == []


@pytest.mark.parametrize("step", ["sign_in", "allow"])
@pytest.mark.parametrize("form", ["", "x", "other", "used"])
async def test_a_form_that_is_not_the_one_shown_last_does_nothing(served: Server, step: str, form: str) -> None:
    client, browser, other = await served.application(), Browser(served), Browser(served)
    page, strange = await browser.get(asked(client)), await other.get(asked(client))
    used = form_in(page)
    if step == "allow":
        page = await browser.sign_in(page)
        strange = await other.sign_in(strange)
    else:
        page = await browser.sign_in(page, "wrong")
    token = {"other": form_in(strange), "used": used}.get(form, form)
    fields = {"email": served.house.email, "password": "correct horse battery staple"}

    nowhere(await browser.post({"form": token, "decision": step, **fields}))


async def test_a_form_works_once(served: Server) -> None:
    browser = Browser(served)
    consent = await browser.sign_in(await browser.get(asked(await served.application())))
    cookie = browser.cookie
    answer_in(await browser.post({"form": form_in(consent), "decision": "allow"}))
    browser.cookie = cookie

    nowhere(await browser.post({"form": form_in(consent), "decision": "allow"}))


async def test_without_its_cookie_a_form_does_nothing(served: Server) -> None:
    browser = Browser(served)
    page = await browser.get(asked(await served.application()))
    browser.cookie = ""

    nowhere(await browser.sign_in(page))


async def test_a_cookie_that_was_put_into_a_browser_is_not_signed_in_with_it(served: Server) -> None:
    client, attacker, victim = await served.application(), Browser(served), Browser(served)
    page = await attacker.get(asked(client))
    planted = victim.cookie = attacker.cookie

    consent = await victim.sign_in(page)

    assert victim.cookie != planted
    nowhere(await attacker.post({"form": form_in(consent), "decision": "allow"}))
    nowhere(await attacker.post({"form": form_in(page), "decision": "allow"}))
    answer_in(await victim.post({"form": form_in(consent), "decision": "allow"}))


async def test_the_cookie_is_this_hosts_and_no_scripts(served: Server) -> None:
    page = await Browser(served).get(asked(await served.application()))

    name, *attributes = [part.strip() for part in page.headers["set-cookie"].split(";")]
    assert name.startswith(f"{COOKIE}=")
    assert {attribute.lower() for attribute in attributes} == {
        "httponly",
        "secure",
        "samesite=lax",
        "path=/",
        "max-age=600",
    }


async def test_nobody_allows_before_they_have_signed_in(served: Server) -> None:
    browser = Browser(served)
    page = await browser.get(asked(await served.application()))

    nowhere(await browser.post({"form": form_in(page), "decision": "allow"}))


async def test_a_request_is_over_after_ten_minutes(served: Server) -> None:
    browser = Browser(served)
    page = await browser.get(asked(await served.application()))
    served.clock.advance(minutes=10)

    nowhere(await browser.sign_in(page))


@pytest.mark.parametrize("signed_in", [True, False])
async def test_whoever_does_not_want_to_goes_back_with_a_refusal(served: Server, signed_in: bool) -> None:  # noqa: FBT001
    browser = Browser(served)
    page = await browser.get(asked(await served.application()))
    page = await browser.sign_in(page) if signed_in else page

    told = answer_in(await browser.post({"form": form_in(page), "decision": "deny"}))

    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "a state", ISSUER)


async def test_a_new_password_ends_what_somebody_was_about_to_allow(served: Server) -> None:
    browser, client = Browser(served), await served.application()
    code = await served.code(client)
    consent = await browser.sign_in(await browser.get(asked(client)))

    await served.house.service._sessions.revoke_all(served.house.user_id, served.clock.now(), keep=None)

    nowhere(await browser.post({"form": form_in(consent), "decision": "allow"}))
    assert (await served.exchange(client, code)).status_code == 400


async def joined(database: Database, served: Server, make_org: MakeOrg, role: Role) -> str:
    """Another organization that the owner is in."""
    other = await make_org()
    async with database.transaction(other.org_id) as connection:
        row = {"org_id": other.org_id, "user_id": served.house.user_id, "role": role.value}
        await connection.execute(*insert("auth.memberships", row))
    return str(other.org_id)


async def test_whoever_is_in_several_organizations_chooses_one(
    served: Server, auth_database: Database, make_org: MakeOrg
) -> None:
    other = await joined(auth_database, served, make_org, Role.BILLING)
    client, browser = await served.application(), Browser(served)

    consent = await browser.sign_in(await browser.get(asked(client, scope="usage:read keys:read")))
    assert f'value="{other}"' in consent.text
    code = answer_in(await browser.post({"form": form_in(consent), "decision": "allow", "org_id": other}))["code"]

    principal = await served.principal((await served.exchange(client, code)).json()["access_token"])
    assert str(principal.org_id) == other
    assert principal.permissions == {"usage:read"}  # a member of that role may no more


@pytest.mark.parametrize("chosen", [None, "x", "stranger"])
async def test_nobody_chooses_an_organization_that_they_are_not_in(
    served: Server, auth_database: Database, make_org: MakeOrg, chosen: str | None
) -> None:
    await joined(auth_database, served, make_org, Role.VIEWER)
    stranger = str((await make_org()).org_id)
    browser = Browser(served)
    consent = await browser.sign_in(await browser.get(asked(await served.application())))
    fields: dict[str, Any] = {} if chosen is None else {"org_id": stranger if chosen == "stranger" else chosen}

    nowhere(await browser.post({"form": form_in(consent), "decision": "allow", **fields}))


async def test_names_are_text_and_no_markup(served: Server) -> None:
    client = await served.application(name='<script>alert("x")</script>')

    page = await Browser(served).get(asked(client))

    assert "&lt;script&gt;" in page.text
    guarded(page)


@pytest.mark.parametrize(
    ("content", "type_"),
    [
        (b"form=%ff&decision=allow", "application/x-www-form-urlencoded"),
        (b"form=\xff&decision=allow", "application/x-www-form-urlencoded"),
        (b"form=x&decision=sign_in&email=a%40example.com&password=%00", "application/x-www-form-urlencoded"),
        (b"form=x&decision=allow&x=" + b"y" * 20_000, "application/x-www-form-urlencoded"),
        (b"form=x&form=y&decision=allow", "application/x-www-form-urlencoded"),
        (b"decision=allow", "application/x-www-form-urlencoded"),
        (b"form=x", "application/x-www-form-urlencoded"),
        (b'{"form":"x"}', "application/json"),
        (b"", "multipart/form-data; boundary=x"),
    ],
)
async def test_a_malformed_form_is_answered_on_a_page(served: Server, content: bytes, type_: str) -> None:
    nowhere(await served("POST", "/oauth2/authorize", content=content, headers={"content-type": type_}))


async def test_what_is_kept_has_neither_the_cookie_nor_the_form_nor_the_code(
    served: Server, auth_database: Database
) -> None:
    browser, client = Browser(served), await served.application()
    consent = await browser.sign_in(await browser.get(asked(client)))
    code = await served.code(client)

    rows = []
    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(served.house.user_id),))
        for table in (b"auth.authorization_requests", b"auth.authorization_codes"):
            found = await connection.execute(b"SELECT row_to_json(kept)::text AS row FROM " + table + b" AS kept")
            rows += [row["row"] for row in await found.fetchall()]
    assert len(rows) == 2
    assert not [row for row in rows for secret in (browser.cookie, form_in(consent), code) if secret in row]
