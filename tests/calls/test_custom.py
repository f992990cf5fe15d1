import pytest

from app.calls.custom import label


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
        ("https://meet.solar-roofs.example/p1", "custom"),
    ],
)
def test_a_link_is_known_by_its_host_and_path(url: str, name: str) -> None:
    assert label(url) == name
