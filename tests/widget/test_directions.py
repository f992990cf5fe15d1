"""The widget in a page that is written from right to left: it is the mirror image of the usual one."""

from typing import Any, Final

import pytest
from playwright.async_api import Route

from tests.support.stories import P1
from tests.widget.conftest import Host

SIZES: Final = {"phone": (390, 844), "desktop": (1280, 800)}
SLACK: Final = 2
"""Pixels of rounding."""
FRAME: Final = (".launcher", "dialog[open]")
"""What stands where the page is written to, and not the widget's own language."""
_PLACES: Final = """() => {
  const { shadowRoot: root } = document.querySelector("heliodesk-widget");
  const names = [".launcher", "dialog[open]", "header button:last-child", "header .back", "li.mine .body",
    "li.theirs .body", ".call a", ".choice input"];
  const found = names.map((name) => [name, root.querySelector(name)]).filter(([, each]) => each?.checkVisibility());
  const frame = root.querySelector("dialog[open]")?.getBoundingClientRect();
  return Object.fromEntries(found.map(([name, each]) => {
    const { left, right } = each.getBoundingClientRect();
    return [name, { left, mirrored: innerWidth - right, inside: left - (frame?.left ?? 0) }];
  }));
}"""
_COLLISIONS: Final = """(slack) => {
  const { shadowRoot: root } = document.querySelector("heliodesk-widget");
  const view = root.querySelector("dialog[open]");
  const kinds = "header *, button, a, input, textarea, select, label, legend, p, summary, .chip, .body";
  const seen = [...view.querySelectorAll(kinds)].filter((each) => each.checkVisibility() && !each.closest(".hidden"));
  const box = (each) => each.getBoundingClientRect();
  const said = (each) => `${each.localName} ${each.textContent.trim().slice(0, 30)}`;
  const { left, right } = box(view);
  const outside = seen.filter((each) => box(each).left < left - slack || box(each).right > right + slack);
  const over = ([one, other]) => {
    const [a, b] = [box(one), box(other)];
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    return !one.contains(other) && !other.contains(one) && wide > slack && high > slack;
  };
  const pairs = seen.flatMap((one, place) => seen.slice(place + 1).map((other) => [one, other])).filter(over);
  const scrolling = [document.documentElement, view, ...view.querySelectorAll(".view")]
    .filter((each) => each.scrollWidth > each.clientWidth);
  return [...outside.map((each) => `outside: ${said(each)}`), ...scrolling.map((each) => `too wide: ${said(each)}`),
    ...pairs.map((pair) => `over each other: ${pair.map(said).join(" and ")}`)];
}"""


async def in_arabic(route: Route) -> None:
    """The English texts, as if they were Arabic ones."""
    answer = await route.fetch()
    await route.fulfill(response=answer, json=await answer.json() | {"language": "ar"})


async def views(host: Host, direction: str) -> dict[str, Any]:
    """Where things are in each view, in which nothing collides."""
    host.direction = direction
    await host.visit_as()
    await host.button("Help").wait_for()
    found = {"button": await host.page.evaluate(_PLACES)}

    async def look(name: str) -> None:
        await host.page.locator("[aria-busy]").wait_for(state="detached")
        assert await host.page.evaluate(_COLLISIONS, SLACK) == [], name
        found[name] = await host.page.evaluate(_PLACES)

    await host.button("Help").click()
    await host.text("Checkout is down").wait_for()
    await look("list")
    await host.text("Checkout is down").click()
    await host.text("We are on it.").wait_for()
    await look("ticket")
    await host.button("Back to your tickets").click()
    await host.button("New ticket").click()
    await host.page.get_by_role("radio").first.check()
    await look("form")
    return found


@pytest.mark.parametrize("arabic", [True, False], ids=["the widget too", "the widget from left to right"])
@pytest.mark.parametrize("size", SIZES)
async def test_a_page_from_right_to_left_has_the_mirror_image(host: Host, size: str, *, arabic: bool) -> None:
    width, height = SIZES[size]
    await host.page.set_viewport_size({"width": width, "height": height})
    await host.page.emulate_media(reduced_motion="reduce")
    ticket = await host.story.open(**P1 | {"title": "Checkout is down"}, call_link="https://meet.example.com/a")
    await host.story.engineer.post(f"/v1/tickets/{ticket['id']}/messages", 201, body="We are on it.")
    usual = await views(host, "ltr")
    if arabic:
        await host.page.route("**/widget/texts/**", in_arabic)
    mirrored = await views(host, "rtl")
    for name, places in usual.items():
        assert places.keys() == mirrored[name].keys()
        for each, place in places.items():
            where = mirrored[name][each]
            turned = where["left"], place["mirrored"]
            same = where["inside"], place["inside"]
            found, expected = turned if arabic or each in FRAME else same
            assert found == pytest.approx(expected, abs=SLACK), (name, each)
    assert [set(places) for places in usual.values()] == [
        {".launcher"},
        {*FRAME, "header button:last-child"},
        {*FRAME, "header button:last-child", "header .back", "li.mine .body", "li.theirs .body", ".call a"},
        {*FRAME, "header button:last-child", "header .back", ".choice input"},
    ]
