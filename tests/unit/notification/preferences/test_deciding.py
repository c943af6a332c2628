from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification.kinds.models import CRITICAL, Category, Channel
from notification.preferences.deciding import Counted, Matter, Planned, Reachable, Skip, decide
from notification.preferences.models import Choices, CriticalCategory, Defaults
from notification.preferences.moments import Digest, QuietHours, Rhythm

EMAIL, SMS, PUSH, IN_APP = Channel.EMAIL, Channel.SMS, Channel.PUSH, Channel.IN_APP
NOW = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)
MORNING = datetime(2026, 11, 29, 7, tzinfo=UTC)
NIGHT = QuietHours(start=time(22), end=time(7))
BUDGET = Matter(category=Category.BUDGETS, channels=(EMAIL, IN_APP, PUSH))
FAILED_PAYMENT = Matter(category=Category.PAYMENTS, channels=(EMAIL, IN_APP, PUSH, SMS))
EVERYWHERE = Reachable(email="ada@example.com", phone="+4915112345678", devices=("{}", "[]"))


def told(
    matter: Matter = BUDGET,
    choices: Choices | None = None,
    defaults: Defaults | None = None,
    reachable: Reachable = EVERYWHERE,
    **others: Any,
) -> dict[Channel, Planned]:
    decided = decide(matter, choices or Choices(), defaults or Defaults(), reachable, now=NOW, **others)
    return {planned.channel: planned for planned in decided}


def sent(planned: dict[Channel, Planned]) -> set[Channel]:
    return {channel for channel, each in planned.items() if each.skipped is None}


def switched(category: Category, **channels: bool) -> dict[str, Any]:
    return {"channels": {category: {Channel(name): on for name, on in channels.items()}}}


def test_where_nobody_chose_it_goes_by_the_channels_of_its_kind_to_wherever_somebody_is() -> None:
    assert sent(told()) == {EMAIL, IN_APP, PUSH}
    assert told(reachable=Reachable(email="ada@example.com")).keys() == {EMAIL, IN_APP}
    assert told(reachable=Reachable(email="ada@example.com", account=False)).keys() == {EMAIL}
    assert told()[PUSH].addresses == ("{}", "[]")


def test_sms_goes_by_itself_only_of_what_is_critical_and_only_to_a_verified_phone() -> None:
    chatty = Matter(category=Category.UPDATES, channels=(EMAIL, SMS))
    assert told(chatty).keys() == {EMAIL}
    assert sent(told(FAILED_PAYMENT)) == {EMAIL, IN_APP, PUSH, SMS}
    assert told(FAILED_PAYMENT, reachable=Reachable(email="ada@example.com")).keys() == {EMAIL, IN_APP}


def test_a_person_goes_before_their_organization_and_that_before_the_kind() -> None:
    quiet = Defaults(**switched(Category.BUDGETS, email=False))
    assert told(defaults=quiet)[EMAIL].skipped is Skip.MUTED
    loud = Choices(**switched(Category.BUDGETS, email=True, sms=True, push=False))
    planned = told(choices=loud, defaults=quiet)
    assert sent(planned) == {EMAIL, IN_APP, SMS}
    assert planned[PUSH].skipped is Skip.MUTED
    listed = Defaults(category_channels={Category.BUDGETS: frozenset({IN_APP, SMS})})
    assert told(defaults=listed).keys() == {IN_APP, SMS}


def test_who_wants_a_channel_that_they_are_not_on_is_told_so_and_whose_organization_does_is_not() -> None:
    by_mail = Reachable(email="ada@example.com")
    assert told(choices=Choices(**switched(Category.BUDGETS, sms=True)), reachable=by_mail)[SMS].skipped is (
        Skip.NO_ADDRESS
    )
    assert SMS not in told(defaults=Defaults(**switched(Category.BUDGETS, sms=True)), reachable=by_mail)


def test_quiet_hours_hold_what_can_wait_and_the_inbox_never_rings() -> None:
    planned = told(choices=Choices(quiet_hours=NIGHT))
    assert {channel: each.planned_for for channel, each in planned.items()} == {
        EMAIL: MORNING,
        PUSH: MORNING,
        IN_APP: NOW,
    }


def test_quiet_hours_are_those_of_the_persons_clock_or_their_organizations() -> None:
    quiet = Choices(quiet_hours=NIGHT)
    in_vienna = told(choices=quiet, defaults=Defaults(time_zone="Europe/Vienna"))
    assert in_vienna[EMAIL].planned_for == MORNING - timedelta(hours=1)
    in_tokyo = told(
        choices=quiet.model_copy(update={"time_zone": "Asia/Tokyo"}), defaults=Defaults(time_zone="Europe/Vienna")
    )
    assert in_tokyo[EMAIL].planned_for == NOW


def test_a_digest_gathers_the_mail_of_a_category_and_nothing_else() -> None:
    weekly = Choices(digests={Category.BUDGETS: Digest(every=Rhythm.WEEKLY, hour=9, weekday=1)}, quiet_hours=NIGHT)
    planned = told(choices=weekly)
    monday = datetime(2026, 11, 30, 9, tzinfo=UTC)
    assert (planned[EMAIL].planned_for, planned[EMAIL].digest) == (monday, "budgets@2026-11-30T09:00Z")
    assert planned[PUSH].digest is None
    other = Matter(category=Category.REPORTS, channels=(EMAIL,))
    assert told(other, weekly)[EMAIL].digest is None


def test_a_cap_counts_the_day_on_which_it_would_be_sent() -> None:
    capped = Choices(daily_caps={EMAIL: 2, PUSH: 0}, time_zone="Europe/Vienna")  # where it is the 29th
    tomorrow: Counted = {(EMAIL, date(2026, 11, 28)): 5, (EMAIL, date(2026, 11, 29)): 1}
    assert told(choices=capped, counted=tomorrow)[EMAIL].skipped is None
    assert told(choices=capped, counted=tomorrow)[PUSH].skipped is Skip.FREQUENCY_CAP
    used_up: Counted = {(EMAIL, date(2026, 11, 29)): 2}
    assert told(choices=capped, counted=used_up)[EMAIL].skipped is Skip.FREQUENCY_CAP
    assert told(choices=capped, counted=used_up)[IN_APP].skipped is None


def test_a_mail_follows_a_push_notification_that_stays_unread() -> None:
    patient = Defaults(push_fallback_minutes=30, category_channels={Category.BUDGETS: frozenset({IN_APP, PUSH})})
    planned = told(defaults=patient)
    assert (planned[EMAIL].planned_for, planned[EMAIL].unless_read) == (NOW + timedelta(minutes=30), True)
    asleep = told(choices=Choices(quiet_hours=NIGHT), defaults=patient)
    assert asleep[EMAIL].planned_for == MORNING + timedelta(minutes=30)  # it waits for the push notification


def test_where_nobody_can_see_what_was_read_a_mail_goes_at_once_if_it_goes() -> None:
    patient = Defaults(push_fallback_minutes=30)
    without_devices = told(defaults=patient, reachable=Reachable(email="ada@example.com"))
    assert (without_devices[EMAIL].planned_for, without_devices[EMAIL].unless_read) == (NOW, False)
    without_inbox = told(choices=Choices(**switched(Category.BUDGETS, in_app=False)), defaults=patient)
    assert (without_inbox[EMAIL].planned_for, without_inbox[EMAIL].unless_read) == (NOW, False)
    muted = told(choices=Choices(**switched(Category.BUDGETS, email=False)), defaults=patient)
    assert muted[EMAIL].skipped is Skip.MUTED


@pytest.mark.parametrize(("category", "channel"), [*product(sorted(CRITICAL), [EMAIL, IN_APP])])
def test_what_is_critical_cannot_be_muted(category: Category, channel: Channel) -> None:
    muted = switched(category, **{channel: False})
    with pytest.raises(CriticalCategory):
        Choices(**muted).require_sensible()
    with pytest.raises(CriticalCategory):
        Defaults(**muted).require_sensible()
    with pytest.raises(CriticalCategory):
        Defaults(category_channels={category: frozenset({channel})}).require_sensible()
    with pytest.raises(CriticalCategory):
        Choices(digests={category: Digest(every=Rhythm.DAILY)}).require_sensible()
    Choices(**switched(category, sms=False, push=False)).require_sensible()


channels = st.frozensets(st.sampled_from(Channel))
switches = st.dictionaries(
    st.sampled_from(Category), st.dictionaries(st.sampled_from(Channel), st.booleans()), max_size=12
)
everything_chosen = st.builds(
    Choices,
    locale=st.none(),
    time_zone=st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia"]),
    quiet_hours=st.sampled_from([None, NIGHT, QuietHours(start=time(0, 1), end=time(0))]),
    digests=st.dictionaries(st.sampled_from(Category), st.just(Digest(every=Rhythm.DAILY))),
    channels=switches,
    daily_caps=st.dictionaries(st.sampled_from([EMAIL, SMS, PUSH]), st.integers(0, 2)),
)
everything_set = st.builds(
    Defaults,
    locale=st.none(),
    time_zone=st.none(),
    channels=switches,
    category_channels=st.dictionaries(st.sampled_from(Category), channels),
    push_fallback_minutes=st.sampled_from([None, 30]),
)
matters = st.builds(
    Matter, category=st.sampled_from(Category), channels=st.lists(st.sampled_from(Channel), unique=True).map(tuple)
)
counts = st.dictionaries(
    st.tuples(st.sampled_from([EMAIL, SMS, PUSH]), st.sampled_from([date(2026, 11, 28), date(2026, 11, 29)])),
    st.integers(0, 3),
)


@given(matters, everything_chosen, everything_set, counts)
def test_whatever_is_chosen_what_is_critical_goes_at_once_and_only_where_its_kind_goes(
    matter: Matter, choices: Choices, defaults: Defaults, counted: Counted
) -> None:
    critical = matter.model_copy(update={"category": Category.SECURITY})
    planned = told(critical, choices, defaults, counted=counted)

    assert {EMAIL, IN_APP} & {*matter.channels} <= sent(planned) <= {*matter.channels}
    for each in planned.values():
        assert (each.planned_for, each.digest, each.unless_read) == (NOW, None, False)
        assert each.skipped in {None, Skip.MUTED}


@given(matters, everything_chosen, everything_set, counts)
def test_whatever_is_chosen_nothing_is_early_and_nothing_that_is_not_gathered_rings_while_it_is_quiet(
    matter: Matter, choices: Choices, defaults: Defaults, counted: Counted
) -> None:
    zone = ZoneInfo(choices.time_zone or "UTC")
    for channel, each in told(matter, choices, defaults, counted=counted).items():
        assert each.planned_for >= NOW
        may_wait = not (matter.critical or each.digest or each.skipped or channel is IN_APP)
        if may_wait and choices.quiet_hours is not None:
            assert choices.quiet_hours.over_at(each.planned_for, zone) == each.planned_for


@given(matters, everything_chosen, everything_set)
def test_what_a_person_switched_off_is_not_sent_and_what_they_switched_on_is(
    matter: Matter, choices: Choices, defaults: Defaults
) -> None:
    uncapped = choices.model_copy(update={"daily_caps": {}})
    own = choices.channels.get(matter.category, {})
    if not matter.critical:
        going = sent(told(matter, uncapped, defaults))
        assert {channel for channel, on in own.items() if on} <= going
        assert going.isdisjoint({channel for channel, on in own.items() if not on})
