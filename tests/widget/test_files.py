"""Files and colleagues in the widget, in real Chromium."""

from typing import Final

from playwright.async_api import FilePayload, Locator

from tests.support.stories import path_of
from tests.widget.conftest import Host

LARGE: Final = bytes(range(256)) * 5_000
"""Two parts of a folder's."""
_GIVE: Final = """(form, [kind, name]) => {
  const given = new DataTransfer();
  given.items.add(new File(["a picture"], name, { type: "image/png" }));
  const about = { bubbles: true, cancelable: true };
  form.dispatchEvent(kind === "drop" ? new DragEvent("drop", { ...about, dataTransfer: given })
    : new ClipboardEvent("paste", { ...about, clipboardData: given }));
}"""


def _file(name: str, content: bytes, kind: str = "text/plain") -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": content}


def _chooser(host: Host) -> Locator:
    return host.page.locator("input[type=file]")


async def test_files_are_chosen_dropped_and_pasted_and_support_gets_them(host: Host) -> None:
    await host.visit_as()
    await host.button("Help").click()
    await host.button("New ticket").click()
    await host.page.get_by_label("What is the problem?").fill("Backups fail")
    await host.page.get_by_label("What happens, and since when?").fill("See the log.")
    async with host.page.expect_file_chooser() as chooser:
        await host.button("Add files").click()
    await (await chooser.value).set_files([_file("job.log", LARGE), _file("other.log", b"x")])
    await host.page.locator("form").evaluate(_GIVE, ["drop", "dropped.png"])
    await host.page.locator("form").evaluate(_GIVE, ["paste", "pasted.png"])
    await host.page.locator("progress").first.wait_for(state="detached")
    await host.button("Remove the file: other.log").click()
    await host.button("Send").click()
    await host.text("First answer by").wait_for()
    [ticket] = (await host.story.engineer.get("/v1/tickets"))["items"]
    assert [each["name"] for each in ticket["attachments"]] == ["job.log", "dropped.png", "pasted.png"]
    found = await host.story.engineer.get(ticket["attachments"][0]["link"])
    assert (await host.story.engineer.client.get(found["download"]["url"])).content == LARGE
    async with host.page.expect_download() as download:
        await host.page.get_by_role("button", name="dropped.png").click()
    saved = await (await download.value).path()
    assert saved.read_bytes() == b"a picture"


async def test_a_reply_keeps_its_files_over_a_reload_and_says_what_is_not_taken(host: Host) -> None:
    host.complains = True  # 422 is an error to the console
    ticket = await host.story.open()
    await host.visit_as()
    await host.button("Help").click()
    await host.page.get_by_role("button", name=ticket["title"]).click()
    await _chooser(host).set_input_files([_file("a.log", b"a"), _file("run.exe", b"MZ", "application/x-msdownload")])
    await host.text("Files of the type application/x-msdownload are not accepted").wait_for()
    await host.page.get_by_label("Your reply").fill("Here.")
    await host.button("Send reply").click()
    await host.text("A file has not been sent.").wait_for()
    await host.visit_as()
    await host.button("Help").click()
    await host.page.get_by_role("button", name=ticket["title"]).click()
    await host.button("Remove the file: a.log").wait_for()
    await host.button("Send reply").click()
    await host.text("Sent.").wait_for()
    [posted] = (await host.story.engineer.get(f"{path_of(ticket)}/messages"))["items"]
    assert ([each["name"] for each in posted["attachments"]], posted["body"]) == (["a.log"], "Here.")
    assert await host.button("Remove the file: a.log").count() == 0


async def test_a_colleague_is_kept_informed_and_no_more(host: Host) -> None:
    ticket = await host.story.open()
    await host.visit_as()
    await host.button("Help").click()
    await host.page.get_by_role("button", name=ticket["title"]).click()
    await host.button("Keep a colleague informed").click()
    await host.page.get_by_label("Your colleague's e-mail address").fill("tom@solar-roofs.example")
    await host.button("Keep a colleague informed").last.click()
    await host.button("Stop informing tom@solar-roofs.example").wait_for()
    assert [each["email"] for each in (await host.story.engineer.get(path_of(ticket)))["watchers"]] == [
        "tom@solar-roofs.example"
    ]
    await host.button("Stop informing tom@solar-roofs.example").click()
    await host.text("will get no more e-mails about this ticket").wait_for()
    await host.button("Stop informing tom@solar-roofs.example").last.click()
    await host.text("Also informed:").wait_for(state="detached")
    assert (await host.story.engineer.get(path_of(ticket)))["watchers"] == []
