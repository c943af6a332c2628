import pytest

from notification.contacts.endpoints import require_push_service
from notification.contacts.models import UnusableEndpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/dSJ0:APA91bH_x-y",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABk",
        "https://web.push.apple.com/QGuQyavXutnMH",
        "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAA%2fx%2b",
        "https://push.example:8443/",
        "https://93.184.216.34/push",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/push",
    ],
)
def test_push_services_of_the_internet_are_called(endpoint: str) -> None:
    require_push_service(endpoint, private=False)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "push.example/x",
        "http://push.example/x",
        "ftp://push.example/x",
        "https://push.example",
        "https://user@push.example/x",
        "https://push.example/x#y",
        "https://push.example/x\n",
        "https://push.example/ x",
        "https://push.example\\@evil.example/",
        "https://push.example:0/x",
        "https://push.example:70000/x",
        "https://localhost/x",
        "https://redis/x",
        "https://db.internal/x",
        "https://printer.local/x",
        "https://-push.example/x",
        "https://push..example/x",
        "https://127.0.0.1/x",
        "https://10.0.0.7/x",
        "https://192.168.1.1/x",
        "https://100.64.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00:ec2::254]/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.7]/x",
        "https://[64:ff9b::a00:7]/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://127.1/x",
        "https://0.0.0.0/x",
        "https://224.0.0.1/x",
    ],
)
def test_nothing_is_called_that_only_we_can_reach_or_that_others_read_differently(endpoint: str) -> None:
    with pytest.raises(UnusableEndpoint):
        require_push_service(endpoint, private=False)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000/push/1", "http://localhost/x", "https://10.0.0.7/x"])
def test_on_a_laptop_push_services_are_in_private_networks_too(endpoint: str) -> None:
    require_push_service(endpoint, private=True)


@pytest.mark.parametrize("endpoint", ["http://169.254.169.254/x", "http://[fd00:ec2::254]/x"])
def test_what_a_cloud_answers_for_its_machines_is_never_called(endpoint: str) -> None:
    with pytest.raises(UnusableEndpoint):
        require_push_service(endpoint, private=True)
