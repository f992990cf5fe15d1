import pytest
from pydantic import TypeAdapter, ValidationError

from app.calls.providers.custom import label
from app.core.schemas.shared import HttpsUrl

LINK: TypeAdapter[str] = TypeAdapter(HttpsUrl)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://meet.google.com/abc-defg-hij", "meet"),
        ("https://zoom.us/j/1842?pwd=x", "zoom"),
        ("https://solar-roofs.zoom.us/my/ana", "zoom"),
        ("https://zoom.us.evil.example/j/1", "custom"),
        ("https://notzoom.us/j/1", "custom"),
        ("https://teams.microsoft.com/l/meetup-join/19%3a", "teams"),
        ("https://solar.webex.com/meet/ana", "webex"),
        ("https://8x8.vc/solar/room", "8x8"),
        ("https://whereby.com/solar", "whereby"),
        ("https://MEET.google.com/abc", "meet"),
        ("https://company.webex.com/company/j.php?MTID=m1", "webex"),
        ("https://zoom.us/profile", "custom"),
        ("https://ana@zoom.us:8443/j/1", "zoom"),
        ("https://zoom.us/j/1@evil.example", "zoom"),
        ("https://evil.example/https://zoom.us/j/1", "custom"),
        ("https://meet.solar-roofs.example/p1", "custom"),
    ],
)
def test_a_link_is_known_by_its_host_and_path(url: str, name: str) -> None:
    assert label(url) == name


@pytest.mark.parametrize(
    "link",
    [
        "https://meet.solar-roofs.example/p1",
        "https://bbb.solar-roofs.example:8443/b/p1?token=x#now",
        "https://München.example/Besprechung",
        "https://1.1.1.1/room",
        "https://[2606:4700:4700::1111]/room",
    ],
)
def test_g3_any_conferencing_of_the_customers_own_is_taken_as_written(link: str) -> None:
    assert LINK.validate_python(link) == link


@pytest.mark.parametrize(
    "link",
    [
        "http://zoom.us/j/1",
        "ftp://zoom.us/j/1",
        "javascript:alert(1)//https://zoom.us/j/1",
        "zoom.us/j/1",
        "https:///j/1",
        "https://ana:secret@zoom.us/j/1",
        "https://zoom.us@evil.example/j/1",
        "https://localhost/j/1",
        "https://LOCALHOST./j/1",
        "https://meet.localhost/j/1",
        "https://intranet/j/1",
        "https://127.0.0.1/j/1",
        "https://2130706433/j/1",
        "https://0x7f.1/j/1",
        "https://10.0.0.8:8443/j/1",
        "https://192.168.1.4/j/1",
        "https://169.254.169.254/latest",
        "https://[::1]/j/1",
        "https://[::ffff:127.0.0.1]/j/1",
        "https://[fd00::1]/j/1",
        "https://zoom.us\\@evil.example/j/1",
        "https://zoom.us/j/1 ",
        "https://zoom.us/j/\t1",
        "https://zoom.us/j/1\u202e",
        "https://zoom.us/j/\0",
        "https://zoom.us/" + "j" * 2000,
    ],
)
def test_other_links_are_refused(link: str) -> None:
    with pytest.raises(ValidationError):
        LINK.validate_python(link)
